//! Which database server is behind a URL: MariaDB and MySQL share a protocol, not a dialect.

use std::fmt;

/// A database product the suite runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// SQLite, in a file or in memory.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MariaDB, over the MySQL protocol.
    Mariadb,
    /// MySQL itself.
    Mysql,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mariadb => "MariaDB",
            Self::Mysql => "MySQL",
        })
    }
}
