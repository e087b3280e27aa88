//! Runs cargo under GNU time.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// What is timed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Check,
    Build,
}

impl Step {
    pub(crate) const ALL: [Self; 2] = [Self::Check, Self::Build];

    fn command(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Build => "build",
        }
    }
}

/// What one step took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    /// Processor time of all processes: what a busy machine changes least.
    pub(crate) cpu_seconds: f64,
    pub(crate) gigabytes: f64,
}

/// Runs one step in a crate's directory; all of them share one target directory beside it.
pub(crate) fn run(directory: &Path, step: Step) -> Result<Cost, Box<dyn Error>> {
    let report = directory.join("time.txt");
    let status = Command::new("/usr/bin/time")
        .args(["--format", "%e %U %S %M", "--output"])
        .arg(&report)
        .arg(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([step.command(), "--quiet"])
        .current_dir(directory)
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", directory.with_file_name("target"))
        .env_remove("RUSTFLAGS")
        .status()
        .map_err(|error| format!("GNU time is needed at /usr/bin/time: {error}"))?;
    if !status.success() {
        return Err(format!(
            "cargo {} failed in {}: {status}",
            step.command(),
            directory.display()
        )
        .into());
    }
    let report = std::fs::read_to_string(report)?;
    let numbers: Vec<f64> = report
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("GNU time wrote `{report}`: {error}"))?;
    let [seconds, user, system, kibibytes] = numbers[..] else {
        return Err(format!("GNU time wrote `{report}`, expected four numbers").into());
    };
    Ok(Cost {
        seconds,
        cpu_seconds: user + system,
        gigabytes: kibibytes * 1024.0 / 1e9,
    })
}

/// The cost of median processor time.
pub(crate) fn median(costs: &[Cost]) -> Cost {
    let mut sorted = costs.to_vec();
    sorted.sort_by(|a, b| a.cpu_seconds.total_cmp(&b.cpu_seconds));
    sorted[sorted.len() / 2]
}
