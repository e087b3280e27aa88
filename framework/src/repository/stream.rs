//! Rows one after the other, with flat memory.
use std::{
    future::Future,
    ops::ControlFlow,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use futures_core::Stream;
use tokio::sync::mpsc;

use super::{Query, assemble, query::Parts};
use crate::{
    driver::{Outcome, RowSender},
    error::Result,
    executor::ExecutorHandle,
    schema::{Cell, Entity, Row},
    statement::{query::Level, render},
};

/// How many rows may wait for the consumer.
const BUFFER: usize = 64;

impl<'a, E: Entity> Query<'a, E, ()> {
    /// The rows one after the other, in the query's order, read from the database at the pace of the consumer: memory
    /// does not grow with their number.
    ///
    /// The stream holds a connection until it ends or is dropped. Inside a transaction other statements wait for it.
    /// Includes are for rows in hand: load them by chunks with [`Repository::load`](super::Repository::load).
    ///
    /// # Errors
    /// The stream's last item is the error that ended it.
    #[track_caller]
    pub fn stream(self) -> impl Stream<Item = Result<E>> + Send + use<'a, E> {
        let call_site = Location::caller();
        let (sender, receiver) = mpsc::channel(BUFFER);
        let (parts, executor) = (self.parts, self.executor);
        RowStream {
            receiver,
            producer: Some(Box::pin(produce(executor, parts, sender, call_site))),
        }
    }
}

async fn produce<E: Entity>(
    executor: ExecutorHandle<'_>,
    parts: Parts,
    sender: mpsc::Sender<E>,
    call_site: &'static Location<'static>,
) -> Result<Outcome> {
    let lock = parts
        .row_lock(&*executor)
        .map_err(|error| error.at(call_site))?;
    let level = Level {
        lock,
        ..parts.level::<E>()
    };
    let statement = assemble::statement(&*executor, render::Query::Level(&level), call_site)?;
    executor
        .stream(
            &statement,
            Box::new(EntitySender {
                sender,
                decoded: None,
                call_site,
            }),
        )
        .await
}

struct EntitySender<E> {
    sender: mpsc::Sender<E>,
    decoded: Option<E>,
    call_site: &'static Location<'static>,
}

#[async_trait]
impl<E: Entity> RowSender for EntitySender<E> {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        let entity = E::decode(&mut Row::new(cells));
        self.decoded =
            Some(entity.map_err(|error| error.with_table(E::table().name).at(self.call_site))?);
        Ok(ControlFlow::Continue(()))
    }

    async fn sent(&mut self) -> ControlFlow<()> {
        match self.decoded.take() {
            Some(entity) => flow(self.sender.send(entity).await.is_ok()),
            None => ControlFlow::Continue(()),
        }
    }

    fn sent_blocking(&mut self) -> ControlFlow<()> {
        match self.decoded.take() {
            Some(entity) => flow(self.sender.blocking_send(entity).is_ok()),
            None => ControlFlow::Continue(()),
        }
    }
}

fn flow(wanted: bool) -> ControlFlow<()> {
    if wanted {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

type Producer<'a> = Pin<Box<dyn Future<Output = Result<Outcome>> + Send + 'a>>;

/// Polls the statement and the rows it sends in one task.
struct RowStream<'a, E> {
    receiver: mpsc::Receiver<E>,
    producer: Option<Producer<'a>>,
}

impl<E: Entity> Stream for RowStream<'_, E> {
    type Item = Result<E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<E>>> {
        if let Poll::Ready(Some(entity)) = self.receiver.poll_recv(context) {
            return Poll::Ready(Some(Ok(entity)));
        }
        let Some(producer) = self.producer.as_mut() else {
            return self
                .receiver
                .poll_recv(context)
                .map(|entity| entity.map(Ok));
        };
        match producer.as_mut().poll(context) {
            Poll::Ready(Ok(_)) => self.producer = None,
            Poll::Ready(Err(error)) => {
                self.producer = None;
                self.receiver.close();
                return Poll::Ready(Some(Err(error)));
            }
            Poll::Pending => {}
        }
        self.receiver
            .poll_recv(context)
            .map(|entity| entity.map(Ok))
    }
}
