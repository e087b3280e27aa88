//! Results of queries that are kept: what identifies them, and what drops them.

use std::time::Duration;

use entourage::{Database, args, prelude::*};

use super::counted::counted;
use crate::models::library::*;

const MINUTE: Duration = Duration::from_secs(60);

async fn seed(db: &Database) -> (Author, Book) {
    create_library(db).await;
    let ada = AuthorRepository::new(db)
        .insert(author("Ada"))
        .await
        .unwrap();
    let book = book(ada.id, "Engines");
    let book = BookRepository::new(db).insert(book).await.unwrap();
    (ada, book)
}

pub async fn a_result_is_read_once(db: &Database) {
    let (ada, engines) = seed(db).await;
    let books = BookRepository::new(db);
    let titled = |title: &str| books.filter(Book::TITLE.eq(title)).cached(MINUTE);
    let rows = [engines.clone()];
    assert_eq!(counted(db, 1, titled("Engines").all()).await, rows);
    assert_eq!(counted(db, 0, titled("Engines").all()).await, rows);
    assert_eq!(*counted(db, 0, titled("Engines").all_shared()).await, rows);
    assert_eq!(counted(db, 1, titled("Gardens").all()).await, []);
    assert_eq!(counted(db, 0, titled("Gardens").all()).await, []);
    assert_eq!(counted(db, 1, titled("Engines").one()).await, engines);
    assert_eq!(counted(db, 0, titled("Engines").one()).await, engines);
    counted(db, 1, titled("Engines").refresh_cache().all()).await;
    counted(db, 1, titled("Engines").bypass_cache().all()).await;
    let none = titled("Engines").first().await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidQuery);
    let first = || {
        let query = books.order_by(Book::ID.asc());
        query.with(Book::AUTHOR).cached(MINUTE).first()
    };
    let graph = counted(db, 1, first()).await.unwrap();
    let again = counted(db, 0, first()).await.unwrap();
    assert_eq!((again.get(Book::AUTHOR), &again), (&ada, &graph));
    let figures = db.cache().stats().queries;
    assert_eq!((figures.hits, figures.misses), (5, 5), "{figures:?}");
}

pub async fn results_are_told_apart(db: &Database) {
    let (_, engines) = seed(db).await;
    let books = BookRepository::new(db);
    counted(db, 1, books.query().cached(MINUTE).all()).await;
    // By limit, order, include, its filter, and what is computed.
    counted(db, 1, books.query().limit(1).cached(MINUTE).all()).await;
    counted(db, 1, books.order_by(Book::ID.desc()).cached(MINUTE).all()).await;
    let with = || books.query().with(Book::REVIEWS);
    counted(
        db,
        2,
        with().strategy(Strategy::Batched).cached(MINUTE).all(),
    )
    .await;
    // But not by strategy: every strategy loads the same graph.
    counted(
        db,
        0,
        with().strategy(Strategy::Unified).cached(MINUTE).all(),
    )
    .await;
    let good = || {
        let good = Book::REVIEWS.filter(Review::STARS.ge(4));
        books.query().with(good).strategy(Strategy::Unified)
    };
    counted(db, 1, good().cached(MINUTE).all()).await;
    counted(db, 0, good().cached(MINUTE).all()).await;
    let count = || books.query().with(Book::REVIEWS.count());
    counted(
        db,
        1,
        count().strategy(Strategy::Unified).cached(MINUTE).all(),
    )
    .await;
    let rows = counted(db, 0, count().cached(MINUTE).all()).await;
    assert_eq!(
        (rows[0].id, *rows[0].get(Book::REVIEWS.count())),
        (engines.id, 0)
    );
}

pub async fn figures_are_kept_too(db: &Database) {
    let (ada, _) = seed(db).await;
    let books = BookRepository::new(db);
    let of = |id: i64| books.filter(Book::AUTHOR_ID.eq(id)).cached(MINUTE);
    assert_eq!(counted(db, 1, of(ada.id).count()).await, 1);
    assert_eq!(counted(db, 0, of(ada.id).count()).await, 1);
    assert!(counted(db, 1, of(ada.id).exists()).await);
    assert!(counted(db, 0, of(ada.id).exists()).await);
    assert!(!counted(db, 1, of(-1).exists()).await);
    books.insert(book(ada.id, "Numbers")).await.unwrap();
    assert_eq!(counted(db, 1, of(ada.id).count()).await, 2);
}

pub async fn every_write_to_a_table_drops_its_results(db: &Database) {
    let (ada, engines) = seed(db).await;
    let (books, shelves) = (BookRepository::new(db), ShelfRepository::new(db));
    let query = || books.query().with(Book::SHELVES).cached(MINUTE).all();
    let renewed = async |what: &str| {
        let before = db.cache().stats().queries.misses;
        query().await.unwrap();
        query().await.unwrap();
        let misses = db.cache().stats().queries.misses - before;
        assert_eq!(misses, 1, "{what} should drop the result once");
    };
    renewed("nothing").await;
    let mut numbers = books.insert(book(ada.id, "Numbers")).await.unwrap();
    renewed("an insert").await;
    numbers.title = "Looms".into();
    books.update(&numbers).await.unwrap();
    renewed("an update").await;
    let patch = BookPatch {
        title: Some("Notes".into()),
        ..BookPatch::default()
    };
    books.patch(numbers.id, patch).await.unwrap();
    renewed("a patch").await;
    books.delete_permanently(numbers.id).await.unwrap();
    renewed("a delete").await;
    let all = books.query();
    all.set(Book::TITLE.to("Same")).update().await.unwrap();
    renewed("a bulk update").await;
    let shelf = NewShelf::new("top".into());
    let shelf = shelves.insert(shelf).await.unwrap();
    renewed("an insert into a related table").await;
    books
        .link(Book::SHELVES, engines.id, [shelf.id])
        .await
        .unwrap();
    renewed("a link").await;
    books
        .unlink(Book::SHELVES, engines.id, [shelf.id])
        .await
        .unwrap();
    renewed("an unlink").await;
    let raw = db.sql(
        "UPDATE books SET title = ? WHERE id = ?",
        args!["Raw", engines.id],
    );
    raw.execute().await.unwrap();
    renewed("raw SQL").await;
    let script = "CREATE TABLE others (id INTEGER PRIMARY KEY)";
    db.execute_script(script).await.unwrap();
    renewed("a change of the schema").await;
    let tx = db.begin().await.unwrap();
    let shelf = NewShelf::new("low".into());
    ShelfRepository::new(&tx).insert(shelf).await.unwrap();
    tx.commit().await.unwrap();
    renewed("a transaction").await;
    AuthorRepository::new(db).delete(ada.id).await.unwrap();
    renewed("a delete that takes books along").await;
    // What is not read drops nothing.
    let before = db.cache().stats().queries.hits;
    EditionRepository::new(db).insert(edition(1)).await.unwrap();
    query().await.unwrap();
    assert_eq!(db.cache().stats().queries.hits, before + 1);
}

pub async fn a_result_is_dropped_by_its_relations_and_filters(db: &Database) {
    let (ada, engines) = seed(db).await;
    let authors = AuthorRepository::new(db);
    let praised = Author::BOOKS.any(Book::REVIEWS.any(Review::STARS.ge(5)));
    let query = || authors.filter(praised.clone()).cached(MINUTE).all();
    assert_eq!(counted(db, 1, query()).await, []);
    assert_eq!(counted(db, 0, query()).await, []);
    let review = NewReview::new(engines.id, 5);
    ReviewRepository::new(db).insert(review).await.unwrap();
    assert_eq!(counted(db, 1, query()).await, [ada]);
}

pub async fn a_result_has_tags(db: &Database) {
    let (ada, _) = seed(db).await;
    let authors = AuthorRepository::new(db);
    let front = || authors.query().cached(MINUTE).tag("front").all();
    counted(db, 1, front()).await;
    counted(db, 0, front()).await;
    db.cache().invalidate_tag("back");
    counted(db, 0, front()).await;
    db.cache().invalidate_tag("front");
    counted(db, 1, front()).await;
    // A tag is no table: rows of entities stay.
    counted(db, 0, authors.get(ada.id)).await;
}

pub async fn a_transaction_reads_past_kept_results(db: &Database) {
    let (ada, _) = seed(db).await;
    let outside = BookRepository::new(db);
    assert_eq!(
        counted(db, 1, outside.query().cached(MINUTE).count()).await,
        1
    );
    let tx = db.begin().await.unwrap();
    let inside = BookRepository::new(tx.clone());
    inside.insert(book(ada.id, "Numbers")).await.unwrap();
    assert_eq!(
        counted(db, 1, inside.query().cached(MINUTE).count()).await,
        2
    );
    assert_eq!(
        counted(db, 0, outside.query().cached(MINUTE).count()).await,
        1
    );
    tx.rollback().await.unwrap();
    assert_eq!(
        counted(db, 0, outside.query().cached(MINUTE).count()).await,
        1
    );
}

/// Every writer finds its own row in the result that it asks for next.
pub async fn writers_never_leave_an_old_result(db: &Database) {
    let (ada, _) = seed(db).await;
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let (db, id) = (db.clone(), ada.id);
            tokio::spawn(async move {
                let books = BookRepository::new(&db);
                let mut least = 0;
                for round in 0..20 {
                    let title = format!("{task} {round}");
                    if round % 4 == 0 {
                        books.insert(book(id, &title)).await.unwrap();
                    }
                    let count = books.query().cached(MINUTE).count().await.unwrap();
                    let own = books.filter(Book::TITLE.like(format!("{task} %")));
                    let own = own.cached(MINUTE).count().await.unwrap();
                    assert_eq!(own, round / 4 + 1);
                    assert!(count >= least, "{count} after {least}");
                    least = count;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
