//! Reserved keys where a server dies, and where somebody has the table.

use std::time::Duration;

use entourage::{Database, pool::PoolOptions, prelude::*, repository::WriteBehind};
use entourage_tests::{
    require,
    setup::{self, server::PrivateServer},
};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "rk_orders")]
pub(crate) struct Order {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub what: String,
}

fn order(what: &str) -> NewOrder {
    NewOrder { what: what.into() }
}

async fn connect(url: &str) -> Database {
    let pool = PoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(60));
    Database::builder()
        .url(url)
        .pool(pool)
        .connect()
        .await
        .unwrap()
}

async fn start(db: &Database, block: u32) -> WriteBehind {
    WriteBehind::builder(db)
        .entities::<Order>()
        .reserve_keys(block)
        .flush_every(Duration::from_secs(3_600))
        .start()
        .await
        .unwrap()
}

/// A block that was reserved is out of everybody's reach even if the server is killed at once.
async fn killed_after_a_block(mut server: PrivateServer) {
    let db = connect(&server.url()).await;
    db.execute_script("CREATE DATABASE kept").await.unwrap();
    db.close().await;
    let url = server.url();
    let (address, _) = url.rsplit_once('/').unwrap();
    let url = format!("{address}/kept");
    let db = connect(&url).await;
    db.create_schema::<Order>().await.unwrap();
    let queue = start(&db, 1_000).await;
    let orders = queue.of::<Order>().unwrap();
    let queued = orders.insert(order("queued")).await.unwrap();
    server.crash();
    // Keys in hand need no server.
    for _ in 0..100 {
        orders.insert(order("queued")).await.unwrap();
    }
    server.restart().await.unwrap();
    let fresh = connect(&url).await;
    let plain = OrderRepository::new(&fresh).insert(order("plain"));
    let plain = plain.await.unwrap();
    assert!(plain.id >= queued.id + 1_000, "{} {}", plain.id, queued.id);
    queue.shutdown().await.unwrap();
    assert!(
        queue.dead_letters().is_empty(),
        "{:?}",
        queue.dead_letters()
    );
    let count = OrderRepository::new(&fresh).query().count().await.unwrap();
    assert_eq!(count, 102);
    fresh.close().await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_gives_no_reserved_key_away() {
    killed_after_a_block(require!(PrivateServer::postgres(&[]).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_mariadb_gives_no_reserved_key_away() {
    killed_after_a_block(require!(PrivateServer::mariadb(&[]).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_that_has_used_the_table_is_told_of_on_mariadb() {
    let database = require!(setup::mysql().await);
    let db = connect(database.url()).await;
    db.create_schema::<Order>().await.unwrap();
    let queue = start(&db, 1).await;
    let orders = queue.of::<Order>().unwrap();
    let tx = db.begin().await.unwrap();
    let seen = OrderRepository::new(&tx).query().count().await.unwrap();
    assert_eq!(seen, 0);
    let first = orders.insert(order("in hand")).await.unwrap();
    let error = orders.insert(order("not to be had")).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::LockNotAvailable | ErrorKind::Timeout
        ),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("`rk_orders`"), "{error}");
    tx.rollback().await.unwrap();
    let second = orders.insert(order("after all")).await.unwrap();
    assert!(second.id > first.id);
    // No connection of the pool has kept a lock.
    let others = connect(database.url()).await;
    let plain = OrderRepository::new(&others).insert(order("plain"));
    assert!(plain.await.unwrap().id > second.id);
    queue.shutdown().await.unwrap();
    others.close().await;
    db.close().await;
}
