//! The settings of a session, as pragmas.
use std::fmt::{Display, Write as _};

use crate::driver::{JournalMode, Synchronous, options::OpenMode, session::Session};

/// What a connection begins with; its file, if it has one, is opened by `mode`.
pub(super) fn pragmas(session: &Session, mode: Option<OpenMode>) -> String {
    let mut sql = String::new();
    let mut pragma = |name: &str, value: &dyn Display| {
        // Writing to a String does not fail.
        let _ = write!(sql, "PRAGMA {name} = {value};");
    };
    // A file that may be written gets, unless told otherwise, a journal with which readers and the writer do not wait for
    // each other and a commit does not wait for the disk. A crash of the program loses nothing; a power failure may lose
    // the last commits, but never corrupts.
    if mode.is_some_and(|mode| mode != OpenMode::ReadOnly) {
        let journal = session.journal_mode.unwrap_or(JournalMode::Wal);
        let synchronous = session.synchronous.unwrap_or(Synchronous::Normal);
        pragma("journal_mode", &journal.as_str());
        pragma("synchronous", &synchronous.as_str());
    }
    if let Some(bytes) = session.cache_size {
        // A negative number is one of kibibytes.
        pragma("cache_size", &format_args!("-{}", bytes.div_ceil(1024)));
    }
    if let Some(bytes) = session.mmap_size {
        pragma("mmap_size", &bytes);
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::ConnectOptions;

    #[test]
    fn only_a_file_that_may_be_written_has_a_journal() {
        let session = Session::default();
        assert_eq!(pragmas(&session, None), "");
        assert_eq!(pragmas(&session, Some(OpenMode::ReadOnly)), "");
        assert_eq!(
            pragmas(&session, Some(OpenMode::Create)),
            "PRAGMA journal_mode = wal;PRAGMA synchronous = normal;"
        );
    }

    #[test]
    fn every_connection_has_its_cache() {
        let options = ConnectOptions::sqlite("a.db")
            .journal_mode(JournalMode::Delete)
            .synchronous(Synchronous::Full)
            .cache_size(10_000_000)
            .mmap_size(1 << 20);
        options.validate().unwrap();
        let pragmas = |mode| pragmas(&options.session, Some(mode));
        let cache = "PRAGMA cache_size = -9766;PRAGMA mmap_size = 1048576;";
        assert_eq!(
            pragmas(OpenMode::ReadWrite),
            format!("PRAGMA journal_mode = delete;PRAGMA synchronous = full;{cache}")
        );
        assert_eq!(pragmas(OpenMode::ReadOnly), cache);
    }
}
