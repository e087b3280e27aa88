//! PostgreSQL, from Debian's packages or wherever `postgres` and `initdb` stand side by side.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use super::locate;
use super::recipe::{Recipe, argument};

/// The folder with `postgres` and `initdb`.
#[derive(Debug)]
pub(super) struct Postgres {
    programs: PathBuf,
    /// The port of the server that it follows.
    follows: Option<u16>,
}

impl Postgres {
    /// The same, as a standby of the server on that port.
    pub(super) fn following(self, port: u16) -> Self {
        Self {
            follows: Some(port),
            ..self
        }
    }
}

/// Looks for the newest installation.
pub(super) fn locate() -> Option<Postgres> {
    locate::newest("/usr/lib/postgresql", "bin")
        .into_iter()
        .chain(locate::program("postgres").and_then(|path| path.parent().map(Path::to_owned)))
        .find(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file())
        .map(|programs| Postgres {
            programs,
            follows: None,
        })
}

impl Recipe for Postgres {
    fn product(&self) -> &'static str {
        "PostgreSQL"
    }

    fn account(&self) -> &'static str {
        "postgres"
    }

    fn stop_signal(&self) -> &'static str {
        "INT"
    }

    fn initialise(&self, data: &Path) -> Option<Vec<String>> {
        if let Some(port) = self.follows {
            let line = [
                &argument(&self.programs.join("pg_basebackup")),
                "--host=127.0.0.1",
                &format!("--port={port}"),
                "--username=postgres",
                "--pgdata",
                &argument(data),
                "--wal-method=stream",
                "--checkpoint=fast",
                "--no-sync",
                "--write-recovery-conf",
            ];
            return Some(line.map(str::to_owned).into());
        }
        let line = [
            &argument(&self.programs.join("initdb")),
            "--pgdata",
            &argument(data),
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
            "--wal-segsize=1",
        ];
        Some(line.map(str::to_owned).into())
    }

    fn serve(&self, data: &Path, port: u16) -> Vec<String> {
        let data = argument(data);
        let mut line = vec![
            argument(&self.programs.join("postgres")),
            "-D".to_owned(),
            data.clone(),
        ];
        // Surviving a power cut is given up for speed; surviving kill -9 is not, so synchronous_commit stays on.
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={data}"),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "max_connections=300".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "wal_keep_size=64MB".to_owned(),
            "wal_retrieve_retry_interval=100ms".to_owned(),
        ];
        for setting in settings {
            line.extend(["-c".to_owned(), setting]);
        }
        line
    }

    fn is_ready<'a>(
        &'a self,
        data: &'a Path,
        _: u16,
        process: u32,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            // Written by the server: its process first, its state last. A crashed one leaves its own behind.
            let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            let lines: Vec<&str> = state.lines().map(str::trim).collect();
            lines.first() == Some(&process.to_string().as_str()) && lines.get(7) == Some(&"ready")
        })
    }

    fn url(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }
}
