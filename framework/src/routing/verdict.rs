//! What the error of a read on a replica means for the read. Pure.
use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind},
    observe::FallbackReason,
};

/// What is done after a read failed on a replica, if none of its rows was given away yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The replica is in trouble: it is banned, and the read is run on another server.
    Ban,
    /// The replica had to end this read, and goes on: it is run on another server.
    Elsewhere,
    /// The replica cannot do it and the primary may: a statement that writes after all, or that names what a change of
    /// the schema has not brought to the replica yet.
    Primary(FallbackReason),
    /// The error is the read's own.
    Fails,
}

/// What `error` means that a replica of `dialect` gave.
pub(super) fn of(dialect: Dialect, error: &Error) -> Verdict {
    let code = error.code().unwrap_or_default();
    match (dialect, error.kind()) {
        (_, ErrorKind::Connection | ErrorKind::Authentication) => Verdict::Ban,
        // 57P04: its database was dropped.
        (Dialect::Postgres, _) if code.starts_with("57P") => Verdict::Ban,
        // What it applies was in the way of what it reads.
        (Dialect::Postgres, ErrorKind::Serialization | ErrorKind::Deadlock) => Verdict::Elsewhere,
        _ if is_read_only(dialect, error) => Verdict::Primary(FallbackReason::Refused),
        // `recovery is in progress`: functions that only a primary has.
        (Dialect::Postgres, _) if code == "55000" => Verdict::Primary(FallbackReason::Refused),
        (_, ErrorKind::Syntax) => Verdict::Primary(FallbackReason::Refused),
        _ => Verdict::Fails,
    }
}

/// Whether a server refused a write because it takes none: it is a replica.
pub(crate) fn is_read_only(dialect: Dialect, error: &Error) -> bool {
    let code = error.code().unwrap_or_default();
    match dialect {
        Dialect::Postgres => code == "25006",
        Dialect::Mysql => matches!(code, "1290" | "1836"),
        Dialect::Sqlite => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DatabaseDetail;

    fn verdict(dialect: Dialect, code: &str) -> Verdict {
        let detail = DatabaseDetail {
            code: Some(code.to_owned()),
            ..DatabaseDetail::default()
        };
        let error = Error::new(dialect.classify(code), "told").with_detail(detail);
        of(dialect, &error)
    }

    #[test]
    fn what_a_replica_says_is_understood() {
        let refused = Verdict::Primary(FallbackReason::Refused);
        for (dialect, code, expected) in [
            (Dialect::Postgres, "57P01", Verdict::Ban),
            (Dialect::Postgres, "57P03", Verdict::Ban),
            (Dialect::Postgres, "57P04", Verdict::Ban),
            (Dialect::Postgres, "3D000", Verdict::Ban),
            (Dialect::Postgres, "40001", Verdict::Elsewhere),
            (Dialect::Postgres, "25006", refused),
            (Dialect::Postgres, "55000", refused),
            (Dialect::Postgres, "42P01", refused),
            (Dialect::Postgres, "57014", Verdict::Fails),
            (Dialect::Postgres, "22012", Verdict::Fails),
            (Dialect::Mysql, "1053", Verdict::Ban),
            (Dialect::Mysql, "1290", refused),
            (Dialect::Mysql, "1836", refused),
            (Dialect::Mysql, "1146", refused),
            (Dialect::Mysql, "1365", Verdict::Fails),
        ] {
            assert_eq!(verdict(dialect, code), expected, "{dialect:?} {code}");
        }
        let lost = Error::new(ErrorKind::Connection, "lost");
        assert_eq!(of(Dialect::Mysql, &lost), Verdict::Ban);
        let late = Error::new(ErrorKind::Timeout, "all in use");
        assert_eq!(of(Dialect::Postgres, &late), Verdict::Fails);
    }
}
