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
