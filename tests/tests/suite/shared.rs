//! Several handles on one database that tell each other of writes: by Redis and, on PostgreSQL, by LISTEN and NOTIFY.
//!
//! To each other, handles of one process are what other processes are; two real ones are in `two_processes`.
use std::time::{Duration, Instant};

use entourage::{
    Database, ErrorKind,
    pool::PoolOptions,
    prelude::*,
    repository::Cached,
    result_cache::{CacheOptions, ListenNotify, RedisOptions, Share},
};
use entourage_tests::{
    models::library::*,
    require,
    setup::{self, TestDatabase},
};

macro_rules! on_each {
    ($($test:ident = $body:ident on $setup:ident by $way:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let database = require!(setup::$setup().await);
            let way = on_each!($way);
            $body(database, way).await;
        })*
    };
    (redis) => { Way::redis(require!(setup::redis().await)) };
    (notify) => { Way::Notify };
}

#[path = "shared/outage.rs"]
mod outage;
#[path = "shared/two_processes.rs"]
mod two_processes;

/// How the handles tell each other.
#[derive(Debug, Clone)]
enum Way {
    /// The server's URL, and a namespace of the test's own.
    Redis(String, String),
    Notify,
}

impl Way {
    fn redis(url: String) -> Self {
        Self::Redis(url, format!("test {}", uuid::Uuid::new_v4()))
    }

    fn share(&self) -> Share {
        match self {
            Self::Redis(url, namespace) => {
                // Nobody gives up on a busy machine, unless a test is about that.
                let options = RedisOptions::new(url, namespace)
                    .timeout(Duration::from_secs(20))
                    .lease(Duration::from_secs(60));
                options.into()
            }
            Self::Notify => ListenNotify::new().timeout(Duration::from_secs(20)).into(),
        }
    }

    fn keeps_rows(&self) -> bool {
        matches!(self, Self::Redis(..))
    }
}

async fn connect(url: &str, share: Share) -> Database {
    let cache = CacheOptions::new()
        .share(share)
        .patience(Duration::from_secs(60));
    let pool = PoolOptions::new().max_connections(4);
    let db = Database::builder()
        .url(url)
        .pool(pool)
        .cache(cache)
        .connect();
    db.await.unwrap()
}

/// Handles on one database, with the library's tables.
async fn handles<const N: usize>(database: &TestDatabase, way: &Way) -> [Database; N] {
    let mut handles = Vec::new();
    for _ in 0..N {
        handles.push(connect(database.url(), way.share()).await);
    }
    create_library(&handles[0]).await;
    handles.try_into().unwrap_or_else(|_| unreachable!())
}

async fn close<const N: usize>(handles: [&Database; N]) {
    for db in handles {
        db.close().await;
    }
}

/// Waits for what must become true soon.
async fn soon<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    while began.elapsed() < Duration::from_secs(60) {
        if is_so().await {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(10));
    }
    panic!("it did not come: {what}");
}

/// Waits until `reader` has heard of everything that `writer` has written: notices arrive in their order.
async fn heard(writer: &Database, reader: &Database) {
    let before = |db: &Database| db.cache().stats().shared.unwrap().heard;
    let count = before(reader);
    writer.cache().invalidate_table("nothing that is there");
    soon("a notice", || async { before(reader) >= count + 2 }).await;
}

async fn statements<T>(
    db: &Database,
    work: impl Future<Output = entourage::Result<T>>,
) -> (usize, T) {
    let recording = db.recorded();
    let value = work.await.unwrap();
    (recording.count(), value)
}

async fn name_of(db: &Database, id: i64) -> String {
    AuthorRepository::new(db).get(id).await.unwrap().name
}

fn renamed(name: &str) -> AuthorPatch {
    AuthorPatch {
        name: Some(name.into()),
    }
}

fn in_order(db: &Database) -> Cached<'_, Author, ()> {
    let query = AuthorRepository::new(db).query();
    query
        .order_by(Author::ID.asc())
        .cached(Duration::from_secs(3600))
}

async fn a_write_is_heard(database: TestDatabase, way: Way) {
    let [one, other] = handles(&database, &way).await;
    let authors = AuthorRepository::new(&one);
    let ada = authors.insert(author("Ada")).await.unwrap();
    heard(&one, &other).await;
    // Both the row and the result of a query are kept.
    for _ in 0..2 {
        assert_eq!(name_of(&other, ada.id).await, "Ada");
        assert_eq!(in_order(&other).all().await.unwrap().len(), 1);
    }
    assert_eq!(statements(&other, in_order(&other).count()).await.0, 1);
    assert_eq!(statements(&other, in_order(&other).all()).await.0, 0);

    authors.patch(ada.id, renamed("Adele")).await.unwrap();
    soon("the new name", || async {
        name_of(&other, ada.id).await == "Adele"
    })
    .await;
    soon("the new result", || async {
        in_order(&other).all().await.unwrap()[0].name == "Adele"
    })
    .await;

    // Not before COMMIT, and nothing of what was taken back.
    let tx = one.begin().await.unwrap();
    AuthorRepository::new(&tx)
        .patch(ada.id, renamed("Nobody"))
        .await
        .unwrap();
    assert_eq!(name_of(&other, ada.id).await, "Adele");
    tx.rollback().await.unwrap();
    let tx = one.begin().await.unwrap();
    AuthorRepository::new(&tx)
        .patch(ada.id, renamed("Ada"))
        .await
        .unwrap();
    assert_eq!(name_of(&other, ada.id).await, "Adele");
    tx.commit().await.unwrap();
    soon("the committed name", || async {
        name_of(&other, ada.id).await == "Ada"
    })
    .await;

    // Bulk changes, raw SQL, and rows that go along with others.
    let bea = authors.insert(author("Bea")).await.unwrap();
    let books = BookRepository::new(&one);
    let notes = books.insert(book(bea.id, "Notes")).await.unwrap();
    heard(&one, &other).await;
    assert_eq!(
        BookRepository::new(&other)
            .get(notes.id)
            .await
            .unwrap()
            .title,
        "Notes"
    );
    assert_eq!(name_of(&other, bea.id).await, "Bea");
    one.sql(
        "UPDATE authors SET name = 'Beate' WHERE name = 'Bea'",
        entourage::args![],
    )
    .tables(["authors"])
    .execute()
    .await
    .unwrap();
    soon("the raw change", || async {
        name_of(&other, bea.id).await == "Beate"
    })
    .await;
    authors.delete(bea.id).await.unwrap();
    soon("the book's end", || async {
        BookRepository::new(&other)
            .find(notes.id)
            .await
            .unwrap()
            .is_none()
    })
    .await;
    close([&one, &other]).await;
}

/// Whatever the order in which two read and write, the new row is what is kept in the end, by whom ever.
async fn races(database: TestDatabase, way: Way) {
    const ROUNDS: i64 = 1_000;
    let [one, other, third] = handles(&database, &way).await;
    let ada = AuthorRepository::new(&one)
        .insert(author("0"))
        .await
        .unwrap();
    for round in 1..=ROUNDS {
        let name = round.to_string();
        let write = async {
            let authors = AuthorRepository::new(&one);
            authors.patch(ada.id, renamed(&name)).await.unwrap();
        };
        let read = async |db: &Database| {
            let mut last = 0_i64;
            for _ in 0..4 {
                let read: i64 = name_of(db, ada.id).await.parse().unwrap();
                assert!(read >= last, "{read} after {last}");
                assert!(
                    read == round || read == round - 1,
                    "{read} in round {round}"
                );
                last = read;
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(write, read(&other), read(&third), read(&one));
        assert_eq!(name_of(&one, ada.id).await, name);
        tokio::join!(heard(&one, &other), heard(&one, &third));
        assert_eq!(name_of(&other, ada.id).await, name);
        assert_eq!(name_of(&third, ada.id).await, name);
    }
    let figures = other.cache().stats().shared.unwrap();
    println!("{way:?}: {ROUNDS} rounds, {figures:?}");
    assert!(figures.heard >= u64::try_from(ROUNDS).unwrap());
    close([&one, &other, &third]).await;
}

async fn rows_are_kept_for_all(database: TestDatabase, way: Way) {
    assert!(way.keeps_rows());
    let [one, other] = handles(&database, &way).await;
    let authors = AuthorRepository::new(&one);
    let names = ["Ada", "Bea", "Cleo"].map(author);
    let rows = authors.insert_many(names).await.unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let books = BookRepository::new(&one);
    for id in &ids {
        books.insert(book(*id, "Notes")).await.unwrap();
    }
    let [price, _] = [edition(1), edition(2)];
    let edition = EditionRepository::new(&one).insert(price).await.unwrap();
    one.cache().clear();
    heard(&one, &other).await;
    // Who loads a row loads it for all.
    assert_eq!(
        statements(&one, AuthorRepository::new(&one).get(ids[0])).await,
        (1, rows[0].clone())
    );
    assert_eq!(
        statements(&other, AuthorRepository::new(&other).get(ids[0])).await,
        (0, rows[0].clone())
    );
    // Those that nobody has loaded yet are, in one statement.
    let (count, found) =
        statements(&other, AuthorRepository::new(&other).find_many(ids.clone())).await;
    assert_eq!(count, 1);
    assert!(found.iter().flatten().eq(&rows));
    let (count, found) = statements(&one, AuthorRepository::new(&one).find_many(ids.clone())).await;
    assert_eq!(count, 0);
    assert!(found.iter().flatten().eq(&rows));
    // The same for related rows.
    one.cache().clear();
    heard(&one, &other).await;
    let with_author = async |db: &Database| {
        let books = BookRepository::new(db);
        let (count, found) = statements(db, books.query().with(Book::AUTHOR).all()).await;
        assert_eq!(found.len(), 3);
        assert!(
            found
                .iter()
                .all(|book| book.get(Book::AUTHOR).id == book.author_id)
        );
        count
    };
    assert_eq!(with_author(&one).await, 2);
    assert_eq!(with_author(&other).await, 1, "the authors are in Redis");
    // Keys of several columns, and types of all kinds, come back as they were.
    let key = (edition.country, edition.key);
    let (_, first) = statements(&one, EditionRepository::new(&one).get(key)).await;
    assert_eq!(
        statements(&other, EditionRepository::new(&other).get(key)).await,
        (0, first)
    );
    // A row that is not there is not kept there.
    assert_eq!(
        statements(&one, AuthorRepository::new(&one).find(-1)).await,
        (1, None)
    );
    assert_eq!(
        statements(&other, AuthorRepository::new(&other).find(-1)).await,
        (1, None)
    );
    let figures = other.cache().stats().shared.unwrap();
    assert!(
        figures.tier_hits >= 5 && figures.tier_failures == 0,
        "{figures:?}"
    );
    close([&one, &other]).await;
}

/// Many ask for one row that nobody has: one of them loads it.
async fn one_loads_for_all(database: TestDatabase, way: Way) {
    let handles: [Database; 6] = handles(&database, &way).await;
    let ada = AuthorRepository::new(&handles[0])
        .insert(author("Ada"))
        .await
        .unwrap();
    for round in 0..20 {
        handles[0].cache().clear();
        for reader in &handles[1..] {
            heard(&handles[0], reader).await;
        }
        let recordings: Vec<_> = handles.iter().map(Database::recorded).collect();
        let asked = handles.iter().flat_map(|db| {
            (0..4).map(move |_| async move { AuthorRepository::new(db).get(ada.id).await.unwrap() })
        });
        let found = futures_util::future::join_all(asked).await;
        assert!(found.iter().all(|found| *found == ada));
        let sent: usize = recordings.iter().map(|recording| recording.count()).sum();
        assert_eq!(sent, 1, "in round {round}");
    }
    close(handles.each_ref()).await;
}

/// The same table, as another version of the program knows it.
mod later {
    use entourage::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[entity(table = "authors", cache(ttl = "1h"))]
    pub(super) struct LaterAuthor {
        #[entity(primary_key, generated)]
        pub id: i64,
        #[entity(unique, length = 50)]
        pub name: String,
    }

    /// And one that must not leave the process.
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[entity(table = "authors", cache(ttl = "1h"))]
    pub(super) struct SecretAuthor {
        #[entity(primary_key, generated)]
        pub id: i64,
        #[entity(unique, length = 50, sensitive)]
        pub name: String,
        #[entity(version)]
        pub version: i64,
    }
}

async fn versions_of_a_program_run_beside_each_other(database: TestDatabase, way: Way) {
    let [one, other] = handles(&database, &way).await;
    let ada = AuthorRepository::new(&one)
        .insert(author("Ada"))
        .await
        .unwrap();
    one.cache().clear();
    heard(&one, &other).await;
    name_of(&one, ada.id).await;
    // Rows in another form are not for this one, writes are.
    let later = later::LaterAuthorRepository::new(&other);
    assert_eq!(statements(&other, later.get(ada.id)).await.0, 1);
    assert_eq!(statements(&other, later.get(ada.id)).await.0, 0);
    AuthorRepository::new(&one)
        .patch(ada.id, renamed("Adele"))
        .await
        .unwrap();
    soon("the new name", || async {
        later.get(ada.id).await.unwrap().name == "Adele"
    })
    .await;
    close([&one, &other]).await;
}

async fn sensitive_rows_stay_in_the_process(database: TestDatabase, way: Way) {
    let [one, other] = handles(&database, &way).await;
    let ada = AuthorRepository::new(&one)
        .insert(author("Ada"))
        .await
        .unwrap();
    one.cache().clear();
    heard(&one, &other).await;
    assert_eq!(
        statements(&one, later::SecretAuthorRepository::new(&one).get(ada.id))
            .await
            .0,
        1
    );
    assert_eq!(
        statements(&one, later::SecretAuthorRepository::new(&one).get(ada.id))
            .await
            .0,
        0
    );
    assert_eq!(
        statements(
            &other,
            later::SecretAuthorRepository::new(&other).get(ada.id)
        )
        .await
        .0,
        1
    );
    AuthorRepository::new(&one)
        .patch(ada.id, renamed("Adele"))
        .await
        .unwrap();
    soon("the new name", || async {
        later::SecretAuthorRepository::new(&other)
            .get(ada.id)
            .await
            .unwrap()
            .name
            == "Adele"
    })
    .await;
    close([&one, &other]).await;
}

/// Whoever keeps nothing himself tells the others all the same.
async fn a_writer_without_a_cache_is_heard(database: TestDatabase, way: Way) {
    let [reader] = handles(&database, &way).await;
    let cache = CacheOptions::new().share(way.share()).disabled();
    let writer = Database::builder()
        .url(database.url())
        .cache(cache)
        .connect();
    let writer = writer.await.unwrap();
    let ada = AuthorRepository::new(&writer)
        .insert(author("Ada"))
        .await
        .unwrap();
    heard(&writer, &reader).await;
    assert_eq!(name_of(&reader, ada.id).await, "Ada");
    assert_eq!(
        statements(&reader, AuthorRepository::new(&reader).get(ada.id))
            .await
            .0,
        0
    );
    AuthorRepository::new(&writer)
        .patch(ada.id, renamed("Adele"))
        .await
        .unwrap();
    assert_eq!(
        statements(&writer, AuthorRepository::new(&writer).get(ada.id))
            .await
            .0,
        1
    );
    soon("the new name", || async {
        name_of(&reader, ada.id).await == "Adele"
    })
    .await;
    close([&reader, &writer]).await;
}

on_each! {
    a_writer_without_a_cache_is_heard_by_redis = a_writer_without_a_cache_is_heard on sqlite by redis;
    a_writer_without_a_cache_is_heard_by_notify = a_writer_without_a_cache_is_heard on postgres by notify;
    writes_to_sqlite_are_heard_by_redis = a_write_is_heard on sqlite by redis;
    writes_to_postgres_are_heard_by_redis = a_write_is_heard on postgres by redis;
    writes_to_mysql_are_heard_by_redis = a_write_is_heard on mysql by redis;
    writes_to_postgres_are_heard_by_notify = a_write_is_heard on postgres by notify;
    no_race_leaves_an_old_row_in_redis_over_sqlite = races on sqlite by redis;
    no_race_leaves_an_old_row_in_redis_over_postgres = races on postgres by redis;
    no_race_leaves_an_old_row_in_redis_over_mysql = races on mysql by redis;
    no_race_leaves_an_old_row_by_notify = races on postgres by notify;
    redis_keeps_rows_of_sqlite_for_all = rows_are_kept_for_all on sqlite by redis;
    redis_keeps_rows_of_postgres_for_all = rows_are_kept_for_all on postgres by redis;
    redis_keeps_rows_of_mysql_for_all = rows_are_kept_for_all on mysql by redis;
    one_process_loads_a_row_of_sqlite_for_all = one_loads_for_all on sqlite by redis;
    one_process_loads_a_row_of_postgres_for_all = one_loads_for_all on postgres by redis;
    one_process_loads_a_row_of_mysql_for_all = one_loads_for_all on mysql by redis;
    versions_share_a_database_by_redis = versions_of_a_program_run_beside_each_other on sqlite by redis;
    versions_share_a_database_by_notify = versions_of_a_program_run_beside_each_other on postgres by notify;
    what_is_sensitive_is_not_in_redis = sensitive_rows_stay_in_the_process on sqlite by redis;
}

#[tokio::test]
async fn what_cannot_be_shared_says_what_can() {
    let connect = |share: Share| {
        let cache = CacheOptions::new().share(share);
        Database::builder()
            .url("sqlite::memory:")
            .cache(cache)
            .connect()
    };
    let error = connect(ListenNotify::new().into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("share by Redis"), "{error}");
    let error = connect(RedisOptions::new("localhost", "shop").into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("redis://"), "{error}");
}

#[tokio::test]
async fn whoever_is_behind_a_pooler_is_told_to_go_past_it() {
    let database = require!(setup::postgres().await);
    let pooled = format!("{}?statement_mode=pooler", database.url());
    let connect = |share: ListenNotify| {
        let cache = CacheOptions::new().share(share);
        Database::builder().url(&pooled).cache(cache).connect()
    };
    let error = connect(ListenNotify::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error.to_string().contains("ListenNotify::new().url("),
        "{error}"
    );
    let db = connect(ListenNotify::new().url(database.url()))
        .await
        .unwrap();
    assert!(db.cache().stats().shared.unwrap().is_connected);
    db.close().await;
}
