//! One level of a graph as a SELECT: rows, links to the parents, joins, and the window that limits rows per parent.
use sea_query::{Alias, Expr, ExprTrait, Func, JoinType, SelectStatement, WindowStatement};

use super::{
    condition::{self, RenderedOrder},
    list, lock,
    scope::{Scope, Scopes},
};
use crate::{
    dialect::Dialect,
    error::Result,
    schema::{OrderTerm, RelationDef, SqlType},
    statement::query::{Figure, Join, Keys, Level, Link, Lock, Scalar},
};

/// The name of the row number that limits rows per parent.
const ROW_NUMBER: &str = "row_number_";

/// A rendered level whose output columns are not yet selected.
pub(super) struct Rows {
    pub(super) select: SelectStatement,
    /// The columns to return, in the order of [`Level`].
    pub(super) columns: Vec<Expr>,
    /// The row's place in the order asked for, where one was.
    pub(super) rank: Option<Rank>,
}

/// The place of a row in an order.
pub(super) enum Rank {
    /// `ROW_NUMBER()` over this window.
    Window(WindowStatement),
    /// A column that holds it.
    Column(Expr),
}

impl Rank {
    /// Selects the place under `alias`.
    pub(super) fn select(self, select: &mut SelectStatement, alias: Alias) {
        match self {
            Rank::Window(window) => select.expr_window_as(row_number(), window, alias),
            Rank::Column(column) => select.expr_as(column, alias),
        };
    }
}

/// The level as a statement of its own.
pub(super) fn select(scopes: &mut Scopes, level: &Level) -> Result<SelectStatement> {
    let Rows {
        mut select,
        columns,
        ..
    } = rows(scopes, level)?;
    select.exprs(columns);
    lock::force_key_order(&mut select, level.lock, scopes.backend);
    Ok(select)
}

/// The level without its output columns.
pub(super) fn rows(scopes: &mut Scopes, level: &Level) -> Result<Rows> {
    let per_parent = level.link.is_some() && (level.limit.is_some() || level.offset.is_some());
    let wrapped = level.link.is_none()
        && (level.distinct || level.multiplies())
        && (level.distinct || level.limit.is_some() || level.offset.is_some());
    let mut base = if per_parent {
        windowed(scopes, level)?
    } else if wrapped && !level.joins.is_empty() {
        wrapped_root(scopes, level)?
    } else {
        plain(scopes, level)?
    };
    let mut columns = match level.link_width() {
        0 => Vec::new(),
        _ => base.link,
    };
    columns.extend(
        level
            .columns
            .iter()
            .map(|&column| base.scope.column(column)),
    );
    if level.multiplies() && level.order.is_empty() {
        for &column in &level.table.primary_key {
            base.select
                .order_by_expr(base.scope.column(column), sea_query::Order::Asc);
        }
    }
    for join in &level.joins {
        add_join(scopes, &mut base.select, &mut columns, join, &base.scope)?;
    }
    Ok(Rows {
        select: base.select,
        columns,
        rank: base.rank,
    })
}

struct Base {
    select: SelectStatement,
    scope: Scope,
    link: Vec<Expr>,
    rank: Option<Rank>,
}

/// The table itself, filtered, ordered and (at the root) limited.
fn plain(scopes: &mut Scopes, level: &Level) -> Result<Base> {
    let mut base = filtered(scopes, level)?;
    if level.distinct {
        base.select.distinct();
    }
    let order = condition::order_terms(scopes, &level.order, &base.scope)?;
    if !order.is_empty() {
        base.rank = Some(Rank::Window(window(order.clone(), Vec::new())));
    }
    apply_order(&mut base.select, order);
    apply_limit(scopes, &mut base.select, level);
    Ok(base)
}

/// LIMIT and OFFSET. MySQL and SQLite know no OFFSET without a LIMIT.
fn apply_limit(scopes: &Scopes, select: &mut SelectStatement, level: &Level) {
    match (level.limit, level.offset) {
        (Some(limit), _) => {
            select.limit(limit);
        }
        (None, Some(_)) if scopes.backend.dialect != Dialect::Postgres => {
            select.limit(i64::MAX as u64);
        }
        (None, _) => {}
    }
    if let Some(offset) = level.offset {
        select.offset(offset);
    }
}

/// The root in a derived table, so that joins outside cannot change which rows there are; the order is repeated.
fn wrapped_root(scopes: &mut Scopes, level: &Level) -> Result<Base> {
    let mut inner = plain(scopes, level)?;
    for (position, column) in level.table.columns.iter().enumerate() {
        inner
            .select
            .expr_as(inner.scope.column(position), Alias::new(column.name));
    }
    let scope = Scope {
        table: level.table,
        alias: scopes.derived(),
    };
    let mut select = SelectStatement::new();
    select.from_subquery(inner.select, scope.alias.clone());
    let order = condition::order_terms(scopes, &level.order, &scope)?;
    let rank = (!order.is_empty()).then(|| Rank::Window(window(order.clone(), Vec::new())));
    apply_order(&mut select, order);
    Ok(Base {
        select,
        scope,
        link: Vec::new(),
        rank,
    })
}

/// The table with a row number per parent, and only the rows whose number is within the limit.
fn windowed(scopes: &mut Scopes, level: &Level) -> Result<Base> {
    let mut inner = filtered(scopes, level)?;
    for (position, column) in level.table.columns.iter().enumerate() {
        inner
            .select
            .expr_as(inner.scope.column(position), Alias::new(column.name));
    }
    let scope = Scope {
        table: level.table,
        alias: scopes.derived(),
    };
    let mut link = Vec::new();
    for (at, expr) in inner.link.iter().enumerate() {
        inner
            .select
            .expr_as(expr.clone(), Alias::new(link_name(at)));
        link.push(Expr::col((scope.alias.clone(), Alias::new(link_name(at)))));
    }
    let number = number_within(scopes, &level.order, &inner.scope, inner.link)?;
    inner
        .select
        .expr_window_as(row_number(), number, Alias::new(ROW_NUMBER));
    let mut select = SelectStatement::new();
    select.from_subquery(inner.select, scope.alias.clone());
    let number = Expr::col((scope.alias.clone(), Alias::new(ROW_NUMBER)));
    for bound in bounds(&number, level.limit, level.offset) {
        select.and_where(bound);
    }
    select.order_by_expr(number.clone(), sea_query::Order::Asc);
    Ok(Base {
        select,
        scope,
        link,
        rank: Some(Rank::Column(number)),
    })
}

fn number_within(
    scopes: &mut Scopes,
    order: &[OrderTerm],
    scope: &Scope,
    partition: Vec<Expr>,
) -> Result<WindowStatement> {
    let mut terms = condition::order_terms(scopes, order, scope)?;
    if terms.is_empty() {
        terms = scope
            .table
            .primary_key
            .iter()
            .map(|&column| (scope.column(column), sea_query::Order::Asc, None))
            .collect();
    }
    Ok(window(terms, partition))
}

fn link_name(at: usize) -> String {
    format!("link{at}_")
}

fn bounds(number: &Expr, limit: Option<u64>, offset: Option<u64>) -> Vec<Expr> {
    let skipped = offset.unwrap_or(0);
    let after = offset.map(|offset| number.clone().gt(value(offset)));
    let until = limit.map(|limit| number.clone().lte(value(skipped.saturating_add(limit))));
    after.into_iter().chain(until).collect()
}

/// A bound of the row number as an argument.
pub(super) fn value(number: u64) -> sea_query::Value {
    sea_query::Value::BigInt(Some(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn window(order: RenderedOrder, partition: Vec<Expr>) -> WindowStatement {
    let mut window = WindowStatement::new();
    for expr in partition {
        sea_query::OverStatement::add_partition_by(&mut window, expr);
    }
    for (expr, direction, nulls) in order {
        match nulls {
            Some(nulls) => window.order_by_expr_with_nulls(expr, direction, nulls),
            None => window.order_by_expr(expr, direction),
        };
    }
    window
}

fn row_number() -> Expr {
    Func::cust("ROW_NUMBER").into()
}

fn apply_order(select: &mut SelectStatement, order: RenderedOrder) {
    for (expr, direction, nulls) in order {
        match nulls {
            Some(nulls) => select.order_by_expr_with_nulls(expr, direction, nulls),
            None => select.order_by_expr(expr, direction),
        };
    }
}

/// The table with its link and filters.
fn filtered(scopes: &mut Scopes, level: &Level) -> Result<Base> {
    let scope = scopes.enter(level.table);
    let mut select = scope.select();
    let link = match &level.link {
        Some(link) => add_link(scopes, &mut select, link, &scope, level.lock)?,
        None => Vec::new(),
    };
    if let Some(filter) = &level.filter {
        let filter = condition::condition(scopes, filter, &scope)?;
        select.and_where(filter);
    }
    Ok(Base {
        select,
        scope,
        link,
        rank: None,
    })
}

/// Ties `select` over `target`, whose rows alone `lock` is for, to its parents; the columns that tell the parent.
fn add_link(
    scopes: &mut Scopes,
    select: &mut SelectStatement,
    link: &Link,
    target: &Scope,
    lock: Option<Lock>,
) -> Result<Vec<Expr>> {
    let relation = link.relation.0;
    let (near, near_columns) = match &relation.through {
        None => (target.clone(), &relation.to),
        Some(through) => {
            let between = scopes.enter((through.table)());
            let on = condition::pairs(&between, &through.to, target, &relation.to);
            lock::join_unlocked(select, &between, on, lock, scopes.backend);
            if let Some(alive) = condition::alive(between.table, &between) {
                select.and_where(alive);
            }
            (between, &through.from)
        }
    };
    if Link::is_exact(relation) {
        let columns: Vec<_> = near_columns
            .iter()
            .map(|&column| near.column(column))
            .collect();
        let wanted = wanted(scopes, &columns, &link.keys)?;
        select.and_where(wanted);
        return Ok(columns);
    }
    // The database decides which rows belong together, and the parent's own value says which parent it is.
    let (parents, columns) = match &link.keys {
        Keys::Values(_) if !comes_first(link) => {
            let parent = scopes.enter((relation.source)());
            let on = condition::pairs(&near, near_columns, &parent, &relation.from);
            lock::join_unlocked(select, &parent, on, lock, scopes.backend);
            let columns: Vec<_> = relation
                .from
                .iter()
                .map(|&column| parent.column(column))
                .collect();
            let wanted = wanted(scopes, &columns, &link.keys)?;
            select.and_where(wanted);
            return Ok(columns);
        }
        Keys::Values(_) => {
            let parent = scopes.enter((relation.source)());
            let columns: Vec<_> = relation
                .from
                .iter()
                .map(|&column| parent.column(column))
                .collect();
            let mut parents = parent.select();
            let wanted = wanted(scopes, &columns, &link.keys)?;
            parents.and_where(wanted);
            (parents, columns)
        }
        Keys::Level { level, ordinals } => {
            let mut parents = SelectStatement::new();
            parents.from(super::unified::level_name(*level));
            let column = |&ordinal: &usize| Expr::col(super::unified::column_name(ordinal));
            (parents, ordinals.iter().map(column).collect())
        }
    };
    let parents = each_once(scopes, relation, parents, columns);
    let alias = scopes.derived();
    let columns: Vec<_> = (0..relation.from.len())
        .map(|at| Expr::col((alias.clone(), Alias::new(key_name(at)))))
        .collect();
    let on = near_columns
        .iter()
        .zip(&columns)
        .map(|(&column, parent)| near.column(column).eq(parent.clone()))
        .reduce(Expr::and)
        .unwrap_or_else(|| Expr::cust("1 = 1"));
    select.join_subquery(JoinType::InnerJoin, parents, alias, on);
    Ok(columns)
}

/// Whether the values of a link's keys come before everything else in FROM: in a derived table of the parents' keys,
/// because several parents may share a key that the database compares by rules of its own.
pub(super) fn comes_first(link: &Link) -> bool {
    !Link::is_exact(link.relation.0) && !link.relation.starts_from_unique_row()
}

fn key_name(at: usize) -> String {
    format!("key{at}_")
}

/// Each key once, as it is written: texts that a collation takes for equal stay apart, for each is a parent's.
fn each_once(
    scopes: &Scopes,
    relation: &RelationDef,
    mut parents: SelectStatement,
    columns: Vec<Expr>,
) -> SelectStatement {
    let source = (relation.source)();
    for (at, (column, &position)) in columns.into_iter().zip(&relation.from).enumerate() {
        let name = Alias::new(key_name(at));
        let is_text = matches!(
            source.columns[position].sql_type,
            SqlType::Text | SqlType::Enum(_)
        );
        match scopes.backend.dialect {
            Dialect::Mysql if is_text => {
                parents.expr_as(column.clone().min(), name);
                parents.add_group_by([column.cast_as(Alias::new("BINARY"))]);
            }
            Dialect::Sqlite if is_text => {
                parents.expr_as(column.clone(), name);
                parents.add_group_by([column.cast_as(Alias::new("BLOB"))]);
            }
            _ => {
                parents.expr_as(column.clone(), name);
                parents.add_group_by([column]);
            }
        }
    }
    parents
}

fn wanted(scopes: &mut Scopes, columns: &[Expr], keys: &Keys) -> Result<Expr> {
    match keys {
        Keys::Values(rows) => {
            let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
            list::contains(scopes, columns.to_vec(), &rows)
        }
        Keys::Level { level, ordinals } => Ok(list::contains_level(
            scopes,
            columns.to_vec(),
            *level,
            ordinals,
        )),
    }
}

/// Joins the rows of a relation to `parent`, and its joins in turn.
fn add_join(
    scopes: &mut Scopes,
    select: &mut SelectStatement,
    columns: &mut Vec<Expr>,
    join: &Join,
    parent: &Scope,
) -> Result<()> {
    let relation = join.relation.0;
    let target = if join.is_limited() {
        join_limited(scopes, select, join, parent)?
    } else {
        let target = scopes.enter((relation.target)());
        let (near, near_columns) = match &relation.through {
            None => (parent.clone(), &relation.from),
            Some(through) => {
                let between = scopes.enter((through.table)());
                let on = condition::pairs(&between, &through.from, parent, &relation.from);
                let on = condition::alive(between.table, &between)
                    .into_iter()
                    .fold(on, Expr::and);
                select.left_join(between.table_ref(), on);
                (between, &through.to)
            }
        };
        let mut on = condition::pairs(&target, &relation.to, &near, near_columns);
        if let Some(filter) = &join.filter {
            on = on.and(condition::condition(scopes, filter, &target)?);
        }
        select.left_join(target.table_ref(), on);
        target
    };
    columns.extend(join.columns.iter().map(|&column| target.column(column)));
    if !relation.leads_to_unique_row() {
        condition::order(scopes, select, &join.order, &target)?;
        if join.order.is_empty() {
            for &column in &target.table.primary_key {
                select.order_by_expr(target.column(column), sea_query::Order::Asc);
            }
        }
    }
    for inner in &join.joins {
        add_join(scopes, select, columns, inner, &target)?;
    }
    Ok(())
}

/// Joins a derived table in which rows are numbered per parent.
fn join_limited(
    scopes: &mut Scopes,
    select: &mut SelectStatement,
    join: &Join,
    parent: &Scope,
) -> Result<Scope> {
    let relation = join.relation.0;
    let inner = scopes.enter((relation.target)());
    let mut rows = inner.select();
    let link: Vec<_> = match &relation.through {
        None => relation
            .to
            .iter()
            .map(|&column| inner.column(column))
            .collect(),
        Some(through) => {
            let between = scopes.enter((through.table)());
            rows.inner_join(
                between.table_ref(),
                condition::pairs(&between, &through.to, &inner, &relation.to),
            );
            if let Some(alive) = condition::alive(between.table, &between) {
                rows.and_where(alive);
            }
            through
                .from
                .iter()
                .map(|&column| between.column(column))
                .collect()
        }
    };
    for (position, column) in inner.table.columns.iter().enumerate() {
        rows.expr_as(inner.column(position), Alias::new(column.name));
    }
    for (at, expr) in link.iter().enumerate() {
        rows.expr_as(expr.clone(), Alias::new(link_name(at)));
    }
    let number = number_within(scopes, &join.order, &inner, link)?;
    rows.expr_window_as(row_number(), number, Alias::new(ROW_NUMBER));
    if let Some(filter) = &join.filter {
        let filter = condition::condition(scopes, filter, &inner)?;
        rows.and_where(filter);
    }
    let target = Scope {
        table: inner.table,
        alias: scopes.derived(),
    };
    let mut on = relation
        .from
        .iter()
        .enumerate()
        .map(|(at, &from)| {
            Expr::col((target.alias.clone(), Alias::new(link_name(at)))).eq(parent.column(from))
        })
        .reduce(Expr::and)
        .unwrap_or_else(|| Expr::cust("1 = 1"));
    let number = Expr::col((target.alias.clone(), Alias::new(ROW_NUMBER)));
    for bound in bounds(&number, join.limit, join.offset) {
        on = on.and(bound);
    }
    select.join_subquery(JoinType::LeftJoin, rows, target.alias.clone(), on);
    Ok(target)
}

/// A figure per parent.
pub(super) fn figure(scopes: &mut Scopes, figure: &Figure) -> Result<SelectStatement> {
    let (mut select, link, value) = figure_parts(scopes, figure)?;
    select.exprs(link);
    select.expr(value);
    Ok(select)
}

/// The figure without its output columns: the statement, the link's columns and the figure's.
pub(super) fn figure_parts(
    scopes: &mut Scopes,
    figure: &Figure,
) -> Result<(SelectStatement, Vec<Expr>, Expr)> {
    let target = scopes.enter((figure.link.relation.target)());
    let mut select = target.select();
    let link = add_link(scopes, &mut select, &figure.link, &target, None)?;
    if let Some(filter) = &figure.filter {
        let filter = condition::condition(scopes, filter, &target)?;
        select.and_where(filter);
    }
    select.add_group_by(link.clone());
    Ok((
        select,
        link,
        condition::aggregate(figure.aggregate, &target),
    ))
}

/// One figure over all rows of a level.
pub(super) fn scalar(scopes: &mut Scopes, scalar: &Scalar) -> Result<SelectStatement> {
    let level = &scalar.level;
    if level.limit.is_none() && level.offset.is_none() && !level.distinct {
        let mut base = filtered(scopes, level)?;
        base.select
            .expr(condition::aggregate(scalar.aggregate, &base.scope));
        return Ok(base.select);
    }
    let mut inner = plain(scopes, level)?;
    for (position, column) in level.table.columns.iter().enumerate() {
        inner
            .select
            .expr_as(inner.scope.column(position), Alias::new(column.name));
    }
    let scope = Scope {
        table: level.table,
        alias: scopes.derived(),
    };
    let mut select = SelectStatement::new();
    select.from_subquery(inner.select, scope.alias.clone());
    select.expr(condition::aggregate(scalar.aggregate, &scope));
    Ok(select)
}
