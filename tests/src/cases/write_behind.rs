//! Writes that are acknowledged before the database sees them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entourage::{
    Database,
    observe::{Event, Observer, WriteBehindEvent},
    prelude::*,
    repository::{WriteBehind, WriteBehindBuilder, WriteBehindRepository},
    result_cache::write_behind::Durability,
};
use uuid::Uuid;

use crate::models::blog;
use crate::setup::Scratch;

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "wb_authors", has_many(notes: Note))]
pub struct Author {
    #[entity(primary_key, generated)]
    pub id: Uuid,
    #[entity(unique, length = 40)]
    pub name: String,
    #[entity(version)]
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "wb_notes", belongs_to(author: Author), cache(ttl = "1h"))]
pub struct Note {
    #[entity(primary_key)]
    pub id: i64,
    pub author_id: Uuid,
    pub text: String,
    pub views: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "wb_drafts")]
pub struct Draft {
    #[entity(primary_key)]
    pub id: i64,
    pub text: String,
    #[entity(deleted_at)]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// A queue that flushes only when it is told to.
fn patient(db: &Database) -> WriteBehindBuilder {
    WriteBehind::builder(db)
        .entities::<(Note, Author, Draft)>()
        .flush_every(Duration::from_secs(3_600))
}

async fn started(db: &Database) -> WriteBehind {
    db.create_schema::<(Author, Note, Draft)>().await.unwrap();
    patient(db).start().await.unwrap()
}

async fn author(queue: &WriteBehind, name: &str) -> Author {
    let authors = queue.of::<Author>().unwrap();
    let new = NewAuthor {
        id: None,
        name: name.into(),
    };
    authors.insert(new).await.unwrap()
}

fn note(id: i64, author: &Author) -> NewNote {
    NewNote {
        id,
        author_id: author.id,
        text: format!("note {id}"),
        views: 0,
    }
}

pub async fn what_is_queued_is_read_before_it_is_written(db: &Database) {
    let queue = started(db).await;
    let (authors, notes) = (queue.of::<Author>().unwrap(), queue.of::<Note>().unwrap());
    let ada = author(&queue, "Ada").await;
    assert_eq!(authors.find(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(AuthorRepository::new(db).find(ada.id).await.unwrap(), None);
    notes.insert(note(1, &ada)).await.unwrap();
    queue.flush().await.unwrap();
    assert_eq!(AuthorRepository::new(db).get(ada.id).await.unwrap(), ada);
    // A part of a row is read from the database, and what is queued is put upon it.
    notes.add(1, Note::VIEWS, 3).await.unwrap();
    notes.add(1, Note::VIEWS, 4).await.unwrap();
    let text = Some("other".to_owned());
    notes
        .patch(
            1,
            NotePatch {
                text,
                ..NotePatch::default()
            },
        )
        .await
        .unwrap();
    let read = notes.get(1).await.unwrap();
    assert_eq!((read.views, read.text.as_str()), (7, "other"));
    assert_eq!(NoteRepository::new(db).get(1).await.unwrap().views, 0);
    // Rows are kept by the result cache until the flush drops them.
    queue.flush().await.unwrap();
    assert_eq!(NoteRepository::new(db).get(1).await.unwrap(), read);
    notes.delete(1).await.unwrap();
    assert_eq!(notes.find(1).await.unwrap(), None);
    assert!(
        notes
            .add(1, Note::VIEWS, 1)
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(NoteRepository::new(db).find(1).await.unwrap().is_some());
    queue.shutdown().await.unwrap();
    assert_eq!(NoteRepository::new(db).find(1).await.unwrap(), None);
    let closed = notes.delete(1).await.unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Closed);
}

pub async fn many_changes_of_a_row_are_one_statement(db: &Database) {
    let queue = started(db).await;
    let notes = queue.of::<Note>().unwrap();
    let ada = author(&queue, "Ada").await;
    for id in 1..=20 {
        notes.insert(note(id, &ada)).await.unwrap();
    }
    queue.flush().await.unwrap();
    for _ in 0..50 {
        notes.add(7, Note::VIEWS, 2).await.unwrap();
    }
    notes.insert(note(21, &ada)).await.unwrap();
    notes.delete(21).await.unwrap();
    let recording = db.recorded();
    queue.flush().await.unwrap();
    let sent: Vec<_> = recording
        .statements()
        .iter()
        .filter(|sent| sent.counts())
        .map(|sent| sent.sql.to_string())
        .collect();
    // The queue's mark, and the row.
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert!(sent[0].contains("entourage_write_behind"), "{sent:#?}");
    assert!(sent[1].contains("views"), "{sent:#?}");
    assert_eq!(NoteRepository::new(db).get(7).await.unwrap().views, 100);
    assert_eq!(queue.stats().coalesced, 49 + 1);
    queue.shutdown().await.unwrap();
}

pub async fn parents_are_written_first_and_deleted_last(db: &Database) {
    let queue = started(db).await;
    let (authors, notes) = (queue.of::<Author>().unwrap(), queue.of::<Note>().unwrap());
    let ada = author(&queue, "Ada").await;
    notes.insert(note(1, &ada)).await.unwrap();
    queue.flush().await.unwrap();
    // The child is asked for first, and points at a parent that is queued after it.
    let bea = author(&queue, "Bea").await;
    let author_id = Some(bea.id);
    notes
        .patch(
            1,
            NotePatch {
                author_id,
                ..NotePatch::default()
            },
        )
        .await
        .unwrap();
    authors.delete(ada.id).await.unwrap();
    queue.flush().await.unwrap();
    assert_eq!(
        NoteRepository::new(db).get(1).await.unwrap().author_id,
        bea.id
    );
    authors.delete(bea.id).await.unwrap();
    notes.delete(1).await.unwrap();
    queue.flush().await.unwrap();
    assert_eq!(AuthorRepository::new(db).query().count().await.unwrap(), 0);
    assert!(
        queue.dead_letters().is_empty(),
        "{:?}",
        queue.dead_letters()
    );
    queue.shutdown().await.unwrap();
}

pub async fn a_poison_row_becomes_a_dead_letter_and_the_others_flow(db: &Database) {
    let queue = started(db).await;
    let notes = queue.of::<Note>().unwrap();
    let ada = author(&queue, "Ada").await;
    queue.flush().await.unwrap();
    let twin = author(&queue, "Ada").await;
    let nobody = Author {
        id: Uuid::now_v7(),
        ..ada.clone()
    };
    for id in 1..=100 {
        let owner = if id == 42 { &nobody } else { &ada };
        notes.insert(note(id, owner)).await.unwrap();
    }
    notes.add(1_000, Note::VIEWS, 1).await.unwrap();
    queue.flush().await.unwrap();
    assert_eq!(NoteRepository::new(db).query().count().await.unwrap(), 99);
    let letters = queue.dead_letters();
    let told: Vec<_> = letters
        .iter()
        .map(|letter| (letter.table, letter.kind.as_str()))
        .collect();
    let expected = [
        ("wb_authors", "unique_violation"),
        ("wb_notes", "foreign_key_violation"),
        ("wb_notes", "not_found"),
    ];
    assert_eq!(told, expected, "{letters:#?}");
    assert_eq!(letters[0].key, twin.id.to_string());
    // What is put right can be written after all; the rest is given up.
    AuthorRepository::new(db)
        .patch(
            ada.id,
            AuthorPatch {
                name: Some("Eva".into()),
            },
        )
        .await
        .unwrap();
    queue.retry(letters[0].id).await.unwrap();
    queue.discard(letters[1].id).await.unwrap();
    queue.discard(letters[2].id).await.unwrap();
    queue.flush().await.unwrap();
    assert!(queue.dead_letters().is_empty());
    assert_eq!(AuthorRepository::new(db).get(twin.id).await.unwrap(), twin);
    queue.shutdown().await.unwrap();
}

pub async fn an_old_version_is_told_at_once_or_becomes_a_dead_letter(db: &Database) {
    let queue = started(db).await;
    let authors = queue.of::<Author>().unwrap();
    let first = author(&queue, "Ada").await;
    let renamed = |author: &Author, name: &str| Author {
        name: name.into(),
        ..author.clone()
    };
    let second = authors.update(&renamed(&first, "Bea")).await.unwrap();
    assert_eq!(second.version, 2);
    let stale = authors.update(&renamed(&first, "Eva")).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Stale);
    queue.flush().await.unwrap();
    assert_eq!(
        AuthorRepository::new(db).get(first.id).await.unwrap(),
        second
    );
    // Somebody else is faster.
    let third = AuthorRepository::new(db).update(&second).await.unwrap();
    authors.update(&renamed(&second, "Eva")).await.unwrap();
    queue.flush().await.unwrap();
    assert_eq!(queue.dead_letters()[0].kind, "stale");
    assert_eq!(authors.get(first.id).await.unwrap(), third);
    queue.shutdown().await.unwrap();
}

pub async fn rows_that_are_marked_as_deleted_are_hidden(db: &Database) {
    let queue = started(db).await;
    let drafts = queue.of::<Draft>().unwrap();
    let draft = |id| NewDraft {
        id,
        text: "text".into(),
    };
    drafts.insert(draft(1)).await.unwrap();
    queue.flush().await.unwrap();
    drafts.delete(1).await.unwrap();
    drafts.insert(draft(2)).await.unwrap();
    drafts.delete(2).await.unwrap();
    let hidden = |drafts: WriteBehindRepository<Draft>| async move {
        (drafts.find(1).await.unwrap(), drafts.find(2).await.unwrap())
    };
    assert_eq!(hidden(drafts.clone()).await, (None, None));
    queue.flush().await.unwrap();
    assert_eq!(hidden(drafts.clone()).await, (None, None));
    let marked = db.sql(
        "SELECT count(*) FROM wb_drafts WHERE deleted_at IS NOT NULL",
        args![],
    );
    assert_eq!(marked.fetch_one::<(i64,)>().await.unwrap(), (2,));
    assert!(queue.dead_letters().is_empty());
    queue.shutdown().await.unwrap();
}

pub async fn dead_letters_outlive_their_process(db: &Database) {
    db.create_schema::<(Author, Note, Draft)>().await.unwrap();
    let scratch = Scratch::new().unwrap();
    let folder = scratch.path().join("journal");
    let start = || {
        patient(db)
            .durable(&folder)
            .durability(Durability::Os)
            .segment_bytes(200)
            .start()
    };
    let queue = start().await.unwrap();
    let ada = author(&queue, "Ada").await;
    queue.flush().await.unwrap();
    let twin = author(&queue, "Ada").await;
    queue
        .of::<Note>()
        .unwrap()
        .insert(note(1, &ada))
        .await
        .unwrap();
    queue
        .of::<Note>()
        .unwrap()
        .add(77, Note::VIEWS, 1)
        .await
        .unwrap();
    queue.shutdown().await.unwrap();
    let queue = start().await.unwrap();
    let letters = queue.dead_letters();
    assert_eq!(letters.len(), 2, "{letters:#?}");
    queue.discard(letters[1].id).await.unwrap();
    AuthorRepository::new(db)
        .patch(
            ada.id,
            AuthorPatch {
                name: Some("Eva".into()),
            },
        )
        .await
        .unwrap();
    queue.retry(letters[0].id).await.unwrap();
    queue.shutdown().await.unwrap();
    assert_eq!(AuthorRepository::new(db).get(twin.id).await.unwrap(), twin);
    let queue = start().await.unwrap();
    assert!(queue.dead_letters().is_empty());
    assert_eq!(queue.stats().pending, 0);
    queue.shutdown().await.unwrap();
}

pub async fn a_queue_that_cannot_be_sound_does_not_start(db: &Database) {
    db.create_schema::<(Author, Note, Draft)>().await.unwrap();
    let why = |builder: WriteBehindBuilder| async move {
        let error = builder.start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.hint().is_some(), "{error}");
        error.to_string()
    };
    let generated = why(WriteBehind::builder(db).entities::<blog::User>()).await;
    assert!(
        generated.contains("made by the database") && generated.contains("Uuid"),
        "{generated}"
    );
    let nothing = why(WriteBehind::builder(db)).await;
    assert!(nothing.contains("no entities"), "{nothing}");
    let no_journal = why(patient(db).durability(Durability::Fsync)).await;
    assert!(no_journal.contains(".durable("), "{no_journal}");
    let scratch = Scratch::new().unwrap();
    let file = scratch.path().join("file");
    std::fs::write(&file, "").unwrap();
    let no_folder = why(patient(db).durable(file.join("journal"))).await;
    assert!(no_folder.contains("cannot be opened"), "{no_folder}");
    let folder = scratch.path().join("journal");
    let queue = patient(db).durable(&folder).start().await.unwrap();
    let locked = why(patient(db).durable(&folder)).await;
    assert!(locked.contains("in use"), "{locked}");
    // Of an entity that the next queue does not have.
    author(&queue, "Ada").await;
    author(&queue, "Ada").await;
    queue.shutdown().await.unwrap();
    let other = why(WriteBehind::builder(db)
        .entities::<Draft>()
        .durable(&folder))
    .await;
    assert!(other.contains("wb_authors"), "{other}");
    let queue = patient(db).durable(&folder).start().await.unwrap();
    let defaults = queue.of::<blog::User>().unwrap_err();
    assert!(defaults.to_string().contains("`User`"), "{defaults}");
    queue.shutdown().await.unwrap();
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        let told = match event {
            Event::WriteBehind(WriteBehindEvent::Queued { table, coalesced }) => {
                format!("queued {table} {coalesced}")
            }
            Event::WriteBehind(WriteBehindEvent::Flushed { rows, .. }) => format!("flushed {rows}"),
            Event::WriteBehind(WriteBehindEvent::DeadLetter { table, error, .. }) => {
                format!("dead {table} {}", error.kind().name())
            }
            _ => return,
        };
        self.0.lock().unwrap().push(told);
    }
}

pub async fn what_happens_is_told(db: &Database) {
    let queue = started(db).await;
    let told = Arc::new(Told::default());
    let observer: Arc<dyn Observer> = told.clone();
    db.observe(Arc::clone(&observer));
    let drafts = queue.of::<Draft>().unwrap();
    drafts
        .insert(NewDraft {
            id: 1,
            text: "a".into(),
        })
        .await
        .unwrap();
    drafts
        .patch(
            1,
            DraftPatch {
                text: Some("b".into()),
            },
        )
        .await
        .unwrap();
    queue
        .of::<Note>()
        .unwrap()
        .add(1, Note::VIEWS, 1)
        .await
        .unwrap();
    queue.shutdown().await.unwrap();
    db.observers().remove(&observer);
    let expected = [
        "queued wb_drafts false",
        "queued wb_drafts true",
        "queued wb_notes false",
        "dead wb_notes not_found",
        "flushed 1",
    ];
    assert_eq!(*told.0.lock().unwrap(), expected);
}
