//! The three dialects of SQL.
//!
//! A dialect is a value, chosen at run time by the URL. Everything that depends on it and needs no server is here:
//! capabilities, limits, quoting and the meaning of error codes. All three are always compiled.
pub mod capabilities;
mod errors;
mod types;

pub use capabilities::Capabilities;

/// A dialect of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL 8 and MariaDB; they differ in [`Capabilities`].
    Mysql,
}

impl Dialect {
    /// OpenTelemetry's name of the database system.
    pub fn system_name(self) -> &'static str {
        match self {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgresql",
            Dialect::Mysql => "mysql",
        }
    }

    /// `name` as a quoted identifier.
    pub fn quote(self, name: &str) -> String {
        let quote = match self {
            Dialect::Sqlite | Dialect::Postgres => '"',
            Dialect::Mysql => '`',
        };
        let mut quoted = String::with_capacity(name.len() + 2);
        quoted.push(quote);
        for character in name.chars() {
            if character == quote {
                quoted.push(quote);
            }
            quoted.push(character);
        }
        quoted.push(quote);
        quoted
    }

    /// How many bind arguments one statement takes.
    pub fn bind_limit(self) -> usize {
        match self {
            // SQLITE_MAX_VARIABLE_NUMBER of the bundled library: sqlite.org/limits.html.
            Dialect::Sqlite => 32_766,
            // The protocols count arguments in 16 bits.
            Dialect::Postgres | Dialect::Mysql => 65_535,
        }
    }
}
