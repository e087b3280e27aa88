//! Behind a real PgBouncer that lends its servers for one transaction, every answer checked.

use std::sync::Arc;

use entourage::{Database, Result, pool::PoolOptions, prelude::*};
use entourage_tests::{
    models::blog::*,
    require,
    setup::{self, server::PrivateServer},
};
use futures_util::{StreamExt, TryStreamExt, future::try_join_all};
use tokio::sync::Barrier;

const TRANSACTION: [&str; 2] = ["pool_mode = transaction", "default_pool_size = 2"];
const IGNORED: &str = "ignore_startup_parameters = extra_float_digits";

/// So that every wrong row comes from another client's text, and none from chance.
const TEXTS: [&str; 3] = ["name", "email", "name || ' <' || email || '>'"];

const CLIENTS: usize = 8;
const STATEMENTS: u64 = 10_000;
const USERS: i64 = 20;

async fn connect(url: &str, mode: &str) -> Result<Database> {
    let url = format!("{url}?statement_mode={mode}");
    let pool = PoolOptions::default().max_connections(1);
    Database::builder().url(&url).pool(pool).connect().await
}

/// Users of whom every value tells who they are, two posts each.
async fn people(db: &Database) -> Result<()> {
    create_blog(db).await;
    let script = "CREATE TYPE mood AS ENUM ('glad', 'sad'); \
                  CREATE TABLE moods (id BIGINT PRIMARY KEY, mood mood NOT NULL, all_of mood[] NOT NULL); \
                  INSERT INTO moods SELECT id, CASE WHEN id % 2 = 0 THEN 'glad' ELSE 'sad' END::mood, '{sad,glad}' \
                  FROM generate_series(1, 20) id";
    db.execute_script(script).await?;
    let users = (1..=USERS).map(|id| user(&format!("U{id}")));
    let users = UserRepository::new(db).insert_many(users).await?;
    let posts = users.iter().flat_map(|user| {
        [1, 2].map(|number| post(user, &format!("{} {number}", user.name), number))
    });
    PostRepository::new(db).insert_many(posts).await?;
    Ok(())
}

fn text_of(id: i64, text: usize) -> String {
    let (name, email) = (format!("U{id}"), format!("u{id}@example.org"));
    match text {
        0 => name,
        1 => email,
        _ => format!("{name} <{email}>"),
    }
}

async fn read_text(db: &Database, id: i64, text: usize) -> Result<String> {
    let sql = format!("SELECT {} FROM users WHERE id = ?", TEXTS[text]);
    let (found,) = db.sql(&sql, args![id]).fetch_one::<(String,)>().await?;
    Ok(found)
}

/// One round of everything a program does; how many answers were checked.
async fn round(db: &Database, client: i64, round: i64) -> Result<()> {
    let id = (client * 7 + round) % USERS + 1;
    for text in 0..TEXTS.len() {
        assert_eq!(read_text(db, id, text).await?, text_of(id, text));
    }
    let users = UserRepository::new(db);
    let found = users.get(id).await?;
    assert_eq!((found.id, found.name), (id, format!("U{id}")));

    let graph = users
        .filter(User::ID.ge(id))
        .order_by(User::ID.asc())
        .limit(2)
        .strategy(Strategy::Batched)
        .with(User::POSTS.order_by(Post::ID.asc()))
        .all()
        .await?;
    for (user, expected) in graph.iter().zip(id..) {
        assert_eq!(user.id, expected);
        let titles: Vec<_> = user
            .get(User::POSTS)
            .iter()
            .map(|post| &post.title)
            .collect();
        assert_eq!(
            titles,
            [&format!("U{expected} 1"), &format!("U{expected} 2")]
        );
    }

    let own = client + 1;
    users
        .filter(User::ID.eq(own))
        .set(User::VISITS.to(User::VISITS.add(1)))
        .update()
        .await?;
    assert_eq!(users.get(own).await?.visits, round + 1);

    let sql = "SELECT mood, all_of FROM moods WHERE id = ?";
    let (mood, all) = db
        .sql(sql, args![id])
        .fetch_one::<(String, Vec<String>)>()
        .await?;
    assert_eq!(mood, if id % 2 == 0 { "glad" } else { "sad" });
    assert_eq!(all, ["sad", "glad"]);

    let tx = db.begin().await?;
    let note = NewComment::new(own, format!("{client} in {round}"), 0);
    let kept = CommentRepository::new(&tx).insert(note).await?;
    let read = CommentRepository::new(&tx).get(kept.id).await?;
    assert_eq!(read.body, format!("{client} in {round}"));
    match round % 2 {
        0 => tx.commit().await?,
        _ => tx.rollback().await?,
    }
    let found = CommentRepository::new(db).find(kept.id).await?;
    assert_eq!(found.is_some(), round % 2 == 0);

    let streamed = users
        .filter(User::ID.le(5))
        .order_by(User::ID.asc())
        .stream();
    let names: Vec<String> = streamed.map_ok(|user| user.name).try_collect().await?;
    assert_eq!(names, ["U1", "U2", "U3", "U4", "U5"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_statements_of_eight_clients_over_two_servers_are_answered_rightly() {
    let database = require!(setup::postgres().await);
    let pooler = require!(PrivateServer::pgbouncer(database.url(), &TRANSACTION).await);
    let direct = Database::connect(database.url()).await.unwrap();
    people(&direct).await.unwrap();
    let together = Arc::new(Barrier::new(CLIENTS));
    let clients = (0..CLIENTS).map(|client| {
        let (url, together) = (pooler.url(), Arc::clone(&together));
        tokio::spawn(async move {
            let client = i64::try_from(client).unwrap();
            let db = connect(&url, "pooler").await.unwrap();
            together.wait().await;
            let mut rounds = 0;
            while db.statement_stats().one_off < STATEMENTS / CLIENTS as u64 {
                round(&db, client, rounds).await.unwrap();
                rounds += 1;
            }
            let stats = db.statement_stats();
            assert_eq!((stats.hits, stats.misses, stats.len), (0, 0, 0));
            db.close().await;
            stats.one_off
        })
    });
    let sent = try_join_all(clients).await.unwrap();
    assert!(sent.iter().sum::<u64>() >= STATEMENTS);
    // No more than two servers, and on them no name of ours is left.
    let backends = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let (backends,) = direct
        .sql(backends, args![])
        .fetch_one::<(i64,)>()
        .await
        .unwrap();
    assert!(backends <= 2, "{backends} servers");
    let db = connect(&pooler.url(), "pooler").await.unwrap();
    let left = "SELECT count(*) FROM pg_prepared_statements";
    let (left,) = db.sql(left, args![]).fetch_one::<(i64,)>().await.unwrap();
    // The one that asks, which is closed after it.
    assert!(left <= 1, "{left} prepared statements are left");
    db.close().await;
    direct.close().await;
}

/// The same reads with statements that are prepared by name: the test above can fail.
#[tokio::test(flavor = "multi_thread")]
async fn statements_prepared_by_name_are_answered_wrongly_behind_a_pooler() {
    let database = require!(setup::postgres().await);
    let settings = [TRANSACTION[0], TRANSACTION[1], IGNORED];
    let pooler = require!(PrivateServer::pgbouncer(database.url(), &settings).await);
    let direct = Database::connect(database.url()).await.unwrap();
    people(&direct).await.unwrap();
    let together = Arc::new(Barrier::new(CLIENTS));
    let clients = (0..CLIENTS).map(|client| {
        let (url, together) = (pooler.url(), Arc::clone(&together));
        tokio::spawn(async move {
            let db = connect(&url, "persistent").await.unwrap();
            together.wait().await;
            let mut wrong = 0;
            for round in 0..150 {
                let id = i64::try_from(client * 7 + round).unwrap() % USERS + 1;
                let text = (client + round) % TEXTS.len();
                let answer = read_text(&db, id, text).await;
                wrong += usize::from(!answer.is_ok_and(|found| found == text_of(id, text)));
            }
            wrong
        })
    });
    let wrong: usize = try_join_all(clients).await.unwrap().iter().sum();
    assert!(
        wrong > 0,
        "a pooler that never lends another server proves nothing"
    );
    direct.close().await;
}

#[tokio::test]
async fn a_pooler_is_found_at_the_start_and_the_error_names_the_way_out() {
    let database = require!(setup::postgres().await);
    for settings in [&TRANSACTION[..], &[TRANSACTION[0], TRANSACTION[1], IGNORED]] {
        let pooler = require!(PrivateServer::pgbouncer(database.url(), settings).await);
        let error = Database::connect(&pooler.url()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert!(
            error.to_string().contains("statement_mode=pooler"),
            "{error}"
        );
    }
    // One that lends its servers for whole sessions is as good as the server.
    let session = ["pool_mode = session", IGNORED];
    let pooler = require!(PrivateServer::pgbouncer(database.url(), &session).await);
    let db = Database::connect(&pooler.url()).await.unwrap();
    seed(&db).await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn the_statements_of_one_load_share_a_transaction_behind_a_pooler() {
    let database = require!(setup::postgres().await);
    let pooler = require!(PrivateServer::pgbouncer(database.url(), &TRANSACTION).await);
    let db = connect(&pooler.url(), "pooler").await.unwrap();
    let users = seed(&db).await.unwrap();
    assert!(!db.capabilities().session_state);
    let sent = |recording: &entourage::observe::Recording| -> Vec<String> {
        let words = |sql: &str| sql.split(' ').next().unwrap_or_default().to_owned();
        recording
            .statements()
            .iter()
            .map(|sent| words(&sent.sql))
            .collect()
    };
    let recording = db.recorded();
    let graph = UserRepository::new(&db)
        .order_by(User::ID.asc())
        .strategy(Strategy::Batched)
        .with(User::POSTS.with(Post::COMMENTS))
        .with(User::PROFILE)
        .all();
    assert_eq!(graph.await.unwrap()[0].get(User::POSTS).len(), 3);
    assert_eq!(
        sent(&recording),
        ["BEGIN", "SELECT", "SELECT", "SELECT", "SELECT", "COMMIT"]
    );
    recording.clear();
    UserRepository::new(&db)
        .load(users.clone(), User::POSTS)
        .await
        .unwrap();
    // A statement alone has ended when its transaction has.
    assert_eq!(sent(&recording), ["BEGIN", "COMMIT", "SELECT"]);
    recording.clear();
    let twice = UserRepository::new(&db).insert(user("Ada")).await;
    assert!(twice.unwrap_err().is_unique_violation());
    assert_eq!(sent(&recording), ["BEGIN", "ROLLBACK", "INSERT"]);
    recording.clear();
    let tx = db.begin().await.unwrap();
    UserRepository::new(&tx).get(users[0].id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sent(&recording), ["BEGIN", "SELECT", "COMMIT"]);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_behind_a_pooler_leaves_no_server_behind() {
    let database = require!(setup::postgres().await);
    let settings = [TRANSACTION[0], "default_pool_size = 1"];
    let pooler = require!(PrivateServer::pgbouncer(database.url(), &settings).await);
    let db = connect(&pooler.url(), "pooler").await.unwrap();
    let users = seed(&db).await.unwrap();
    let other = connect(&pooler.url(), "pooler").await.unwrap();
    let direct = Database::connect(database.url()).await.unwrap();
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid() \
                  AND wait_event = 'PgSleep' AND datname = current_database()";
    let rename = "WITH slept AS (SELECT pg_sleep(60)) UPDATE users SET name = 'nobody' FROM slept WHERE id = ? RETURNING id";
    tokio::select! {
        row = db.sql(rename, args![users[0].id]).fetch_one::<(i64,)>() => panic!("it sleeps: {row:?}"),
        () = async {
            while direct.sql(asleep, args![]).fetch_one::<(i64,)>().await.unwrap() == (0,) {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    // The only server is lent to the next client, or a new one is.
    for db in [&other, &db] {
        let ada = UserRepository::new(db).get(users[0].id).await.unwrap();
        assert_eq!(ada.name, "Ada");
    }
    // A stream that is dropped in its middle too.
    let mut stream = Box::pin(UserRepository::new(&db).order_by(User::ID.asc()).stream());
    assert_eq!(stream.next().await.unwrap().unwrap().name, "Ada");
    drop(stream);
    for db in [&other, &db] {
        assert_eq!(UserRepository::new(db).query().count().await.unwrap(), 3);
    }
    let stop = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
                AND datname = current_database()";
    direct
        .sql(stop, args![])
        .fetch_one::<(i64,)>()
        .await
        .unwrap();
    for db in [db, other, direct] {
        db.close().await;
    }
}

#[tokio::test]
async fn rows_are_copied_behind_a_pooler() {
    let database = require!(setup::postgres().await);
    let pooler = require!(PrivateServer::pgbouncer(database.url(), &TRANSACTION).await);
    let db = connect(&pooler.url(), "pooler").await.unwrap();
    create_blog(&db).await;
    let users = UserRepository::new(&db);
    let new = |from: i64, to: i64| (from..to).map(|number| user(&format!("U{number}")));
    let recording = db.recorded();
    let copied = users.insert_many(new(0, 3_000)).without_rows().await;
    assert_eq!(copied.unwrap(), 3_000);
    let sent: Vec<_> = recording
        .statements()
        .iter()
        .map(|sent| sent.sql.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(sent, ["BEGIN", "SELECT", "COPY", "SELECT", "COMMIT"]);
    drop(recording);
    // Another client's work, and a load that is dropped in its middle, on the same servers.
    let other = connect(&pooler.url(), "pooler").await.unwrap();
    for _ in 0..5 {
        let stalled = std::sync::Arc::new(tokio::sync::Notify::new());
        let told = Arc::clone(&stalled);
        let silence = futures_util::stream::poll_fn(move |_| {
            told.notify_one();
            std::task::Poll::Pending
        });
        let rows = futures_util::stream::iter(new(3_000, 12_000))
            .map(Ok::<_, Error>)
            .chain(silence);
        tokio::select! {
            ended = users.bulk_insert_stream(rows) => panic!("{ended:?}"),
            () = stalled.notified() => {}
        }
        for db in [&db, &other] {
            let users = UserRepository::new(db);
            assert_eq!(users.query().count().await.unwrap(), 3_000);
        }
    }
    let twice = users.bulk_insert(new(2_999, 6_000)).await.unwrap_err();
    assert!(twice.is_unique_violation(), "{twice}");
    assert_eq!(users.query().count().await.unwrap(), 3_000);
    db.close().await;
    other.close().await;
}
