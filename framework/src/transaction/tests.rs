//! The promises of transactions, on a fake server that is as strict as PostgreSQL.
mod cancel;
mod ends;
mod retries;
mod savepoints;
mod time;

use std::{panic::Location, sync::Arc};

use super::{Origin, Transaction, TransactionBuilder};
use crate::{
    dialect::Dialect,
    driver::NoRows,
    error::Result,
    executor::Executor,
    observe::Observers,
    pool::{Pool, PoolOptions, Topology, fake::FakeServer, tests::settle},
    statement::{Plan, Statement, StatementKind},
};

struct Setup {
    server: FakeServer,
    origin: Origin,
}

impl Setup {
    /// One connection, so that whatever is left behind meets the next caller.
    async fn new(dialect: Dialect) -> Self {
        let topology = match dialect {
            Dialect::Sqlite => Topology::Sole,
            _ => Topology::Shared,
        };
        let server = FakeServer::new(dialect);
        let options = PoolOptions::new().max_connections(1);
        let pool = Pool::open(Arc::new(server.clone()), &options, topology)
            .await
            .unwrap();
        server.take_texts();
        let observers = Arc::new(Observers::default());
        Self {
            server,
            origin: Origin::new(pool, observers),
        }
    }

    #[track_caller]
    fn transaction(&self) -> TransactionBuilder {
        TransactionBuilder::new(self.origin.clone(), Location::caller())
    }

    async fn begin(&self) -> Transaction {
        self.transaction().begin().await.unwrap()
    }

    /// What observers are warned of from now on.
    fn warnings(&self) -> Arc<Warnings> {
        let warnings = Arc::new(Warnings::default());
        self.origin.observers.add(warnings.clone());
        warnings
    }

    /// The next borrower of the connection finds it clean, and nothing is lost.
    async fn assert_clean(&self) {
        settle().await;
        let pool = &self.origin.pool;
        let stats = pool.stats();
        assert_eq!(stats.open, self.server.live(), "{stats:?}");
        assert_eq!(
            (stats.in_use, stats.pending, stats.opening),
            (0, 0, 0),
            "{stats:?}"
        );
        let here = Location::caller();
        let mut connection = pool
            .acquire(crate::pool::Access::Write, here)
            .await
            .unwrap();
        connection.batch("expects no transaction").await.unwrap();
    }
}

#[derive(Default)]
struct Warnings(std::sync::Mutex<Vec<String>>);

impl Warnings {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl crate::observe::Observer for Warnings {
    fn on_event(&self, event: &crate::observe::Event<'_>) {
        if let crate::observe::Event::Warning { message } = event {
            self.0.lock().unwrap().push((*message).to_owned());
        }
    }
}

#[track_caller]
fn statement(sql: &str) -> Statement {
    let plan = Plan::new(sql, StatementKind::Update, vec!["accounts".into()]);
    Statement::new(Arc::new(plan), Vec::new(), Location::caller())
}

async fn send(tx: &Transaction, sql: &str) -> Result<()> {
    tx.run(&statement(sql), &mut NoRows).await.map(drop)
}
