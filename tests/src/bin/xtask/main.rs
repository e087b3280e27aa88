//! `cargo xtask`: the repository's own commands, so that one line runs every test on a fresh machine.

mod closing;
mod debian;
mod failures;
mod servers;
mod test;

use std::process::ExitCode;

use servers::Servers;

const USAGE: &str = "\
cargo xtask test [ARGUMENTS OF cargo test]
    Finds or starts the database servers and runs every test of the workspace on them.
cargo xtask servers
    Starts the servers, prints their URLs as `export` lines and holds them open until its input ends.

A server is taken from ENTOURAGE_TEST_POSTGRES_URL, ENTOURAGE_TEST_MYSQL_URL or ENTOURAGE_TEST_REDIS_URL if that
is set; else a private one is started from what is installed; else, as root on Debian, it is installed first;
else its tests are skipped, loudly. With REQUIRE_DATABASES=1 a skip is a failure.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, rest)) if command == "test" => test::run(rest).await,
        Some((command, [])) if command == "servers" => servers::hold().await,
        Some((command, [])) if ["help", "--help", "-h"].contains(&command.as_str()) => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(format!(
            "`{}` is not a command\n\n{USAGE}",
            arguments.join(" ")
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
