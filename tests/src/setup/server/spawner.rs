//! Starts programs that give up root and die with this process.
//!
//! Linux sends the signal of `--pdeathsig` when the *thread* that started the child ends, and a test's thread ends
//! with the test. One thread that never ends starts them all.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};

use super::account::Account;
use super::locate;

/// Starts `line`, which begins with an absolute path, with its output appended to `log`.
/// When this process ends, however it ends, the program gets `death_signal`.
pub(super) fn spawn_as(
    account: Option<&Account>,
    death_signal: &str,
    line: &[String],
    log: &Path,
) -> io::Result<Child> {
    let setpriv = locate::program("setpriv");
    let mut command = command(setpriv, account, death_signal, line)?;
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command.current_dir("/");
    spawn_from_lasting_thread(command)
}

fn command(
    setpriv: Option<PathBuf>,
    account: Option<&Account>,
    death_signal: &str,
    line: &[String],
) -> io::Result<Command> {
    let Some(setpriv) = setpriv else {
        return match account {
            Some(account) => Err(io::Error::other(format!(
                "root needs setpriv (util-linux) to become {}",
                account.name
            ))),
            None => {
                let mut command = Command::new(&line[0]);
                command.args(&line[1..]);
                Ok(command)
            }
        };
    };
    let mut command = Command::new(setpriv);
    if let Some(account) = account {
        // An environment of root's would point the server at folders it may not read.
        let name = &account.name;
        command.args([
            &format!("--reuid={name}"),
            &format!("--regid={name}"),
            "--init-groups",
            "--reset-env",
        ]);
    }
    command
        .arg(format!("--pdeathsig={death_signal}"))
        .args(line);
    Ok(command)
}

type Order = (Command, Sender<io::Result<Child>>);

fn spawn_from_lasting_thread(command: Command) -> io::Result<Child> {
    static ORDERS: LazyLock<Sender<Order>> = LazyLock::new(|| {
        let (orders, queue) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in queue {
                // Whoever ordered waits for the reply.
                _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = channel();
    ORDERS.send((command, reply)).map_err(io::Error::other)?;
    answer.recv().map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(command: &Command) -> Vec<&str> {
        command
            .get_args()
            .map(|argument| argument.to_str().unwrap())
            .collect()
    }

    #[test]
    fn without_setpriv_an_ordinary_account_starts_the_server_itself() {
        let line = ["/bin/server".to_owned(), "-x".to_owned()];
        let plain = command(None, None, "INT", &line).unwrap();
        assert_eq!(plain.get_program(), "/bin/server");
        assert_eq!(arguments(&plain), ["-x"]);
    }

    #[test]
    fn with_setpriv_the_server_dies_with_its_parent() {
        let line = ["/bin/server".to_owned()];
        let bound = command(Some("/bin/setpriv".into()), None, "INT", &line).unwrap();
        assert_eq!(arguments(&bound), ["--pdeathsig=INT", "/bin/server"]);
    }

    #[test]
    fn a_program_outlives_the_thread_that_asked_for_it() {
        let scratch = crate::setup::Scratch::new().unwrap();
        let log = scratch.path().join("log");
        let line = ["/bin/sh", "-c", "sleep 0.2; echo finished"].map(str::to_owned);
        let asking = std::thread::spawn(move || spawn_as(None, "KILL", &line, &log).unwrap());
        let status = asking.join().unwrap().wait().unwrap();
        assert!(status.success(), "{status}");
        assert_eq!(
            std::fs::read_to_string(scratch.path().join("log")).unwrap(),
            "finished\n"
        );
    }
}
