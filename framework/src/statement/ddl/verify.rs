//! The text that compares the rows of a view with those of its query.
use super::name;
use crate::{
    dialect::Dialect,
    schema::{SqlType, TableDef},
};

/// The number of a row that is not in the view.
pub(crate) const MISSING: i64 = 1;
/// The number of a row that the query does not give.
pub(crate) const EXTRA: i64 = 2;
/// The number of a row with other values.
const DIFFERENT: i64 = 3;

/// One row for each that differs: its number, and its key as a text.
pub(crate) fn differences(table: &TableDef, select: &str, dialect: Dialect) -> String {
    let kept = name::table(table, dialect);
    let quoted = |position: &usize| dialect.quote(table.columns[*position].name);
    let key: Vec<_> = table.primary_key.iter().map(quoted).collect();
    let equal: Vec<_> = key
        .iter()
        .map(|column| format!("kept.{column} = fresh.{column}"))
        .collect();
    let equal = equal.join(" AND ");
    let others: Vec<_> = (0..table.columns.len())
        .filter(|position| !table.primary_key.contains(position))
        .map(|position| unequal(table, position, dialect))
        .collect();
    let kind = |number: i64| match dialect {
        Dialect::Sqlite | Dialect::Mysql => number.to_string(),
        Dialect::Postgres => format!("CAST({number} AS BIGINT)"),
    };
    let text = |alias: &str| {
        let type_name = match dialect {
            Dialect::Sqlite | Dialect::Postgres => "TEXT",
            Dialect::Mysql => "CHAR",
        };
        let one = |position: &usize| {
            let column = quoted(position);
            match (table.columns[*position].sql_type, dialect) {
                // Where they are bytes.
                (SqlType::Uuid | SqlType::Bytes, Dialect::Sqlite | Dialect::Mysql) => {
                    format!("HEX({alias}.{column})")
                }
                _ => format!("CAST({alias}.{column} AS {type_name})"),
            }
        };
        // A query that gives NULL for a key is wrong, and found.
        let one = |position: &usize| format!("COALESCE({}, 'NULL')", one(position));
        let texts: Vec<_> = table.primary_key.iter().map(one).collect();
        match (texts.as_slice(), dialect) {
            ([one], _) => one.clone(),
            (several, Dialect::Mysql) => format!("CONCAT_WS(',', {})", several.join(", ")),
            (several, Dialect::Sqlite | Dialect::Postgres) => several.join(" || ',' || "),
        }
    };
    let first = &key[0];
    let mut parts = vec![
        format!(
            "SELECT {} AS what, {} AS row_key FROM ({select}) AS fresh LEFT JOIN {kept} AS kept ON {equal} WHERE kept.{first} IS NULL",
            kind(MISSING),
            text("fresh")
        ),
        format!(
            "SELECT {}, {} FROM {kept} AS kept LEFT JOIN ({select}) AS fresh ON {equal} WHERE fresh.{first} IS NULL",
            kind(EXTRA),
            text("kept")
        ),
    ];
    if !others.is_empty() {
        parts.push(format!(
            "SELECT {}, {} FROM {kept} AS kept JOIN ({select}) AS fresh ON {equal} WHERE {}",
            kind(DIFFERENT),
            text("kept"),
            others.join(" OR ")
        ));
    }
    format!("{} ORDER BY 1, 2", parts.join(" UNION ALL "))
}

/// That a column has another value here than there, NULL being a value. What the query gives is compared as the table's
/// column would keep it.
fn unequal(table: &TableDef, position: usize, dialect: Dialect) -> String {
    let column = &table.columns[position];
    let name = dialect.quote(column.name);
    let (kept, fresh) = (format!("kept.{name}"), format!("fresh.{name}"));
    // The order in which numbers are added shows in their last digits.
    let of_float = |tolerance: &str| {
        format!(
            "(({kept} IS NULL) <> ({fresh} IS NULL) OR ABS({kept} - {fresh}) > {tolerance} * (ABS({kept}) + ABS({fresh})))"
        )
    };
    match (column.sql_type, dialect) {
        (SqlType::Float, _) => of_float("1e-6"),
        (SqlType::Double, _) => of_float("1e-12"),
        (_, Dialect::Sqlite) => format!("{kept} IS NOT {fresh}"),
        (_, Dialect::Postgres) => format!("{kept} IS DISTINCT FROM {fresh}"),
        // Under most collations `ada` equals `Ada`.
        (SqlType::Text | SqlType::Json, Dialect::Mysql) => format!(
            "NOT (CAST(CONVERT({kept} USING utf8mb4) AS BINARY) <=> CAST(CONVERT({fresh} USING utf8mb4) AS BINARY))"
        ),
        (SqlType::SmallInt | SqlType::Int | SqlType::BigInt, Dialect::Mysql) => {
            format!("NOT ({kept} <=> CAST({fresh} AS SIGNED))")
        }
        (SqlType::Decimal, Dialect::Mysql) => {
            let type_name = dialect.type_name(column.sql_type, None);
            format!("NOT ({kept} <=> CAST({fresh} AS {type_name}))")
        }
        (_, Dialect::Mysql) => format!("NOT ({kept} <=> {fresh})"),
    }
}
