//! Statements of the program's own sqlx appear in the request that sent them, labelled as such.
use entourage::inspector::SqlxEvents;
use entourage_tests::{inspection::Stage, require, setup};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection, Row};
use tracing_subscriber::prelude::*;

use super::{database, open, read};

#[tokio::test]
async fn plain_sqlx_is_shown_beside_entourage() {
    let server = require!(setup::postgres().await);
    let mut connection = PgConnection::connect(server.url()).await.unwrap();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(SqlxEvents::new()));
    let db = database().await;
    let stage = Stage::new(open(&db));
    let inner = db.clone();
    let work = async move {
        read(inner).await;
        for number in 0..3_i32 {
            let query = sqlx::query("SELECT $1::int4 + 4711 AS sum, 'hush' AS word").bind(number);
            let row = query.fetch_one(&mut connection).await.unwrap();
            assert_eq!(row.get::<i32, _>("sum"), 4711 + number);
        }
        // So short that sqlx tells no more than its summary.
        connection.execute("SELECT 1").await.unwrap();
        connection
    };
    let mut connection = stage.play("/both", work).await;
    // Outside a request nobody listens.
    connection.execute("SELECT 2").await.unwrap();
    let detail = stage.newest().await;
    let request = &detail["request"];
    assert_eq!(
        (&request["statements"], &request["sqlx_statements"]),
        (&json!(5), &json!(4)),
        "{detail:#}"
    );
    let statements = detail["statements"].as_array().unwrap();
    let sqlx: Vec<_> = statements
        .iter()
        .filter(|run| run["source"] == "sqlx")
        .collect();
    assert_eq!(sqlx[0]["sql"], "SELECT ?::int4 + ? AS sum, ? AS word");
    assert_eq!(sqlx[3]["sql"], "SELECT ?");
    assert_eq!(
        (&sqlx[0]["rows"], &sqlx[0]["explain"]),
        (&json!(1), &json!(false))
    );
    assert!(sqlx[0]["execute_ms"].as_f64().unwrap() > 0.0, "{detail:#}");
    assert_eq!(detail["verdicts"][0]["kind"], "repeated");
    assert!(!detail.to_string().contains("hush"), "{detail}");
}
