//! Lists of values that no bind limit can break and that make few statement texts.
//!
//! | database | one column | several columns |
//! |---|---|---|
//! | PostgreSQL | `= ANY($1)` | `IN (SELECT * FROM UNNEST($1, $2))` |
//! | SQLite | `IN (SELECT value FROM json_each(?))` | the same with `json_extract` |
//! | MySQL, MariaDB | `IN (?, ..)` padded to a power of two | rows padded to a power of two |
//! | … beyond the bind limit | `IN (SELECT v0 FROM JSON_TABLE(?, ..))` | the same with several columns |
//!
//! A list of one value is a plain comparison everywhere. Types that JSON cannot carry exactly (decimals, dates,
//! floating-point numbers) are padded lists on SQLite too. Text never travels by `JSON_TABLE`, whose columns have a
//! collation of their own that may not be compared with that of the left side.
use sea_query::{Alias, ArrayType, Expr, ExprTrait, Func, SelectStatement, Value};

use super::{Backend, scope::Scopes};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// No value: never true.
    Empty,
    /// One value.
    Single,
    /// One array argument a column.
    Array,
    /// One JSON argument; the flag says that a column is binary and travels in hexadecimal.
    Json,
    /// So many arguments a column.
    Padded(usize),
}

/// The form of a list of `rows`, each of the same width.
pub(super) fn form(backend: Backend, rows: &[&[Value]]) -> Form {
    match rows {
        [] => Form::Empty,
        [_] => Form::Single,
        [first, ..] => match backend.dialect {
            Dialect::Postgres if columns(rows).all(|column| array_type(&column).is_some()) => {
                Form::Array
            }
            Dialect::Sqlite
                if first
                    .iter()
                    .enumerate()
                    .all(|(at, _)| rows.iter().all(|row| is_json(&row[at]))) =>
            {
                Form::Json
            }
            Dialect::Mysql
                if rows.len() > most_rows(backend, first.len())
                    && rows.iter().all(|row| row.iter().all(is_json_table)) =>
            {
                Form::Json
            }
            _ => Form::Padded(padded(backend, rows.len(), first.len())),
        },
    }
}

/// How many rows of `width` columns the bind limit allows.
fn most_rows(backend: Backend, width: usize) -> usize {
    backend.dialect.bind_limit() / width.max(1)
}

/// The power of two that holds `rows`, or the most that the bind limit allows where only that power is too long.
fn padded(backend: Backend, rows: usize, width: usize) -> usize {
    rows.next_power_of_two()
        .min(most_rows(backend, width))
        .max(rows)
}

fn columns<'a>(rows: &'a [&'a [Value]]) -> impl Iterator<Item = Vec<&'a Value>> {
    (0..rows.first().map_or(0, |row| row.len()))
        .map(move |at| rows.iter().map(|row| &row[at]).collect())
}

/// The arguments of the list, in the text's order.
pub(super) fn arguments(form: Form, rows: &[&[Value]], add: &mut dyn FnMut(Value)) {
    match form {
        Form::Empty => {}
        Form::Single => rows[0].iter().cloned().for_each(add),
        Form::Array => {
            for column in columns(rows) {
                let element = array_type(&column)
                    .expect("the form was chosen for columns that have an array type");
                add(Value::Array(
                    element,
                    Some(Box::new(column.into_iter().cloned().collect())),
                ));
            }
        }
        Form::Json => add(Value::String(Some(json(rows)))),
        Form::Padded(length) => {
            let last = rows.last().expect("a padded list has at least two rows");
            for row in rows
                .iter()
                .chain(std::iter::repeat_n(last, length - rows.len()))
            {
                row.iter().cloned().for_each(&mut *add);
            }
        }
    }
}

/// `left IN (the list)`.
pub(super) fn contains(scopes: &mut Scopes, left: Vec<Expr>, rows: &[&[Value]]) -> Result<Expr> {
    let form = form(scopes.backend, rows);
    let mut values = Vec::new();
    arguments(form, rows, &mut |value| values.push(value));
    check_limit(scopes.backend, values.len())?;
    let single = left.len() == 1;
    let mut tuple = if single {
        left.into_iter().next().expect("one column")
    } else {
        Expr::tuple(left)
    };
    Ok(match form {
        Form::Empty => Expr::cust("1 = 0"),
        Form::Single if single => tuple.eq(values.remove(0)),
        Form::Single => tuple.eq(Expr::tuple(values.into_iter().map(Expr::val))),
        Form::Array if single => tuple.eq(Expr::from(Func::cust("ANY").arg(values.remove(0)))),
        Form::Array => {
            let mut unnest = SelectStatement::new();
            unnest.expr(Expr::cust("*"));
            unnest.from_function(
                Func::cust("UNNEST").args(values.into_iter().map(Expr::val)),
                scopes.derived(),
            );
            tuple.in_subquery(unnest)
        }
        Form::Json => tuple.in_subquery(match scopes.backend.dialect {
            Dialect::Mysql => json_table(scopes, rows[0], values.remove(0)),
            _ => json_each(scopes, rows[0], values.remove(0)),
        }),
        Form::Padded(_) if single => tuple.is_in(values),
        Form::Padded(_) => {
            let width = rows[0].len();
            let rows = values
                .chunks(width)
                .map(|row| Expr::tuple(row.iter().cloned().map(Expr::val)));
            tuple = tuple.binary(sea_query::BinOper::In, Expr::tuple(rows));
            tuple
        }
    })
}

fn json_each(scopes: &mut Scopes, row: &[Value], list: Value) -> SelectStatement {
    // Without a collation of its own the left side's holds; `+` would strip its affinity, so it stays as it is.
    let alias = scopes.derived();
    let mut each = SelectStatement::new();
    for (at, value) in row.iter().enumerate() {
        let part = match row.len() {
            1 => "value".to_owned(),
            _ => format!("json_extract(value, '$[{at}]')"),
        };
        each.expr(decoded(value, part));
    }
    each.from_function(Func::cust("json_each").arg(list), alias);
    each
}

fn json_table(scopes: &mut Scopes, row: &[Value], list: Value) -> SelectStatement {
    let alias = scopes.derived();
    let mut table = SelectStatement::new();
    let mut columns = Vec::new();
    for (at, value) in row.iter().enumerate() {
        let path = match row.len() {
            1 => "$".to_owned(),
            _ => format!("$[{at}]"),
        };
        let ty = match is_binary(value) {
            true => "LONGTEXT",
            false => "BIGINT",
        };
        columns.push(format!("v{at} {ty} PATH '{path}'"));
        table.expr(decoded(value, format!("v{at}")));
    }
    let columns = columns.join(", ");
    let list = Expr::cust_with_values(format!("?, '$[*]' COLUMNS ({columns})"), [list]);
    table.from_function(Func::cust("JSON_TABLE").arg(list), alias);
    table
}

/// A column of a JSON list; a binary one is decoded from hexadecimal.
fn decoded(value: &Value, part: String) -> Expr {
    Expr::cust(match is_binary(value) {
        true => format!("unhex({part})"),
        false => part,
    })
}

fn check_limit(backend: Backend, count: usize) -> Result<()> {
    let limit = backend.dialect.bind_limit();
    if count <= limit {
        return Ok(());
    }
    Err(Error::invalid_query(format!(
        "a list takes {count} bind arguments, and the database takes {limit}"
    ))
    .with_hint("ask for the rows in several queries, or join with a table that holds the values"))
}

/// How many rows of `width` columns one list should hold at most: a power of two within the bind limit, even if each
/// value of it is an argument. Arrays and JSON are one argument; a bound keeps single statements and packets reasonable.
pub(crate) fn chunk_size(backend: Backend, width: usize) -> usize {
    let arguments = match backend.dialect {
        Dialect::Postgres | Dialect::Sqlite => backend.dialect.bind_limit(),
        Dialect::Mysql => 16_384,
    };
    let rows = (arguments / width.max(1)).min(16_384);
    1 << rows.ilog2()
}

fn array_type(column: &[&Value]) -> Option<ArrayType> {
    let of = |value: &Value| match value {
        Value::Bool(Some(_)) => Some(ArrayType::Bool),
        Value::SmallInt(Some(_)) => Some(ArrayType::SmallInt),
        Value::Int(Some(_)) => Some(ArrayType::Int),
        Value::BigInt(Some(_)) => Some(ArrayType::BigInt),
        Value::Float(Some(_)) => Some(ArrayType::Float),
        Value::Double(Some(_)) => Some(ArrayType::Double),
        Value::String(Some(_)) => Some(ArrayType::String),
        Value::Bytes(Some(_)) => Some(ArrayType::Bytes),
        Value::Uuid(Some(_)) => Some(ArrayType::Uuid),
        Value::ChronoDate(Some(_)) => Some(ArrayType::ChronoDate),
        Value::ChronoDateTime(Some(_)) => Some(ArrayType::ChronoDateTime),
        Value::ChronoDateTimeUtc(Some(_)) => Some(ArrayType::ChronoDateTimeUtc),
        Value::Decimal(Some(_)) => Some(ArrayType::Decimal),
        _ => None,
    };
    let first = of(column.first()?)?;
    column
        .iter()
        .all(|value| of(value).as_ref() == Some(&first))
        .then_some(first)
}

fn is_json(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(Some(_))
            | Value::TinyInt(Some(_))
            | Value::SmallInt(Some(_))
            | Value::Int(Some(_))
            | Value::BigInt(Some(_))
            | Value::String(Some(_))
            | Value::Uuid(Some(_))
            | Value::Bytes(Some(_))
    )
}

fn is_json_table(value: &Value) -> bool {
    is_json(value) && !matches!(value, Value::String(_))
}

fn is_binary(value: &Value) -> bool {
    matches!(value, Value::Uuid(_) | Value::Bytes(_))
}

fn json(rows: &[&[Value]]) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(rows.len() * 8 + 2);
    out.push('[');
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if row.len() > 1 {
            out.push('[');
        }
        for (at, value) in row.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let _infallible = match value {
                Value::Bool(Some(value)) => write!(out, "{}", i32::from(*value)),
                Value::TinyInt(Some(value)) => write!(out, "{value}"),
                Value::SmallInt(Some(value)) => write!(out, "{value}"),
                Value::Int(Some(value)) => write!(out, "{value}"),
                Value::BigInt(Some(value)) => write!(out, "{value}"),
                Value::Uuid(Some(value)) => write!(out, "\"{}\"", value.simple()),
                Value::Bytes(Some(bytes)) => {
                    out.push('"');
                    for byte in bytes {
                        let _infallible = write!(out, "{byte:02x}");
                    }
                    out.push('"');
                    Ok(())
                }
                Value::String(Some(text)) => {
                    out.push_str(&serde_json::Value::String(text.clone()).to_string());
                    Ok(())
                }
                _ => out.write_str("null"),
            };
        }
        if row.len() > 1 {
            out.push(']');
        }
    }
    out.push(']');
    out
}

/// A subquery over the keys of an earlier level: `= ANY(ARRAY(SELECT ..))` on PostgreSQL, which was measured faster
/// than `IN (SELECT ..)` there, `IN (SELECT ..)` elsewhere and for several columns.
pub(super) fn contains_level(
    scopes: &Scopes,
    left: Vec<Expr>,
    level: usize,
    ordinals: &[usize],
) -> Expr {
    let mut keys = SelectStatement::new();
    keys.from(super::unified::level_name(level));
    for &ordinal in ordinals {
        keys.column(super::unified::column_name(ordinal));
    }
    match <[Expr; 1]>::try_from(left) {
        Ok([left]) if scopes.backend.dialect == Dialect::Postgres => {
            let keys = Expr::SubQuery(None, Box::new(keys.into()));
            left.eq(Func::cust("ANY").arg(Func::cust("ARRAY").arg(keys)))
        }
        Ok([left]) => left.in_subquery(keys),
        Err(left) => Expr::tuple(left).in_subquery(keys),
    }
}

/// The alias under which derived tables return columns.
pub(super) fn alias(name: impl Into<String>) -> Alias {
    Alias::new(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[i64]) -> Vec<Vec<Value>> {
        values
            .iter()
            .map(|&value| vec![Value::BigInt(Some(value))])
            .collect()
    }

    #[test]
    fn a_padded_list_repeats_its_last_row_up_to_a_power_of_two() {
        let rows = rows(&[1, 2, 3]);
        let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
        let form = form(Backend::of(Dialect::Mysql), &rows);
        assert_eq!(form, Form::Padded(4));
        let mut values = Vec::new();
        arguments(form, &rows, &mut |value| values.push(value));
        assert_eq!(values, [1, 2, 3, 3].map(|value| Value::BigInt(Some(value))));
    }

    #[test]
    fn json_escapes_text_and_writes_bytes_in_hexadecimal() {
        let row = [
            Value::String(Some("a\"b".into())),
            Value::Bytes(Some(vec![0, 255])),
        ];
        assert_eq!(json(&[&row, &row]), r#"[["a\"b","00ff"],["a\"b","00ff"]]"#);
    }
}
