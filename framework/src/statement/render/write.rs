//! INSERT, UPDATE, DELETE and upserts.
use sea_query::{
    Alias, DeleteStatement, Expr, Func, InsertStatement, Keyword, OnConflict, Query,
    UpdateStatement,
};

use super::{
    condition,
    scope::{Scope, Scopes, table_ref},
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
    schema::expression::Term,
    statement::query::{Assignments, Conflict, Insert, Target},
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
    if let Some(conflict) = &insert.conflict {
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
