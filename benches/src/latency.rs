//! A TCP proxy that holds back what the client sends: one delay per round trip.
//!
//! Plain threads and `thread::sleep`: tokio's timer counts whole milliseconds. Bytes keep their distance, so a client that
//! sends several requests at once waits once.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// Starts the proxy in front of `server` (`host:port`) and returns its address; it runs until the process ends.
///
/// # Errors
///
/// When no port can be opened.
pub fn start(server: &str, delay: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = server.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if let Err(error) = serve(client, &server, delay) {
                eprintln!("latency proxy: {error}");
            }
        }
    });
    Ok(address)
}

/// `postgres://user@host:port/name` split around `host:port`.
///
/// # Errors
///
/// When the URL has another form.
pub fn through(url: &str, delay: Duration) -> Result<String> {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (authority, path) = rest.split_once('/')?;
        let (user, server) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(user, server)| (Some(user), server));
        Some((scheme, user, server, path))
    });
    let (scheme, user, server, path) =
        parts.ok_or_else(|| format!("`{url}`: expected scheme://user@host:port/name"))?;
    let proxy = start(server, delay)?;
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    Ok(format!("{scheme}://{user}{proxy}/{path}"))
}

fn serve(client: TcpStream, server: &str, delay: Duration) -> Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = (client.try_clone()?, client);
    let (mut from_server, to_server) = (server.try_clone()?, server);
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut buffer) {
            if sender
                .send((Instant::now() + delay, buffer[..length].to_vec()))
                .is_err()
            {
                break;
            }
        }
    });
    thread::spawn(move || deliver(&receiver, to_server));
    thread::spawn(move || std::io::copy(&mut from_server, &mut to_client));
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, and the one clock that is exact enough"
)]
fn deliver(receiver: &Receiver<(Instant, Vec<u8>)>, mut to_server: TcpStream) {
    while let Ok((due, bytes)) = receiver.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to_server.write_all(&bytes).is_err() {
            break;
        }
    }
    // The client is gone, or the server; either way the other direction ends with this.
    drop(to_server.shutdown(std::net::Shutdown::Both));
}
