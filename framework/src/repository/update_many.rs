//! Many rows changed, each to values of its own.
use std::{collections::HashSet, future::Future, panic::Location};

use super::{
    Repository,
    assemble::{self, Caller},
    find::key_filter,
    kept,
    scatter::{self, Keys},
    stamp,
    update::{next_version, refreshed},
};
use crate::{
    bulk::{are_arrays, rows_per_statement},
    dialect::Dialect,
    driver::NoRows,
    error::{Error, ErrorKind, Result},
    executor::Executor,
    schema::{
        Entity, KeyPart, TableDef, Value, Writable,
        expression::Term,
        table::{key_of, values_of},
    },
    statement::{
        Statement, nul,
        query::{Assignments, BatchUpdate, BatchUpdateForm, Level},
        render::{Query, chunk_size},
    },
    statement_cache,
};

/// How many branches a `CASE` of MySQL's has: the server goes through them for every row.
const CASES: usize = 50;

/// How many keys an error names.
const NAMED: usize = 10;

impl<'a, E: Entity> Repository<'a, E> {
    /// Writes all columns of each entity to its row, all or none, as [`update`](Repository::update) does for one, and
    /// returns them in the order given, with their new versions and times of change. As many as the database takes go
    /// into one statement.
    ///
    /// ```
    /// # use entourage::{Database, prelude::*};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "articles")]
    /// # struct Article {
    /// #     #[entity(primary_key, generated)]
    /// #     id: i64,
    /// #     title: String,
    /// #     #[entity(version)]
    /// #     version: i64,
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<()> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.create_schema::<Article>().await?;
    /// let articles = ArticleRepository::new(&db);
    /// let new = ["notes", "engines"].map(|title| NewArticle { title: title.into() });
    /// let mut all = articles.insert_many(new).await?;
    /// all.iter_mut().for_each(|article| article.title = article.title.to_uppercase());
    /// let all = articles.update_many(&all).await?;
    /// assert_eq!((all[1].title.as_str(), all[1].version), ("ENGINES", 2));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if rows have another version or are gone, or [`NotFound`](ErrorKind::NotFound) where
    /// there is no version: the error names their keys. [`InvalidQuery`](ErrorKind::InvalidQuery) for two entities of one
    /// key. A constraint violation; the database's other errors. Nothing is written then.
    ///
    /// # Cancellation
    /// A future dropped midway writes nothing. Inside a transaction its rollback decides.
    #[track_caller]
    pub fn update_many<'e, L>(
        &self,
        entities: L,
    ) -> impl Future<Output = Result<Vec<E>>> + Send + use<'a, 'e, E, L>
    where
        E: Writable,
        L: IntoIterator<Item = &'e E>,
    {
        let entities: Vec<E> = entities.into_iter().cloned().collect();
        let executor = self.executor.clone();
        let call_site = Location::caller();
        async move {
            let updated = update_many(&*executor, &entities, call_site).await;
            updated.map_err(|error| error.with_table(E::table().name).at(call_site))
        }
    }
}

/// Writes all columns of each entity to its row, all or none.
pub(super) async fn update_many<E: Entity>(
    executor: &dyn Executor,
    entities: &[E],
    call_site: &'static Location<'static>,
) -> Result<Vec<E>> {
    check_keys(entities)?;
    let set = stamp::changed_row(E::table());
    let mut by = E::table().primary_key.clone();
    by.extend(E::table().version);
    // A row of another shard key is another row.
    by.extend(E::table().shard_key.filter(|column| !by.contains(column)));
    let columns = changed_columns(E::table());
    if entities.is_empty() || columns.is_empty() && set.is_empty() {
        return Ok(entities.to_vec());
    }
    let writing = scatter::to_write(executor, E::table(), || Keys::of_entities(entities))?;
    let executor = &*writing;
    let caller = Caller::of_many(call_site);
    let scope = executor.atomic(call_site).await?;
    let mut updated = Vec::with_capacity(entities.len());
    for chunk in entities.chunks(rows_in_statement(
        executor.dialect(),
        by.len(),
        columns.len(),
    )) {
        let after = chunk.iter().map(|entity| written(entity, &set));
        let after = after.collect::<Result<Vec<E>>>()?;
        let update = (by.as_slice(), columns.as_slice(), &set);
        let affected = write(scope.executor(), chunk, &after, update, caller).await?;
        if affected != chunk.len() as u64 {
            scope.rollback().await?;
            // Where it was written, and not where others read.
            let scope = executor.atomic(call_site).await?;
            let error = missed(scope.executor(), entities, caller).await?;
            scope.rollback().await?;
            return Err(error);
        }
        updated.extend(after);
    }
    scope.commit().await?;
    Ok(updated)
}

/// The columns that take a value of their own in each row.
fn changed_columns(table: &TableDef) -> Vec<usize> {
    let kept = [
        table.version,
        table.created_at,
        table.updated_at,
        table.shard_key,
    ];
    let is_changed =
        |column: &usize| !table.primary_key.contains(column) && !kept.contains(&Some(*column));
    (0..table.columns.len()).filter(is_changed).collect()
}

fn rows_in_statement(dialect: Dialect, by: usize, columns: usize) -> usize {
    match dialect {
        Dialect::Mysql => CASES.min(rows_per_statement(dialect, by * (columns + 1) + columns)),
        Dialect::Sqlite | Dialect::Postgres => rows_per_statement(dialect, by + columns),
    }
}

/// Changes the rows of `entities` to what is in `written`; how many there were.
async fn write<E: Entity>(
    executor: &dyn Executor,
    entities: &[E],
    written: &[E],
    (by, columns, set): (&[usize], &[usize], &Assignments),
    caller: Caller,
) -> Result<u64> {
    let table = E::table();
    let row = |entity: &E| {
        let mut row = values_of(entity, by);
        row.extend(values_of(entity, columns));
        row
    };
    let rows: Vec<Vec<Value>> = entities.iter().map(row).collect();
    let given = [by, columns].concat();
    for row in &rows {
        nul::refuse_rows(table, &given, row, executor.dialect())?;
    }
    let form = match executor.dialect() {
        Dialect::Mysql => BatchUpdateForm::Case(rows.len()),
        Dialect::Postgres if are_arrays(table, &given, rows.iter().map(Vec::as_slice)) => {
            BatchUpdateForm::Arrays
        }
        Dialect::Sqlite | Dialect::Postgres => BatchUpdateForm::Values(rows.len()),
    };
    let update = BatchUpdate {
        table,
        by: by.to_vec(),
        columns: columns.to_vec(),
        set: set.clone(),
        form,
    };
    let query = Query::BatchUpdate(&update);
    let (plan, mut args) = statement_cache::plan(query, assemble::backend(executor))?;
    args.extend(update.arguments(rows));
    let mut statement = Statement::new(plan, args, caller.call_site);
    caller.mark(&mut statement);
    let keys: Vec<_> = entities
        .iter()
        .map(|entity| values_of(entity, &table.primary_key))
        .collect();
    statement.touched = kept::touches_keys::<E>(keys.iter().map(Vec::as_slice));
    for row in written {
        kept::note_written(statement.touched.as_ref(), row);
    }
    Ok(executor.run(&statement, &mut NoRows).await?.affected)
}

/// The entity as its row is after the update.
fn written<E: Entity>(entity: &E, set: &Assignments) -> Result<E> {
    let table = E::table();
    let mut values: Vec<Value> = (0..table.columns.len())
        .map(|column| entity.value(column))
        .collect();
    if let Some(column) = table.version {
        values[column] = next_version(&values[column]);
    }
    for (column, term) in set {
        if let Term::Value(value) = term {
            values[*column] = value.clone();
        }
    }
    refreshed(&values)
}

fn check_keys<E: Entity>(entities: &[E]) -> Result<()> {
    let mut keys = HashSet::new();
    for entity in entities {
        let Some(key) = key_of(entity, &E::table().primary_key) else {
            continue;
        };
        if let Some(twice) = keys.replace(key) {
            return Err(Error::invalid_query(format!(
                "two of the entities to be updated have the key {twice}"
            )));
        }
    }
    Ok(())
}

/// Why an update met fewer rows than there are entities; the rows are as they were before it.
#[cold]
async fn missed<E: Entity>(
    executor: &dyn Executor,
    entities: &[E],
    caller: Caller,
) -> Result<Error> {
    let table = E::table();
    let key = |entity: &E| key_of(entity, &table.primary_key);
    let version = |entity: &E| table.version.map(|column| entity.value(column));
    let mut missed: Vec<String> = Vec::new();
    let size = chunk_size(assemble::backend(executor), table.primary_key.len());
    for chunk in entities.chunks(size) {
        let keys = chunk
            .iter()
            .map(|entity| values_of(entity, &table.primary_key));
        let level = Level {
            filter: Some(key_filter(&table.primary_key, keys.collect())),
            ..Level::all(table)
        };
        let (rows, _) = assemble::entities::<E>(executor, Query::Level(&level), caller).await?;
        let there: std::collections::HashMap<Option<KeyPart>, Option<Value>> =
            rows.iter().map(|row| (key(row), version(row))).collect();
        let is_missed = |entity: &&E| there.get(&key(entity)) != Some(&version(entity));
        let names = chunk
            .iter()
            .filter(is_missed)
            .map(|entity| match key(entity) {
                Some(key) => key.to_string(),
                None => "NULL".to_owned(),
            });
        missed.extend(names);
    }
    let count = missed.len();
    let more = match count.checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!(" and {more} more"),
        None => String::new(),
    };
    missed.truncate(NAMED);
    // A key that the database takes for another one is there, and yet was not met.
    let keys = match missed.is_empty() {
        true => "some of those given".to_owned(),
        false => format!("key {}{more}", missed.join(", ")),
    };
    Ok(match table.version {
        None => Error::not_found(table.name, format_args!("{keys}")),
        Some(_) => Error::new(
            ErrorKind::Stale,
            format!(
                "rows of `{}` were changed or deleted since they were read: {keys}",
                table.name
            ),
        )
        .with_hint("read them again, apply the change to the new rows and update those"),
    })
}
