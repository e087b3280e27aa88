//! What holds as soon as a database is connected.

use entourage::Database;
use entourage::dialect::Dialect;

use crate::setup::Product;
use crate::suite::capabilities;

/// The isolation that every other case stands on.
pub async fn a_fresh_database_answers_and_has_nothing_in_it(db: &Database) {
    // The first would fail if another test's database were used.
    for statement in [
        "CREATE TABLE notes (id INTEGER PRIMARY KEY)",
        "DROP TABLE notes",
    ] {
        db.execute_script(statement).await.unwrap();
    }
}

/// Both sides say so independently: a capability one of them forgot shows here, not as a case that never runs.
pub async fn the_framework_claims_what_the_suite_expects_of_the_product(db: &Database) {
    let claimed = db.capabilities();
    let product = match db.dialect() {
        Dialect::Sqlite => Product::Sqlite,
        Dialect::Postgres => Product::Postgres,
        Dialect::Mysql if claimed.mariadb => Product::Mariadb,
        Dialect::Mysql => Product::Mysql,
    };
    let expected = capabilities(product);
    assert_eq!(claimed.returning, expected.returning, "returning");
    assert_eq!(
        claimed.update_returning, expected.update_returning,
        "update_returning"
    );
    assert_eq!(claimed.lateral, expected.lateral, "lateral");
    assert_eq!(claimed.array_arguments, expected.arrays, "arrays");
    assert_eq!(claimed.select_for_update, expected.row_locks, "row_locks");
    assert_eq!(claimed.for_share, expected.for_share, "for_share");
    assert_eq!(claimed.lock_of, expected.lock_of, "lock_of");
    assert_eq!(claimed.nulls_order, expected.nulls_order, "nulls_order");
}
