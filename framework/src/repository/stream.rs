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

use super::{
    Query, assemble,
    page::keyset::Keyset,
    query::Parts,
    scatter::{Reach, gather},
};
use crate::{
    driver::RowSender,
    eager::{IncludeList, engine::Load, store::Decode},
    error::Result,
    executor::Executor,
    schema::{Cell, Condition, Entity, Row},
    statement::{next_load, query::Level, render},
};

/// How many rows may wait for the consumer.
const BUFFER: usize = 64;

/// How many rows are loaded at a time where something is loaded beside them.
const CHUNK: u64 = 500;

impl<'a, E: Entity, I: IncludeList<E> + 'static> Query<'a, E, I> {
    /// The rows one after the other, in the query's order, read from the database at the pace of the consumer: memory
    /// does not grow with their number.
    ///
    /// Rows by themselves, entities or shapes of columns alone, are one statement. The stream holds a connection until it
    /// ends or is dropped; inside a transaction other statements wait for it.
    ///
    /// Rows with relations or figures are loaded 500 at a time, each chunk beyond the last row of the one before, in as
    /// many statements as a page takes. No connection is held in between, and inside a transaction other statements can
    /// be run. What others commit meanwhile is seen by the chunks that follow, but no row comes twice or is left out
    /// unless its place in the order changes. With [`consistent`](Query::consistent) all chunks are of one moment; they
    /// share a transaction, and so a connection, until the stream ends or is dropped.
    ///
    /// Rows of several shards are read in chunks too: each shard is asked for 500, and the first 500 of all are given.
    ///
    /// # Errors
    /// The stream's last item is the error that ended it. With relations or figures,
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for an order over something else than columns, and for `distinct`
    /// over a shape without the order's columns.
    #[track_caller]
    pub fn stream(self) -> impl Stream<Item = Result<I::Output>> + Send + use<'a, E, I> {
        let call_site = Location::caller();
        let (sender, receiver) = mpsc::channel(BUFFER);
        let (parts, executor, includes) = (self.parts, self.executor, self.includes);
        let mut specs = Vec::new();
        includes.specs(&mut specs);
        let producer: Producer<'a> = Box::pin(async move {
            let source = parts.source::<E>(&*executor, call_site)?;
            gather::check(&*executor, &includes).map_err(|error| error.at(call_site))?;
            let sent = match (&source, specs.is_empty()) {
                (Reach::Here(executor), true) => {
                    rows(*executor, &parts, includes, sender, call_site).await
                }
                (Reach::One(part), true) => {
                    rows(&*part.executor, &parts, includes, sender, call_site).await
                }
                _ => chunks(source, parts, includes, sender, call_site).await,
            };
            sent.map_err(|error| error.at(call_site))
        });
        RowStream {
            receiver,
            producer: Some(producer),
        }
    }
}

/// Sends the rows of one statement.
async fn rows<E: Entity, I: IncludeList<E> + 'static>(
    executor: &dyn Executor,
    parts: &Parts,
    includes: I,
    sender: mpsc::Sender<I::Output>,
    call_site: &'static Location<'static>,
) -> Result<()> {
    let lock = parts.row_lock(executor)?;
    let level = Level {
        lock,
        columns: includes.columns(),
        ..parts.level::<E>()
    };
    let statement = assemble::statement(executor, render::Query::Level(&level), call_site)?;
    let sender = OutputSender::<E, I> {
        sender,
        includes,
        decoded: None,
        call_site,
    };
    executor
        .stream(&statement, Box::new(sender))
        .await
        .map(drop)
}

/// Sends rows with what is loaded beside them, chunk by chunk.
async fn chunks<E: Entity, I: IncludeList<E>>(
    source: Reach<'_>,
    mut parts: Parts,
    includes: I,
    sender: mpsc::Sender<I::Output>,
    call_site: &'static Location<'static>,
) -> Result<()> {
    let together = source
        .single()
        .and_then(|executor| executor.together(false));
    let together = together.as_deref().map(Reach::Here);
    let source = together.as_ref().unwrap_or(&source);
    let snapshot = match source.single() {
        Some(executor) if parts.consistent => executor.snapshot(call_site).await?,
        _ => None,
    };
    let within = snapshot
        .as_ref()
        .map(|snapshot| Reach::Here(snapshot.executor()));
    let source = within.as_ref().unwrap_or(source);
    let order = std::mem::take(&mut parts.order);
    let keyset = Keyset::new(E::table(), order, "a stream of rows with relations")?;
    parts.order = keyset.order(false);
    let load = Load {
        // All of them are, or none.
        consistent: false,
        ..parts.how().load(next_load(), call_site)
    };
    let filter = parts.filter.take();
    let (mut left, mut beyond) = (parts.limit, None);
    while left != Some(0) {
        let size = left.map_or(CHUNK, |left| left.min(CHUNK));
        parts.filter = Condition::both(filter.clone(), beyond);
        parts.limit = Some(size);
        let loading = gather::placed::<E, I>(source, &keyset, false, &parts, &includes, load);
        let (items, places) = loading.await?;
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        beyond = places.last().map(|place| keyset.after(place));
        for item in items {
            if sender.send(item).await.is_err() {
                return Ok(());
            }
        }
        if count < size {
            break;
        }
        left = left.map(|left| left - count);
        parts.offset = None;
    }
    match snapshot {
        Some(snapshot) => snapshot.commit().await,
        None => Ok(()),
    }
}

/// Makes each row what it becomes with no includes.
struct OutputSender<E, I: IncludeList<E>> {
    sender: mpsc::Sender<I::Output>,
    includes: I,
    decoded: Option<I::Output>,
    call_site: &'static Location<'static>,
}

impl<E: Entity, I: IncludeList<E>> OutputSender<E, I> {
    fn decode(&self, cells: &[Cell<'_>]) -> Result<Option<I::Output>> {
        let row = I::Row::decode(&mut Row::new(cells))?;
        let mut outputs = self
            .includes
            .assemble(vec![row], self.includes.stores(), Vec::new())?;
        Ok(outputs.pop())
    }
}

#[async_trait]
impl<E: Entity, I: IncludeList<E> + 'static> RowSender for OutputSender<E, I> {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        let decoded = self.decode(cells);
        self.decoded = decoded.map_err(|error| error.at(self.call_site))?;
        Ok(ControlFlow::Continue(()))
    }

    async fn sent(&mut self) -> ControlFlow<()> {
        match self.decoded.take() {
            Some(output) => flow(self.sender.send(output).await.is_ok()),
            None => ControlFlow::Continue(()),
        }
    }

    fn sent_blocking(&mut self) -> ControlFlow<()> {
        match self.decoded.take() {
            Some(output) => flow(self.sender.blocking_send(output).is_ok()),
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

type Producer<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// Polls the statements and the rows they send in one task.
struct RowStream<'a, T> {
    receiver: mpsc::Receiver<T>,
    producer: Option<Producer<'a>>,
}

impl<T> Stream for RowStream<'_, T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        if let Poll::Ready(Some(row)) = self.receiver.poll_recv(context) {
            return Poll::Ready(Some(Ok(row)));
        }
        let Some(producer) = self.producer.as_mut() else {
            return self.receiver.poll_recv(context).map(|row| row.map(Ok));
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
        self.receiver.poll_recv(context).map(|row| row.map(Ok))
    }
}
