//! Lists too long for one argument a value.
use sea_query::Value;

use super::{arbitrary::Owned, models::User};
use crate::{
    dialect::Dialect,
    schema::{Condition, Entity},
    statement::{
        query::Level,
        render::{Backend, Shape, chunk_size, render},
    },
};

/// The position of the users' key.
const ID: usize = 0;

fn listed(columns: &[usize], rows: Vec<Vec<Value>>) -> Owned {
    Owned::Level(Level {
        filter: Some(Condition::keys(columns, rows)),
        columns: vec![ID],
        ..Level::all(User::table())
    })
}

fn numbers(width: usize, rows: usize) -> Vec<Vec<Value>> {
    (0..rows as i64)
        .map(|row| vec![Value::BigInt(Some(row)); width])
        .collect()
}

fn condition(rows: Vec<Vec<Value>>) -> (String, usize) {
    let columns = vec![ID; rows[0].len()];
    let query = listed(&columns, rows);
    let backend = Backend::of(Dialect::Mysql);
    let (plan, args) = render(query.query(), backend).unwrap();
    assert_eq!(Shape::of(query.query(), backend).args, args);
    let sql = plan.sql.to_string();
    let (_, condition) = sql.split_once(" WHERE ").expect("a condition");
    (condition.to_owned(), args.len())
}

#[test]
fn mysql_takes_a_list_beyond_the_limit_as_one_argument() {
    let (text, args) = condition(numbers(1, 65_536));
    insta::assert_snapshot!(
        text,
        @"`users`.`id` IN (SELECT v0 FROM JSON_TABLE(?, '$[*]' COLUMNS (v0 BIGINT PATH '$')) AS `t1`)"
    );
    assert_eq!(args, 1);
    let pairs = (0..40_000_u128).map(|row| {
        vec![
            Value::BigInt(Some(1)),
            Value::Uuid(Some(uuid::Uuid::from_u128(row))),
        ]
    });
    let (text, args) = condition(pairs.collect());
    insta::assert_snapshot!(
        text,
        @"(`users`.`id`, `users`.`id`) IN (SELECT v0, unhex(v1) FROM JSON_TABLE(?, '$[*]' COLUMNS (v0 BIGINT PATH '$[0]', v1 LONGTEXT PATH '$[1]')) AS `t1`)"
    );
    assert_eq!(args, 1);
}

#[test]
fn a_list_that_only_its_power_of_two_breaks_is_padded_to_the_limit() {
    assert_eq!(condition(numbers(1, 40_000)).1, 65_535);
    assert_eq!(condition(numbers(2, 20_000)).1, 65_534);
    assert_eq!(condition(numbers(1, 32_768)).1, 32_768);
}

#[test]
fn text_beyond_the_limit_is_refused_with_a_way_out() {
    let rows = (0..65_536).map(|row| vec![Value::String(Some(row.to_string()))]);
    let query = listed(&[ID], rows.collect());
    let error = render(query.query(), Backend::of(Dialect::Mysql)).unwrap_err();
    insta::assert_snapshot!(
        error,
        @"a list takes 65536 bind arguments, and the database takes 65535; ask for the rows in several queries, or join with a table that holds the values"
    );
}

#[test]
fn a_chunk_never_breaks_the_limit() {
    // A decimal is an argument of its own on every database but PostgreSQL, a NULL there too.
    let value = Value::Decimal(None);
    for width in 1..20 {
        for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
            let backend = Backend::of(dialect);
            let size = chunk_size(backend, width);
            let rows = vec![vec![value.clone(); width]; size];
            let query = listed(&vec![ID; width], rows);
            let (_, args) = render(query.query(), backend).unwrap();
            assert!(args.len() <= dialect.bind_limit(), "{width} columns");
        }
    }
}
