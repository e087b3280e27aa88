//! What a database can do beside the SQL that all three share.
//!
//! | capability | SQLite | PostgreSQL | MySQL 8 | MariaDB |
//! |---|---|---|---|---|
//! | `returning` on INSERT | yes | yes | no | yes |
//! | `update_returning` | yes | yes | no | no |
//! | `lateral` | no | yes | yes | no |
//! | `array_arguments` (`= ANY($1)`) | no | yes | no | no |
//! | `json_table` | `json_each` | no need | yes | yes |
//! | `nulls_order` (`NULLS LAST`) | yes | yes | no | no |
//! | `upsert_alias` (`VALUES (..) AS new`) | no need | no need | yes | no |
//! | `select_for_update` | no | yes | yes | yes |
//! | `for_share` (`FOR SHARE`, else `LOCK IN SHARE MODE`) | no | yes | yes | no |
//! | `lock_of` (`FOR UPDATE OF`, else other tables are in a subquery) | no | yes | yes | no |
//! | `session_state` | yes | yes, but not behind a pooler | yes | yes |
use super::Dialect;

/// What one database can do; see the module's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// `INSERT .. RETURNING` and `DELETE .. RETURNING`.
    pub returning: bool,
    /// `UPDATE .. RETURNING`.
    pub update_returning: bool,
    /// `LATERAL` joins.
    pub lateral: bool,
    /// A whole list as one bind argument.
    pub array_arguments: bool,
    /// A JSON array as a table: `json_each` or `JSON_TABLE`.
    pub json_table: bool,
    /// `NULLS FIRST` and `NULLS LAST`.
    pub nulls_order: bool,
    /// The row alias of MySQL 8's upsert, instead of `VALUES(..)`.
    pub upsert_alias: bool,
    /// `SELECT .. FOR UPDATE` with `SKIP LOCKED` and `NOWAIT`.
    pub select_for_update: bool,
    /// `FOR SHARE`.
    pub for_share: bool,
    /// `FOR UPDATE OF table`.
    pub lock_of: bool,
    /// Whether what belongs to a session outlives a transaction: settings, advisory locks, LISTEN, prepared statements.
    /// Not so behind a pooler, see [`StatementMode::Pooler`](crate::driver::StatementMode::Pooler).
    pub session_state: bool,
    /// Whether the server is MariaDB.
    pub mariadb: bool,
}

impl Capabilities {
    /// SQLite's.
    pub const SQLITE: Self = Self {
        returning: true,
        update_returning: true,
        lateral: false,
        array_arguments: false,
        json_table: true,
        nulls_order: true,
        upsert_alias: false,
        select_for_update: false,
        for_share: false,
        lock_of: false,
        session_state: true,
        mariadb: false,
    };

    /// PostgreSQL's.
    pub const POSTGRES: Self = Self {
        returning: true,
        update_returning: true,
        lateral: true,
        array_arguments: true,
        json_table: false,
        nulls_order: true,
        upsert_alias: false,
        select_for_update: true,
        for_share: true,
        lock_of: true,
        session_state: true,
        mariadb: false,
    };

    /// PostgreSQL's behind a pooler that lends its servers for one transaction.
    pub const POSTGRES_POOLER: Self = Self {
        session_state: false,
        ..Self::POSTGRES
    };

    /// MySQL's from 8.0.14 on, by its manual; run on 9.7.
    pub const MYSQL: Self = Self {
        returning: false,
        update_returning: false,
        lateral: true,
        array_arguments: false,
        json_table: true,
        nulls_order: false,
        upsert_alias: true,
        select_for_update: true,
        for_share: true,
        lock_of: true,
        session_state: true,
        mariadb: false,
    };

    /// MariaDB's, from 10.6.
    pub const MARIADB: Self = Self {
        returning: true,
        update_returning: false,
        lateral: false,
        upsert_alias: false,
        for_share: false,
        lock_of: false,
        mariadb: true,
        ..Self::MYSQL
    };

    /// What MySQL 8 and MariaDB have in common: for a server not yet known.
    pub const MYSQL_OR_MARIADB: Self = Self {
        lateral: false,
        upsert_alias: false,
        for_share: false,
        lock_of: false,
        ..Self::MYSQL
    };

    /// The usual capabilities of a dialect's database (for MySQL: MySQL 8).
    pub const fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => Self::SQLITE,
            Dialect::Postgres => Self::POSTGRES,
            Dialect::Mysql => Self::MYSQL,
        }
    }
}
