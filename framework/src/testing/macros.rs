//! The assertions.

/// Asserts that a block sends exactly so many statements; gives the block's value.
///
/// ```
/// # use entourage::{Database, prelude::*, testing::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// let db = Database::connect("sqlite::memory:").await?;
/// let rows = assert_queries!(db, 1, db.sql("SELECT 1", args![]).fetch::<(i64,)>().await?);
/// assert_eq!(rows, [(1,)]);
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it sends another number, with counts, texts, lines and what to do about repetitions.
#[macro_export]
macro_rules! assert_queries {
    ($db:expr, $count:expr, $($block:tt)+) => {
        $crate::__private::within!(
            { $crate } { $crate::testing::Check::exactly($count) } { &$db } { $($block)+ }
        )
    };
}

/// Asserts that a block sends so many statements or fewer; gives the block's value.
///
/// ```
/// # use entourage::{Database, prelude::*, testing::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// assert_max_queries!(db, 2, db.sql("SELECT 1", args![]).fetch::<(i64,)>().await?);
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it sends more.
#[macro_export]
macro_rules! assert_max_queries {
    ($db:expr, $count:expr, $($block:tt)+) => {
        $crate::__private::within!(
            { $crate } { $crate::testing::Check::at_most($count) } { &$db } { $($block)+ }
        )
    };
}

/// Asserts that a block sends no statement; gives the block's value.
///
/// ```
/// # use entourage::{Database, prelude::*, testing::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// let sum = assert_no_queries!(db, 1 + 1);
/// # assert_eq!(sum, 2);
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it sends any.
#[macro_export]
macro_rules! assert_no_queries {
    ($db:expr, $($block:tt)+) => {
        $crate::assert_queries!($db, 0, $($block)+)
    };
}

/// Asserts that a block sends no statement once for each row of another; gives the block's value.
///
/// The rules for what counts as one are [`Rules`](crate::observe::Rules):
/// `assert_no_n_plus_one!(db, rules = Rules::default().threshold(5), ..)`.
///
/// ```
/// # use entourage::{Database, prelude::*, testing::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # async fn handler(db: &Database) -> Result<()> { Ok(()) }
/// assert_no_n_plus_one!(db, handler(&db).await?);
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it finds any, with the text, the line, and what to do.
#[macro_export]
macro_rules! assert_no_n_plus_one {
    ($db:expr, rules = $rules:expr, $($block:tt)+) => {
        $crate::__private::within!(
            { $crate } { $crate::testing::Check::no_n_plus_one($rules) } { &$db } { $($block)+ }
        )
    };
    ($db:expr, $($block:tt)+) => {
        $crate::__private::within!(
            { $crate }
            { $crate::testing::Check::no_n_plus_one(::core::default::Default::default()) }
            { &$db }
            { $($block)+ }
        )
    };
}

/// Asserts that the number of statements does not depend on the number of rows.
///
/// For each scale the first closure adds so many rows, which is not counted, and the second runs what is measured. It is
/// run once before the first scale is counted, so that what happens only once (a cache that fills) makes no difference.
/// Counts are compared table by table; the chunks of one eager load count once.
///
/// ```
/// # use entourage::{Database, prelude::*, testing::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # db.execute_script("CREATE TABLE notes (id INTEGER PRIMARY KEY)").await?;
/// # async fn seed(db: &Database, rows: usize) -> Result<()> {
/// #     for _ in 0..rows { db.sql("INSERT INTO notes DEFAULT VALUES", args![]).execute().await?; }
/// #     Ok(())
/// # }
/// # async fn handler(db: &Database) -> Result<Vec<(i64,)>> {
/// #     db.sql("SELECT id FROM notes", args![]).fetch::<(i64,)>().await
/// # }
/// assert_constant_queries!(db, scales = [2, 5], |rows| seed(&db, rows), || handler(&db));
/// # Ok(()) }
/// ```
///
/// # Panics
/// If the counts differ, with the counts at each scale by table, the statements, their lines, and what to do. If a
/// closure gives an error, with the error.
#[macro_export]
macro_rules! assert_constant_queries {
    ($db:expr, scales = [$($scale:expr),+ $(,)?], $seed:expr, $run:expr $(,)?) => {{
        #[allow(unused_imports, reason = "only one of the two answers for a value")]
        use $crate::testing::NoError as _;
        let mut scales = $crate::testing::Scales::new();
        let mut seed = $seed;
        let mut run = $run;
        let mut warm = false;
        $({
            let scale = $scale;
            let seeded = seed(scale).await;
            scales.expect_ok("the seed", scale, $crate::testing::Probe(&seeded).error());
            if !::core::mem::replace(&mut warm, true) {
                let value = run().await;
                scales.expect_ok("the block", scale, $crate::testing::Probe(&value).error());
            }
            let scope = scales.scope(&$db);
            let value = scope.run(run()).await;
            scales.expect_ok("the block", scale, $crate::testing::Probe(&value).error());
            scales.add(scale, &scope);
        })+
        scales.check();
    }};
}

/// Asserts that a block sends the statements of a file, `queries/<name>.sql` beside the test; gives the block's value.
///
/// The file has the texts without values, in the order in which they were asked for, and is committed with the test.
/// With the environment variable `ENTOURAGE_UPDATE_QUERIES` set, the file is written instead; when it differs, what was
/// found is written beside it, with `.new` at the end, to be looked at and renamed.
///
/// ```no_run
/// # use entourage::{Database, prelude::*, testing::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # async fn handler(db: &Database) -> Result<()> { Ok(()) }
/// assert_same_queries!(db, "front_page", handler(&db).await?);
/// # Ok(()) }
/// ```
///
/// # Panics
/// If they differ, line by line; if the block gives an error.
#[macro_export]
macro_rules! assert_same_queries {
    ($db:expr, $name:expr, $($block:tt)+) => {
        $crate::__private::within!(
            { $crate }
            { $crate::testing::Snapshot::new(::core::env!("CARGO_MANIFEST_DIR"), ::core::file!(), $name) }
            { &$db }
            { $($block)+ }
        )
    };
}

/// Asserts that an index serves every statement of a block that looks for rows; gives the block's value.
///
/// When the block has ended, the database is asked how it runs each read that was sent, on a connection of its own: what a
/// transaction has not committed is not seen. A statement fails if it reads every row of a table, or of an index, although
/// it compares a column of that table: with a value, or with rows that were found before. A whole table that nothing is
/// asked of may be read, and one of several that are only joined. `IS NULL` is no such question: rows that are not marked
/// as deleted are most rows.
///
/// It does not depend on how large the tables are: PostgreSQL is asked with all other ways disabled, MySQL and MariaDB say
/// which indexes were possible, and SQLite does not count rows unless `ANALYZE` was run. Tables that are to be read whole are
/// named: `assert_indexed!(db, except = ["settings"], ..)`. Writes are not looked at.
///
/// ```
/// # use entourage::{Database, prelude::*, testing::*};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # db.execute_script("CREATE TABLE notes (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL);
/// #     CREATE INDEX notes_author_id ON notes (author_id)").await?;
/// let by_author = "SELECT id FROM notes WHERE author_id = ?";
/// assert_indexed!(db, db.sql(by_author, args![7]).fetch::<(i64,)>().await?);
/// # Ok(()) }
/// ```
///
/// # Panics
/// If it finds any, with table, columns, line, plan and what to do; if the database cannot be asked.
#[macro_export]
macro_rules! assert_indexed {
    ($db:expr, except = $tables:expr, $($block:tt)+) => {
        $crate::__private::within!(
            { $crate } { $crate::testing::Indexed::except($tables) } { &$db } { $($block)+ } { asks }
        )
    };
    ($db:expr, $($block:tt)+) => {
        $crate::__private::within!(
            { $crate } { $crate::testing::Indexed::new() } { &$db } { $($block)+ } { asks }
        )
    };
}
