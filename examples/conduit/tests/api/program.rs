//! The program as it is run: started, told to stop, killed.
use std::{path::Path, process::Stdio, sync::Arc};

use entourage_tests::setup::Scratch;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    sync::Semaphore,
    task::JoinHandle,
};

use crate::{client::Client, views::written};

/// A running program.
struct Program {
    child: Child,
    address: String,
    said: JoinHandle<String>,
}

impl Program {
    /// Starts it on the client's database. It does not write views by itself within the time of a test.
    async fn start(client: &Client, journal: Option<&Path>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conduit"));
        command
            .args(["--database-url", client.url(), "--listen", "127.0.0.1:0"])
            .args(["--connections", "4", "--flush-views", "3600"]);
        if let Some(journal) = journal {
            command.arg("--journal").arg(journal);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap();
            let line = line.expect("the program says where it listens");
            if let Some((_, address)) = line.split_once("open http://") {
                break address.to_owned();
            }
        };
        let said = tokio::spawn(async move {
            let mut said = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                said.push_str(&line);
                said.push('\n');
            }
            said
        });
        Self {
            child,
            address,
            said,
        }
    }

    /// Tells it to stop, and returns what it said on its way.
    async fn stop(mut self) -> String {
        self.terminate().await;
        let status = self.child.wait().await.unwrap();
        let said = self.said.await.unwrap();
        assert!(status.success(), "{status}: {said}");
        said
    }

    async fn terminate(&self) {
        let process = self.child.id().unwrap().to_string();
        let told = Command::new("kill").args(["-TERM", &process]).status();
        assert!(told.await.unwrap().success());
    }
}

/// Looks at an article; whether the page came.
async fn look(address: &str, slug: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET /article/{slug} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200") && answer.ends_with("</html>"))
}

async fn article(client: &Client) -> String {
    client.user("ada").await.publish("Notes", &["x"]).await
}

pub async fn no_view_is_lost_when_it_is_told_to_stop(client: &Client) {
    const READERS: i64 = 6;
    let slug = article(client).await;
    let program = Program::start(client, None).await;
    let seen = Arc::new(Semaphore::new(0));
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (address, slug) = (program.address.clone(), slug.clone());
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut views = 0;
                while let Ok(true) = look(&address, &slug).await {
                    views += 1;
                    seen.add_permits(1);
                }
                views
            })
        })
        .collect();
    // It is stopped while it answers.
    seen.acquire_many(30).await.unwrap().forget();
    assert_eq!(written(client, &slug).await, 0);
    let said = program.stop().await;
    let mut views = 0;
    for reader in readers {
        views += reader.await.unwrap();
    }
    let counted = written(client, &slug).await;
    // Of each reader one page may have been on its way.
    assert!(
        (views..=views + READERS).contains(&counted),
        "{views} seen, {counted} counted: {said}"
    );
    assert!(said.contains("closed: "), "{said}");
}

pub async fn no_view_is_lost_with_a_journal_when_it_is_killed(client: &Client) {
    let slug = article(client).await;
    let folder = Scratch::new().unwrap();
    let journal = folder.path().join("views");
    let mut program = Program::start(client, Some(&journal)).await;
    for _ in 0..12 {
        assert!(look(&program.address, &slug).await.unwrap());
    }
    program.child.kill().await.unwrap();
    assert_eq!(written(client, &slug).await, 0);
    let program = Program::start(client, Some(&journal)).await;
    assert!(look(&program.address, &slug).await.unwrap());
    program.stop().await;
    assert_eq!(written(client, &slug).await, 13);
}
