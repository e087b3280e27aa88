//! Conditions, terms and orders, in the scope of one table.
use sea_query::{
    BinOper, Expr, ExprTrait, Func, LikeExpr, NullOrdering, Order, SelectStatement, Value,
};

use super::{
    list,
    scope::{Scope, Scopes},
};
use crate::{
    dialect::Dialect,
    error::Result,
    schema::{
        Condition, OrderTerm, RelationDef, TableDef,
        expression::{AggregateKind, Arithmetic, Comparison, Direction, Nulls, RelationTerm, Term},
    },
};

/// `condition` over the rows of `at`.
pub(super) fn condition(scopes: &mut Scopes, condition: &Condition, at: &Scope) -> Result<Expr> {
    Ok(match condition {
        Condition::Compare(comparison, left, right) => {
            let left = term(scopes, left, at)?;
            let right = term(scopes, right, at)?;
            left.binary(operator(*comparison), right)
        }
        Condition::In {
            term: left,
            values,
            negated,
        } => {
            let left = term(scopes, left, at)?;
            let rows: Vec<_> = values.iter().map(std::slice::from_ref).collect();
            let contains = list::contains(scopes, vec![left], &rows)?;
            if *negated { contains.not() } else { contains }
        }
        Condition::TupleIn { columns, tuples } => {
            let left = columns.iter().map(|&column| at.column(column)).collect();
            let rows: Vec<_> = tuples.iter().map(Vec::as_slice).collect();
            list::contains(scopes, left, &rows)?
        }
        Condition::Like {
            term: left,
            pattern,
            negated,
            ignore_case,
        } => {
            let left = term(scopes, left, at)?;
            like(scopes, left, pattern, *negated, *ignore_case)
        }
        Condition::Between(left, low, high) => {
            let left = term(scopes, left, at)?;
            let low = term(scopes, low, at)?;
            let high = term(scopes, high, at)?;
            left.between(low, high)
        }
        Condition::Null(left, is_null) => {
            let left = term(scopes, left, at)?;
            if *is_null {
                left.is_null()
            } else {
                left.is_not_null()
            }
        }
        Condition::And(all) => chain(scopes, all, at, "1 = 1", Expr::and)?,
        Condition::Or(any) => chain(scopes, any, at, "1 = 0", Expr::or)?,
        Condition::Not(inner) => self::condition(scopes, inner, at)?.not(),
        Condition::Exists { relation, filter } => {
            let (mut rows, _) = related(scopes, relation.0, filter.as_deref(), at)?;
            rows.expr(Expr::cust("1"));
            Expr::exists(rows)
        }
        Condition::Raw(raw) => raw.build(at.alias.clone()),
    })
}

fn chain(
    scopes: &mut Scopes,
    conditions: &[Condition],
    at: &Scope,
    empty: &'static str,
    join: fn(Expr, Expr) -> Expr,
) -> Result<Expr> {
    let mut joined = None;
    for inner in conditions {
        let next = condition(scopes, inner, at)?;
        joined = Some(match joined {
            None => next,
            Some(previous) => join(previous, next),
        });
    }
    Ok(joined.unwrap_or_else(|| Expr::cust(empty)))
}

fn operator(comparison: Comparison) -> BinOper {
    match comparison {
        Comparison::Eq => BinOper::Equal,
        Comparison::Ne => BinOper::NotEqual,
        Comparison::Lt => BinOper::SmallerThan,
        Comparison::Le => BinOper::SmallerThanOrEqual,
        Comparison::Gt => BinOper::GreaterThan,
        Comparison::Ge => BinOper::GreaterThanOrEqual,
    }
}

/// PostgreSQL and MySQL escape with `\` of themselves; SQLite must be told.
fn like(scopes: &Scopes, left: Expr, pattern: &Value, negated: bool, ignore_case: bool) -> Expr {
    let dialect = scopes.backend.dialect;
    let native = ignore_case && dialect == Dialect::Postgres;
    let fold = ignore_case && !native;
    let pattern = match pattern {
        Value::String(Some(pattern)) if fold => pattern.to_lowercase(),
        Value::String(Some(pattern)) => pattern.clone(),
        _ => String::new(),
    };
    let left = if fold {
        Expr::from(Func::lower(left))
    } else {
        left
    };
    let mut pattern = LikeExpr::new(pattern);
    if dialect == Dialect::Sqlite {
        pattern = pattern.escape('\\');
    }
    match (native, negated) {
        (true, false) => sea_query::extension::postgres::PgExpr::ilike(left, pattern),
        (true, true) => sea_query::extension::postgres::PgExpr::not_ilike(left, pattern),
        (false, false) => left.like(pattern),
        (false, true) => left.not_like(pattern),
    }
}

/// `term` for a row of `at`.
pub(super) fn term(scopes: &mut Scopes, term: &Term, at: &Scope) -> Result<Expr> {
    Ok(match term {
        Term::Column(column) => at.column(*column),
        Term::Value(value) => Expr::val(value.clone()),
        Term::Arithmetic(operator, left, right) => {
            let left = self::term(scopes, left, at)?;
            let right = self::term(scopes, right, at)?;
            match operator {
                Arithmetic::Add => left.add(right),
                Arithmetic::Sub => left.sub(right),
                Arithmetic::Mul => left.mul(right),
            }
        }
        Term::Function(name, inner) => {
            let inner = self::term(scopes, inner, at)?;
            Func::cust(*name).arg(inner).into()
        }
        Term::Aggregate(aggregate) => figure_term(scopes, aggregate, at)?,
        Term::Through(relation, inner) => {
            let (mut rows, target) = related(scopes, relation.0, None, at)?;
            let inner = self::term(scopes, inner, &target)?;
            rows.expr(inner);
            if relation.cardinality != crate::schema::Cardinality::BelongsTo {
                order(scopes, &mut rows, &relation.order, &target)?;
                rows.limit(1);
            }
            Expr::SubQuery(None, Box::new(rows.into()))
        }
        Term::Raw(raw) => raw.build(at.alias.clone()),
    })
}

fn figure_term(scopes: &mut Scopes, term: &RelationTerm, at: &Scope) -> Result<Expr> {
    let (mut rows, target) = related(scopes, term.relation.0, term.filter.as_ref(), at)?;
    if term.aggregate == AggregateKind::Exists {
        rows.expr(Expr::cust("1"));
        return Ok(Expr::exists(rows));
    }
    rows.expr(aggregate(term.aggregate, &target));
    Ok(Expr::SubQuery(None, Box::new(rows.into())))
}

/// The aggregate over rows of `target`. Sums of integers keep their type on PostgreSQL, where they would widen.
pub(super) fn aggregate(kind: AggregateKind, target: &Scope) -> Expr {
    match kind {
        AggregateKind::Count => Expr::cust("COUNT(*)"),
        AggregateKind::Exists => Expr::cust("COUNT(*) > 0"),
        AggregateKind::Sum(column) => target.column(column).sum(),
        AggregateKind::Avg(column) => target.column(column).avg(),
        AggregateKind::Min(column) => target.column(column).min(),
        AggregateKind::Max(column) => target.column(column).max(),
    }
}

/// The rows of `relation` for the row `at`, with nothing selected yet.
fn related(
    scopes: &mut Scopes,
    relation: &'static RelationDef,
    filter: Option<&Condition>,
    at: &Scope,
) -> Result<(SelectStatement, Scope)> {
    let target = scopes.enter((relation.target)());
    let mut rows = target.select();
    let source_columns: Vec<_> = relation
        .from
        .iter()
        .map(|&column| at.column(column))
        .collect();
    match &relation.through {
        None => {
            for (&to, from) in relation.to.iter().zip(source_columns) {
                rows.and_where(target.column(to).eq(from));
            }
        }
        Some(through) => {
            let between = scopes.enter((through.table)());
            let on = pairs(&between, &through.to, &target, &relation.to);
            rows.inner_join(between.table_ref(), on);
            for (&column, from) in through.from.iter().zip(source_columns) {
                rows.and_where(between.column(column).eq(from));
            }
            if let Some(alive) = alive(between.table, &between) {
                rows.and_where(alive);
            }
        }
    }
    for filter in relation.filter.iter().chain(filter) {
        let filter = condition(scopes, filter, &target)?;
        rows.and_where(filter);
    }
    if let Some(alive) = alive(target.table, &target) {
        rows.and_where(alive);
    }
    Ok((rows, target))
}

/// `left.a = right.x AND left.b = right.y ..`
pub(super) fn pairs(
    left: &Scope,
    left_columns: &[usize],
    right: &Scope,
    right_columns: &[usize],
) -> Expr {
    left_columns
        .iter()
        .zip(right_columns)
        .map(|(&left_column, &right_column)| {
            left.column(left_column).eq(right.column(right_column))
        })
        .reduce(Expr::and)
        .unwrap_or_else(|| Expr::cust("1 = 1"))
}

/// The row is not soft-deleted, for tables with that notion.
pub(super) fn alive(table: &TableDef, at: &Scope) -> Option<Expr> {
    table.deleted_at.map(|column| at.column(column).is_null())
}

/// An order of one statement, as sea-query takes it.
pub(super) type RenderedOrder = Vec<(Expr, Order, Option<NullOrdering>)>;

/// The terms of an order over rows of `at`; ties are broken by primary key, if there is any order.
pub(super) fn order_terms(
    scopes: &mut Scopes,
    terms: &[OrderTerm],
    at: &Scope,
) -> Result<RenderedOrder> {
    let mut rendered = Vec::with_capacity(terms.len() + 1);
    for order in terms {
        let direction = match order.direction {
            Direction::Asc => Order::Asc,
            Direction::Desc => Order::Desc,
        };
        let nulls = nulls(scopes.backend.dialect, order, at.table);
        rendered.push((term(scopes, &order.term, at)?, direction, nulls));
    }
    if !terms.is_empty() {
        for &column in &at.table.primary_key {
            if !terms.iter().any(|order| order.term == Term::Column(column)) {
                rendered.push((at.column(column), Order::Asc, None));
            }
        }
    }
    Ok(rendered)
}

/// Where NULLs are to be spelled out: `Smallest` is what SQLite and MySQL do anyway.
fn nulls(dialect: Dialect, order: &OrderTerm, table: &TableDef) -> Option<NullOrdering> {
    let nullable = match order.term {
        Term::Column(column) => table.columns[column].nullable,
        _ => true,
    };
    match (order.nulls, order.direction) {
        _ if !nullable => None,
        (Nulls::First, _) => Some(NullOrdering::First),
        (Nulls::Last, _) => Some(NullOrdering::Last),
        (Nulls::Smallest, _) if dialect != Dialect::Postgres => None,
        (Nulls::Smallest, Direction::Asc) => Some(NullOrdering::First),
        (Nulls::Smallest, Direction::Desc) => Some(NullOrdering::Last),
    }
}

/// Orders `select` by `terms` over rows of `at`.
pub(super) fn order(
    scopes: &mut Scopes,
    select: &mut SelectStatement,
    terms: &[OrderTerm],
    at: &Scope,
) -> Result<()> {
    for (expr, direction, nulls) in order_terms(scopes, terms, at)? {
        match nulls {
            Some(nulls) => select.order_by_expr_with_nulls(expr, direction, nulls),
            None => select.order_by_expr(expr, direction),
        };
    }
    Ok(())
}
