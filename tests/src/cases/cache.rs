//! Rows of cached entities: when they are given out again, and when they are dropped.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use entourage::{
    Database, args,
    observe::{CacheEventKind, Event, Observer},
    prelude::*,
    transaction::Transaction,
};

use super::counted::counted;
use crate::models::library::*;

/// Nobody reads through the cache what the database has not.
async fn assert_true(db: &Database, id: i64) {
    let authors = AuthorRepository::new(db);
    let kept = authors.find(id).await.unwrap();
    assert_eq!(kept, authors.bypass_cache().find(id).await.unwrap());
}

async fn ada(db: &Database) -> Author {
    create_library(db).await;
    AuthorRepository::new(db)
        .insert(author("Ada"))
        .await
        .unwrap()
}

pub async fn a_row_is_read_once(db: &Database) {
    create_library(db).await;
    db.sql(
        "INSERT INTO authors (name, version) VALUES ('Ada', 1)",
        args![],
    )
    .execute()
    .await
    .unwrap();
    let authors = AuthorRepository::new(db);
    let id = authors.query().one().await.unwrap().id;
    let first = counted(db, 1, authors.get(id)).await;
    assert_eq!(counted(db, 0, authors.get(id)).await, first);
    assert_eq!(counted(db, 0, authors.find(id)).await, Some(first));
    // That there is none is known, too.
    assert_eq!(counted(db, 1, authors.find(-1)).await, None);
    assert_eq!(counted(db, 0, authors.find(-1)).await, None);
    let figures = db.cache().stats().entity("Author");
    assert_eq!((figures.hits, figures.misses, figures.entries), (3, 2, 2));
    // Entities that are not cached are read as ever.
    let reviews = ReviewRepository::new(db);
    counted(db, 1, reviews.find(1)).await;
    counted(db, 1, reviews.find(1)).await;
}

pub async fn only_rows_that_are_not_kept_are_fetched(db: &Database) {
    create_library(db).await;
    let authors = AuthorRepository::new(db);
    let rows = authors
        .insert_many(["Ada", "Bea", "Cleo"].map(author))
        .await
        .unwrap();
    db.cache().clear();
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    counted(db, 1, authors.get(ids[1])).await;
    let recording = db.recorded();
    let found = authors
        .find_many([ids[2], -1, ids[1], ids[2]])
        .await
        .unwrap();
    let (bea, cleo) = (Some(rows[1].clone()), Some(rows[2].clone()));
    assert_eq!(found, [cleo.clone(), None, bea, cleo]);
    let sent = recording.statements();
    assert_eq!(sent.len(), 1, "{sent:?}");
    // Those that were fetched, the list being one argument on PostgreSQL.
    assert!(sent[0].args <= 2, "{sent:?}");
    counted(db, 0, authors.find_many([ids[1], -1, ids[2]])).await;
}

pub async fn what_is_kept_is_what_the_database_has(db: &Database) {
    create_library(db).await;
    let editions = EditionRepository::new(db);
    let mut row = editions.insert(edition(1)).await.unwrap();
    let key = (row.country, row.key);
    assert_eq!(counted(db, 0, editions.get(key)).await, row);
    assert_eq!(editions.bypass_cache().get(key).await.unwrap(), row);
    row.notes = None;
    row.price = rust_decimal::Decimal::new(5, 3);
    editions.update(&row).await.unwrap();
    // The database may have other digits of the price: the row is read again.
    let kept = counted(db, 1, editions.get(key)).await;
    assert_eq!(kept, editions.bypass_cache().get(key).await.unwrap());
    assert_eq!(counted(db, 0, editions.get(key)).await, kept);
}

pub async fn a_row_written_is_kept_as_it_was_written(db: &Database) {
    let mut row = ada(db).await;
    let authors = AuthorRepository::new(db);
    assert_eq!(counted(db, 0, authors.get(row.id)).await, row);
    row.name = "Adele".into();
    let updated = authors.update(&row).await.unwrap();
    assert_eq!(counted(db, 0, authors.get(row.id)).await, updated);
    assert_true(db, row.id).await;
    // An update that met no row leaves nothing behind.
    assert!(authors.update(&row).await.unwrap_err().is_stale());
    assert_eq!(counted(db, 1, authors.get(row.id)).await, updated);
    let patch = AuthorPatch {
        name: Some("Alma".into()),
    };
    let patched = authors.patch(row.id, patch).await.unwrap();
    assert_eq!(counted(db, 0, authors.get(row.id)).await, patched);
    assert_true(db, row.id).await;
    assert!(authors.delete(row.id).await.unwrap());
    assert_eq!(counted(db, 0, authors.find(row.id)).await, None);
    assert_true(db, row.id).await;
    // A key that had no row, and has one now.
    let books = BookRepository::new(db);
    let author = authors.insert(author("Bea")).await.unwrap();
    assert_eq!(counted(db, 1, books.find(1)).await, None);
    let book = books.insert(book(author.id, "Gardens")).await.unwrap();
    assert_eq!(
        counted(db, 0, books.find(book.id)).await,
        Some(book.clone())
    );
    // Soft deletion takes it out of sight.
    books.delete(book.id).await.unwrap();
    assert_eq!(counted(db, 0, books.find(book.id)).await, None);
}

pub async fn a_hit_needs_no_connection(db: &Database) {
    let row = ada(db).await;
    let authors = AuthorRepository::new(db);
    let names = || authors.query().cached(std::time::Duration::from_secs(60));
    names().all().await.unwrap();
    db.close().await;
    assert_eq!(authors.get(row.id).await.unwrap(), row);
    assert_eq!(names().all().await.unwrap(), [row]);
    assert!(authors.bypass_cache().query().all().await.is_err());
}

pub async fn nothing_is_seen_before_the_commit(db: &Database) {
    let row = ada(db).await;
    let outside = AuthorRepository::new(db);
    let tx = db.begin().await.unwrap();
    let inside = AuthorRepository::new(tx.clone());
    let changed = inside
        .update(&Author {
            name: "Adele".into(),
            ..row.clone()
        })
        .await
        .unwrap();
    assert_eq!(counted(db, 1, inside.get(row.id)).await, changed);
    assert_eq!(counted(db, 0, outside.get(row.id)).await, row);
    let seen = Arc::new(Mutex::new(None));
    let (db_then, seen_then) = (db.clone(), Arc::clone(&seen));
    tx.after_commit(move || {
        // A hook that the user registered finds the cache as the commit left it.
        let stats = db_then.cache().stats().entity("Author");
        *seen_then.lock().unwrap() = Some(stats.written);
    });
    let before = db.cache().stats().entity("Author").written;
    tx.commit().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(before + 1));
    assert_eq!(counted(db, 0, outside.get(row.id)).await, changed);
}

pub async fn a_rolled_back_transaction_changes_nothing_that_is_kept(db: &Database) {
    let row = ada(db).await;
    let outside = AuthorRepository::new(db);
    let changed = Author {
        name: "Adele".into(),
        ..row.clone()
    };
    let tx = db.begin().await.unwrap();
    AuthorRepository::new(&tx).update(&changed).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(counted(db, 0, outside.get(row.id)).await, row);
    let tx = db.begin().await.unwrap();
    AuthorRepository::new(&tx).delete(row.id).await.unwrap();
    drop(tx);
    assert_eq!(counted(db, 0, outside.get(row.id)).await, row);
}

async fn rename(tx: &Transaction, row: &Author, name: &str) -> Author {
    let row = Author {
        name: name.into(),
        ..row.clone()
    };
    AuthorRepository::new(tx).update(&row).await.unwrap()
}

pub async fn a_rolled_back_savepoint_drops_its_part(db: &Database) {
    let row = ada(db).await;
    let authors = AuthorRepository::new(db);
    let tx = db.begin().await.unwrap();
    let kept = rename(&tx, &row, "Adele").await;
    let inner = tx.begin().await.unwrap();
    rename(&inner, &kept, "Alma").await;
    let innermost = inner.begin().await.unwrap();
    AuthorRepository::new(&innermost)
        .delete(row.id)
        .await
        .unwrap();
    innermost.commit().await.unwrap();
    inner.rollback().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counted(db, 0, authors.get(row.id)).await, kept);
    assert_true(db, row.id).await;
    // A savepoint whose handle is dropped.
    let tx = db.begin().await.unwrap();
    let inner = tx.begin().await.unwrap();
    AuthorRepository::new(&inner).delete(row.id).await.unwrap();
    drop(inner);
    tx.commit().await.unwrap();
    assert_eq!(counted(db, 0, authors.get(row.id)).await, kept);
}

pub async fn rows_that_go_along_with_a_delete_are_dropped(db: &Database) {
    let row = ada(db).await;
    let books = BookRepository::new(db);
    let book = books.insert(book(row.id, "Engines")).await.unwrap();
    counted(db, 0, books.get(book.id)).await;
    AuthorRepository::new(db).delete(row.id).await.unwrap();
    assert_eq!(counted(db, 1, books.find(book.id)).await, None);
}

pub async fn changes_of_unknown_rows_drop_the_table(db: &Database) {
    let row = ada(db).await;
    let authors = AuthorRepository::new(db);
    let rename = |name: &'static str| {
        authors
            .filter(Author::ID.eq(row.id))
            .set(Author::NAME.to(name))
    };
    counted(db, 0, authors.get(row.id)).await;
    rename("Bea").update().await.unwrap();
    assert_eq!(counted(db, 1, authors.get(row.id)).await.name, "Bea");
    db.sql("UPDATE authors SET name = ?", args!["Cleo"])
        .execute()
        .await
        .unwrap();
    assert_eq!(counted(db, 1, authors.get(row.id)).await.name, "Cleo");
    db.execute_script("UPDATE authors SET name = 'Dora'")
        .await
        .unwrap();
    assert_eq!(counted(db, 1, authors.get(row.id)).await.name, "Dora");
    authors.upsert(author("Dora"), Author::NAME).await.unwrap();
    counted(db, 1, authors.get(row.id)).await;
    // In one transaction with a write that named its row.
    let tx = db.begin().await.unwrap();
    let now = AuthorRepository::new(&tx).get(row.id).await.unwrap();
    self::rename(&tx, &now, "Eva").await;
    AuthorRepository::new(&tx)
        .query()
        .set(Author::NAME.to("Fay"))
        .update()
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counted(db, 1, authors.get(row.id)).await.name, "Fay");
    // Other tables are left alone.
    ShelfRepository::new(db)
        .insert(NewShelf::new("top".into()))
        .await
        .unwrap();
    counted(db, 0, authors.get(row.id)).await;
}

pub async fn related_rows_that_are_kept_are_not_fetched(db: &Database) {
    let row = ada(db).await;
    let authors = AuthorRepository::new(db);
    let bea = authors.insert(author("Bea")).await.unwrap();
    let books = BookRepository::new(db);
    books
        .insert_many([book(row.id, "Engines"), book(bea.id, "Gardens")])
        .await
        .unwrap();
    let load = || books.order_by(Book::ID.asc()).with(Book::AUTHOR).all();
    let both = counted(db, 1, load()).await;
    assert_eq!(both[0].get(Book::AUTHOR), &row);
    assert_eq!(both[1].get(Book::AUTHOR), &bea);
    // What is fetched is kept: two statements once, one from then on.
    db.cache().clear();
    assert_eq!(counted(db, 2, load()).await, both);
    assert_eq!(counted(db, 1, load()).await, both);
    counted(db, 0, authors.get(row.id)).await;
    // Only what is missing is fetched.
    db.cache().invalidate::<Author>(bea.id);
    let recording = db.recorded();
    load().await.unwrap();
    let sent = recording.statements();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[1].args, 1, "{sent:?}");
    // Levels below kept rows are loaded by their keys.
    let deep = || {
        ReviewRepository::new(db)
            .query()
            .with(Review::BOOK.with(Book::AUTHOR))
            .all()
    };
    let review = NewReview::new(both[0].id, 5);
    ReviewRepository::new(db).insert(review).await.unwrap();
    load().await.unwrap();
    counted(db, 2, deep()).await;
    let reviews = counted(db, 1, deep()).await;
    assert_eq!(reviews[0].get(Review::BOOK).get(Book::AUTHOR), &row);
    // Onto rows in hand.
    let hand: Vec<Book> = both.iter().map(|book| (**book).clone()).collect();
    let loaded = counted(db, 0, books.load(hand, Book::AUTHOR)).await;
    assert_eq!(loaded, both);
    // A filter, a forced join and a query past the cache ask the database.
    let filtered = Book::AUTHOR.filter(Author::NAME.eq("Ada"));
    assert!(books.query().with(filtered).all().await.is_err());
    counted(db, 1, books.query().with(Book::AUTHOR.joined()).all()).await;
    counted(db, 1, books.query().with(Book::AUTHOR).bypass_cache().all()).await;
}

pub async fn locked_rows_are_read_from_the_database(db: &Database) {
    let row = ada(db).await;
    let tx = db.begin().await.unwrap();
    let inside = AuthorRepository::new(tx.clone());
    assert_eq!(counted(db, 1, inside.lock(row.id)).await, row);
    assert_eq!(
        counted(db, 1, inside.query().for_update().all()).await,
        std::slice::from_ref(&row)
    );
    let second = std::time::Duration::from_secs(1);
    let refused = inside.query().for_update().cached(second).all().await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidQuery);
    tx.commit().await.unwrap();
    counted(db, 0, AuthorRepository::new(db).get(row.id)).await;
}

pub async fn the_cache_can_be_passed_by_and_renewed(db: &Database) {
    let row = ada(db).await;
    let authors = AuthorRepository::new(db);
    counted(db, 1, authors.bypass_cache().get(row.id)).await;
    let misses = db.cache().stats().entity("Author").misses;
    counted(db, 1, authors.refresh_cache().get(row.id)).await;
    counted(db, 1, authors.refresh_cache().find_many([row.id])).await;
    assert_eq!(db.cache().stats().entity("Author").misses, misses + 2);
    counted(db, 0, authors.get(row.id)).await;
    db.cache().clear();
    counted(db, 1, authors.bypass_cache().get(row.id)).await;
    counted(db, 1, authors.get(row.id)).await;
}

pub async fn what_is_kept_is_dropped_by_hand(db: &Database) {
    let row = ada(db).await;
    let authors = AuthorRepository::new(db);
    let bea = authors.insert(author("Bea")).await.unwrap();
    db.cache().invalidate::<Author>(row.id);
    counted(db, 1, authors.get(row.id)).await;
    counted(db, 0, authors.get(bea.id)).await;
    db.cache().invalidate_entity::<Author>();
    counted(db, 1, authors.get(row.id)).await;
    db.cache().invalidate_table("AUTHORS");
    counted(db, 1, authors.get(row.id)).await;
    db.cache().invalidate_table("books");
    counted(db, 0, authors.get(row.id)).await;
    db.cache().clear();
    assert_eq!(db.cache().stats().entity("Author").entries, 0);
    counted(db, 1, authors.get(row.id)).await;
}

#[derive(Default)]
struct Told(Mutex<Vec<(String, CacheEventKind)>>);

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Cache(event) = event {
            let told = (event.table.to_owned(), event.kind);
            self.0.lock().unwrap().push(told);
        }
    }
}

pub async fn what_happens_in_the_cache_is_told(db: &Database) {
    create_library(db).await;
    let told = Arc::new(Told::default());
    db.observe(told.clone());
    let authors = AuthorRepository::new(db);
    authors.find(1).await.unwrap();
    authors.find(1).await.unwrap();
    authors.insert(author("Ada")).await.unwrap();
    use CacheEventKind::{Hit, Invalidate, Miss};
    let told = std::mem::take(&mut *told.0.lock().unwrap());
    let kinds: Vec<_> = told.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds, [Miss, Hit, Invalidate]);
    assert!(told.iter().all(|(table, _)| table == "authors"), "{told:?}");
}

/// What a task did to a row: when, and the version that it read or made.
struct Op {
    key: usize,
    wrote: bool,
    version: i64,
    began: Instant,
    ended: Instant,
}

/// Versions are made by the database, one after the other. So reads are linearizable if nobody reads less than was read
/// or written before they began, and every write makes more.
fn assert_linearizable(mut ops: Vec<Op>) {
    ops.sort_by_key(|op| op.began);
    let mut by_end: Vec<&Op> = ops.iter().collect();
    by_end.sort_by_key(|op| op.ended);
    let mut known = [0; 3];
    let mut ended = by_end.into_iter().peekable();
    for op in &ops {
        while let Some(before) = ended.next_if(|before| before.ended < op.began) {
            known[before.key] = known[before.key].max(before.version);
        }
        let least = known[op.key] + i64::from(op.wrote);
        assert!(
            op.version >= least,
            "version {} of row {} after {least} was known",
            op.version,
            op.key
        );
    }
}

pub async fn reads_through_the_cache_are_linearizable(db: &Database) {
    create_library(db).await;
    let rows = AuthorRepository::new(db)
        .insert_many(["Ada", "Bea", "Cleo"].map(author))
        .await
        .unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let tasks: Vec<_> = (0..64_usize)
        .map(|task| {
            let (db, ids) = (db.clone(), ids.clone());
            tokio::spawn(async move {
                let authors = AuthorRepository::new(&db);
                let mut ops = Vec::new();
                for round in 0..40_usize {
                    let key = (task + round) % ids.len();
                    let (id, began) = (ids[key], Instant::now());
                    let wrote = (task + round).is_multiple_of(8);
                    let version = match wrote {
                        true => {
                            let patch = AuthorPatch {
                                name: Some(format!("{key} {task} {round}")),
                            };
                            authors.patch(id, patch).await.unwrap().version
                        }
                        false if round % 5 == 0 => {
                            authors.bypass_cache().get(id).await.unwrap().version
                        }
                        false => authors.get(id).await.unwrap().version,
                    };
                    ops.push(Op {
                        key,
                        wrote,
                        version,
                        began,
                        ended: Instant::now(),
                    });
                    tokio::task::yield_now().await;
                }
                ops
            })
        })
        .collect();
    let mut ops = Vec::new();
    for task in tasks {
        ops.extend(task.await.unwrap());
    }
    assert_linearizable(ops);
    let figures = db.cache().stats().entity("Author");
    assert!(figures.hits > 0 && figures.written > 0, "{figures:?}");
}

pub async fn rows_written_in_bulk_are_not_missed(db: &Database) {
    create_library(db).await;
    let editions = EditionRepository::new(db);
    for (round, rows) in [(0, 10), (1, 1_500)] {
        let new = (0..rows).map(|number| edition(round * 10_000 + number));
        let keys: Vec<_> = new.clone().map(|new| (new.country, new.key)).collect();
        // That there is none is kept.
        assert_eq!(counted(db, 1, editions.find(keys[3])).await, None);
        assert_eq!(counted(db, 0, editions.find(keys[3])).await, None);
        let inserted = editions.insert_many(new).without_rows().await.unwrap();
        assert_eq!(inserted, u64::try_from(rows).unwrap());
        let kept = counted(db, 1, editions.find(keys[3])).await;
        assert_eq!(kept.unwrap().country, keys[3].0);
    }
    let all = editions.query().all().await.unwrap();
    let mut changed = all[..2].to_vec();
    changed.iter_mut().for_each(|row| row.notes = None);
    let (first, second) = (&all[0], &all[1]);
    editions.get((first.country, first.key)).await.unwrap();
    editions.update_many(&changed).await.unwrap();
    for row in [first, second] {
        let key = (row.country, row.key);
        let kept = editions.get(key).await.unwrap();
        assert_eq!(kept.notes, None);
        assert_eq!(kept, editions.bypass_cache().get(key).await.unwrap());
    }
}
