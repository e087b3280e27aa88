//! Reads of a handle that has replicas: run where the router says, and run again where that failed.
use std::{
    ops::ControlFlow,
    panic::Location,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{Database, alone};
use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    error::{Error, Result},
    executor::{
        AtomicScope, Executor, ExecutorHandle,
        sharding::Sharding,
        watch::{Place, Watch},
        written::{PendingWrites, RowCache, Settled, Told, Write, WriteListener},
    },
    pool::{Access, CloseReport},
    routing::{Asking, Consistency, Next, Router, Server, Session, Tried},
    schema::Cell,
    statement::Statement,
    transaction::{Leader, Origin},
};

/// Where a handle reads, and what it must see.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) router: Arc<Router>,
    pub(super) session: Arc<Session>,
    pub(super) consistency: Consistency,
    listener: Arc<dyn WriteListener>,
}

impl Route {
    /// The route of the first handle, whose session is everybody's.
    pub(super) fn first(router: Arc<Router>, cache: Arc<dyn WriteListener>) -> Self {
        Self {
            session: Arc::clone(router.everything()),
            consistency: router.options().get_consistency(),
            router,
            // It leaves a mark for everybody.
            listener: cache,
        }
    }

    /// The same servers with another session, or for other readers.
    pub(super) fn with(
        &self,
        session: Arc<Session>,
        consistency: Consistency,
        cache: Arc<dyn WriteListener>,
        doubt: Duration,
    ) -> Self {
        let listener: Arc<dyn WriteListener> = Arc::new(Marking {
            cache,
            session: Arc::clone(&session),
            doubt,
        });
        Self {
            router: Arc::clone(&self.router),
            session,
            consistency,
            listener,
        }
    }

    pub(super) fn listener(&self) -> &dyn WriteListener {
        &*self.listener
    }

    pub(super) fn primary(&self) -> &Server {
        self.router.primary()
    }

    pub(super) fn origin(&self, of: &Origin) -> Origin {
        let primary = self.router.primary();
        let leader = Arc::clone(&self.router);
        of.on(&primary.pool, &primary.observers, leader)
            .told_to(Arc::clone(&self.listener))
    }

    pub(super) fn write_failed(&self, error: &Error) {
        self.router.write_failed(error);
    }

    pub(super) async fn close(&self) -> CloseReport {
        self.router.close().await
    }

    /// Runs a read.
    pub(super) async fn read(
        &self,
        db: &Database,
        reading: Reading<'_>,
        statement: &Statement,
        mut rows: Rows<'_>,
    ) -> Result<Outcome> {
        let mut tried = Tried::default();
        loop {
            let at = self.choose(reading, &tried).await;
            let result = run_at(db, self.router.server(at), statement, &mut rows).await;
            self.router.ran(at);
            let Err(error) = result else {
                return result;
            };
            let is_used = rows.is_used();
            if self.router.failed(at, &error, is_used, &mut tried) == Next::Fail {
                self.router.write_failed(&error);
                return Err(error);
            }
        }
    }

    async fn choose(&self, reading: Reading<'_>, tried: &Tried) -> usize {
        let asking = |with| Asking {
            session: &self.session,
            consistency: self.consistency,
            is_kept: reading.pin.is_some_and(|pin| pin.is_kept.load(Relaxed)),
            with,
        };
        let Some(pin) = reading.pin else {
            return self.router.choose(asking(None), tried).await;
        };
        // Those that begin together wait for the first to choose.
        let mut pinned = pin.at.lock().await;
        let chosen = self.router.choose(asking(*pinned), tried).await;
        *pinned = Some(chosen);
        chosen
    }
}

impl Leader for Router {
    fn failed(&self, error: &Error) {
        self.write_failed(error);
    }
}

/// How a read belongs to others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'p> {
    pin: Option<&'p Pin>,
}

impl Reading<'_> {
    pub(super) fn alone() -> Self {
        Self { pin: None }
    }
}

/// Where reads go that belong together.
#[derive(Debug)]
struct Pin {
    at: tokio::sync::Mutex<Option<usize>>,
    is_kept: AtomicBool,
}

/// One attempt to run `statement` on a server.
async fn run_at(
    db: &Database,
    server: &Server,
    statement: &Statement,
    rows: &mut Rows<'_>,
) -> Result<Outcome> {
    let place = Place {
        target: server.observers.target(),
        ..db.place()
    };
    let mut watch = Watch::start(place, statement);
    let acquired = server.pool.acquire(Access::Read, statement.call_site);
    let result = match acquired.await {
        Ok(mut connection) => {
            watch.sent();
            match rows {
                Rows::Sink(sink) => {
                    let mut room = None;
                    let sink = watch.sink(sink, &mut room);
                    let run = alone::run(place, &mut connection, statement, sink);
                    watch.within(run).await
                }
                Rows::Sender(slot) => match slot.lend() {
                    Some(sender) => {
                        let sender = watch.sender(Box::new(sender));
                        let run = alone::stream(place, &mut connection, statement, sender);
                        watch.within(run).await
                    }
                    None => Ok(Outcome::default()),
                },
            }
        }
        Err(error) => Err(error),
    };
    watch.ended(result)
}

/// Where the rows of a read go, and whether any have gone there.
pub(super) enum Rows<'s> {
    Sink(Used<'s>),
    Sender(Arc<Slot>),
}

impl<'s> Rows<'s> {
    pub(super) fn sink(sink: &'s mut dyn RowSink) -> Self {
        Self::Sink(Used {
            sink,
            is_used: false,
        })
    }

    pub(super) fn sender(sender: Box<dyn RowSender>) -> Self {
        Self::Sender(Arc::new(Slot {
            sender: Mutex::new(Some(sender)),
        }))
    }

    fn is_used(&self) -> bool {
        match self {
            Self::Sink(sink) => sink.is_used,
            Self::Sender(slot) => slot.lock().is_none(),
        }
    }
}

/// A sink that knows whether it was given a row. The names of columns may be told again.
pub(super) struct Used<'s> {
    sink: &'s mut dyn RowSink,
    is_used: bool,
}

impl RowSink for Used<'_> {
    fn columns(&mut self, names: &mut dyn Iterator<Item = &str>) -> Result<()> {
        self.sink.columns(names)
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        self.is_used = true;
        self.sink.row(cells)
    }
}

/// Where the sender of a stream is while nobody sends.
pub(super) struct Slot {
    sender: Mutex<Option<Box<dyn RowSender>>>,
}

impl Slot {
    /// The sender, which comes back if no row was given to it.
    fn lend(self: &Arc<Self>) -> Option<LentSender> {
        let sender = self.lock().take()?;
        Some(LentSender {
            sender: Some(sender),
            slot: Arc::clone(self),
            is_used: false,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Box<dyn RowSender>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LentSender {
    /// `None` only once it went back.
    sender: Option<Box<dyn RowSender>>,
    slot: Arc<Slot>,
    is_used: bool,
}

#[async_trait]
impl RowSender for LentSender {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        self.is_used = true;
        match &mut self.sender {
            Some(sender) => sender.row(cells),
            None => Ok(ControlFlow::Break(())),
        }
    }

    async fn sent(&mut self) -> ControlFlow<()> {
        match &mut self.sender {
            Some(sender) => sender.sent().await,
            None => ControlFlow::Break(()),
        }
    }

    fn sent_blocking(&mut self) -> ControlFlow<()> {
        match &mut self.sender {
            Some(sender) => sender.sent_blocking(),
            None => ControlFlow::Break(()),
        }
    }
}

impl Drop for LentSender {
    fn drop(&mut self) {
        if !self.is_used {
            *self.slot.lock() = self.sender.take();
        }
    }
}

/// Reads that belong together go to one server; see [`Executor::together`].
#[derive(Debug)]
pub(super) struct Together<'d> {
    db: &'d Database,
    route: &'d Route,
    pin: Pin,
}

impl<'d> Together<'d> {
    pub(super) fn new(db: &'d Database, route: &'d Route, is_kept: bool) -> Self {
        Self {
            db,
            route,
            pin: Pin {
                at: tokio::sync::Mutex::default(),
                is_kept: AtomicBool::new(is_kept),
            },
        }
    }

    async fn read(&self, statement: &Statement, rows: Rows<'_>) -> Result<Outcome> {
        let reading = Reading {
            pin: Some(&self.pin),
        };
        Box::pin(self.route.read(self.db, reading, statement, rows)).await
    }
}

#[async_trait]
impl Executor for Together<'_> {
    fn dialect(&self) -> Dialect {
        self.db.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.db.capabilities()
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        match statement.plan.kind.is_read() {
            true => self.read(statement, Rows::sink(sink)).await,
            false => self.db.run(statement, sink).await,
        }
    }

    async fn stream(&self, statement: &Statement, sender: Box<dyn RowSender>) -> Result<Outcome> {
        match statement.plan.kind.is_read() {
            true => self.read(statement, Rows::sender(sender)).await,
            false => self.db.stream(statement, sender).await,
        }
    }

    fn in_transaction(&self) -> bool {
        false
    }

    fn cache(&self) -> Option<&dyn RowCache> {
        Executor::cache(self.db)
    }

    fn together(&self, is_kept: bool) -> Option<ExecutorHandle<'_>> {
        self.pin.is_kept.fetch_or(is_kept, Relaxed);
        None
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        self.db.atomic(call_site).await
    }

    async fn snapshot(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Option<Box<dyn AtomicScope + '_>>> {
        self.db.snapshot(call_site).await
    }

    fn sharding(&self) -> Option<Sharding<'_>> {
        self.db.sharding()
    }

    fn warn(&self, message: &str) {
        Executor::warn(self.db, message);
    }
}

/// Leaves marks in a session of its own, beside those that the cache leaves for everybody.
#[derive(Debug)]
struct Marking {
    cache: Arc<dyn WriteListener>,
    session: Arc<Session>,
    doubt: Duration,
}

impl WriteListener for Marking {
    fn begin(&self, writes: Vec<Write>) -> Box<dyn PendingWrites> {
        Box::new(Marked {
            pending: Some(self.cache.begin(writes)),
            session: Arc::clone(&self.session),
            doubt: self.doubt,
        })
    }

    fn left(&self) {
        self.session.mark();
    }
}

/// Writes that leave a mark when they end.
struct Marked {
    /// `None` only once they have ended.
    pending: Option<Box<dyn PendingWrites>>,
    session: Arc<Session>,
    doubt: Duration,
}

impl PendingWrites for Marked {
    fn announced(&mut self) -> Told {
        self.pending
            .as_mut()
            .and_then(|pending| pending.announced())
    }

    fn end(mut self: Box<Self>, settled: Settled) -> Told {
        match settled {
            Settled::Kept | Settled::TakenBack => self.session.mark(),
            Settled::Unknown => self.session.mark_doubtful(self.doubt),
        }
        self.pending.take()?.end(settled)
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        if self.pending.is_some() {
            self.session.mark_doubtful(self.doubt);
        }
    }
}
