//! Redis, from Debian's packages or wherever `redis-server` is found.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::locate;
use super::recipe::{Recipe, argument};

/// The server program.
#[derive(Debug)]
pub(super) struct Redis {
    server: PathBuf,
}

/// Looks for the installed server.
pub(super) fn locate() -> Option<Redis> {
    Some(Redis {
        server: locate::program("redis-server")?,
    })
}

impl Recipe for Redis {
    fn product(&self) -> &'static str {
        "Redis"
    }

    fn account(&self) -> &'static str {
        "redis"
    }

    fn stop_signal(&self) -> &'static str {
        "TERM"
    }

    fn initialise(&self, _: &Path) -> Option<Vec<String>> {
        None
    }

    fn serve(&self, data: &Path, port: u16) -> Vec<String> {
        let line = [
            &argument(&self.server),
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--dir",
            &argument(data),
            "--save",
            "",
            "--appendonly",
            "no",
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
            let answered = tokio::time::timeout(Duration::from_secs(1), ping(port)).await;
            matches!(answered, Ok(Ok(reply)) if &reply == b"+PONG")
        })
    }

    fn url(&self, port: u16) -> String {
        format!("redis://127.0.0.1:{port}/")
    }
}

async fn ping(port: u16) -> std::io::Result<[u8; 5]> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
    connection.write_all(b"PING\r\n").await?;
    let mut reply = [0; 5];
    connection.read_exact(&mut reply).await?;
    Ok(reply)
}
