//! Concurrent single writes that share a transaction.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use entourage::{
    Database, ErrorKind, prelude::*, repository::WriteBatcher, statement::StatementKind,
};
use futures_util::future::join_all;

use super::counted::counted;
use crate::models::blog::*;

/// A batcher that waits until `writes` are there.
fn batcher(db: &Database, writes: usize) -> WriteBatcher<User> {
    WriteBatcher::builder(db)
        .max_batch(writes)
        .max_delay(Duration::from_secs(60))
        .start()
}

pub async fn writes_awaited_together_share_a_transaction(db: &Database) {
    create_blog(db).await;
    let users = batcher(db, 20);
    let recording = db.recorded();
    let new = (0..20).map(|number| users.insert(user(&format!("U{number}"))));
    let rows = join_all(new).await;
    let sent = recording.statements();
    let kinds: Vec<_> = sent.iter().map(|sent| sent.kind).collect();
    if db.capabilities().returning {
        let expected = [
            StatementKind::Transaction,
            StatementKind::Insert,
            StatementKind::Transaction,
        ];
        assert_eq!(kinds, expected, "one statement for all of them");
    }
    assert!(sent[0].call_site.file().ends_with("write_batcher.rs"));
    drop(recording);
    let mut users_now = Vec::new();
    for (number, row) in rows.into_iter().enumerate() {
        let row = row.unwrap();
        assert_eq!(row.name, format!("U{number}"));
        users_now.push(row);
    }

    let three = batcher(db, 3);
    users_now[4].name.push('!');
    let (updated, deleted, inserted) = tokio::join!(
        three.update(&users_now[4]),
        three.delete(users_now[5].id),
        three.insert(user("Zoe")),
    );
    assert_eq!(updated.unwrap().version, 2);
    assert!(deleted.unwrap());
    let repository = UserRepository::new(db);
    assert_eq!(counted(db, 1, repository.query().count()).await, 20);
    assert_eq!(
        repository.get(inserted.as_ref().unwrap().id).await.unwrap(),
        inserted.unwrap()
    );
}

pub async fn one_bad_write_of_a_batch_fails_alone(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = batcher(db, 16);
    let new = |number: usize| match number {
        5 => user("Ada"),
        _ => user(&format!("U{number}")),
    };
    let inserts = join_all((0..12).map(|number| users.insert(new(number))));
    let (stale, mut renamed) = (seeded[1].clone(), seeded[1].clone());
    renamed.name = "Bee".into();
    let others = async {
        tokio::join!(
            users.update(&renamed),
            users.delete(seeded[2].id),
            users.delete(-1),
            users.update(&seeded[0]),
        )
    };
    let (inserted, (updated, deleted, nobody, same)) = tokio::join!(inserts, others);
    for (number, row) in inserted.into_iter().enumerate() {
        match number {
            5 => {
                let error = row.unwrap_err();
                assert!(error.is_unique_violation(), "{error}");
                assert!(
                    error
                        .call_site()
                        .unwrap()
                        .file()
                        .ends_with("write_batcher.rs")
                );
            }
            _ => assert_eq!(row.unwrap().name, format!("U{number}")),
        }
    }
    assert_eq!((updated.unwrap().version, same.unwrap().version), (2, 2));
    assert!(!nobody.unwrap());
    // Others' rows point at her, perhaps.
    let deleted = deleted.is_ok();
    let left = UserRepository::new(db).query().count().await.unwrap();
    assert_eq!(left, 3 + 11 - u64::from(deleted));

    let two = batcher(db, 2);
    let (first, second) = tokio::join!(two.update(&stale), two.insert(user("Yan")));
    assert!(first.unwrap_err().is_stale());
    assert_eq!(second.unwrap().name, "Yan");
}

pub async fn a_caller_that_goes_away_leaves_the_others_alone(db: &Database) {
    create_blog(db).await;
    let users = Arc::new(batcher(db, 3));
    // It has queued its write, and does not wait for the answer.
    let mut gone = Box::pin(users.insert(user("Gone")));
    let is_queued = poll_fn(|context| Poll::Ready(gone.as_mut().poll(context).is_pending()));
    assert!(is_queued.await);
    drop(gone);
    let (one, two) = tokio::join!(users.insert(user("One")), users.insert(user("Two")));
    assert_eq!(
        (one.unwrap().name, two.unwrap().name),
        ("One".into(), "Two".into())
    );
    let count = UserRepository::new(db).query().count().await.unwrap();
    assert_eq!(count, 3);
    // A write that comes alone is not held up without a delay.
    let users = WriteBatcher::<User>::builder(db).start();
    assert_eq!(users.insert(user("Three")).await.unwrap().name, "Three");
}

/// The database's default is more than the field holds.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "odd_rows")]
struct Odd {
    #[entity(primary_key)]
    id: i64,
    #[entity(default = "5000000000")]
    size: i32,
}

pub async fn a_row_that_cannot_be_read_back_fails_alone_and_is_written_once(db: &Database) {
    let table =
        "CREATE TABLE odd_rows (id BIGINT PRIMARY KEY, size BIGINT NOT NULL DEFAULT 5000000000)";
    db.execute_script(table).await.unwrap();
    let odd = WriteBatcher::<Odd>::builder(db)
        .max_batch(4)
        .max_delay(Duration::from_secs(60))
        .start();
    let new = |id| NewOdd {
        size: (id != 3).then_some(1),
        ..NewOdd::new(id)
    };
    let done = join_all((1..=4).map(|id| odd.insert(new(id)))).await;
    for (row, id) in done.into_iter().zip(1..) {
        match row {
            Ok(row) => assert_eq!((row.id, id == 3), (id, false)),
            Err(error) => assert_eq!((error.kind(), id), (ErrorKind::Decode, 3)),
        }
    }
    // Each of them once, as if they had been inserted one by one.
    assert_eq!(OddRepository::new(db).query().count().await.unwrap(), 4);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "nervous_rows")]
struct Nervous {
    #[entity(primary_key)]
    id: i64,
    note: Json<Note>,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize)]
struct Note(String);

impl<'de> serde::Deserialize<'de> for Note {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        assert_ne!(text, "boo", "a conversion that panics");
        Ok(Self(text))
    }
}

pub async fn a_panic_fails_its_write_alone(db: &Database) {
    db.create_schema::<Nervous>().await.unwrap();
    let rows = WriteBatcher::<Nervous>::builder(db)
        .max_batch(2)
        .max_delay(Duration::from_secs(60))
        .start();
    let insert = |id, note: &str| {
        rows.insert(NewNervous {
            id,
            note: Json(Note(note.to_owned())),
        })
    };
    let (one, two) = tokio::join!(insert(1, "calm"), insert(2, "boo"));
    assert_eq!(one.unwrap().note.0.0, "calm");
    let error = two.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(
        error
            .call_site()
            .unwrap()
            .file()
            .ends_with("write_batcher.rs")
    );
    let (three, four) = tokio::join!(insert(3, "calm"), insert(4, "calm"));
    assert_eq!((three.unwrap().id, four.unwrap().id), (3, 4));
}
