//! MariaDB, from Debian's packages or wherever `mariadbd` is found.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::locate;
use super::recipe::{Recipe, argument};

/// The server and the program that makes its data folder.
#[derive(Debug)]
pub(super) struct Mariadb {
    server: PathBuf,
    installer: PathBuf,
}

/// Looks for the installed server.
pub(super) fn locate() -> Option<Mariadb> {
    Some(Mariadb {
        server: locate::program("mariadbd")?,
        installer: locate::program("mariadb-install-db")?,
    })
}

/// `--no-defaults` has to come first, or the machine's own configuration applies.
const NO_DEFAULTS: &str = "--no-defaults";
/// The default of 96 MB takes longer to write than everything else together.
const LOG_SIZE: &str = "--innodb-log-file-size=8M";

/// Servers that begin at once in one folder give their temporary tables the same names, and delete each other's.
fn temporary(data: &Path) -> String {
    format!("--tmpdir={}", argument(data))
}

impl Recipe for Mariadb {
    fn product(&self) -> &'static str {
        "MariaDB"
    }

    fn account(&self) -> &'static str {
        "mysql"
    }

    fn stop_signal(&self) -> &'static str {
        "TERM"
    }

    fn initialise(&self, data: &Path) -> Option<Vec<String>> {
        let line = [
            &argument(&self.installer),
            NO_DEFAULTS,
            &format!("--datadir={}", argument(data)),
            &temporary(data),
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            LOG_SIZE,
        ];
        Some(line.map(str::to_owned).into())
    }

    fn serve(&self, data: &Path, port: u16) -> Vec<String> {
        let temporary = temporary(data);
        let data = argument(data);
        // Surviving a power cut is given up for speed; surviving kill -9 is not, so each commit is written (2).
        let line = [
            &argument(&self.server),
            NO_DEFAULTS,
            &format!("--datadir={data}"),
            &temporary,
            &format!("--socket={data}/s.sock"),
            &format!("--pid-file={data}/pid"),
            &format!("--port={port}"),
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            LOG_SIZE,
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-flush-method=nosync",
            "--performance-schema=off",
            "--max-connections=300",
            "--character-set-server=utf8mb4",
        ];
        line.map(str::to_owned).into()
    }

    fn is_ready<'a>(
        &'a self,
        _: &'a Path,
        port: u16,
        _: u32,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            let greeted = tokio::time::timeout(Duration::from_secs(1), greeting(port)).await;
            matches!(greeted, Ok(Ok(PROTOCOL)))
        })
    }

    fn url(&self, port: u16) -> String {
        format!("mysql://root@127.0.0.1:{port}/")
    }
}

/// The version of the handshake every MariaDB and MySQL opens with.
const PROTOCOL: u8 = 10;

/// The first byte after the header of the packet a server greets with.
async fn greeting(port: u16) -> std::io::Result<u8> {
    let mut start = [0; 5];
    TcpStream::connect(("127.0.0.1", port))
        .await?
        .read_exact(&mut start)
        .await?;
    Ok(start[4])
}
