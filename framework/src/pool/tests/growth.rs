//! Growing, shrinking, health and closing.
use std::time::Duration;

use super::*;
use crate::error::ErrorKind;

#[tokio::test]
async fn it_opens_no_more_than_are_needed_at_once() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new()).await;
    for _ in 0..100 {
        drop(acquire(&pool).await.unwrap());
    }
    assert_eq!(server.opened(), 1);
    let held = [acquire(&pool).await.unwrap(), acquire(&pool).await.unwrap()];
    assert_eq!(pool.stats().in_use, 2);
    drop(held);
    settle().await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.idle, stats.in_use), (2, 2, 0));
}

#[tokio::test]
async fn the_connection_used_last_is_used_next() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new()).await;
    let (mut one, two) = (acquire(&pool).await.unwrap(), acquire(&pool).await.unwrap());
    drop(two);
    one.batch("mine").await.unwrap();
    drop(one);
    acquire(&pool).await.unwrap().batch("again").await.unwrap();
    let log = server.log();
    let of = |text: &str| log.iter().find(|line| line.ends_with(text)).unwrap()[..2].to_owned();
    assert_eq!(of("mine"), of("again"));
}

#[tokio::test]
async fn the_least_number_is_open_from_the_start() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().min_connections(3)).await;
    assert_eq!((server.opened(), pool.stats().idle), (3, 3));
}

#[tokio::test]
async fn the_first_connection_tells_the_real_cause() {
    let server = postgres();
    server.lose("connect");
    let error = open(&server, PoolOptions::new(), Topology::Shared)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.to_string(), "connection refused");
}

#[tokio::test]
async fn a_caller_that_waits_gets_the_cause_at_once_and_the_pool_recovers() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(2)).await;
    let held = acquire(&pool).await.unwrap();
    server.lose("connect");
    let error = acquire(&pool).await.unwrap_err();
    assert!(
        error.to_string().starts_with("connection refused at "),
        "{error}"
    );
    assert!(error.call_site().unwrap().file().ends_with("growth.rs"));
    let second = acquire(&pool).await.unwrap();
    drop((held, second));
    assert_eq!(pool.stats().failed, 1);
    assert_eq!(pool.stats().open, 2);
}

#[tokio::test]
async fn a_broken_connection_is_closed_and_replaced() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(1)).await;
    let mut connection = acquire(&pool).await.unwrap();
    server.lose("boom");
    connection.batch("boom").await.unwrap_err();
    drop(connection);
    assert_eq!((server.live(), pool.stats().open), (0, 0));
    acquire(&pool).await.unwrap().batch("fine").await.unwrap();
    assert_eq!((server.opened(), pool.stats().closed_broken), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn only_a_connection_that_lay_idle_is_pinged_and_a_dead_one_is_replaced_unseen() {
    let server = postgres();
    let options = PoolOptions::new().ping_after(Duration::ZERO);
    let pool = pool(&server, options).await;
    tokio::time::advance(Duration::from_millis(2)).await;
    server.lose("ping");
    acquire(&pool).await.unwrap().batch("fine").await.unwrap();
    assert_eq!(server.opened(), 2);
    assert!(server.log().contains(&"#1 ping".to_owned()));

    let server = postgres();
    let pool = super::pool(&server, PoolOptions::new()).await;
    drop(acquire(&pool).await.unwrap());
    drop(acquire(&pool).await.unwrap());
    assert!(!server.log().iter().any(|line| line.contains("ping")));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_closed_in_order() {
    let server = postgres();
    let options = PoolOptions::new()
        .max_lifetime(Duration::from_millis(5))
        .idle_timeout(None);
    let pool = pool(&server, options).await;
    tokio::time::advance(Duration::from_millis(6)).await;
    drop(acquire(&pool).await.unwrap());
    settle().await;
    assert!(server.log().contains(&"#1 close".to_owned()));
    assert_eq!((server.opened(), pool.stats().closed_lifetime), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_is_closed_down_to_the_least_number() {
    let server = postgres();
    let options = PoolOptions::new()
        .min_connections(1)
        .idle_timeout(Duration::from_millis(5));
    let pool = pool(&server, options).await;
    let held: Vec<_> = [
        acquire(&pool).await,
        acquire(&pool).await,
        acquire(&pool).await,
    ]
    .into_iter()
    .collect::<Result<_>>()
    .unwrap();
    drop(held);
    tokio::time::advance(Duration::from_millis(6)).await;
    assert!(pool.0.main.reap());
    settle().await;
    assert_eq!((pool.stats().open, pool.stats().closed_idle), (1, 2));
    assert_eq!(server.live(), 1);
}

#[tokio::test]
async fn close_waits_for_what_is_lent_and_sends_away_who_waits() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new().max_connections(1)).await;
    let held = acquire(&pool).await.unwrap();
    let waiting = tokio::spawn(acquire(&pool));
    settle().await;
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close().await }
    });
    settle().await;
    assert_eq!(
        waiting.await.unwrap().unwrap_err().kind(),
        ErrorKind::Closed
    );
    assert_eq!(acquire(&pool).await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(!closing.is_finished());
    drop(held);
    closing.await.unwrap();
    assert_eq!((server.live(), pool.stats().open), (0, 0));
    assert!(server.log().contains(&"#1 close".to_owned()));
    pool.close().await;
}

#[tokio::test]
async fn a_connection_opened_after_close_is_closed_too() {
    let server = postgres();
    let pool = pool(&server, PoolOptions::new()).await;
    let held = acquire(&pool).await.unwrap();
    let gate = server.gate("connect");
    let waiting = tokio::spawn(acquire(&pool));
    gate.reached().await;
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close().await }
    });
    settle().await;
    drop(held);
    settle().await;
    assert!(!closing.is_finished());
    gate.open();
    closing.await.unwrap();
    assert_eq!(
        waiting.await.unwrap().unwrap_err().kind(),
        ErrorKind::Closed
    );
    assert_eq!(server.live(), 0);
}

#[tokio::test]
async fn a_file_has_one_writer_and_several_readers() {
    let server = FakeServer::new(Dialect::Sqlite);
    let options = PoolOptions::new().max_connections(4);
    let pool = open(&server, options, Topology::SingleWriter)
        .await
        .unwrap();
    let writer = acquire(&pool).await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..3 {
        readers.push(acquire_for(&pool, Access::Read).await.unwrap());
    }
    let second_writer = tokio::spawn(acquire(&pool));
    settle().await;
    assert!(!second_writer.is_finished());
    drop(writer);
    second_writer.await.unwrap().unwrap();
    let log = server.log();
    let opened = |what: &str| log.iter().filter(|line| line.ends_with(what)).count();
    assert_eq!((opened("connect Write"), opened("connect Read")), (1, 3));
}

#[tokio::test]
async fn a_database_in_memory_keeps_its_only_connection() {
    let server = FakeServer::new(Dialect::Sqlite);
    let pool = open(&server, PoolOptions::new(), Topology::Sole)
        .await
        .unwrap();
    let mut connection = acquire(&pool).await.unwrap();
    connection.begin_cleanup("ROLLBACK");
    connection.batch("BEGIN").await.unwrap();
    drop(connection);
    let mut connection = acquire_for(&pool, Access::Read).await.unwrap();
    connection.batch("expects no transaction").await.unwrap();
    assert_eq!((server.opened(), pool.stats().max), (1, 1));
}

#[test]
fn what_is_dropped_outside_a_runtime_is_clean_when_it_is_lent_again() {
    for (topology, opened) in [(Topology::Sole, 1), (Topology::Shared, 2)] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let server = FakeServer::new(Dialect::Sqlite);
        let options = PoolOptions::new().max_connections(1);
        let pool = runtime.block_on(open(&server, options, topology)).unwrap();
        let connection = runtime.block_on(async {
            let mut connection = acquire(&pool).await.unwrap();
            connection.begin_cleanup("ROLLBACK");
            connection.batch("BEGIN").await.unwrap();
            connection
        });
        drop(connection);
        runtime.block_on(async {
            let mut connection = acquire(&pool).await.unwrap();
            connection.batch("expects no transaction").await.unwrap();
        });
        assert_eq!(server.opened(), opened);
    }
}
