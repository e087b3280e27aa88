//! The order that the database gives texts of a column: what rows of several databases are put in order by.
//!
//! The texts are a part of a union whose other part is the column itself, without any row: so they are compared by the
//! collation of the column, whatever it is called, in all three dialects.
use super::{
    Plan, StatementKind,
    query::array,
    render::{Backend, qualified},
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
    schema::{TableDef, Value},
};

/// How many texts MySQL is given, an argument each.
const MOST: usize = 30_000;

/// The statement that says the rank of each of `texts` among values of `column`, as rows of their place in the list and
/// their rank. Texts that are equal there have one rank. There is at least one text.
///
/// # Errors
/// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for more texts than the statement takes.
pub fn rank(
    table: &'static TableDef,
    column: usize,
    texts: Vec<String>,
    backend: Backend,
) -> Result<(Plan, Vec<Value>)> {
    let quote = |name: &str| backend.dialect.quote(name);
    let name = table.columns[column].name;
    let from = match table.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(table.name)),
        None => quote(table.name),
    };
    let column = quote(name);
    let (given, args) = match backend.dialect {
        Dialect::Sqlite => {
            let texts = serde_json::Value::from(texts).to_string();
            let given = "SELECT value, key FROM json_each(?)".to_owned();
            (given, vec![Value::String(Some(texts))])
        }
        Dialect::Postgres => {
            let texts: Vec<Value> = texts
                .into_iter()
                .map(|text| Value::String(Some(text)))
                .collect();
            let given = "SELECT t, n - 1 FROM UNNEST($1::text[]) WITH ORDINALITY AS u (t, n)";
            (given.to_owned(), array(texts).into_iter().collect())
        }
        Dialect::Mysql if texts.len() > MOST => {
            return Err(Error::invalid_query(format!(
                "{} different texts of `{name}` from several shards cannot be put in order, {MOST} at most",
                texts.len()
            ))
            .with_table(table.name)
            .with_hint("narrow the query, give it a limit, or order by a number or a time"));
        }
        Dialect::Mysql => {
            let row = match backend.capabilities.mariadb {
                true => "",
                false => "ROW",
            };
            let rows: Vec<String> = (0..texts.len())
                .map(|at| format!("{row}(?, {at})"))
                .collect();
            let given = format!("VALUES {}", rows.join(", "));
            let args = texts.into_iter().map(|text| Value::String(Some(text)));
            (given, args.collect())
        }
    };
    let sql = format!(
        "SELECT i, DENSE_RANK() OVER (ORDER BY v) FROM (SELECT {column} AS v, 0 AS i FROM {from} WHERE 1 = 0 UNION ALL {given}) x"
    );
    let plan = Plan::new(sql, StatementKind::Select, vec![qualified(table)]);
    Ok((
        match backend.dialect {
            Dialect::Mysql => plan.one_off(),
            Dialect::Sqlite | Dialect::Postgres => plan,
        },
        args,
    ))
}
