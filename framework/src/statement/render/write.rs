//! INSERT, UPDATE, DELETE and upserts.
use sea_query::{
    Alias, CaseStatement, DeleteStatement, Expr, ExprTrait, Func, InsertStatement, Keyword,
    OnConflict, Query, TableRef, UpdateStatement, ValueTuple,
};

use super::{
    condition,
    scope::{Scope, Scopes, table_ref},
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
    schema::{Value, expression::Term},
    statement::{
        ddl,
        query::{
            Assignments, Batch, BatchForm, BatchUpdate, BatchUpdateForm, Conflict, Insert, Target,
        },
    },
};

/// `INSERT INTO ..`, with its conflict clause and RETURNING.
pub(super) fn insert(scopes: &mut Scopes, insert: &Insert) -> Result<InsertStatement> {
    let table = insert.table;
    let scope = scopes.enter(table);
    let backend = scopes.backend;
    let mut statement = Query::insert();
    statement.into_table(table_ref(table));
    if insert.columns.is_empty() {
        // A row of defaults only.
        match backend.dialect {
            Dialect::Mysql | Dialect::Sqlite | Dialect::Postgres => {
                statement.or_default_values_many(insert.rows.len() as u32)
            }
        };
    } else {
        statement.columns(
            insert
                .columns
                .iter()
                .map(|&column| Alias::new(table.columns[column].name)),
        );
        for row in &insert.rows {
            statement.values_panic(row.iter().map(|value| match value {
                Some(value) => Expr::val(value.clone()),
                None => Expr::Keyword(Keyword::Default),
            }));
        }
    }
    // SQLite takes no conflict clause after DEFAULT VALUES. Such a row meets another one only in a unique column with a
    // default, and is refused then.
    let takes_conflicts = !insert.columns.is_empty() || scopes.backend.dialect != Dialect::Sqlite;
    if let Some(conflict) = insert.conflict.as_ref().filter(|_| takes_conflicts) {
        let returns = !insert.returning.is_empty();
        statement.on_conflict(on_conflict(scopes, conflict, &scope, returns)?);
    }
    if !insert.returning.is_empty() {
        if !backend.capabilities.returning {
            return Err(Error::unsupported("this server has no INSERT .. RETURNING"));
        }
        let columns = insert
            .returning
            .iter()
            .map(|&column| Alias::new(table.columns[column].name));
        statement.returning(Query::returning().columns(columns));
    }
    Ok(statement)
}

/// The insert of a batch, and how many arguments of its text are the rows' own. They hold NULLs.
pub(super) fn batch(scopes: &mut Scopes, batch: &Batch) -> Result<(InsertStatement, usize)> {
    let table = batch.table;
    let null = || Value::BigInt(None);
    let rows = match batch.form {
        BatchForm::Values(rows) => vec![vec![Some(null()); batch.columns.len()]; rows],
        BatchForm::Arrays | BatchForm::Copy => Vec::new(),
    };
    let placeholders = match batch.form {
        BatchForm::Values(rows) => rows * batch.columns.len(),
        BatchForm::Arrays | BatchForm::Copy => batch.columns.len(),
    };
    let mut statement = insert(
        scopes,
        &Insert {
            table,
            columns: batch.columns.clone(),
            rows,
            conflict: batch.conflict.clone(),
            returning: Vec::new(),
        },
    )?;
    if batch.form == BatchForm::Arrays {
        if !scopes.backend.capabilities.array_arguments {
            return Err(Error::unsupported("this server has no array arguments"));
        }
        // In the list of expressions they go forward in step.
        let unnested = |_: &usize| Func::cust("UNNEST").arg(null());
        let mut rows = Query::select();
        rows.exprs(batch.columns.iter().map(unnested));
        statement
            .select_from(rows)
            .map_err(|error| Error::invalid_query(error.to_string()))?;
    }
    Ok((statement, placeholders))
}

/// `COPY .. FROM STDIN`, for binary data.
pub(super) fn copy(scopes: &mut Scopes, batch: &Batch) -> Result<String> {
    let dialect = scopes.backend.dialect;
    if dialect != Dialect::Postgres || batch.conflict.is_some() {
        return Err(Error::unsupported(
            "COPY is PostgreSQL's, and has no clause for conflicts",
        ));
    }
    let table = batch.table;
    scopes.enter(table);
    Ok(format!(
        "COPY {} ({}) FROM STDIN WITH (FORMAT binary)",
        ddl::name::table(table, dialect),
        ddl::name::columns(table, &batch.columns, dialect)
    ))
}

/// MariaDB's ` RETURNING ..`, which sea-query's MySQL builder leaves out because MySQL has none; empty if none is wanted.
pub(super) fn mysql_returning(insert: &Insert) -> String {
    let name = |&column: &usize| Dialect::Mysql.quote(insert.table.columns[column].name);
    let names: Vec<_> = insert.returning.iter().map(name).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!(" RETURNING {}", names.join(", ")),
    }
}

/// `ON CONFLICT (..) DO UPDATE`, or MySQL's `ON DUPLICATE KEY UPDATE`, which names no target: there every unique index
/// counts.
fn on_conflict(
    scopes: &mut Scopes,
    conflict: &Conflict,
    scope: &Scope,
    returns: bool,
) -> Result<OnConflict> {
    let table = scope.table;
    let name = |column: usize| Alias::new(table.columns[column].name);
    let mut clause = OnConflict::columns(conflict.target.iter().map(|&column| name(column)));
    let is_mysql = scopes.backend.dialect == Dialect::Mysql;
    if conflict.update.is_empty() && conflict.set.is_empty() {
        // A no-op: the key is set to itself, so that the old row stays and no other error is hidden.
        let key = conflict.target.first().copied().unwrap_or_default();
        if is_mysql {
            clause.value(name(key), Expr::col(name(key)));
        } else if returns {
            // A row that nothing is done to is not returned either.
            let itself = condition::term(scopes, &Term::Column(key), scope)?;
            clause.value(name(key), itself);
        } else {
            clause.do_nothing();
        }
        return Ok(clause);
    }
    for &column in &conflict.update {
        if is_mysql {
            clause.value(name(column), new_value(scopes, table.columns[column].name));
        } else {
            clause.update_column(name(column));
        }
    }
    for (column, term) in &conflict.set {
        let term = condition::term(scopes, term, scope)?;
        clause.value(name(*column), term);
    }
    Ok(clause)
}

/// The new row's value in MySQL's upsert. `VALUES(..)` is understood by MariaDB and, though deprecated, by MySQL 8.
fn new_value(scopes: &Scopes, column: &str) -> Expr {
    Func::cust("VALUES")
        .arg(Expr::cust(scopes.backend.dialect.quote(column)))
        .into()
}

/// `UPDATE .. SET .. WHERE ..`
pub(super) fn update(
    scopes: &mut Scopes,
    target: &Target,
    set: &Assignments,
) -> Result<UpdateStatement> {
    let scope = scopes.enter(target.table);
    let mut statement = Query::update();
    statement.table(table_ref(target.table));
    for (column, term) in set {
        let term = condition::term(scopes, term, &scope)?;
        statement.value(Alias::new(target.table.columns[*column].name), term);
    }
    if let Some(filter) = &target.filter {
        let filter = condition::condition(scopes, filter, &scope)?;
        statement.and_where(filter);
    }
    Ok(statement)
}

/// `UPDATE .. SET .. FROM ..`, or with a `CASE` for each column. The rows' placeholders hold NULLs, and come after the
/// arguments of what is set alike.
pub(super) fn batch_update(scopes: &mut Scopes, update: &BatchUpdate) -> Result<UpdateStatement> {
    let table = update.table;
    let scope = scopes.enter(table);
    let mut statement = Query::update();
    statement.table(table_ref(table));
    let name = |column: usize| Alias::new(table.columns[column].name);
    for (column, term) in &update.set {
        let term = condition::term(scopes, term, &scope)?;
        statement.value(name(*column), term);
    }
    let width = update.by.len() + update.columns.len();
    let null = || Value::BigInt(None);
    if update.form == BatchUpdateForm::Arrays && !scopes.backend.capabilities.array_arguments {
        return Err(Error::unsupported("this server has no array arguments"));
    }
    if matches!(update.form, BatchUpdateForm::Values(_)) && scopes.backend.dialect == Dialect::Mysql
    {
        return Err(Error::unsupported("this server names no columns of VALUES"));
    }
    let derived = scopes.derived();
    let new = |at: usize| match update.form {
        // So do PostgreSQL and SQLite name the columns of VALUES.
        BatchUpdateForm::Values(_) => format!("column{}", at + 1),
        BatchUpdateForm::Arrays | BatchUpdateForm::Case(_) => format!("c{at}"),
    };
    match update.form {
        BatchUpdateForm::Case(rows) => {
            let keys = &update.by[..table.primary_key.len()];
            let is = |columns: &[usize]| {
                let equal = |&column: &usize| scope.column(column).eq(null());
                let all = columns.iter().map(equal).reduce(ExprTrait::and);
                all.unwrap_or_else(|| Expr::val(true))
            };
            for &column in &update.columns {
                let old = scope.column(column);
                let cases = (0..rows).fold(CaseStatement::new(), |cases, _| {
                    cases.case(is(keys), Expr::val(null()))
                });
                statement.value(name(column), cases.finally(old));
            }
            let any = (0..rows).map(|_| is(&update.by)).reduce(ExprTrait::or);
            statement.and_where_option(any);
            return Ok(statement);
        }
        BatchUpdateForm::Values(rows) => {
            let row = || ValueTuple::Many(vec![null(); width]);
            let rows = (0..rows).map(|_| row()).collect();
            statement.from(TableRef::ValuesList(rows, derived.clone()));
        }
        BatchUpdateForm::Arrays => {
            let mut rows = Query::select();
            for at in 0..width {
                rows.expr_as(Func::cust("UNNEST").arg(null()), Alias::new(new(at)));
            }
            statement.from(TableRef::SubQuery(rows.into(), derived.clone()));
        }
    }
    let new = |at: usize| Expr::col((derived.clone(), Alias::new(new(at))));
    for (at, &column) in update.columns.iter().enumerate() {
        statement.value(name(column), new(update.by.len() + at));
    }
    for (at, &column) in update.by.iter().enumerate() {
        statement.and_where(scope.column(column).eq(new(at)));
    }
    Ok(statement)
}

/// `DELETE FROM .. WHERE ..`
pub(super) fn delete(scopes: &mut Scopes, target: &Target) -> Result<DeleteStatement> {
    let scope = scopes.enter(target.table);
    let mut statement = Query::delete();
    statement.from_table(table_ref(target.table));
    if let Some(filter) = &target.filter {
        let filter = condition::condition(scopes, filter, &scope)?;
        statement.and_where(filter);
    }
    Ok(statement)
}
