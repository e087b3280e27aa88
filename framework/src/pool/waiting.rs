//! Callers in the queue for a connection.
use std::{panic::Location, sync::Arc};

use tokio::sync::oneshot;

use super::{connection::PoolConnection, lane::Lane};
use crate::error::Result;

/// What a caller in the queue gets.
pub(super) type Delivery = Result<PoolConnection>;

/// The pool's end of a caller in the queue.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) id: u64,
    pub(super) call_site: &'static Location<'static>,
    pub(super) sender: oneshot::Sender<Delivery>,
}

/// The caller's end. Dropped, it leaves the queue; a connection that was on its way goes back to the pool.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) lane: Arc<Lane>,
    pub(super) id: u64,
    pub(super) receiver: oneshot::Receiver<Delivery>,
    pub(super) delivered: bool,
}

impl Waiting {
    /// Waits for the delivery; `None` if the pool is gone.
    pub(super) async fn delivery(mut self) -> Option<Delivery> {
        let delivery = (&mut self.receiver).await;
        self.delivered = true;
        delivery.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.delivered {
            self.lane.leave_queue(self.id);
        }
    }
}
