//! `cargo xtask test`: the servers, then `cargo test`, then the closing lines.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::{fs, io};

use entourage_tests::setup::{SKIP_LOG, Scratch};

use crate::Servers;
use crate::closing::Closing;

/// Runs every test of the workspace, or those that `arguments` choose.
///
/// # Errors
///
/// When a test failed, or could not be run at all.
pub(crate) async fn run(arguments: &[String]) -> Result<(), String> {
    let servers = Servers::find_or_explain().await?;
    let scratch = Scratch::new().map_err(|error| format!("no scratch folder: {error}"))?;
    let log = scratch.path().join("skipped");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .arg("test")
        .args(arguments)
        .envs(servers.variables())
        .env(SKIP_LOG, &log);
    cargo.args(added_to(arguments));
    let mut closing = Closing::default();
    let passed = follow(cargo, &mut io::stdout(), &mut closing)
        .map_err(|error| format!("`cargo test` cannot be run: {error}"))?;
    // Without a skip nobody has made the file.
    closing.read_skip_log(&fs::read_to_string(&log).unwrap_or_default());
    println!("\n{servers}\n{closing}");
    if passed {
        Ok(())
    } else {
        Err("some tests failed, or could not be built".to_owned())
    }
}

/// What cargo is told beside `arguments`: to test the whole workspace, and to go on after a binary in which a test failed,
/// so that one run tells of all failures. cargo refuses the one beside a package, and the other one twice.
fn added_to(arguments: &[String]) -> Vec<&'static str> {
    let own = |starts: &[&str]| {
        arguments
            .iter()
            .take_while(|argument| *argument != "--")
            .any(|argument| starts.iter().any(|start| argument.starts_with(start)))
    };
    let mut added = vec!["--workspace", "--no-fail-fast"];
    added.retain(|option| match *option {
        "--workspace" => !own(&["-p", "--package", "--manifest-path"]),
        option => !own(&[option]),
    });
    added
}

/// Runs the command and passes its output on as it comes, while reading the test runners' results in it.
fn follow(
    mut command: Command,
    onward: &mut impl Write,
    closing: &mut Closing,
) -> io::Result<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().expect("it was asked for");
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        onward.write_all(&line)?;
        onward.write_all(b"\n")?;
        closing.read(&String::from_utf8_lossy(&line));
    }
    Ok(child.wait()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(arguments: &[&str]) -> Vec<&'static str> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        added_to(&arguments)
    }

    #[test]
    fn the_whole_workspace_is_tested_unless_a_package_is_named() {
        for whole in [&[][..], &["eager", "--", "--nocapture"], &["--", "-p"]] {
            assert_eq!(added(whole), ["--workspace", "--no-fail-fast"]);
        }
        for package in ["-p", "-pentourage", "--package=entourage"] {
            assert_eq!(added(&[package]), ["--no-fail-fast"]);
        }
        assert_eq!(added(&["--no-fail-fast"]), ["--workspace"]);
    }

    #[test]
    fn what_a_failing_test_printed_is_told_again_at_the_end() {
        let mut closing = Closing::default();
        let mut command = Command::new("sh");
        let first = "printf 'running 1 test\ntest one ... FAILED\n\nfailures:\n\n---- one stdout ----\nleft: 2\n\n\n\
                     failures:\n    one\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored;\n'";
        let second = "seq 300; echo 'test result: ok. 2 passed; 0 failed; 0 ignored;'; exit 101";
        command.args(["-c", &format!("{first}; {second}")]);
        let mut onward = Vec::new();
        assert!(!follow(command, &mut onward, &mut closing).unwrap());
        assert!(String::from_utf8(onward).unwrap().contains("left: 2"));
        let told = closing.to_string();
        assert!(told.contains("---- one stdout ----\nleft: 2\n"), "{told}");
        assert!(told.lines().count() < 10, "{told}");
    }

    #[test]
    fn the_output_is_passed_on_and_the_status_kept() {
        let mut closing = Closing::default();
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo 'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured;'; exit 3",
        ]);
        let mut onward = Vec::new();
        assert!(!follow(command, &mut onward, &mut closing).unwrap());
        assert!(onward.starts_with(b"test result: ok. 2 passed"));
        assert!(closing.to_string().contains("2 passed"));
    }
}
