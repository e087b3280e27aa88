//! A server that does what tests tell it: it stops at gates, fails where it should, and knows what each connection has
//! open. Each operation yields before and after it takes effect, so that it can be cancelled on both sides.
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::{Access, Connect};
use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Connection, Outcome, RowSender, RowSink},
    error::{DatabaseDetail, Error, ErrorKind, Result},
    statement::Statement,
};

#[derive(Debug, Clone)]
pub(crate) struct FakeServer {
    dialect: Dialect,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<String>,
    live: usize,
    peak: usize,
    opened: usize,
    faults: Vec<Fault>,
    gates: Vec<Gate>,
}

/// What goes wrong, the next time something is done whose text contains `needle`.
#[derive(Debug)]
struct Fault {
    needle: &'static str,
    kind: ErrorKind,
    code: Option<&'static str>,
    breaks: bool,
}

/// Where things stop until the test lets them go on.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    needle: &'static str,
    reached: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

impl Gate {
    /// Waits until something stands at the gate.
    pub(crate) async fn reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    /// Lets one through.
    pub(crate) fn open(&self) {
        self.opened.add_permits(1);
    }
}

impl FakeServer {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            state: Arc::default(),
        }
    }

    /// Everything done on it, `#connection text`.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lock().log.clone()
    }

    /// The log without the numbers of the connections, since the last call.
    pub(crate) fn take_texts(&self) -> Vec<String> {
        let log = std::mem::take(&mut self.lock().log);
        log.into_iter()
            .map(|line| match line.split_once(' ') {
                Some((_, text)) => text.to_owned(),
                None => line,
            })
            .collect()
    }

    pub(crate) fn live(&self) -> usize {
        self.lock().live
    }

    pub(crate) fn peak(&self) -> usize {
        self.lock().peak
    }

    pub(crate) fn opened(&self) -> usize {
        self.lock().opened
    }

    /// The database refuses the next `needle` with `code`.
    pub(crate) fn refuse(&self, needle: &'static str, code: &'static str) {
        let kind = self.dialect.classify(code);
        self.fault(Fault {
            needle,
            kind,
            code: Some(code),
            breaks: false,
        });
    }

    /// The connection is lost in the middle of the next `needle`.
    pub(crate) fn lose(&self, needle: &'static str) {
        self.fault(Fault {
            needle,
            kind: ErrorKind::Connection,
            code: None,
            breaks: true,
        });
    }

    /// Nothing fails any more.
    pub(crate) fn remove_faults(&self) {
        self.lock().faults.clear();
    }

    fn fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Everything that contains `needle` stops from now on.
    pub(crate) fn gate(&self, needle: &'static str) -> Gate {
        let gate = Gate {
            needle,
            reached: Arc::new(Semaphore::new(0)),
            opened: Arc::new(Semaphore::new(0)),
        };
        self.lock().gates.push(gate.clone());
        gate
    }

    /// Nothing stops any more.
    pub(crate) fn remove_gates(&self) {
        for gate in std::mem::take(&mut self.lock().gates) {
            gate.opened.add_permits(1_000);
        }
    }

    async fn pass_gates(&self, text: &str) {
        let gate = {
            let state = self.lock();
            state
                .gates
                .iter()
                .find(|gate| text.contains(gate.needle))
                .cloned()
        };
        if let Some(gate) = gate {
            gate.reached.add_permits(1);
            gate.opened.acquire().await.unwrap().forget();
        }
    }

    fn take_fault(&self, text: &str) -> Option<Fault> {
        let mut state = self.lock();
        let place = state
            .faults
            .iter()
            .position(|fault| text.contains(fault.needle))?;
        Some(state.faults.remove(place))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

#[async_trait]
impl Connect for FakeServer {
    async fn connect(&self, access: Access) -> Result<Box<dyn Connection>> {
        tokio::task::yield_now().await;
        let text = format!("connect {access:?}");
        self.pass_gates(&text).await;
        if let Some(fault) = self.take_fault(&text) {
            return Err(Error::new(fault.kind, "connection refused"));
        }
        let connection = {
            let mut state = self.lock();
            state.opened += 1;
            state.live += 1;
            state.peak = state.peak.max(state.live);
            let id = state.opened;
            state.log.push(format!("#{id} {text}"));
            FakeConnection {
                id,
                server: self.clone(),
                busy: false,
                lost: false,
                open: Vec::new(),
                aborted: false,
            }
        };
        tokio::task::yield_now().await;
        Ok(Box::new(connection))
    }
}

#[derive(Debug)]
pub(crate) struct FakeConnection {
    id: usize,
    server: FakeServer,
    busy: bool,
    lost: bool,
    /// The transaction and its savepoints.
    open: Vec<String>,
    /// Whether PostgreSQL takes no more statements.
    aborted: bool,
}

impl FakeConnection {
    async fn perform(&mut self, text: &str) -> Result<()> {
        assert!(!self.busy, "a connection was used after a cancelled call");
        assert!(!self.lost, "a lost connection was used");
        self.busy = true;
        tokio::task::yield_now().await;
        self.server.pass_gates(text).await;
        let performed = self.effect(text);
        tokio::task::yield_now().await;
        self.busy = false;
        performed
    }

    fn effect(&mut self, text: &str) -> Result<()> {
        let id = self.id;
        self.server.lock().log.push(format!("#{id} {text}"));
        if let Some(fault) = self.server.take_fault(text) {
            self.lost |= fault.breaks;
            self.aborted |= self.server.dialect == Dialect::Postgres && !self.open.is_empty();
            if text == "COMMIT" && self.server.dialect == Dialect::Postgres {
                self.open.clear();
                self.aborted = false;
            }
            let detail = DatabaseDetail {
                code: fault.code.map(str::to_owned),
                ..DatabaseDetail::default()
            };
            return Err(Error::new(fault.kind, "as the test asked").with_detail(detail));
        }
        for part in text.split("; ") {
            self.track(part)?;
        }
        Ok(())
    }

    /// Follows what the connection has open, as strictly as PostgreSQL.
    fn track(&mut self, sql: &str) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::Database, message));
        let word = |n: usize| sql.split(' ').nth(n).unwrap_or_default().to_owned();
        if sql.starts_with("BEGIN") || sql.starts_with("START TRANSACTION") {
            assert!(self.open.is_empty(), "BEGIN on a dirty connection");
            self.open.push("transaction".to_owned());
        } else if let Some(name) = sql.strip_prefix("ROLLBACK TO SAVEPOINT ") {
            let Some(place) = self.open.iter().rposition(|open| open == name) else {
                return refuse(format!("no savepoint {name}"));
            };
            self.open.truncate(place + 1);
            self.aborted = false;
        } else if sql == "ROLLBACK" || sql == "COMMIT" {
            if self.open.is_empty() {
                return refuse(format!("{sql} without a transaction"));
            }
            assert!(
                sql == "ROLLBACK" || !self.aborted,
                "COMMIT of an aborted transaction"
            );
            self.open.clear();
            self.aborted = false;
        } else if self.aborted {
            return refuse(format!("current transaction is aborted: {sql}"));
        } else if sql.starts_with("SAVEPOINT ") {
            assert!(!self.open.is_empty(), "SAVEPOINT outside a transaction");
            self.open.push(word(1));
        } else if let Some(name) = sql.strip_prefix("RELEASE SAVEPOINT ") {
            let Some(place) = self.open.iter().rposition(|open| open == name) else {
                return refuse(format!("no savepoint {name}"));
            };
            self.open.truncate(place);
        } else if sql.contains("expects no transaction") {
            assert!(self.open.is_empty(), "lent with {:?} open", self.open);
        }
        Ok(())
    }
}

#[async_trait]
impl Connection for FakeConnection {
    fn dialect(&self) -> Dialect {
        self.server.dialect
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of(self.server.dialect)
    }

    async fn run(&mut self, statement: &Statement, _: &mut dyn RowSink) -> Result<Outcome> {
        self.perform(statement.sql()).await?;
        Ok(Outcome {
            affected: 1,
            ..Outcome::default()
        })
    }

    async fn stream(&mut self, statement: &Statement, _: Box<dyn RowSender>) -> Result<Outcome> {
        self.perform(statement.sql()).await?;
        Ok(Outcome::default())
    }

    async fn batch(&mut self, sql: &str) -> Result<()> {
        self.perform(sql).await
    }

    async fn ping(&mut self) -> Result<()> {
        self.perform("ping").await
    }

    fn is_broken(&self) -> bool {
        self.lost || self.busy
    }

    async fn clear_statements(&mut self) -> Result<()> {
        Ok(())
    }

    async fn close(mut self: Box<Self>) {
        // What is told by Drop.
        let _ = self.perform("close").await;
    }
}

impl Drop for FakeConnection {
    fn drop(&mut self) {
        self.server.lock().live -= 1;
    }
}
