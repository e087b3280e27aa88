//! An address that leads to one server, and later to another: what a name or a proxy is to programs.
use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A port of our own that leads to another one on this machine.
#[derive(Debug)]
pub struct Forwarder {
    port: u16,
    to: Arc<AtomicU16>,
    task: JoinHandle<()>,
}

impl Forwarder {
    /// Leads to the port `to`.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn to(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let to = Arc::new(AtomicU16::new(to));
        let leads = Arc::clone(&to);
        let task = tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let to = leads.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    // A server that is not there is a connection that ends.
                    if let Ok(mut to) = TcpStream::connect(("127.0.0.1", to)).await {
                        let _ = copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
        Self { port, to, task }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections lead to the port `to`; those that are open stay where they are.
    pub fn lead_to(&self, to: u16) {
        self.to.store(to, Ordering::SeqCst);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}
