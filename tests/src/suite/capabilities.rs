//! What each product can do, as its manual and our own runs say: the suite's word, independent of the framework's.
//!
//! A case that asks for what a product lacks is inapplicable there. If this table were read from the framework, a
//! capability it forgot would silently turn off the cases that would have shown it.

use crate::setup::Product;

/// One field for each thing that cases ask for in `requires(..)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// `INSERT .. RETURNING`.
    pub returning: bool,
    /// `UPDATE .. RETURNING`.
    pub update_returning: bool,
    /// `LATERAL` subqueries.
    pub lateral: bool,
    /// `JSON_TABLE`.
    pub json_table: bool,
    /// `NULLS FIRST` and `NULLS LAST`.
    pub nulls_order: bool,
    /// Array columns.
    pub arrays: bool,
    /// `ALTER TABLE` that changes a column or a constraint.
    pub alter_column: bool,
    /// `ALTER TABLE` that changes a column to which a foreign key refers.
    pub alter_referenced_column: bool,
    /// A counter of generated keys that can be read and moved in one step.
    pub key_counter: bool,
    /// `SELECT .. FOR UPDATE`.
    pub row_locks: bool,
    /// `FOR SHARE` by that name.
    pub for_share: bool,
    /// `FOR UPDATE OF table`.
    pub lock_of: bool,
    /// `SKIP LOCKED` and `NOWAIT`.
    pub lock_wait_policy: bool,
    /// Two transactions that write at once.
    pub concurrent_writers: bool,
    /// Isolation levels below serializable.
    pub isolation_levels: bool,
    /// Triggers on `TRUNCATE`.
    pub truncate_triggers: bool,
    /// Materialized views of the database's own.
    pub materialized_views: bool,
}

/// What `product` can do.
pub const fn capabilities(product: Product) -> &'static Capabilities {
    match product {
        Product::Sqlite => &SQLITE,
        Product::Postgres => &POSTGRES,
        Product::Mariadb => &MARIADB,
        Product::Mysql => &MYSQL,
    }
}

const SQLITE: Capabilities = Capabilities {
    returning: true,
    update_returning: true,
    lateral: false,
    json_table: false,
    nulls_order: true,
    arrays: false,
    alter_column: false,
    alter_referenced_column: false,
    key_counter: true,
    row_locks: false,
    for_share: false,
    lock_of: false,
    lock_wait_policy: false,
    concurrent_writers: false,
    isolation_levels: false,
    truncate_triggers: false,
    materialized_views: false,
};

const POSTGRES: Capabilities = Capabilities {
    returning: true,
    update_returning: true,
    lateral: true,
    // From version 17 on; the suite promises it on none.
    json_table: false,
    nulls_order: true,
    arrays: true,
    alter_column: true,
    alter_referenced_column: true,
    key_counter: true,
    row_locks: true,
    for_share: true,
    lock_of: true,
    lock_wait_policy: true,
    concurrent_writers: true,
    isolation_levels: true,
    truncate_triggers: true,
    materialized_views: true,
};

const MARIADB: Capabilities = Capabilities {
    returning: true,
    update_returning: false,
    lateral: false,
    json_table: true,
    nulls_order: false,
    arrays: false,
    alter_column: true,
    alter_referenced_column: true,
    key_counter: true,
    row_locks: true,
    for_share: false,
    lock_of: false,
    lock_wait_policy: true,
    concurrent_writers: true,
    isolation_levels: true,
    truncate_triggers: false,
    materialized_views: false,
};

const MYSQL: Capabilities = Capabilities {
    returning: false,
    update_returning: false,
    lateral: true,
    json_table: true,
    nulls_order: false,
    arrays: false,
    alter_column: true,
    alter_referenced_column: false,
    key_counter: false,
    row_locks: true,
    for_share: true,
    lock_of: true,
    lock_wait_policy: true,
    concurrent_writers: true,
    isolation_levels: true,
    truncate_triggers: false,
    materialized_views: false,
};
