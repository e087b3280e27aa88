//! How a transaction ends, and what the cache makes of it: on a server that fails where it is told to.
use std::panic::Location;

use super::*;
use crate::{
    dialect::Dialect,
    driver::NoRows,
    executor::Executor as _,
    pool::{Pool, PoolOptions, Topology, fake::FakeServer},
    statement::{Plan, Statement, StatementKind},
    transaction::{Origin, Transaction, TransactionBuilder},
};

struct Setup {
    server: FakeServer,
    world: World,
    origin: Origin,
}

impl Setup {
    async fn new() -> Self {
        let server = FakeServer::new(Dialect::Postgres);
        let options = PoolOptions::new().max_connections(2);
        let connect = Arc::new(server.clone());
        let pool = Pool::open(connect, &options, Topology::Shared)
            .await
            .unwrap();
        let world = World::new();
        let pending = world.cache.begin(vec![leaves(1, Some(0))]);
        drop(pending.end(Settled::Kept));
        let origin = Origin::new(pool, Arc::default()).told_to(Arc::new(world.cache.clone()));
        Self {
            server,
            world,
            origin,
        }
    }

    /// A transaction that has set the row's value to 7.
    async fn writing(&self) -> Transaction {
        let builder = TransactionBuilder::new(self.origin.clone(), Location::caller());
        let tx = builder.begin().await.unwrap();
        let Write::Table { touched, .. } = leaves(1, Some(7)) else {
            unreachable!("it names its table");
        };
        let plan = Plan::new("insert a row", StatementKind::Insert, vec!["items".into()]);
        let mut statement = Statement::new(Arc::new(plan), Vec::new(), Location::caller());
        statement.touched = touched;
        tx.run(&statement, &mut NoRows).await.unwrap();
        assert_eq!(self.world.given_out(1), Some(Some(0)));
        tx
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_puts_in_what_was_written() {
    let setup = Setup::new().await;
    let tx = setup.writing().await;
    let gate = setup.server.gate("COMMIT");
    let commit = tokio::spawn(tx.commit());
    gate.reached().await;
    // From here on the server may have it.
    assert_eq!(
        (setup.world.given_out(1), setup.world.ticket(1)),
        (None, None)
    );
    gate.open();
    setup.server.remove_gates();
    commit.await.unwrap().unwrap();
    assert_eq!(setup.world.given_out(1), Some(Some(7)));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_leaves_what_was_kept() {
    let setup = Setup::new().await;
    setup.writing().await.rollback().await.unwrap();
    assert_eq!(setup.world.given_out(1), Some(Some(0)));
    drop(setup.writing().await);
    assert_eq!(setup.world.given_out(1), Some(Some(0)));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_refused_leaves_the_row_to_be_read() {
    let setup = Setup::new().await;
    let tx = setup.writing().await;
    setup.server.refuse("COMMIT", "40001");
    tx.commit().await.unwrap_err();
    assert_eq!(setup.world.given_out(1), None);
    assert!(setup.world.ticket(1).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_ambiguous_commit_leaves_its_table_in_doubt() {
    let setup = Setup::new().await;
    let tx = setup.writing().await;
    setup.server.lose("COMMIT");
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AmbiguousCommit);
    assert_eq!(
        (setup.world.given_out(1), setup.world.ticket(1)),
        (None, None)
    );
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(setup.world.ticket(1).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_cancelled_leaves_its_table_in_doubt() {
    let setup = Setup::new().await;
    let tx = setup.writing().await;
    let gate = setup.server.gate("COMMIT");
    let commit = tokio::spawn(tx.commit());
    gate.reached().await;
    commit.abort();
    assert!(commit.await.unwrap_err().is_cancelled());
    assert_eq!(
        (setup.world.given_out(1), setup.world.ticket(1)),
        (None, None)
    );
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(setup.world.ticket(1).is_some());
}
