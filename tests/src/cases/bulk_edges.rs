//! Many rows where something is out of the ordinary.

use chrono::{DateTime, Utc};
use entourage::{Database, prelude::*, statement::StatementKind, transaction::IsolationLevel};
use futures_util::{StreamExt, stream};

use super::bulk::people;
use crate::models::blog::{UserRepository, create_blog};

/// There the catalog is asked as it was, and `COPY` goes by what it is.
pub async fn a_load_of_an_old_moment_is_inserted_and_not_copied(db: &Database) {
    create_blog(db).await;
    let levels = [
        (IsolationLevel::ReadCommitted, true),
        (IsolationLevel::RepeatableRead, false),
        (IsolationLevel::Serializable, false),
    ];
    for (level, copies) in levels {
        let tx = db.transaction().isolation(level).begin().await.unwrap();
        let users = UserRepository::new(tx.clone());
        users.query().count().await.unwrap();
        let recording = db.recorded();
        users.bulk_insert(people(0..2_000)).await.unwrap();
        let sent = recording.statements();
        let copied = sent.iter().any(|sent| sent.kind == StatementKind::Copy);
        assert_eq!(copied, copies, "{level:?}: {sent:#?}");
        assert_eq!(users.query().count().await.unwrap(), 2_000);
        drop(recording);
        tx.rollback().await.unwrap();
    }
}

pub async fn a_batch_does_not_wait_for_the_rows_of_others(db: &Database) {
    create_blog(db).await;
    let users = UserRepository::new(db);
    let rows = stream::iter(people(0..250)).map(Ok);
    let end = stream::iter([Err(std::io::Error::other("the file ends here"))]);
    let failed = users
        .bulk_insert_stream(rows.chain(end))
        .batch_size(100)
        .commit_each_batch();
    let failed = failed.await.unwrap_err();
    let hint = failed.hint().unwrap();
    assert!(hint.contains("200 rows of the batches before"), "{hint}");
    assert_eq!(users.query().count().await.unwrap(), 200);
    // They go on where they ended.
    let rest = users.bulk_insert(people(200..450)).batch_size(100).await;
    assert_eq!(rest.unwrap().batches, 3);
    assert_eq!(users.query().count().await.unwrap(), 450);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "scrolls")]
struct Scroll {
    #[entity(primary_key)]
    id: i64,
    text: String,
    notes: Json<Vec<String>>,
}

/// MariaDB takes 16 MiB at once, unless it is told otherwise.
pub async fn long_rows_go_out_in_several_statements(db: &Database) {
    db.create_schema::<Scroll>().await.unwrap();
    let scrolls = ScrollRepository::new(db);
    let recording = db.recorded();
    let long = (0..1_000).map(|id| NewScroll {
        id,
        text: "x".repeat(20_000),
        notes: Json(Vec::new()),
    });
    let inserted = scrolls.insert_many(long).await.unwrap();
    assert_eq!(inserted.len(), 1_000);
    assert!(inserted.iter().map(|row| row.id).eq(0..1_000));
    drop(inserted);
    let noted = (1_000..2_000).map(|id| NewScroll {
        id,
        text: String::new(),
        notes: Json(vec!["x".repeat(10_000); 2]),
    });
    let report = scrolls.bulk_insert(noted).await.unwrap();
    assert_eq!(report.rows, 1_000);
    assert!(recording.count() >= 5, "{}", recording.count());
    assert_eq!(scrolls.query().count().await.unwrap(), 2_000);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "ticks")]
struct Tick {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(default = "7")]
    number: i32,
}

pub async fn rows_of_defaults_alone_are_upserted(db: &Database) {
    db.create_schema::<Tick>().await.unwrap();
    let ticks = TickRepository::new(db);
    let rows = (0..3).map(|_| NewTick::default());
    let report = ticks.bulk_insert(rows).on_conflict_ignore(Tick::ID).await;
    assert_eq!(report.unwrap().rows, 3);
    let upserted = ticks.upsert(NewTick::default(), Tick::ID).await.unwrap();
    assert_eq!(upserted.number, 7);
    assert_eq!(ticks.query().count().await.unwrap(), 4);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "readers")]
#[entity(many_to_many(clubs: Club, through = Membership))]
struct Reader {
    #[entity(primary_key)]
    id: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "clubs")]
struct Club {
    #[entity(primary_key)]
    id: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "memberships", unique(reader_id, club_id))]
#[entity(belongs_to(reader: Reader), belongs_to(club: Club))]
struct Membership {
    #[entity(primary_key, generated)]
    id: i64,
    reader_id: i64,
    club_id: i64,
    #[entity(deleted_at)]
    left_at: Option<DateTime<Utc>>,
}

pub async fn a_pair_that_was_marked_as_deleted_is_linked_again(db: &Database) {
    db.create_schema::<(Reader, Club, Membership)>()
        .await
        .unwrap();
    let readers = ReaderRepository::new(db);
    readers.insert(NewReader { id: 1 }).await.unwrap();
    let clubs = [1, 2].map(|id| NewClub { id });
    ClubRepository::new(db).insert_many(clubs).await.unwrap();
    readers.link(Reader::CLUBS, 1, [1, 2]).await.unwrap();
    let memberships = MembershipRepository::new(db);
    let left = memberships.filter(Membership::CLUB_ID.eq(1));
    assert_eq!(left.delete().await.unwrap(), 1);
    let count = async || {
        let found = readers.with(Reader::CLUBS).find(1).await.unwrap().unwrap();
        found.get(Reader::CLUBS).len()
    };
    assert_eq!(count().await, 1);
    readers.link(Reader::CLUBS, 1, [1, 2]).await.unwrap();
    assert_eq!(count().await, 2);
    let all = memberships.query().with_deleted().count().await.unwrap();
    assert_eq!(all, 2);
}
