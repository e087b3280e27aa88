//! The mirror of a connection's prepared statements against what the server and the library have.
use std::{ops::ControlFlow, sync::Arc};

use super::{Scene, on_each_database, placeholders};
use crate::{
    dialect::Dialect,
    driver::{Connection, NoRows, connect_counted},
    schema::{Cell, ColumnValue, Value},
    statement::{Plan, Statement, StatementKind},
    statement_cache::StatementCounters,
};

on_each_database! {
    the_mirror_agrees_with_the_server
}

const CAPACITY: usize = 3;

/// What is sent, one after the other: numbers of texts. Negative ones are syntax errors; from 10 on they fail after they
/// were prepared, from 20 on they are one-off.
const SENT: [i32; 24] = [
    1, 2, 1, 3, 4, 1, 2, -1, 11, 1, 11, 21, 3, 4, 5, 12, 12, 5, 21, -2, 6, 5, 13, 1,
];

fn plan(dialect: Dialect, number: i32) -> Arc<Plan> {
    let sql = match number {
        ..0 => format!("SELEC {number}"),
        // A key that is there already.
        10..20 => format!("INSERT INTO taken (id, n) VALUES (?, {number})"),
        _ => format!("SELECT {number} WHERE 1 = ?"),
    };
    let sql = placeholders(dialect, &sql.replace("1 = ?", "? = 1"));
    let sql = match dialect {
        Dialect::Postgres => sql.replace("$1 = 1", "$1::bigint = 1"),
        Dialect::Mysql => sql.replace("WHERE", "FROM DUAL WHERE"),
        Dialect::Sqlite => sql,
    };
    let plan = Plan::new(sql, StatementKind::Other, vec![]);
    Arc::new(if number >= 20 { plan.one_off() } else { plan })
}

async fn send(connection: &mut dyn Connection, plan: Arc<Plan>, args: Vec<Value>) {
    let statement = Statement::new(plan, args, std::panic::Location::caller());
    // Some fail, as they should.
    let _ = connection.run(&statement, &mut NoRows).await;
}

async fn texts(connection: &mut dyn Connection, sql: &str) -> Vec<String> {
    let plan = Plan::new(sql, StatementKind::Other, vec![]).one_off();
    let statement = Statement::new(Arc::new(plan), vec![], std::panic::Location::caller());
    let mut texts = Vec::new();
    let mut sink = |cells: &[Cell<'_>]| {
        if let Some(Cell::Text(text)) = cells.last() {
            texts.push((*text).to_owned());
        }
        Ok(ControlFlow::Continue(()))
    };
    connection.run(&statement, &mut sink).await.unwrap();
    texts
}

/// What the least recently used list of `CAPACITY` texts does with what is sent: hits, misses, evictions, one-off.
fn model(fails_unprepared: impl Fn(i32) -> bool) -> ([u64; 4], Vec<i32>) {
    let (mut figures, mut kept) = ([0; 4], Vec::new());
    for number in SENT {
        if number >= 20 {
            figures[3] += 1;
        } else if let Some(at) = kept.iter().position(|kept| *kept == number) {
            figures[0] += 1;
            kept.remove(at);
            kept.push(number);
        } else {
            figures[1] += 1;
            if fails_unprepared(number) {
                continue;
            }
            if kept.len() == CAPACITY {
                kept.remove(0);
                figures[2] += 1;
            }
            kept.push(number);
        }
    }
    (figures, kept)
}

async fn the_mirror_agrees_with_the_server(scene: &mut Scene) {
    let counters = Arc::<StatementCounters>::default();
    let options = scene.options.clone().statement_cache_capacity(CAPACITY);
    let mut connection = connect_counted(&options, &counters, true).await.unwrap();
    let connection = &mut *connection;
    let taken = "CREATE TABLE taken (id BIGINT PRIMARY KEY, n BIGINT NOT NULL); INSERT INTO taken VALUES (1, 1)";
    connection.batch(taken).await.unwrap();
    for number in SENT {
        let args = vec![1_i64.to_value()];
        send(connection, plan(scene.options.dialect(), number), args).await;
    }
    let (figures, mut kept) = model(|number| number < 0);
    let stats = counters.stats();
    assert_eq!(
        [stats.hits, stats.misses, stats.evictions, stats.one_off],
        figures
    );
    assert_eq!(stats.len, kept.len());
    match scene.options.dialect() {
        Dialect::Postgres => {
            let mut found = texts(connection, "SELECT statement FROM pg_prepared_statements").await;
            let mut expected: Vec<String> = kept
                .drain(..)
                .map(|number| plan(Dialect::Postgres, number).sql.to_string())
                .collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected);
        }
        Dialect::Mysql => {
            let prepared = texts(connection, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'").await;
            let closed = texts(connection, "SHOW SESSION STATUS LIKE 'Com_stmt_close'").await;
            // Those that ask are prepared and closed themselves; a syntax error is counted as prepared.
            assert_eq!(prepared, [(stats.misses + stats.one_off + 1).to_string()]);
            assert_eq!(closed, [(stats.evictions + stats.one_off + 1).to_string()]);
        }
        Dialect::Sqlite => {}
    }
    connection.clear_statements().await.unwrap();
    assert_eq!(counters.stats().len, 0);
}
