//! What callers of a queue are told when something cannot be done, and the way out.
use super::{Durability, Settings, change::Refusal, journal::folder::NotOpened};
use crate::{
    error::{Error, ErrorKind},
    schema::{KeyPart, TableDef},
};

#[cold]
pub(super) fn not_opened(path: &std::path::Path, error: NotOpened) -> Error {
    let path = path.display();
    match error {
        NotOpened::Locked => Error::configuration(format!(
            "the journal `{path}` is in use by another process, or by another queue of this one"
        ))
        .with_hint("give each queue a folder of its own"),
        NotOpened::Io(error) => {
            Error::configuration(format!("the journal `{path}` cannot be opened: {error}"))
                .with_hint("name a folder that the program may write to")
                .with_source(error)
        }
    }
}

#[cold]
pub(super) fn changed_table(name: Option<&String>, settings: &Settings) -> Error {
    let name = name.map_or("?", |name| name);
    let path = settings.path.as_deref().unwrap_or_else(|| "?".as_ref());
    Error::configuration(format!(
        "the journal `{}` holds changes of `{name}` that are not in the database, and the entity has changed since or is not in the queue",
        path.display()
    ))
    .with_hint("start the program that wrote them once more and let it shut down; or move the folder away, which gives them up")
}

#[cold]
pub(super) fn refused(table: &TableDef, key: &KeyPart, why: Refusal) -> Error {
    let name = table.name;
    let error = match why {
        Refusal::Exists => Error::new(
            ErrorKind::UniqueViolation,
            format!("a row of `{name}` with key {key} is queued already"),
        ),
        Refusal::Missing => Error::new(
            ErrorKind::NotFound,
            format!("the row of `{name}` with key {key} is about to be deleted"),
        ),
        Refusal::Stale => Error::new(
            ErrorKind::Stale,
            format!("a newer version of the row of `{name}` with key {key} is queued"),
        )
        .with_hint("read it again, apply the change to the new row and update that"),
        Refusal::Overflow(column) => Error::new(
            ErrorKind::Encode,
            format!(
                "the sum is more than `{name}.{}` can hold",
                table.columns[column].name
            ),
        ),
    };
    error.with_table(name)
}

#[cold]
pub(super) fn full(max_pending: usize) -> Error {
    Error::new(
        ErrorKind::QueueFull,
        format!("the write-behind queue is full: {max_pending} rows wait for the database"),
    )
    .with_hint("try later, let writes wait with `WhenFull::Wait`, or raise `max_pending`")
}

#[cold]
pub(super) fn too_many_letters(count: usize) -> Error {
    Error::new(
        ErrorKind::QueueFull,
        format!("{count} dead letters wait for a decision, and no more changes are taken"),
    )
    .with_hint("see `dead_letters()`, and `retry` or `discard` them")
}

#[cold]
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the write-behind queue was shut down")
}

#[cold]
pub(super) fn no_letter(id: u64) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no dead letter {id}"))
}

#[cold]
pub(super) fn left_over(pending: usize, settings: &Settings) -> Error {
    let error = Error::new(
        ErrorKind::Timeout,
        format!(
            "the write-behind queue was not empty after {:?}: {pending} rows are not in the database",
            settings.shutdown_timeout
        ),
    );
    match settings.durability() {
        Durability::None => error.with_hint("they are lost; `.durable(\"path\")` keeps them"),
        Durability::Os | Durability::Fsync => {
            error.with_hint("the journal keeps them for the next start")
        }
    }
}
