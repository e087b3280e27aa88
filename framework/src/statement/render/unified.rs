//! A whole graph in one statement: a CTE per level, then UNION ALL of rows tagged with their level.
//!
//! Every slot of a row has one exact type, and each level puts its columns into slots of their types; the slots that it
//! does not need are typed NULLs there. A NULL costs the server and the reader nearly as much as a value, so the levels
//! share as many slots as their types allow, whatever the order of the columns. The layout is a pure function of the
//! levels and the dialect, which the reader of the rows computes again.
use sea_query::{
    Alias, CommonTableExpression, Expr, ExprTrait, SelectStatement, UnionType, WithClause,
};

use super::{level, list::alias, scope::Scopes};
use crate::{
    dialect::Dialect,
    error::Result,
    schema::{SqlType, TableDef, expression::AggregateKind},
    statement::query::{Figure, Join, Level, Part},
};

/// The name of a level's CTE.
pub(super) fn level_name(level: usize) -> Alias {
    alias(format!("level{level}"))
}

/// The name of a column of a level's CTE.
pub(super) fn column_name(ordinal: usize) -> Alias {
    alias(format!("c{ordinal}"))
}

const RANK: &str = "rank_";

/// Where the columns of one level are in the rows of the whole statement. Slot 0 is the level's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// The slot of each of the level's columns, link first.
    pub columns: Vec<usize>,
    /// The slot of the row's place in the order, where the level has an order.
    pub rank: Option<usize>,
}

/// The slots of every level, and the type of every slot (slot 0 apart).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Per level.
    pub levels: Vec<Slots>,
    /// Per slot from slot 1 on.
    pub types: Vec<SqlType>,
}

impl Layout {
    /// The layout of `parts`.
    pub fn of(parts: &[Part], dialect: Dialect) -> Self {
        // MySQL makes one type of two that meet in a column, signed and unsigned, and refuses two collations. A NULL
        // is a bit there.
        let shares = dialect != Dialect::Mysql;
        let mut types = match parts.iter().any(is_ranked) {
            true => vec![SqlType::BigInt],
            false => Vec::new(),
        };
        let mut levels = Vec::with_capacity(parts.len());
        for part in parts {
            let mut taken = vec![!shares; types.len()];
            let rank = is_ranked(part).then_some(1);
            if rank.is_some() {
                taken[0] = true;
            }
            let slot = |sql_type| 1 + place(&mut types, &mut taken, sql_type);
            let columns = column_types(part).into_iter().map(slot).collect();
            levels.push(Slots { columns, rank });
        }
        Self { levels, types }
    }
}

/// Takes the first place of this type that is not taken, or a new one.
fn place(types: &mut Vec<SqlType>, taken: &mut Vec<bool>, sql_type: SqlType) -> usize {
    let free = types
        .iter()
        .zip(&*taken)
        .position(|(&known, &taken)| known == sql_type && !taken);
    let at = free.unwrap_or_else(|| {
        types.push(sql_type);
        taken.push(true);
        types.len() - 1
    });
    taken[at] = true;
    at
}

fn is_ranked(part: &Part) -> bool {
    match part {
        Part::Rows(level) => {
            !level.order.is_empty()
                || (level.link.is_some() && (level.limit.is_some() || level.offset.is_some()))
        }
        Part::Figure(_) => false,
    }
}

/// Whether the level's statement is ordered although the place in the order is a column: where it is limited by that
/// order, and where a join returns rows several times, for the joined rows have no place of their own.
pub(super) fn keeps_order(level: &Level) -> bool {
    level.link.is_none() || level.multiplies()
}

/// The types of a part's columns, link first.
fn column_types(part: &Part) -> Vec<SqlType> {
    let of = |table: &'static TableDef, columns: &[usize]| -> Vec<SqlType> {
        columns
            .iter()
            .map(|&column| slot_type(table.columns[column].sql_type))
            .collect()
    };
    match part {
        Part::Rows(level) => {
            let mut types = match &level.link {
                Some(link) if level.link_width() > 0 => {
                    of((link.relation.source)(), &link.relation.from)
                }
                _ => Vec::new(),
            };
            types.extend(of(level.table, &level.columns));
            fn joined(
                join: &Join,
                types: &mut Vec<SqlType>,
                of: &dyn Fn(&'static TableDef, &[usize]) -> Vec<SqlType>,
            ) {
                types.extend(of((join.relation.target)(), &join.columns));
                join.joins.iter().for_each(|inner| joined(inner, types, of));
            }
            level
                .joins
                .iter()
                .for_each(|join| joined(join, &mut types, &of));
            types
        }
        Part::Figure(figure) => {
            let mut types = of((figure.link.relation.source)(), &figure.link.relation.from);
            types.push(figure_type(figure));
            types
        }
    }
}

/// Labels are text on the wire.
fn slot_type(sql_type: SqlType) -> SqlType {
    match sql_type {
        SqlType::Enum(_) => SqlType::Text,
        other => other,
    }
}

fn figure_type(figure: &Figure) -> SqlType {
    let target = (figure.link.relation.target)();
    match figure.aggregate {
        AggregateKind::Count => SqlType::BigInt,
        AggregateKind::Exists => SqlType::Bool,
        AggregateKind::Avg(_) | AggregateKind::Sum(_) => SqlType::Decimal,
        AggregateKind::Min(column) | AggregateKind::Max(column) => {
            slot_type(target.columns[column].sql_type)
        }
    }
}

/// The statement for `parts`; each part's link refers to an earlier one.
pub(super) fn select(scopes: &mut Scopes, parts: &[Part]) -> Result<SelectStatement> {
    let layout = Layout::of(parts, scopes.backend.dialect);
    let mut with = WithClause::new();
    let mut union: Option<SelectStatement> = None;
    for (number, part) in parts.iter().enumerate() {
        let body = named(scopes, part)?;
        with.cte(
            CommonTableExpression::new()
                .table_name(level_name(number))
                .query(body)
                .to_owned(),
        );
        let tagged = tagged(scopes, number, &layout);
        union = Some(match union {
            None => tagged,
            Some(mut first) => {
                first.union(UnionType::All, tagged);
                first
            }
        });
    }
    let mut statement = union.unwrap_or_default();
    statement.with_cte(with);
    Ok(statement)
}

/// A part with its columns under the names by which later parts refer to them.
fn named(scopes: &mut Scopes, part: &Part) -> Result<SelectStatement> {
    match part {
        Part::Rows(level) => {
            let level::Rows {
                mut select,
                columns,
                rank,
            } = level::rows(scopes, level)?;
            for (ordinal, column) in columns.into_iter().enumerate() {
                select.expr_as(column, column_name(ordinal));
            }
            if is_ranked(part)
                && let Some(rank) = rank
            {
                rank.select(&mut select, Alias::new(RANK));
                if !keeps_order(level) {
                    select.clear_order_by();
                }
            }
            Ok(select)
        }
        Part::Figure(figure) => {
            let (mut select, link, value) = level::figure_parts(scopes, figure)?;
            let width = link.len();
            for (ordinal, column) in link.into_iter().enumerate() {
                select.expr_as(column, column_name(ordinal));
            }
            select.expr_as(value, column_name(width));
            Ok(select)
        }
    }
}

/// The rows of one level in the slots of the whole statement.
fn tagged(scopes: &Scopes, number: usize, layout: &Layout) -> SelectStatement {
    let slots = &layout.levels[number];
    let mut select = SelectStatement::new();
    select.from(level_name(number));
    select.expr_as(Expr::cust(number.to_string()), Alias::new("level_"));
    for (index, &sql_type) in layout.types.iter().enumerate() {
        let slot = index + 1;
        if slots.rank == Some(slot) {
            select.column(Alias::new(RANK));
        } else if let Some(ordinal) = slots.columns.iter().position(|&own| own == slot) {
            let column = Expr::col(column_name(ordinal));
            // An enum or a varchar takes part in a union of text only by its text form.
            select.expr(
                if sql_type == SqlType::Text && scopes.backend.dialect == Dialect::Postgres {
                    column.cast_as(Alias::new("text"))
                } else {
                    column
                },
            );
        } else {
            select.expr(null_of(scopes.backend.dialect, sql_type));
        }
    }
    select
}

/// NULL of a type. Only PostgreSQL settles a union's types branch by branch and must be told.
fn null_of(dialect: Dialect, sql_type: SqlType) -> Expr {
    match dialect {
        Dialect::Postgres => Expr::cust(format!("NULL::{}", dialect.type_name(sql_type, None))),
        Dialect::Sqlite | Dialect::Mysql => Expr::cust("NULL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shared_where_the_types_agree() {
        let mut types = vec![SqlType::BigInt, SqlType::Text, SqlType::BigInt];
        let mut taken = vec![false; 3];
        let wanted = [SqlType::Text, SqlType::BigInt, SqlType::BigInt];
        let places = wanted.map(|wanted| place(&mut types, &mut taken, wanted));
        assert_eq!(places, [1, 0, 2]);
        assert_eq!(place(&mut types, &mut taken, SqlType::BigInt), 3);
        assert_eq!(place(&mut types, &mut taken, SqlType::Bool), 4);
        assert_eq!(types[3..], [SqlType::BigInt, SqlType::Bool]);
    }
}
