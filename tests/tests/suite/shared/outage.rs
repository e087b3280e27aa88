//! What carries the notices is killed, hangs, forgets, or is not there: reads and writes go on, and nobody is given old
//! rows for long.

use entourage::{args, result_cache::Share};
use entourage_tests::setup::server::PrivateServer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// Notices by `url`, soon given up.
fn impatient(url: &str, namespace: &str) -> Share {
    RedisOptions::new(url, namespace)
        .timeout(Duration::from_millis(500))
        .heartbeat(Duration::from_millis(200))
        .into()
}

fn is_connected(db: &Database) -> bool {
    db.cache().stats().shared.unwrap().is_connected
}

async fn connected(db: &Database) {
    soon("a connection", || async { is_connected(db) }).await;
}

/// One line to the server, and what it says at once.
async fn say(url: &str, line: &str) -> String {
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(format!("{line}\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Writes through one and reads through the other, which has no connection: from the database, each time.
async fn go_on(one: &Database, other: &Database, id: i64, name: &str) {
    AuthorRepository::new(one)
        .patch(id, renamed(name))
        .await
        .unwrap();
    for _ in 0..2 {
        let (count, found) = statements(other, AuthorRepository::new(other).get(id)).await;
        assert_eq!((count, &*found.name), (1, name));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_everything_is_read_from_the_database() {
    let database = require!(setup::sqlite().await);
    let mut server = require!(PrivateServer::redis(&[]).await);
    let url = server.url();
    let one = connect(database.url(), impatient(&url, "outage")).await;
    let other = connect(database.url(), impatient(&url, "outage")).await;
    create_library(&one).await;
    let ada = AuthorRepository::new(&one)
        .insert(author("Ada"))
        .await
        .unwrap();
    heard(&one, &other).await;
    assert_eq!(name_of(&other, ada.id).await, "Ada");
    for round in 0..5 {
        server.crash();
        soon("the loss", || async {
            !is_connected(&one) && !is_connected(&other)
        })
        .await;
        go_on(&one, &other, ada.id, &format!("Ada {round}")).await;
        server
            .restart()
            .await
            .unwrap_or_else(|skip| panic!("{skip:?}"));
        connected(&one).await;
        connected(&other).await;
        // It is kept again, and told again.
        let name = format!("Ada {round}, told");
        AuthorRepository::new(&one)
            .patch(ada.id, renamed(&name))
            .await
            .unwrap();
        soon("the new name", || async {
            name_of(&other, ada.id).await == name
        })
        .await;
        soon("a row that is kept", || async {
            statements(&other, AuthorRepository::new(&other).get(ada.id))
                .await
                .0
                == 0
        })
        .await;
    }
    close([&one, &other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_may_start_before_its_redis() {
    let database = require!(setup::sqlite().await);
    let mut server = require!(PrivateServer::redis(&[]).await);
    server.stop();
    let db = connect(database.url(), impatient(&server.url(), "early")).await;
    assert!(!is_connected(&db));
    create_library(&db).await;
    let ada = AuthorRepository::new(&db)
        .insert(author("Ada"))
        .await
        .unwrap();
    go_on(&db, &db, ada.id, "Adele").await;
    server
        .restart()
        .await
        .unwrap_or_else(|skip| panic!("{skip:?}"));
    connected(&db).await;
    assert_eq!(name_of(&db, ada.id).await, "Adele");
    assert_eq!(
        statements(&db, AuthorRepository::new(&db).get(ada.id))
            .await
            .0,
        0
    );
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_holds_nobody_up() {
    let database = require!(setup::sqlite().await);
    let server = require!(PrivateServer::redis(&[]).await);
    let url = server.url();
    let one = connect(database.url(), impatient(&url, "hang")).await;
    let other = connect(database.url(), impatient(&url, "hang")).await;
    create_library(&one).await;
    let ada = AuthorRepository::new(&one)
        .insert(author("Ada"))
        .await
        .unwrap();
    heard(&one, &other).await;
    assert_eq!(name_of(&other, ada.id).await, "Ada");
    assert!(
        say(&url, "CLIENT PAUSE 600000 ALL")
            .await
            .starts_with("+OK")
    );
    // The writer gives up on it; whoever only reads hears nothing, not even himself.
    AuthorRepository::new(&one)
        .patch(ada.id, renamed("Adele"))
        .await
        .unwrap();
    soon("the loss", || async {
        !is_connected(&one) && !is_connected(&other)
    })
    .await;
    go_on(&one, &other, ada.id, "Ada").await;
    close([&one, &other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_forgets_makes_no_row_old() {
    let database = require!(setup::sqlite().await);
    let server = require!(PrivateServer::redis(&[]).await);
    let url = server.url();
    let way = Way::redis(url.clone());
    let [one, other] = handles(&database, &way).await;
    let ada = AuthorRepository::new(&one)
        .insert(author("0"))
        .await
        .unwrap();
    for round in 1..=50 {
        let name = round.to_string();
        let write = async {
            AuthorRepository::new(&one)
                .patch(ada.id, renamed(&name))
                .await
                .unwrap();
        };
        let forget = async { say(&url, "FLUSHALL").await };
        let (_, forgotten, _) = tokio::join!(write, forget, name_of(&other, ada.id));
        assert!(forgotten.starts_with("+OK"), "{forgotten}");
        heard(&one, &other).await;
        assert_eq!(name_of(&other, ada.id).await, name);
        assert_eq!(name_of(&one, ada.id).await, name);
    }
    // Scripts that it has forgotten are given to it again.
    say(&url, "SCRIPT FLUSH").await;
    AuthorRepository::new(&one)
        .patch(ada.id, renamed("last"))
        .await
        .unwrap();
    soon("the last name", || async {
        name_of(&other, ada.id).await == "last"
    })
    .await;
    connected(&one).await;
    close([&one, &other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_nobody_may_use_is_passed_by() {
    let database = require!(setup::sqlite().await);
    let server = require!(PrivateServer::redis(&[]).await);
    let url = server.url();
    assert!(
        say(&url, "CONFIG SET requirepass secret")
            .await
            .starts_with("+OK")
    );
    let db = connect(database.url(), impatient(&url, "closed")).await;
    assert!(!is_connected(&db));
    create_library(&db).await;
    let ada = AuthorRepository::new(&db)
        .insert(author("Ada"))
        .await
        .unwrap();
    go_on(&db, &db, ada.id, "Adele").await;
    db.close().await;
    let allowed = url.replace("redis://", "redis://:secret@");
    let db = connect(database.url(), impatient(&allowed, "closed")).await;
    assert!(is_connected(&db));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_that_are_thrown_out_come_back() {
    let database = require!(setup::postgres().await);
    let [one, other] = handles(&database, &Way::Notify).await;
    let ada = AuthorRepository::new(&one)
        .insert(author("Ada"))
        .await
        .unwrap();
    heard(&one, &other).await;
    for round in 0..5 {
        assert_eq!(name_of(&other, ada.id).await, name_of(&one, ada.id).await);
        let lost = |db: &Database| db.cache().stats().shared.unwrap().lost;
        let before = (lost(&one), lost(&other));
        let out = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        one.sql(out, args![]).fetch_one::<(i64,)>().await.unwrap();
        soon("the loss", || async {
            lost(&one) > before.0 && lost(&other) > before.1
        })
        .await;
        connected(&one).await;
        connected(&other).await;
        let name = format!("Ada {round}");
        AuthorRepository::new(&one)
            .patch(ada.id, renamed(&name))
            .await
            .unwrap();
        soon("the new name", || async {
            name_of(&other, ada.id).await == name
        })
        .await;
    }
    close([&one, &other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_survive_the_crash_of_postgres() {
    let mut server = require!(PrivateServer::postgres(&[]).await);
    let one = connect(&server.url(), Way::Notify.share()).await;
    let other = connect(&server.url(), Way::Notify.share()).await;
    create_library(&one).await;
    let ada = AuthorRepository::new(&one)
        .insert(author("Ada"))
        .await
        .unwrap();
    heard(&one, &other).await;
    assert_eq!(name_of(&other, ada.id).await, "Ada");
    server.crash();
    soon("the loss", || async {
        !is_connected(&one) && !is_connected(&other)
    })
    .await;
    assert!(
        AuthorRepository::new(&other).get(ada.id).await.is_err(),
        "nothing is kept"
    );
    server
        .restart()
        .await
        .unwrap_or_else(|skip| panic!("{skip:?}"));
    connected(&one).await;
    connected(&other).await;
    soon("the pool's recovery", || async {
        AuthorRepository::new(&one)
            .patch(ada.id, renamed("Adele"))
            .await
            .is_ok()
    })
    .await;
    soon("the new name", || async {
        let found = AuthorRepository::new(&other).get(ada.id).await;
        found.is_ok_and(|found| found.name == "Adele")
    })
    .await;
    close([&one, &other]).await;
}
