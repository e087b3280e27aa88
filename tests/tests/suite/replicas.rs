//! A primary with two replicas: where statements go, what readers see while replicas are held back, and what they notice
//! when servers die.
//!
//! Servers are started once for each product, and the scenes are played one after the other on them: a replica that is
//! held back would be in the way of everybody else.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use entourage::{
    Database, ErrorKind,
    observe::{Event, Observer, Role, RoutingEventKind},
    pool::PoolOptions,
    prelude::*,
    result_cache::{CacheOptions, ListenNotify, RedisOptions, Share},
    routing::{BanReason, Consistency, ReplicaFigures, ReplicaState, RoutingOptions},
};
use entourage_tests::{
    models::library::*,
    require,
    setup::{self, replication::Replicated},
};

#[path = "replicas/failures.rs"]
mod failures;
#[path = "replicas/views.rs"]
mod views;

use failures::*;
use views::*;

/// Nothing here may take longer; a hang is a failure.
const AT_MOST: Duration = Duration::from_secs(300);

/// For what must not be given up on a busy machine.
const PATIENT: Duration = Duration::from_secs(60);

const HASTY: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_and_its_standbys() {
    let servers = require!(Replicated::postgres(2).await);
    let redis = require!(setup::redis().await);
    let scenes = all_scenes(servers, redis);
    tokio::time::timeout(AT_MOST, scenes)
        .await
        .expect("it hangs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_and_its_replicas() {
    let servers = require!(Replicated::mariadb(2).await);
    let redis = require!(setup::redis().await);
    let scenes = all_scenes(servers, redis);
    tokio::time::timeout(AT_MOST, scenes)
        .await
        .expect("it hangs");
}

/// Plays a scene, and says how long it took.
macro_rules! scene {
    ($name:ident($($argument:expr),*)) => {
        let began = Instant::now();
        $name($($argument),*).await;
        println!("{:>6.2?} {}", began.elapsed(), stringify!($name));
    };
}

async fn all_scenes(mut servers: Replicated, redis: String) {
    let db = connect(&servers, patient()).await;
    create_library(&db).await;
    db.close().await;
    scene!(statements_go_where_they_belong(&servers));
    scene!(a_write_is_read_back(&servers));
    scene!(who_must_see_a_write_does_not_wait_for_ever(&servers));
    scene!(sessions_see_their_own(&servers));
    scene!(what_belongs_together_is_read_from_one_server(&servers));
    scene!(what_only_a_primary_can_do_is_done_there(&servers));
    scene!(nothing_old_is_kept(&servers));
    let namespace = format!("replicas {}", uuid::Uuid::new_v4());
    let by_redis = || {
        RedisOptions::new(&redis, &namespace)
            .timeout(PATIENT)
            .into()
    };
    scene!(nothing_old_is_kept_of_what_another_process_writes(
        &servers, by_redis
    ));
    if servers.is_postgres() {
        let by_notice = || ListenNotify::new().timeout(PATIENT).into();
        scene!(nothing_old_is_kept_of_what_another_process_writes(
            &servers, by_notice
        ));
    }
    scene!(a_view_knows_of_writes_through_every_handle(&servers));
    scene!(one_that_is_far_behind_is_left_alone(&servers));
    scene!(a_refused_write_looks_where_the_name_leads(&servers));
    scene!(nobody_notices_when_a_replica_dies(&mut servers));
    scene!(the_primary_serves_when_no_replica_is_left(&mut servers));
    scene!(a_replica_takes_the_place_of_a_dead_primary(&mut servers));
}

fn patient() -> RoutingOptions {
    RoutingOptions::new()
        .wait(PATIENT)
        .check_every(Duration::from_millis(100))
        .check_timeout(Duration::from_secs(20))
        .ban(Duration::from_millis(50), Duration::from_millis(400))
}

async fn connect(servers: &Replicated, routing: RoutingOptions) -> Database {
    connect_with(servers, routing, CacheOptions::new(), &Told::default()).await
}

async fn connect_with(
    servers: &Replicated,
    routing: RoutingOptions,
    cache: CacheOptions,
    told: &Told,
) -> Database {
    let pool = PoolOptions::new()
        .max_connections(6)
        .acquire_timeout(PATIENT);
    let db = Database::builder()
        .url(&servers.primary_url())
        .replica(&servers.replica_url(0))
        .replica(&servers.replica_url(1))
        .pool(pool)
        .cache(cache)
        .routing(routing)
        .observer(Arc::new(told.clone()))
        .connect();
    db.await.unwrap()
}

/// What was told of the servers.
#[derive(Debug, Default, Clone)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn count(&self, what: &str) -> usize {
        let told = self.0.lock().unwrap();
        told.iter().filter(|text| *text == what).count()
    }
}

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        let Event::Routing(event) = event else {
            return;
        };
        let text = match event.kind {
            RoutingEventKind::Checked { .. } => return,
            RoutingEventKind::Banned { reason, .. } => format!("banned {}", reason.name()),
            RoutingEventKind::Recovered { .. } => "recovered".to_owned(),
            RoutingEventKind::FellBack { reason } => format!("fell back {}", reason.name()),
            RoutingEventKind::Alone => "alone".to_owned(),
            RoutingEventKind::Promoted { from } => {
                assert_eq!(from.role, Role::Replica);
                "promoted".to_owned()
            }
            _ => return,
        };
        self.0.lock().unwrap().push(text);
    }
}

/// Runs `work` and says where its statements went: roles and ports, in order.
async fn places<T>(
    db: &Database,
    work: impl Future<Output = entourage::Result<T>>,
) -> (T, Vec<(Role, u16)>) {
    let recording = db.recorded();
    let value = work.await.unwrap();
    let places = recording.statements();
    let place = |run: &entourage::observe::Recorded| (run.target.role, run.target.port.unwrap());
    (value, places.iter().map(place).collect())
}

async fn roles<T>(
    db: &Database,
    work: impl Future<Output = entourage::Result<T>>,
) -> (T, Vec<Role>) {
    let (value, places) = places(db, work).await;
    (value, places.into_iter().map(|(role, _)| role).collect())
}

/// Waits for what must become true.
async fn soon<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let deadline = Instant::now() + AT_MOST;
    while !is_so().await {
        assert!(Instant::now() < deadline, "it did not come: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until both replicas have what the primary has.
async fn settled(db: &Database) {
    soon("both replicas", || async {
        let figures = db.replicas().unwrap();
        let even = |one: &ReplicaFigures| one.state.is_up() && one.lag == Some(Duration::ZERO);
        figures.replicas.iter().all(even)
    })
    .await;
}

#[track_caller]
fn all_on_the_primary(sent: Vec<Role>) {
    let on_primary = sent.iter().all(|role| *role == Role::Primary);
    assert!(!sent.is_empty() && on_primary, "{sent:?}");
}

async fn statements_go_where_they_belong(servers: &Replicated) {
    let db = connect(servers, patient()).await;
    let authors = AuthorRepository::new(&db);
    let (ada, sent) = roles(&db, authors.insert(author("Ada"))).await;
    assert!(sent.iter().all(|role| *role == Role::Primary), "{sent:?}");
    let ports = Mutex::new(BTreeSet::new());
    soon("reads on both replicas", || async {
        let (_, sent) = places(&db, authors.query().all()).await;
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].0, Role::Replica);
        let mut ports = ports.lock().unwrap();
        ports.insert(sent[0].1);
        ports.len() == 2
    })
    .await;
    let own: BTreeSet<u16> = servers.replicas.iter().map(|one| one.port()).collect();
    assert_eq!(*ports.lock().unwrap(), own);
    let within = db
        .transaction()
        .run(|tx| async move { AuthorRepository::new(&tx).bypass_cache().get(ada.id).await });
    all_on_the_primary(roles(&db, within).await.1);
    let primary = db.primary();
    all_on_the_primary(
        roles(&db, AuthorRepository::new(&primary).query().all())
            .await
            .1,
    );
    let locking = db.sql("SELECT id FROM authors FOR UPDATE", args![]);
    all_on_the_primary(roles(&db, locking.fetch::<(i64,)>()).await.1);
    all_on_the_primary(roles(&db, db.check_schema::<(Author, Book)>()).await.1);
    all_on_the_primary(roles(&db, db.execute_script("SELECT 1")).await.1);
    let consistent = authors.query().with(Author::BOOKS.batched()).consistent();
    all_on_the_primary(roles(&db, consistent.all()).await.1);
    let figures = db.replicas().unwrap();
    assert_eq!(figures.primary.port, Some(servers.primary.port()));
    for replica in &figures.replicas {
        assert_eq!(
            (replica.state, replica.target.role),
            (ReplicaState::Up, Role::Replica)
        );
        assert!(replica.reads > 0 && replica.checks > 0, "{replica:?}");
    }
    assert!(db.close().await.is_clean());
    assert!(figures.replicas.iter().all(|replica| replica.pool.max == 6));
    assert_eq!(
        authors.query().all().await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}

async fn a_write_is_read_back(servers: &Replicated) {
    let db = connect(servers, patient()).await;
    let shelves = ShelfRepository::new(&db);
    let mut on_replicas = 0;
    for round in 0..100 {
        let new = NewShelf {
            label: format!("round {round}"),
        };
        let shelf = match round % 2 {
            0 => shelves.insert(new).await.unwrap(),
            _ => {
                let inserted = db.transaction().run(|tx| {
                    let new = new.clone();
                    async move { ShelfRepository::new(&tx).insert(new).await }
                });
                inserted.await.unwrap()
            }
        };
        let (found, sent) = roles(&db, shelves.find(shelf.id)).await;
        assert_eq!(found, Some(shelf));
        on_replicas += usize::from(sent == [Role::Replica]);
    }
    assert_eq!(on_replicas, 100);
    let figures = db.replicas().unwrap();
    assert_eq!(figures.fallbacks, 0);
    db.close().await;
}

async fn who_must_see_a_write_does_not_wait_for_ever(servers: &Replicated) {
    let told = Told::default();
    let db = connect_with(servers, patient().wait(HASTY), CacheOptions::new(), &told).await;
    let shelves = ShelfRepository::new(&db);
    servers.pause(0).await;
    servers.pause(1).await;
    let shelf = shelves
        .insert(NewShelf {
            label: "late".into(),
        })
        .await
        .unwrap();
    let (found, sent) = roles(&db, shelves.find(shelf.id)).await;
    assert_eq!((found, sent), (Some(shelf.clone()), vec![Role::Primary]));
    assert!(told.count("fell back behind") + told.count("fell back unknown") == 1);
    let eventual = db.consistency(Consistency::Eventual);
    let (found, sent) = roles(&db, ShelfRepository::new(&eventual).find(shelf.id)).await;
    assert_eq!((found, sent), (None, vec![Role::Replica]));
    // Nobody waits a second time for what did not come.
    soon("a reader that waited in vain", || async {
        shelves.find(shelf.id).await.unwrap().unwrap();
        let behind = |one: &ReplicaFigures| one.behind > 0;
        db.replicas().unwrap().replicas.iter().all(behind)
    })
    .await;
    let waits = || {
        db.replicas()
            .unwrap()
            .replicas
            .iter()
            .map(|one| one.waits)
            .sum::<u64>()
    };
    let before = waits();
    shelves.find(shelf.id).await.unwrap().unwrap();
    assert_eq!(waits(), before);
    soon("a lag that is measured", || async {
        let far = |one: &ReplicaFigures| one.lag > Some(Duration::ZERO);
        db.replicas().unwrap().replicas.iter().all(far)
    })
    .await;
    servers.resume(1).await;
    soon("reads on the replica that goes on", || async {
        let (found, sent) = roles(&db, shelves.find(shelf.id)).await;
        assert_eq!(found.as_ref(), Some(&shelf));
        sent == [Role::Replica]
    })
    .await;
    // The other is still held back: whoever must see a write waits for the one that gets there.
    let patient = connect(servers, patient()).await;
    let shelves = ShelfRepository::new(&patient);
    for round in 0..20 {
        let shelf = shelves
            .insert(NewShelf {
                label: format!("one of two {round}"),
            })
            .await
            .unwrap();
        let (found, sent) = roles(&patient, shelves.find(shelf.id)).await;
        assert_eq!((found, sent), (Some(shelf), vec![Role::Replica]));
    }
    servers.resume(0).await;
    settled(&db).await;
    db.close().await;
    patient.close().await;
}

async fn sessions_see_their_own(servers: &Replicated) {
    let db = connect(servers, patient()).await;
    let other_process = connect(servers, patient()).await;
    servers.pause(0).await;
    let mine = db.session();
    let shelves = ShelfRepository::new(&mine);
    let shelf = shelves
        .insert(NewShelf {
            label: "mine".into(),
        })
        .await
        .unwrap();
    for _ in 0..50 {
        let (found, sent) = roles(&db, shelves.find(shelf.id)).await;
        assert_eq!((found, sent), (Some(shelf.clone()), vec![Role::Replica]));
    }
    // One that goes on from there sees it, wherever it is.
    let token = mine.token().await.unwrap();
    let later = other_process.session_from(&token).unwrap();
    for _ in 0..4 {
        let found = ShelfRepository::new(&later).find(shelf.id).await.unwrap();
        assert_eq!(found, Some(shelf.clone()));
    }
    // What was only read is not lost on the way either.
    let reader = db.session();
    let found = ShelfRepository::new(&reader).query().all().await.unwrap();
    let token = reader.token().await.unwrap();
    let later = other_process.session_from(&token).unwrap();
    let seen = ShelfRepository::new(&later).query().all().await.unwrap();
    assert!(seen.len() >= found.len());
    let nonsense = db.session_from("nonsense").unwrap_err();
    assert_eq!(nonsense.kind(), ErrorKind::InvalidQuery);
    // Nobody waits for what others write.
    servers.pause(1).await;
    let late = shelves
        .insert(NewShelf {
            label: "later".into(),
        })
        .await
        .unwrap();
    let other = db.session();
    let (found, sent) = roles(&db, ShelfRepository::new(&other).find(late.id)).await;
    assert_eq!((found, sent), (None, vec![Role::Replica]));
    // A transaction has read from the primary: the session does not go back behind that.
    let moved = other_process.session();
    let within = moved
        .transaction()
        .read_only()
        .run(|tx| async move { ShelfRepository::new(&tx).find(late.id).await });
    assert!(within.await.unwrap().is_some());
    servers.resume(0).await;
    servers.resume(1).await;
    let found = ShelfRepository::new(&moved).find(late.id).await.unwrap();
    assert!(found.is_some());
    db.close().await;
    other_process.close().await;
}

async fn what_belongs_together_is_read_from_one_server(servers: &Replicated) {
    let db = connect(servers, patient()).await;
    let authors = AuthorRepository::new(&db);
    for name in ["Mary", "Percy"] {
        let author = authors.insert(author(name)).await.unwrap();
        let book = BookRepository::new(&db)
            .insert(book(author.id, "Poems"))
            .await
            .unwrap();
        let review = NewReview {
            book_id: book.id,
            stars: 5,
        };
        ReviewRepository::new(&db).insert(review).await.unwrap();
    }
    let used = Mutex::new(BTreeSet::new());
    soon("graphs from both replicas", || async {
        let graph = authors
            .query()
            .with(Author::BOOKS.batched().with(Book::REVIEWS.batched()))
            .all();
        let (graph, sent) = places(&db, graph).await;
        assert!(graph.len() >= 2 && sent.len() == 3, "{sent:?}");
        assert!(sent.iter().all(|place| *place == sent[0]), "{sent:?}");
        let mut used = used.lock().unwrap();
        used.insert(sent[0].1);
        used.len() == 2
    })
    .await;
    db.close().await;
}

async fn what_only_a_primary_can_do_is_done_there(servers: &Replicated) {
    let told = Told::default();
    let db = connect_with(servers, patient(), CacheOptions::new(), &told).await;
    let sql = match servers.is_postgres() {
        true => {
            db.execute_script("CREATE SEQUENCE numbers").await.unwrap();
            "SELECT nextval('numbers')"
        }
        false => {
            let function = "CREATE TABLE test.numbers (id BIGINT PRIMARY KEY AUTO_INCREMENT); \
                            CREATE FUNCTION test.next_number() RETURNS BIGINT DETERMINISTIC MODIFIES SQL DATA SQL SECURITY INVOKER \
                            BEGIN INSERT INTO test.numbers VALUES (); RETURN LAST_INSERT_ID(); END";
            let root = Database::connect(&servers.primary.url()).await.unwrap();
            root.execute_script(function).await.unwrap();
            root.close().await;
            "SELECT next_number()"
        }
    };
    for number in 1..=2 {
        let next = db.sql(sql, args![]).fetch_one::<(i64,)>();
        let (next, sent) = roles(&db, next).await;
        assert_eq!((next.0, sent.last()), (number, Some(&Role::Primary)));
    }
    assert!(told.count("fell back refused") > 0);
    // The reader's own mistake stays one.
    let wrong = db
        .sql("SELECT * FROM nowhere", args![])
        .fetch::<(i64,)>()
        .await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Syntax);
    let figures = db.replicas().unwrap();
    assert!(
        figures.replicas.iter().all(|one| one.bans == 0),
        "{figures:?}"
    );
    db.close().await;
}

/// Whoever loads what is to be kept sees every write, even a handle that may see old rows.
async fn nothing_old_is_kept(servers: &Replicated) {
    let db = connect(servers, patient().wait(HASTY)).await;
    let eventual = db.consistency(Consistency::Eventual);
    let session = db.session();
    let ada = AuthorRepository::new(&db)
        .insert(author("Ada 0"))
        .await
        .unwrap();
    for round in 1..=200 {
        match round % 50 {
            1 => {
                servers.pause(0).await;
                servers.pause(1).await;
            }
            31 => servers.resume(1).await,
            41 => servers.resume(0).await,
            _ => {}
        }
        let name = format!("Ada {round}");
        let update = db.sql(
            "UPDATE authors SET name = ? WHERE id = ?",
            args![name.clone(), ada.id],
        );
        update.execute().await.unwrap();
        let handle = [&db, &eventual, &session][round % 3];
        let authors = AuthorRepository::new(handle);
        match round % 2 {
            0 => assert_eq!(authors.get(ada.id).await.unwrap().name, name),
            _ => {
                let found = authors.find_many([ada.id]).await.unwrap();
                assert_eq!(found[0].as_ref().unwrap().name, name);
            }
        }
        let names = authors
            .filter(Author::ID.eq(ada.id))
            .cached(Duration::from_secs(60));
        assert_eq!(names.all().await.unwrap()[0].name, name);
        let (kept, sent) = roles(&db, AuthorRepository::new(&db).get(ada.id)).await;
        assert_eq!((kept.name, sent.len()), (name, 0));
    }
    db.close().await;
}

async fn nothing_old_is_kept_of_what_another_process_writes(
    servers: &Replicated,
    share: impl Fn() -> Share,
) {
    let process = async || {
        let cache = CacheOptions::new().share(share()).patience(PATIENT);
        connect_with(servers, patient().wait(HASTY), cache, &Told::default()).await
    };
    let (writer, reader) = (process().await, process().await);
    let prefix = uuid::Uuid::new_v4();
    let named = |round: usize| format!("{prefix} {round}");
    let eventual = reader.consistency(Consistency::Eventual);
    let heard = || reader.cache().stats().shared.unwrap().heard;
    let ada = AuthorRepository::new(&writer)
        .insert(author(&named(0)))
        .await
        .unwrap();
    servers.pause(0).await;
    servers.pause(1).await;
    for round in 1..=50 {
        if round == 40 {
            servers.resume(1).await;
        }
        let before = heard();
        let name = named(round);
        let update = writer.sql(
            "UPDATE authors SET name = ? WHERE id = ?",
            args![name.clone(), ada.id],
        );
        update.execute().await.unwrap();
        soon("both notices of the write", || async {
            heard() >= before + 2
        })
        .await;
        let handle = [&reader, &eventual][round % 2];
        assert_eq!(
            AuthorRepository::new(handle)
                .get(ada.id)
                .await
                .unwrap()
                .name,
            name
        );
        assert_eq!(
            AuthorRepository::new(&reader)
                .get(ada.id)
                .await
                .unwrap()
                .name,
            name
        );
    }
    servers.resume(0).await;
    writer.close().await;
    reader.close().await;
}

async fn one_that_is_far_behind_is_left_alone(servers: &Replicated) {
    let told = Told::default();
    let strict = patient().max_lag(Duration::from_millis(300));
    let db = connect_with(servers, strict, CacheOptions::new(), &told).await;
    let eventual = db.consistency(Consistency::Eventual);
    let shelves = ShelfRepository::new(&eventual);
    servers.pause(0).await;
    shelves
        .insert(NewShelf {
            label: "far".into(),
        })
        .await
        .unwrap();
    let state = |index: usize| db.replicas().unwrap().replicas[index].state;
    soon("a ban", || async {
        state(0) == ReplicaState::Banned(BanReason::Lagging)
    })
    .await;
    let (_, sent) = places(&db, async {
        for _ in 0..4 {
            shelves.query().all().await?;
        }
        Ok(())
    })
    .await;
    let far = servers.replicas[0].port();
    assert!(sent.iter().all(|(_, port)| *port != far), "{sent:?}");
    servers.resume(0).await;
    soon("its return", || async { state(0).is_up() }).await;
    assert!(told.count("banned lagging") >= 1 && told.count("recovered") >= 1);
    db.close().await;
}
