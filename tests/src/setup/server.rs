//! Private throw-away servers on free ports, from whatever is installed.
//!
//! `cargo xtask` starts one of each for the whole test run. A test that crashes, reconfigures or restarts its
//! server starts one for itself, so that no other test can feel it. Each server dies with this process, gives up
//! root, and keeps its data in a folder that goes with it.

mod account;
pub(in crate::setup) mod locate;
mod mariadb;
mod pgbouncer;
mod postgres;
mod process;
mod recipe;
mod redis;
mod spawner;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use account::Account;
use recipe::Recipe;

use super::{Scratch, Skip};

const START_WITHIN: Duration = Duration::from_secs(120);
const STOP_WITHIN: Duration = Duration::from_secs(10);
const PORTS_TRIED: usize = 3;

/// A running server of our own. Dropping it stops the server and removes its data.
#[derive(Debug)]
pub struct PrivateServer {
    recipe: Box<dyn Recipe>,
    account: Option<Account>,
    extra: Vec<String>,
    folder: Scratch,
    port: u16,
    child: Child,
}

impl PrivateServer {
    /// A PostgreSQL server whose only account is `postgres`, without a password. `extra` goes to its command line.
    pub async fn postgres(extra: &[&str]) -> Result<Self, Skip> {
        Self::postgres_with(&[], extra).await
    }

    /// The same with files in its data folder: names and contents. `extra` calls the folder `{data}`.
    pub async fn postgres_with(files: &[(&str, &str)], extra: &[&str]) -> Result<Self, Skip> {
        match postgres::locate() {
            Some(recipe) => Self::start_with(Box::new(recipe), files, extra).await,
            None => Err(Skip::new("no PostgreSQL is installed (postgres, initdb)")),
        }
    }

    /// A PostgreSQL server that follows `primary`, one of ours.
    pub async fn postgres_standby(primary: &Self) -> Result<Self, Skip> {
        match postgres::locate() {
            Some(recipe) => Self::start(Box::new(recipe.following(primary.port)), &[]).await,
            None => Err(Skip::new("no PostgreSQL is installed (pg_basebackup)")),
        }
    }

    /// A MariaDB server whose `root` has no password. `extra` goes to its command line.
    pub async fn mariadb(extra: &[&str]) -> Result<Self, Skip> {
        Self::mariadb_with(&[], extra).await
    }

    /// The same with files in its data folder: names and contents. `extra` calls the folder `{data}`.
    pub async fn mariadb_with(files: &[(&str, &str)], extra: &[&str]) -> Result<Self, Skip> {
        match mariadb::locate() {
            Some(recipe) => Self::start_with(Box::new(recipe), files, extra).await,
            None => Err(Skip::new(
                "no MariaDB is installed (mariadbd, mariadb-install-db)",
            )),
        }
    }

    /// A Redis server that keeps nothing on disk. `extra` goes to its command line.
    pub async fn redis(extra: &[&str]) -> Result<Self, Skip> {
        match redis::locate() {
            Some(recipe) => Self::start(Box::new(recipe), extra).await,
            None => Err(Skip::new("no Redis is installed (redis-server)")),
        }
    }

    /// A PgBouncer in front of the PostgreSQL server at the URL `behind`, whose database its own URL names too. `settings`
    /// are lines such as `pool_mode = transaction`.
    pub async fn pgbouncer(behind: &str, settings: &[&str]) -> Result<Self, Skip> {
        match pgbouncer::locate(behind, settings) {
            Some(recipe) => Self::start(Box::new(recipe), &[]).await,
            None => Err(Skip::new("no PgBouncer is installed (pgbouncer)")),
        }
    }

    /// Whether [`PrivateServer::pgbouncer`] has a program to start.
    pub fn has_pgbouncer() -> bool {
        pgbouncer::program().is_some()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What to connect to.
    pub fn url(&self) -> String {
        self.recipe.url(self.port)
    }

    /// Ends the server as a power cut ends a process: without a chance to write anything.
    ///
    /// PostgreSQL's processes for connections are ended with it: one that is kept busy does not notice that the first
    /// process is gone, goes on answering, and keeps the memory that a new server needs.
    pub fn crash(&mut self) {
        // Stopped, it starts no more of them.
        process::signal("STOP", &[self.child.id()]);
        let below = process::children(self.child.id());
        process::signal("KILL", &below);
        self.child.kill().expect("our own child can be signalled");
        self.child.wait().expect("a killed child can be waited for");
        process::wait_for_end(&below);
    }

    /// Stops the server as its operator would.
    pub fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        let process = self.child.id().to_string();
        let signalled = Command::new("sh")
            .args([
                "-c",
                "kill -s \"$0\" \"$1\"",
                self.recipe.stop_signal(),
                &process,
            ])
            .status()
            .is_ok_and(|status| status.success());
        let deadline = Instant::now() + STOP_WITHIN;
        while self.ended().is_none() {
            if !signalled || Instant::now() > deadline {
                return self.crash();
            }
            pause();
        }
    }

    /// Starts a crashed or stopped server again, on the same data and the same port.
    ///
    /// # Errors
    ///
    /// When it does not come up; the skip holds the end of its log.
    pub async fn restart(&mut self) -> Result<(), Skip> {
        self.stop();
        self.child = self.spawn()?;
        self.wait_until_ready().await
    }

    async fn start(recipe: Box<dyn Recipe>, extra: &[&str]) -> Result<Self, Skip> {
        Self::start_with(recipe, &[], extra).await
    }

    async fn start_with(
        recipe: Box<dyn Recipe>,
        files: &[(&str, &str)],
        extra: &[&str],
    ) -> Result<Self, Skip> {
        let account = account::for_server(recipe.account())?;
        let folder =
            Scratch::new().map_err(|error| recipe.failed("has no scratch folder", &error))?;
        let data = folder.path().join("data");
        account::make_folder(&data, account.as_ref())
            .map_err(|error| recipe.failed("has no data folder", &error))?;
        initialise(recipe.as_ref(), account.as_ref(), &folder)?;
        for (name, content) in files {
            account::make_file(&data.join(name), content, account.as_ref())
                .map_err(|error| recipe.failed("has no file of its own", &error))?;
        }
        let port = free_port().map_err(|error| recipe.failed("has no port", &error))?;
        let named = |part: &&str| part.replace("{data}", &recipe::argument(&data));
        let extra: Vec<String> = extra.iter().map(named).collect();
        let child = spawn(recipe.as_ref(), account.as_ref(), &extra, &folder, port)?;
        let mut server = Self {
            recipe,
            account,
            extra,
            folder,
            port,
            child,
        };
        for _ in 1..PORTS_TRIED {
            if server.wait_until_ready().await.is_ok() {
                return Ok(server);
            }
            // Between choosing a port and listening on it, somebody else may have taken it.
            server.stop();
            server.port =
                free_port().map_err(|error| server.recipe.failed("has no port", &error))?;
            server.child = server.spawn()?;
        }
        server.wait_until_ready().await?;
        Ok(server)
    }

    fn spawn(&self) -> Result<Child, Skip> {
        spawn(
            self.recipe.as_ref(),
            self.account.as_ref(),
            &self.extra,
            &self.folder,
            self.port,
        )
    }

    async fn wait_until_ready(&mut self) -> Result<(), Skip> {
        let deadline = Instant::now() + START_WITHIN;
        let data = self.folder.path().join("data");
        while !self
            .recipe
            .is_ready(&data, self.port, self.child.id())
            .await
        {
            if let Some(status) = self.ended() {
                return Err(self
                    .recipe
                    .failed("ended at once", &format!("{status}; {}", self.log_end())));
            }
            if Instant::now() > deadline {
                return Err(self.recipe.failed("does not answer", &self.log_end()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .expect("our own child can be waited for")
    }

    fn log_end(&self) -> String {
        log_end(&self.folder)
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn initialise(
    recipe: &dyn Recipe,
    account: Option<&Account>,
    folder: &Scratch,
) -> Result<(), Skip> {
    let Some(line) = recipe.initialise(&folder.path().join("data")) else {
        return Ok(());
    };
    let child = spawner::spawn_as(account, "KILL", &line, &log(folder));
    let status = child.and_then(|mut child| child.wait());
    match status.map_err(|error| recipe.failed("cannot make its data folder", &error))? {
        status if status.success() => Ok(()),
        status => Err(recipe.failed(
            "cannot make its data folder",
            &format!("{status}; {}", log_end(folder)),
        )),
    }
}

fn spawn(
    recipe: &dyn Recipe,
    account: Option<&Account>,
    extra: &[String],
    folder: &Scratch,
    port: u16,
) -> Result<Child, Skip> {
    let mut line = recipe.serve(&folder.path().join("data"), port);
    line.extend_from_slice(extra);
    spawner::spawn_as(account, recipe.stop_signal(), &line, &log(folder))
        .map_err(|error| recipe.failed("does not start", &error))
}

fn log(folder: &Scratch) -> PathBuf {
    folder.path().join("log")
}

fn log_end(folder: &Scratch) -> String {
    let text = fs::read_to_string(log(folder)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!(
        "its log ends: {}",
        lines[lines.len().saturating_sub(5)..].join(" | ")
    )
}

/// A port nobody listens on now. It is a race until the server does.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a destructor cannot await, and the server ends in milliseconds"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::require;

    async fn survives_a_crash(mut server: PrivateServer) {
        server.crash();
        assert!(server.ended().is_some());
        server
            .restart()
            .await
            .expect("it starts on the data it had");
        let folder = server.folder.path().to_owned();
        drop(server);
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_postgres_of_our_own_starts_crashes_and_restarts() {
        survives_a_crash(require!(PrivateServer::postgres(&[]).await)).await;
    }

    #[tokio::test]
    async fn a_mariadb_of_our_own_starts_crashes_and_restarts() {
        survives_a_crash(require!(PrivateServer::mariadb(&[]).await)).await;
    }

    #[tokio::test]
    async fn a_redis_of_our_own_starts_crashes_and_restarts() {
        survives_a_crash(require!(PrivateServer::redis(&[]).await)).await;
    }

    #[tokio::test]
    async fn a_server_that_refuses_its_options_is_a_skip_that_shows_its_log() {
        _ = require!(postgres::locate().ok_or_else(|| Skip::new("no PostgreSQL is installed")));
        let skip = PrivateServer::postgres(&["-c", "no_such_setting=1"])
            .await
            .expect_err("it cannot start");
        assert!(skip.to_string().contains("no_such_setting"), "{skip}");
    }
}
