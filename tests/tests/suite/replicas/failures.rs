//! Servers that die, come back, and take each other's place.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use entourage::{
    Database, ErrorKind,
    observe::{FallbackReason, Role},
    pool::PoolOptions,
    prelude::*,
    result_cache::CacheOptions,
    routing::{BanReason, Consistency, ReplicaFigures, ReplicaState},
};
use entourage_tests::{
    models::library::*,
    setup::{forwarder::Forwarder, replication::Replicated},
};

use super::{HASTY, PATIENT, Told, connect, connect_with, patient, places, roles, settled, soon};

/// Tasks that read all the time, one kind after the other; none may fail.
struct Load {
    fine: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    async fn read(self: Arc<Self>, db: Database) {
        let authors = AuthorRepository::new(&db).bypass_cache();
        let all = authors.query().all().await.unwrap().len();
        while !self.stop.load(Relaxed) {
            let graph = authors.query().with(Author::BOOKS.batched()).all();
            assert_eq!(graph.await.unwrap().len(), all);
            let raw = db.sql("SELECT 'fine'", args![]).fetch_one::<(String,)>();
            assert_eq!(raw.await.unwrap().0, "fine");
            let mut stream = std::pin::pin!(authors.query().stream());
            let mut rows = 0;
            while let Some(row) = futures_util::StreamExt::next(&mut stream).await {
                match row {
                    Ok(_) => rows += 1,
                    // What was given away cannot be taken back.
                    Err(error) => {
                        assert!(rows > 0, "{error:?}");
                        rows = all;
                        break;
                    }
                }
            }
            assert_eq!(rows, all);
            self.fine.fetch_add(1, Relaxed);
        }
    }

    async fn grown(&self, more: usize) {
        let before = self.fine.load(Relaxed);
        soon("reads", || async {
            self.fine.load(Relaxed) >= before + more
        })
        .await;
    }
}

pub(super) async fn nobody_notices_when_a_replica_dies(servers: &mut Replicated) {
    let told = Told::default();
    let db = connect_with(servers, patient(), CacheOptions::new(), &told).await;
    settled(&db).await;
    let load = Arc::new(Load {
        fine: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    });
    let handles = [
        db.clone(),
        db.consistency(Consistency::Eventual),
        db.session(),
        db.session(),
    ];
    let readers = handles.map(|handle| tokio::spawn(Arc::clone(&load).read(handle)));
    load.grown(50).await;
    servers.replicas[0].crash();
    let state = || db.replicas().unwrap().replicas[0].state;
    soon("a ban", || async {
        state() == ReplicaState::Banned(BanReason::Unreachable)
    })
    .await;
    load.grown(50).await;
    // One that is down when a program starts keeps nobody from starting.
    let late = connect(servers, patient()).await;
    assert!(!late.replicas().unwrap().replicas[0].state.is_up());
    AuthorRepository::new(&late).query().all().await.unwrap();
    let health = late.health().await;
    assert!(health.is_serving());
    assert_eq!(
        health
            .replicas
            .iter()
            .map(|one| one.is_up)
            .collect::<Vec<_>>(),
        [false, true]
    );
    servers.replicas[0].restart().await.unwrap();
    soon("its return", || async { state().is_up() }).await;
    let before = db.replicas().unwrap().replicas[0].reads;
    soon("its reads", || async {
        db.replicas().unwrap().replicas[0].reads > before
    })
    .await;
    soon("its return", || async {
        late.replicas().unwrap().replicas[0].state.is_up()
    })
    .await;
    load.stop.store(true, Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(told.count("banned unreachable") >= 1 && told.count("recovered") >= 1);
    assert!(db.close().await.is_clean() && late.close().await.is_clean());
}

pub(super) async fn the_primary_serves_when_no_replica_is_left(servers: &mut Replicated) {
    let told = Told::default();
    let db = connect_with(servers, patient(), CacheOptions::new(), &told).await;
    let shelves = ShelfRepository::new(&db);
    servers.replicas[0].crash();
    servers.replicas[1].crash();
    for _ in 0..10 {
        shelves.query().all().await.unwrap();
    }
    soon("that it is told", || async { told.count("alone") == 1 }).await;
    let (_, sent) = roles(&db, shelves.query().all()).await;
    assert_eq!(sent, [Role::Primary]);
    assert!(told.count(&format!("fell back {}", FallbackReason::NoReplica.name())) > 0);
    for replica in &mut servers.replicas {
        replica.restart().await.unwrap();
    }
    soon("their return", || async {
        let figures = db.replicas().unwrap();
        figures.replicas.iter().all(|one| one.state.is_up())
    })
    .await;
    db.close().await;
}

/// A name that leads to another server after a promotion; the connections that are open lead to the old one, which takes
/// no writes any more.
pub(super) async fn a_refused_write_looks_where_the_name_leads(servers: &Replicated) {
    for in_transaction in [false, true] {
        let name = Forwarder::to(servers.replicas[0].port()).await;
        let db = Database::builder()
            .url(&servers.url_at(name.port()))
            .replica(&servers.replica_url(1))
            .pool(PoolOptions::new().acquire_timeout(PATIENT))
            .routing(patient().follow_promotion(false))
            .connect();
        let db = db.await.unwrap();
        let primary = db.primary();
        // Two connections to the old server, one of which is in use until after the refusal.
        let held = primary.begin().await.unwrap();
        primary.begin().await.unwrap().rollback().await.unwrap();
        assert_eq!(db.pool_stats().opened, 2);
        name.lead_to(servers.primary.port());
        let insert = |label: &'static str| {
            let shelf = NewShelf {
                label: label.into(),
            };
            let db = db.clone();
            async move {
                match in_transaction {
                    false => ShelfRepository::new(&db).insert(shelf).await,
                    true => {
                        let tx = db.begin().await?;
                        let shelf = ShelfRepository::new(&tx).insert(shelf).await?;
                        tx.commit().await?;
                        Ok(shelf)
                    }
                }
            }
        };
        let refused = insert("refused").await.unwrap_err();
        let code = if servers.is_postgres() {
            "25006"
        } else {
            "1290"
        };
        assert_eq!(refused.code(), Some(code), "{refused:?}");
        held.rollback().await.unwrap();
        // None of the old connections is lent again.
        let (shelf, sent) = places(&db, insert("taken")).await;
        assert!(
            sent.iter().all(|(role, _)| *role == Role::Primary),
            "{sent:?}"
        );
        assert_eq!(
            ShelfRepository::new(&primary).find(shelf.id).await.unwrap(),
            Some(shelf)
        );
        let closed = || {
            let stats = db.pool_stats();
            stats.closed_broken + stats.closed_idle
        };
        soon("their end", || async { closed() == 2 }).await;
        // What only reads is refused writes by any server: that says nothing of the server.
        let tx = db.transaction().read_only().begin().await.unwrap();
        let shelf = NewShelf { label: "no".into() };
        let refused = ShelfRepository::new(&tx).insert(shelf).await.unwrap_err();
        assert!(refused.code().is_some(), "{refused:?}");
        tx.rollback().await.unwrap();
        assert_eq!(closed(), 2);
        db.close().await;
    }
}

pub(super) async fn a_replica_takes_the_place_of_a_dead_primary(servers: &mut Replicated) {
    let told = Told::default();
    // Whoever asks the servers once an hour finds out by what fails.
    let rare = patient().check_every(Duration::from_secs(3600));
    let rare = connect(servers, rare).await;
    soon("what the servers say at first", || async {
        let figures = rare.replicas().unwrap();
        figures.replicas.iter().all(|one| one.checks > 0)
    })
    .await;
    let db = connect_with(servers, patient().wait(HASTY), CacheOptions::new(), &told).await;
    let shelves = ShelfRepository::new(&db);
    shelves
        .insert(NewShelf {
            label: "before".into(),
        })
        .await
        .unwrap();
    settled(&db).await;
    servers.primary.crash();
    // A write is not repeated: nobody knows what became of it.
    let failed = shelves
        .insert(NewShelf {
            label: "lost".into(),
        })
        .await
        .unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Connection, "{failed:?}");
    servers.promote(0).await;
    let new = servers.replicas[0].port();
    soon("a new primary", || async {
        db.replicas().unwrap().primary.port == Some(new)
    })
    .await;
    assert_eq!(told.count("promoted"), 1);
    soon("a new primary of transactions", || async {
        let work = |tx| async move {
            let label = "in a transaction".into();
            ShelfRepository::new(&tx).insert(NewShelf { label }).await
        };
        rare.transaction().run(work).await.is_ok()
    })
    .await;
    assert_eq!(rare.replicas().unwrap().primary.port, Some(new));
    rare.close().await;
    let (shelf, sent) = places(
        &db,
        shelves.insert(NewShelf {
            label: "after".into(),
        }),
    )
    .await;
    assert!(
        sent.iter().all(|place| *place == (Role::Primary, new)),
        "{sent:?}"
    );
    let found = shelves.find(shelf.id).await.unwrap();
    assert_eq!(found, Some(shelf.clone()));
    // The old one comes back and takes writes, as if nothing had happened: nobody uses it.
    servers.primary.restart().await.unwrap();
    soon("the old one", || async {
        let figures = db.replicas().unwrap();
        let old = figures
            .replicas
            .iter()
            .find(|one| one.target.port == Some(servers.primary.port()));
        old.unwrap().state == ReplicaState::Banned(BanReason::NotAReplica)
    })
    .await;
    assert_eq!(db.replicas().unwrap().primary.port, Some(new));
    // Nor the one that still follows it.
    soon("the other replica", || async {
        let figures = db.replicas().unwrap();
        let astray = |one: &ReplicaFigures| one.state == ReplicaState::Banned(BanReason::Astray);
        figures.replicas.iter().any(astray)
    })
    .await;
    for _ in 0..10 {
        let (found, sent) = places(&db, shelves.find(shelf.id)).await;
        assert!(
            found.is_some() && sent[0].1 != servers.primary.port(),
            "{sent:?}"
        );
    }
    assert_eq!(db.replicas().unwrap().promotions, 1);
    db.close().await;
}
