//! How long a crate of entities takes to compile: with entourage, SeaORM and Diesel.
//!
//! Writes throw-away crates of 50 entities with 7 columns and 3 relations in groups of 5, builds their dependencies, and then
//! times `cargo check` and `cargo build` of the crate alone (`CARGO_INCREMENTAL=0`, dev profile), in turn. `entourage-ring` is the
//! same with all 50 entities in one cycle of relations. Peak memory is that of the largest process, by GNU time.

use std::error::Error;
use std::path::{Path, PathBuf};

use crate::measure::{Cost, Step};
use crate::shape::Shape;

mod diesel;
mod entourage;
mod measure;
mod sea_orm;
mod shape;

const HELP: &str = "\
usage: compile_time [options]

  --only A,B    these crates (all): entourage, entourage-ring, sea-orm, diesel
  --rounds N    times each step is measured; the median counts (3)";

/// One crate to write and compile.
struct Subject {
    name: &'static str,
    shape: Shape,
    dependencies: String,
    lib: String,
    module: fn(&Shape, usize) -> String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut only: Option<Vec<String>> = None;
    let mut rounds = 3;
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        match (option.as_str(), arguments.next()) {
            ("--only", Some(names)) => only = Some(names.split(',').map(str::to_owned).collect()),
            ("--rounds", Some(number)) => rounds = number.parse()?,
            ("--help", _) => {
                println!("{HELP}");
                return Ok(());
            }
            _ => return Err(format!("cannot read `{option}`\n\n{HELP}").into()),
        }
    }
    let directory = directory()?;
    let mut subjects = subjects();
    subjects.retain(|subject| {
        only.as_ref()
            .is_none_or(|only| only.iter().any(|name| name == subject.name))
    });
    let mut compiling = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let directory = directory.join(subject.name);
        write(&subject, &directory)?;
        eprintln!("{}: building the dependencies ..", subject.name);
        match Step::ALL
            .into_iter()
            .try_for_each(|step| measure::run(&directory, step).map(drop))
        {
            Ok(()) => compiling.push(subject),
            Err(error) => eprintln!("{} drops out: {error}", subject.name),
        }
    }
    println!("{}", table(&compiling, &directory, rounds)?);
    Ok(())
}

fn subjects() -> Vec<Subject> {
    let groups = Shape {
        entities: 50,
        group: 5,
    };
    let ring = Shape {
        entities: 50,
        group: 50,
    };
    vec![
        Subject {
            name: "entourage",
            shape: groups,
            dependencies: entourage::dependencies(),
            lib: shape::modules(&groups),
            module: entourage::module,
        },
        Subject {
            name: "entourage-ring",
            shape: ring,
            dependencies: entourage::dependencies(),
            lib: shape::modules(&ring),
            module: entourage::module,
        },
        Subject {
            name: "sea-orm",
            shape: groups,
            dependencies: sea_orm::dependencies(),
            lib: shape::modules(&groups),
            module: sea_orm::module,
        },
        Subject {
            name: "diesel",
            shape: groups,
            dependencies: diesel::dependencies(),
            lib: diesel::lib(&groups),
            module: diesel::module,
        },
    ]
}

/// `target/compile_time`: kept, so that the dependencies are built once.
fn directory() -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let target = program
        .parent()
        .and_then(Path::parent)
        .ok_or("this program lies in no target directory")?;
    Ok(target.join("compile_time"))
}

fn write(subject: &Subject, directory: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(directory.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"compile-time-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{}",
        subject.name, subject.dependencies
    );
    std::fs::write(directory.join("Cargo.toml"), manifest)?;
    // The versions the benches were locked to; cargo drops what this crate does not need.
    std::fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"),
        directory.join("Cargo.lock"),
    )?;
    std::fs::write(directory.join("src/lib.rs"), &subject.lib)?;
    for entity in 0..subject.shape.entities {
        let path = directory
            .join("src")
            .join(format!("{}.rs", shape::module(entity)));
        std::fs::write(path, (subject.module)(&subject.shape, entity))?;
    }
    Ok(())
}

fn table(subjects: &[Subject], directory: &Path, rounds: usize) -> Result<String, Box<dyn Error>> {
    let mut costs: Vec<[Vec<Cost>; 2]> =
        subjects.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for _ in 0..rounds {
        for (subject, costs) in subjects.iter().zip(&mut costs) {
            let directory = directory.join(subject.name);
            for (step, costs) in Step::ALL.into_iter().zip(costs) {
                std::fs::write(directory.join("src/lib.rs"), &subject.lib)?;
                costs.push(measure::run(&directory, step)?);
            }
        }
    }
    let mut table = String::from(
        "| 50 entities × 7 columns × 3 relations | check | CPU | build | CPU | peak memory (build) |\n\
         |---|---:|---:|---:|---:|---:|",
    );
    for (subject, [check, build]) in subjects.iter().zip(&costs) {
        let (check, build) = (measure::median(check), measure::median(build));
        table += &format!(
            "\n| {} | {:.1} s | {:.1} s | {:.1} s | {:.1} s | {:.2} GB |",
            subject.name,
            check.seconds,
            check.cpu_seconds,
            build.seconds,
            build.cpu_seconds,
            build.gigabytes
        );
    }
    Ok(table)
}
