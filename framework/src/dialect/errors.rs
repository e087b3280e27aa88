//! What the databases' error codes mean.
use super::Dialect;
use crate::error::ErrorKind;

impl Dialect {
    /// The kind of a database error by its code: SQLSTATE on PostgreSQL, the server's error number on MySQL, the
    /// extended result code on SQLite.
    pub fn classify(self, code: &str) -> ErrorKind {
        match self {
            Dialect::Sqlite => sqlite(code),
            Dialect::Postgres => postgres(code),
            Dialect::Mysql => mysql(code),
        }
    }
}

/// Codes of sqlite.org/rescode.html.
fn sqlite(code: &str) -> ErrorKind {
    match code {
        "1555" | "2067" | "2579" => ErrorKind::UniqueViolation,
        "787" => ErrorKind::ForeignKeyViolation,
        "1299" => ErrorKind::NotNullViolation,
        "275" | "3091" => ErrorKind::CheckViolation,
        // BUSY_SNAPSHOT: the transaction's snapshot is too old to write.
        "517" => ErrorKind::Serialization,
        "5" | "261" | "773" | "6" | "262" => ErrorKind::LockNotAvailable,
        "9" => ErrorKind::Timeout,
        "14" | "26" | "10" => ErrorKind::Connection,
        "1" => ErrorKind::Syntax,
        _ => ErrorKind::Database,
    }
}

/// Codes of PostgreSQL's manual, appendix A.
fn postgres(code: &str) -> ErrorKind {
    match code {
        "23505" | "23P01" => ErrorKind::UniqueViolation,
        "23503" => ErrorKind::ForeignKeyViolation,
        "23502" => ErrorKind::NotNullViolation,
        "23514" => ErrorKind::CheckViolation,
        "40001" => ErrorKind::Serialization,
        "40P01" => ErrorKind::Deadlock,
        "55P03" => ErrorKind::LockNotAvailable,
        "57014" => ErrorKind::Timeout,
        "25P02" => ErrorKind::TransactionAborted,
        "28000" | "28P01" | "3D000" => ErrorKind::Authentication,
        "57P01" | "57P02" | "57P03" | "53300" => ErrorKind::Connection,
        "0A000" => ErrorKind::Unsupported,
        _ if code.starts_with("08") => ErrorKind::Connection,
        _ if code.starts_with("42") => ErrorKind::Syntax,
        _ => ErrorKind::Database,
    }
}

/// Numbers of the MySQL and MariaDB server error references.
fn mysql(code: &str) -> ErrorKind {
    match code {
        "1022" | "1062" | "1169" | "1586" => ErrorKind::UniqueViolation,
        "1216" | "1217" | "1451" | "1452" => ErrorKind::ForeignKeyViolation,
        "1048" | "1364" => ErrorKind::NotNullViolation,
        "3819" | "4025" => ErrorKind::CheckViolation,
        // 1020: MariaDB's snapshot isolation saw a newer row.
        "1020" => ErrorKind::Serialization,
        "1213" => ErrorKind::Deadlock,
        // 1205 is both a lock wait time-out and MariaDB's answer to NOWAIT.
        "1205" | "3572" => ErrorKind::LockNotAvailable,
        "1969" | "3024" | "1317" => ErrorKind::Timeout,
        "1044" | "1045" | "1049" | "1698" => ErrorKind::Authentication,
        "1040" | "1047" | "1053" | "1927" | "2006" | "2013" => ErrorKind::Connection,
        "1235" => ErrorKind::Unsupported,
        "1064" | "1054" | "1146" | "1305" => ErrorKind::Syntax,
        _ => ErrorKind::Database,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_mistake_has_the_same_kind_on_every_database() {
        let kinds = |sqlite: &str, postgres: &str, mysql: &str| {
            [
                (Dialect::Sqlite, sqlite),
                (Dialect::Postgres, postgres),
                (Dialect::Mysql, mysql),
            ]
            .map(|(dialect, code)| dialect.classify(code))
        };
        assert_eq!(
            kinds("2067", "23505", "1062"),
            [ErrorKind::UniqueViolation; 3]
        );
        assert_eq!(
            kinds("787", "23503", "1452"),
            [ErrorKind::ForeignKeyViolation; 3]
        );
        assert_eq!(
            kinds("1299", "23502", "1048"),
            [ErrorKind::NotNullViolation; 3]
        );
        assert_eq!(
            kinds("275", "23514", "4025"),
            [ErrorKind::CheckViolation; 3]
        );
        assert_eq!(kinds("999", "99999", "9999"), [ErrorKind::Database; 3]);
    }
}
