//! Counts what a watched statement returns, and times how long it takes to be decoded.
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;

use crate::{
    driver::{RowSender, RowSink},
    error::Result,
    schema::Cell,
};

/// How many rows are timed each; after that one of so many stands for all. A clock costs as much as a small row.
const TIMED: u64 = 32;

/// What is known of the rows so far. Only one statement writes to it at a time.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    rows: AtomicU64,
    bytes: AtomicU64,
    decode_nanos: AtomicU64,
}

impl Meter {
    pub(crate) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Acquire)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    pub(crate) fn decode(&self) -> Duration {
        Duration::from_nanos(self.decode_nanos.load(Ordering::Acquire))
    }

    fn row(
        &self,
        cells: &[Cell<'_>],
        decode: impl FnOnce() -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let rows = self.rows();
        self.rows.store(rows + 1, Ordering::Release);
        let bytes: usize = cells.iter().map(Cell::size).sum();
        self.bytes
            .store(self.bytes() + bytes as u64, Ordering::Release);
        let stands_for = match rows {
            _ if rows < TIMED => 1,
            _ if rows.is_multiple_of(TIMED) => TIMED,
            _ => return decode(),
        };
        let began = Instant::now();
        let flow = decode();
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let before = self.decode_nanos.load(Ordering::Acquire);
        let after = before.saturating_add(nanos.saturating_mul(stands_for));
        self.decode_nanos.store(after, Ordering::Release);
        flow
    }
}

/// A sink that is metered.
pub(crate) struct MeteredSink<'s> {
    pub(crate) meter: Arc<Meter>,
    pub(crate) sink: &'s mut dyn RowSink,
}

impl RowSink for MeteredSink<'_> {
    fn columns(&mut self, names: &mut dyn Iterator<Item = &str>) -> Result<()> {
        self.sink.columns(names)
    }

    fn pick(&mut self, first: &Cell<'_>) -> Result<Option<&[usize]>> {
        self.sink.pick(first)
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        self.meter.row(cells, || self.sink.row(cells))
    }
}

/// The sender of a stream that is metered. The consumer's own pace is not the decoding's.
pub(crate) struct MeteredSender {
    pub(crate) meter: Arc<Meter>,
    pub(crate) sender: Box<dyn RowSender>,
}

#[async_trait]
impl RowSender for MeteredSender {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        self.meter.row(cells, || self.sender.row(cells))
    }

    async fn sent(&mut self) -> ControlFlow<()> {
        self.sender.sent().await
    }

    fn sent_blocking(&mut self) -> ControlFlow<()> {
        self.sender.sent_blocking()
    }
}
