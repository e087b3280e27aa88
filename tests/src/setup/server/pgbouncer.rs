//! PgBouncer in front of a PostgreSQL server, from Debian's packages or wherever `pgbouncer` is found.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use tokio::net::TcpStream;
use url::Url;

use super::locate;
use super::recipe::{Recipe, argument};

/// The pooler program, the server behind it, and what is set apart from the usual.
#[derive(Debug)]
pub(super) struct Pgbouncer {
    program: PathBuf,
    behind: Url,
    settings: Vec<String>,
}

/// Looks for the installed program.
pub(super) fn program() -> Option<PathBuf> {
    locate::program("pgbouncer")
}

/// A pooler in front of the server at `behind`, with lines for its `[pgbouncer]` section.
pub(super) fn locate(behind: &str, settings: &[&str]) -> Option<Pgbouncer> {
    Some(Pgbouncer {
        program: program()?,
        behind: Url::parse(behind).expect("the server's URL is one"),
        settings: settings.iter().map(ToString::to_string).collect(),
    })
}

impl Pgbouncer {
    fn configuration(&self, data: &Path, port: u16) -> String {
        let behind = &self.behind;
        let host = behind.host_str().unwrap_or("127.0.0.1");
        let server_port = behind.port().unwrap_or(5432);
        let user = behind.username();
        let password = behind.password().map(|word| format!(" password={word}"));
        let password = password.unwrap_or_default();
        let folder = argument(data);
        let settings = self.settings.join("\n");
        format!(
            "[databases]\n\
             * = host={host} port={server_port} user={user}{password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir = {folder}\n\
             auth_type = any\n\
             pidfile = {folder}/pid\n\
             {settings}\n"
        )
    }
}

impl Recipe for Pgbouncer {
    fn product(&self) -> &'static str {
        "PgBouncer"
    }

    fn account(&self) -> &'static str {
        "postgres"
    }

    fn stop_signal(&self) -> &'static str {
        "TERM"
    }

    fn initialise(&self, _: &Path) -> Option<Vec<String>> {
        None
    }

    fn serve(&self, data: &Path, port: u16) -> Vec<String> {
        let file = data.join("pgbouncer.ini");
        // It takes its port from a file only. What cannot be written, it says itself that it cannot read.
        _ = fs::write(&file, self.configuration(data, port));
        vec![argument(&self.program), argument(&file)]
    }

    fn is_ready<'a>(
        &'a self,
        _: &'a Path,
        port: u16,
        _: u32,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move { TcpStream::connect(("127.0.0.1", port)).await.is_ok() })
    }

    fn url(&self, port: u16) -> String {
        let database = self.behind.path().trim_start_matches('/');
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }
}
