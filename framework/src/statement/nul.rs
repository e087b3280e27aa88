//! Text that PostgreSQL cannot hold: of all characters, NUL alone. The server would refuse it by the number of an
//! argument; here it is refused before it is sent, by the column that the value is for.
use super::{
    query::{Assignments, Figure, Join, Keys, Level, Link, Part, Target},
    render::Query,
};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind, Result},
    schema::{
        Condition, OrderTerm, TableDef, Value,
        expression::{RelationTerm, Term},
    },
};

/// A column of a table.
type Place = (&'static TableDef, usize);

/// Refuses text with a NUL among the arguments of `query`.
///
/// # Errors
/// [`Encode`](ErrorKind::Encode), naming the column.
pub fn refuse(query: Query<'_>, args: &[Value], dialect: Dialect) -> Result<()> {
    match is_refused(args, dialect) {
        true => Err(of_query(query)),
        false => Ok(()),
    }
}

/// Whether the database cannot hold one of these arguments.
pub fn is_refused(args: &[Value], dialect: Dialect) -> bool {
    dialect == Dialect::Postgres && args.iter().any(has_nul)
}

/// Refuses text with a NUL among the values of rows that have these columns, row after row.
///
/// # Errors
/// As [`refuse`].
pub fn refuse_rows(
    table: &'static TableDef,
    columns: &[usize],
    values: &[Value],
    dialect: Dialect,
) -> Result<()> {
    match values.iter().position(has_nul) {
        Some(at) if dialect == Dialect::Postgres => {
            Err(of_column((table, columns[at % columns.len()])))
        }
        _ => Ok(()),
    }
}

/// Refuses text with a NUL among the arguments of a text of the user's.
///
/// # Errors
/// [`Encode`](ErrorKind::Encode), naming the number of the argument.
pub fn refuse_raw(args: &[Value], dialect: Dialect) -> Result<()> {
    match args.iter().position(has_nul) {
        Some(at) if dialect == Dialect::Postgres => {
            Err(error(&format!("bind argument {}", at + 1)))
        }
        _ => Ok(()),
    }
}

#[cold]
fn of_query(query: Query<'_>) -> Error {
    place(query).map_or_else(|| error("a bind argument"), of_column)
}

#[cold]
fn of_column((table, column): Place) -> Error {
    let name = table.columns[column].name;
    error(&format!("the value for `{}.{name}`", table.name))
        .with_table(table.name)
        .with_columns(vec![name.to_owned()])
}

#[cold]
fn error(what: &str) -> Error {
    Error::new(
        ErrorKind::Encode,
        format!("{what} has a NUL character (U+0000), which PostgreSQL cannot hold in text"),
    )
    .with_hint("take it out, `text.replace('\\0', \"\")`, or keep such values as bytes, in a column of type `Vec<u8>`")
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(Some(text)) => text.as_bytes().contains(&0),
        Value::Char(Some(char)) => *char == '\0',
        Value::Array(_, Some(values)) => values.iter().any(has_nul),
        _ => false,
    }
}

/// The column that the first such value is for, as far as that can be said.
fn place(query: Query<'_>) -> Option<Place> {
    match query {
        Query::Level(level) => in_level(level),
        Query::Scalar(scalar) => in_level(&scalar.level),
        Query::Figure(figure) => in_figure(figure),
        Query::Unified(parts) => parts.iter().find_map(|part| match part {
            Part::Rows(level) => in_level(level),
            Part::Figure(figure) => in_figure(figure),
        }),
        Query::Insert(insert) => {
            let column = insert.rows.iter().find_map(|row| {
                row.iter()
                    .position(|value| value.as_ref().is_some_and(has_nul))
            });
            Some((insert.table, insert.columns[column?]))
        }
        Query::Update(target, set) => in_set(set, target.table).or_else(|| in_target(target)),
        Query::Delete(target) => in_target(target),
        Query::Batch(batch) => {
            let conflict = batch.conflict.as_ref()?;
            in_set(&conflict.set, batch.table)
        }
        Query::BatchUpdate(update) => in_set(&update.set, update.table),
    }
}

fn in_set(set: &Assignments, table: &'static TableDef) -> Option<Place> {
    let (column, _) = set.iter().find(|(_, term)| term_has_nul(term))?;
    Some((table, *column))
}

fn in_target(target: &Target) -> Option<Place> {
    in_filter(target.filter.as_ref(), target.table)
}

fn in_level(level: &Level) -> Option<Place> {
    let link = || level.link.as_ref().and_then(in_link);
    in_filter(level.filter.as_ref(), level.table)
        .or_else(link)
        .or_else(|| in_order(&level.order))
        .or_else(|| level.joins.iter().find_map(in_join))
}

fn in_join(join: &Join) -> Option<Place> {
    let target = (join.relation.target)();
    in_filter(join.filter.as_ref(), target)
        .or_else(|| in_order(&join.order))
        .or_else(|| join.joins.iter().find_map(in_join))
}

fn in_figure(figure: &Figure) -> Option<Place> {
    let target = (figure.link.relation.target)();
    in_filter(figure.filter.as_ref(), target).or_else(|| in_link(&figure.link))
}

fn in_link(link: &Link) -> Option<Place> {
    let Keys::Values(rows) = &link.keys else {
        return None;
    };
    let part = rows.iter().find_map(|row| row.iter().position(has_nul));
    Some(((link.relation.source)(), link.relation.from[part?]))
}

fn in_order(order: &[OrderTerm]) -> Option<Place> {
    order.iter().find_map(|order| in_term(&order.term))
}

fn in_filter(filter: Option<&Condition>, table: &'static TableDef) -> Option<Place> {
    filter.and_then(|filter| in_condition(filter, table))
}

fn in_condition(condition: &Condition, table: &'static TableDef) -> Option<Place> {
    let at = |column: usize| Some((table, column));
    let compared = |terms: &[&Term]| {
        let inside = terms.iter().find_map(|term| in_term(term));
        inside.or_else(|| {
            let holds = terms.iter().any(|term| term_has_nul(term));
            terms
                .iter()
                .filter(|_| holds)
                .find_map(|term| of_term(term, table))
        })
    };
    match condition {
        Condition::Compare(_, left, right) => compared(&[left, right]),
        Condition::Between(term, low, high) => compared(&[term, low, high]),
        Condition::In { term, values, .. } if values.iter().any(has_nul) => of_term(term, table),
        Condition::Like { term, pattern, .. } if has_nul(pattern) => of_term(term, table),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::Null(term, _) => {
            in_term(term)
        }
        Condition::TupleIn { columns, tuples } => {
            let part = tuples.iter().find_map(|row| row.iter().position(has_nul));
            at(columns[part?])
        }
        Condition::And(all) | Condition::Or(all) => {
            all.iter().find_map(|inner| in_condition(inner, table))
        }
        Condition::Not(inner) => in_condition(inner, table),
        Condition::Exists { relation, filter } => in_filter(filter.as_deref(), (relation.target)()),
        Condition::Raw(_) => None,
    }
}

/// The column that a value inside of a term's subquery is for.
fn in_term(term: &Term) -> Option<Place> {
    match term {
        Term::Aggregate(aggregate) => {
            let RelationTerm {
                relation, filter, ..
            } = &**aggregate;
            in_filter(filter.as_ref(), (relation.target)())
        }
        Term::Function(_, inner) | Term::Through(_, inner) => in_term(inner),
        Term::Arithmetic(_, left, right) => in_term(left).or_else(|| in_term(right)),
        Term::Column(_) | Term::Value(_) | Term::Raw(_) => None,
    }
}

/// The column whose values a term has.
fn of_term(term: &Term, table: &'static TableDef) -> Option<Place> {
    match term {
        Term::Column(column) => Some((table, *column)),
        Term::Through(relation, inner) => of_term(inner, (relation.target)()),
        Term::Arithmetic(_, left, right) => of_term(left, table).or_else(|| of_term(right, table)),
        Term::Function(_, inner) => of_term(inner, table),
        Term::Value(_) | Term::Aggregate(_) | Term::Raw(_) => None,
    }
}

fn term_has_nul(term: &Term) -> bool {
    match term {
        Term::Value(value) => has_nul(value),
        Term::Arithmetic(_, left, right) => term_has_nul(left) || term_has_nul(right),
        Term::Function(_, inner) => term_has_nul(inner),
        Term::Column(_) | Term::Aggregate(_) | Term::Through(..) | Term::Raw(_) => false,
    }
}
