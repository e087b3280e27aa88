//! SQLite: the table's line in `sqlite_sequence`, which there is for AUTOINCREMENT alone. It is moved in a transaction
//! that has the lock for writing.
//!
//! Without AUTOINCREMENT the next key is one more than the greatest in the table, and nothing but a row keeps a number
//! from being given away.
use super::{Counter, text};
use crate::{
    dialect::Dialect,
    error::Result,
    executor::Executor,
    result_cache::write_behind::keys::stock::Numbers,
    schema::Value,
    statement::{StatementKind, raw::has_word},
};

pub(super) async fn check(counter: &Counter, executor: &dyn Executor) -> Result<()> {
    let schema = schema(counter);
    let sql = format!(
        "SELECT sql FROM {schema}sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE"
    );
    let args = vec![text(counter.table.name)];
    let kind = StatementKind::Schema;
    let found: Vec<String> = counter.ask(executor, sql, kind, args).await?;
    let (table, column) = (counter.table.name, counter.column().name);
    match found.first() {
        None => Err(counter.refused(
            &format!("there is no table `{table}`"),
            "make it before the queue is started".to_owned(),
        )),
        Some(sql) if !has_word(sql, "AUTOINCREMENT", Dialect::Sqlite) => Err(counter.refused(
            &format!(
                "`{table}` is without AUTOINCREMENT, so SQLite gives a number away as long as no row has it"
            ),
            format!(
                "make the table anew with `\"{column}\" INTEGER PRIMARY KEY AUTOINCREMENT`, as `create_schema` does, and copy its rows"
            ),
        )),
        Some(_) => Ok(()),
    }
}

pub(super) async fn reserve(
    counter: &Counter,
    executor: &dyn Executor,
    count: u32,
) -> Result<Numbers> {
    let [advance, begin] = moves(counter, executor);
    let args = || vec![Value::BigInt(Some(count.into())), text(counter.table.name)];
    let scope = executor.atomic(counter.call_site).await?;
    let kind = StatementKind::Update;
    let mut last: Vec<i64> = counter.ask(scope.executor(), advance, kind, args()).await?;
    if last.is_empty() {
        // Nobody has ever inserted a row.
        let kind = StatementKind::Insert;
        last = counter.ask(scope.executor(), begin, kind, args()).await?;
    }
    let numbers = match last.as_slice() {
        &[last] => Numbers::through(last, count),
        _ => None,
    };
    let numbers = numbers.ok_or_else(|| counter.astray())?;
    scope.commit().await?;
    Ok(numbers)
}

/// Moves the counter on, or gives it its line. A key that an UPDATE has set is not in the counter, but in the table.
fn moves(counter: &Counter, executor: &dyn Executor) -> [String; 2] {
    let (schema, table) = (schema(counter), counter.name(executor));
    let column = Dialect::Sqlite.quote(counter.column().name);
    let greatest = format!("(SELECT max(coalesce(max({column}), 0), 0) FROM {table})");
    // The name as SQLite knows it: the entity may write it in another case.
    let name = format!(
        "(SELECT name FROM {schema}sqlite_schema WHERE type = 'table' AND name = ?2 COLLATE NOCASE)"
    );
    [
        format!(
            "UPDATE {schema}sqlite_sequence SET seq = max(seq, {greatest}) + ?1 WHERE name = {name} RETURNING seq"
        ),
        format!(
            "INSERT INTO {schema}sqlite_sequence (name, seq) VALUES ({name}, {greatest} + ?1) RETURNING seq"
        ),
    ]
}

/// The attached file that the table is in, as a prefix.
fn schema(counter: &Counter) -> String {
    let quoted = |schema| format!("{}.", Dialect::Sqlite.quote(schema));
    counter.table.schema.map(quoted).unwrap_or_default()
}
