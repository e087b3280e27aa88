//! What subscribers of `tracing` are told: OpenTelemetry's names, and no value that nobody asked for.
use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use entourage::{Database, Shards, observe::SlowStatements, prelude::*};
use entourage_tests::{require, setup};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::DefaultGuard,
};

type Fields = BTreeMap<String, String>;

/// Keeps the fields of every span and event; an event knows its span.
#[derive(Clone, Default)]
struct Capture(Arc<Captured>);

#[derive(Default)]
struct Captured {
    next: AtomicU64,
    spans: Mutex<BTreeMap<u64, Fields>>,
    events: Mutex<Vec<Fields>>,
    entered: Mutex<Vec<u64>>,
}

impl Capture {
    fn start() -> (Self, DefaultGuard) {
        let capture = Self::default();
        let guard = tracing::subscriber::set_default(capture.clone());
        (capture, guard)
    }

    fn spans(&self) -> Vec<Fields> {
        self.0.spans.lock().unwrap().values().cloned().collect()
    }

    fn events(&self, target: &str) -> Vec<Fields> {
        let events = self.0.events.lock().unwrap();
        events
            .iter()
            .filter(|event| event["target"] == target)
            .cloned()
            .collect()
    }
}

struct Visitor<'f>(&'f mut Fields);

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("entourage")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Fields::new();
        span.record(&mut Visitor(&mut fields));
        self.0.spans.lock().unwrap().insert(id, fields);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.0.spans.lock().unwrap();
        values.record(&mut Visitor(spans.get_mut(&span.into_u64()).unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::from([("target".into(), event.metadata().target().into())]);
        event.record(&mut Visitor(&mut fields));
        if let Some(span) = self.0.entered.lock().unwrap().last() {
            fields.insert("span".into(), span.to_string());
        }
        self.0.events.lock().unwrap().push(fields);
    }

    fn enter(&self, span: &Id) {
        self.0.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut entered = self.0.entered.lock().unwrap();
        let at = entered
            .iter()
            .rposition(|id| *id == span.into_u64())
            .unwrap();
        entered.remove(at);
    }
}

/// Somebody with something to hide.
#[derive(Debug, Clone, Entity)]
#[entity(table = "accounts")]
struct Account {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(unique)]
    name: String,
    #[entity(sensitive)]
    secret: String,
}

async fn database(trace_arguments: bool) -> Database {
    let db = Database::builder()
        .url("sqlite::memory:")
        .trace_arguments(trace_arguments)
        .connect()
        .await
        .unwrap();
    db.create_schema::<(Account,)>().await.unwrap();
    db
}

fn new(name: &str) -> NewAccount {
    NewAccount {
        name: name.into(),
        secret: "open sesame".into(),
    }
}

#[tokio::test]
async fn a_statement_is_a_span_and_an_event_with_the_stable_names() {
    let db = database(false).await;
    let (capture, _guard) = Capture::start();
    let accounts = AccountRepository::new(&db);
    accounts
        .insert_many([new("ada"), new("bea")])
        .await
        .unwrap();
    let named = accounts.filter(Account::NAME.eq("ada"));
    let line = line!() + 1;
    named.all().await.unwrap();
    accounts.insert(new("ada")).await.unwrap_err();
    let spans = capture.spans();
    assert_eq!(spans.len(), 3);
    let expected = [
        ("otel.name", "SELECT accounts"),
        ("otel.kind", "client"),
        ("db.system.name", "sqlite"),
        ("db.collection.name", "accounts"),
        ("db.operation.name", "SELECT"),
        ("db.query.summary", "SELECT accounts"),
        ("db.response.returned_rows", "1"),
        ("code.line.number", &line.to_string()),
    ];
    for (field, value) in expected {
        assert_eq!(
            spans[1].get(field).map(String::as_str),
            Some(value),
            "{field}"
        );
    }
    assert!(spans[1]["db.query.text"].contains("WHERE \"accounts\".\"name\" = ?"));
    assert_eq!(spans[0]["db.operation.batch.size"], "2");
    let refused = [
        ("error.type", "2067"),
        ("db.response.status_code", "2067"),
        ("otel.status_code", "ERROR"),
    ];
    for (field, value) in refused {
        assert_eq!(
            spans[2].get(field).map(String::as_str),
            Some(value),
            "{field}"
        );
    }
    let events = capture.events("entourage::statement");
    assert_eq!(events.len(), 3);
    assert_eq!(events[1]["span"], "2");
    assert!(events[1].contains_key("execute") && !events[1].contains_key("db.query.parameters"));
    assert_eq!(capture.0.entered.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn arguments_are_shown_on_request_and_sensitive_ones_never() {
    let db = database(true).await;
    let (capture, _guard) = Capture::start();
    let accounts = AccountRepository::new(&db);
    accounts.insert(new("ada")).await.unwrap();
    accounts
        .filter(Account::NAME.eq("ada"))
        .all()
        .await
        .unwrap();
    accounts
        .filter(Account::SECRET.eq("open sesame"))
        .all()
        .await
        .unwrap();
    accounts
        .filter(Account::SECRET.like("open%").or(Account::NAME.eq("x")))
        .all()
        .await
        .unwrap();
    db.sql(
        "SELECT id FROM accounts WHERE secret = ? OR name = 'open sesame'",
        args!["open sesame"],
    )
    .fetch::<(i64,)>()
    .await
    .unwrap();
    let events = capture.events("entourage::statement");
    let shown: Vec<_> = events
        .iter()
        .map(|event| event["db.query.parameters"].as_str())
        .collect();
    assert_eq!(shown[0], "[2 masked]");
    assert!(shown[1].contains("ada"), "{}", shown[1]);
    assert_eq!(shown[2..], ["[1 masked]", "[2 masked]", "[1 masked]"]);
    let all = format!("{:?}{:?}", capture.spans(), events);
    assert!(!all.contains("sesame"), "{all}");
}

#[tokio::test]
async fn a_slow_statement_is_told_with_its_plan() {
    let db = Database::builder()
        .url("sqlite::memory:")
        .slow_statements(SlowStatements::over(Duration::ZERO).with_plan())
        .connect()
        .await
        .unwrap();
    db.create_schema::<(Account,)>().await.unwrap();
    let (capture, _guard) = Capture::start();
    AccountRepository::new(&db)
        .filter(Account::NAME.eq("ada"))
        .all()
        .await
        .unwrap();
    let told = || capture.events("entourage::slow");
    assert!(told()[0]["message"].starts_with("a statement from tests/tests/observe/tracing.rs:"));
    // The plan is asked for by a task of its own.
    while !told()
        .iter()
        .any(|event| event["message"].contains("the plan of"))
    {
        tokio::task::yield_now().await;
    }
    let plan = told()
        .into_iter()
        .find(|event| event["message"].contains("the plan of"))
        .unwrap();
    assert!(
        plan["message"].contains("USING INDEX"),
        "{}",
        plan["message"]
    );
    // Once a minute is enough.
    let before = told().len();
    AccountRepository::new(&db)
        .filter(Account::NAME.eq("bea"))
        .all()
        .await
        .unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let after = told();
    assert_eq!(
        after
            .iter()
            .filter(|event| event["message"].contains("the plan of"))
            .count(),
        1
    );
    assert!(after.len() > before);
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "page_views")]
struct PageView {
    #[entity(primary_key, shard_key)]
    page: i64,
}

#[tokio::test]
async fn each_shard_is_named_and_tells_its_own_slow_statements() {
    let shard = || {
        Database::builder()
            .url("sqlite::memory:")
            .slow_statements(SlowStatements::over(Duration::ZERO))
    };
    let builder = Shards::builder().shard("a", shard()).shard("b", shard());
    let shards = builder.connect().await.unwrap();
    shards.create_schema::<PageView>().await.unwrap();
    let (capture, _guard) = Capture::start();
    assert_eq!(
        PageViewRepository::new(&shards)
            .query()
            .count()
            .await
            .unwrap(),
        0
    );
    let named = |fields: &[Fields]| {
        let mut names: Vec<String> = fields
            .iter()
            .filter_map(|fields| fields.get("entourage.shard").cloned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(named(&capture.spans()), ["a", "b"]);
    assert_eq!(named(&capture.events("entourage::slow")), ["a", "b"]);
    let whole = Database::connect("sqlite::memory:").await.unwrap();
    whole.sql("SELECT 1", args![]).execute().await.unwrap();
    assert_eq!(named(&capture.spans()), ["a", "b"]);
}

#[tokio::test]
async fn rows_that_are_copied_are_told_of_as_one_batch() {
    let database = require!(setup::postgres().await);
    let db = Database::connect(database.url()).await.unwrap();
    db.create_schema::<Account>().await.unwrap();
    let (capture, _guard) = Capture::start();
    let new = |number: i64| NewAccount {
        name: format!("U{number}"),
        secret: "swordfish".into(),
    };
    let accounts = AccountRepository::new(&db);
    for rows in [0..3, 3..2_000] {
        accounts
            .insert_many(rows.map(new))
            .without_rows()
            .await
            .unwrap();
    }
    let spans = capture.spans();
    let of = |operation: &str| {
        let mut spans = spans.iter();
        let is = |span: &&Fields| span["db.operation.name"] == operation;
        spans.find(is).unwrap().clone()
    };
    let (few, many) = (of("INSERT"), of("COPY"));
    assert_eq!(few["db.operation.batch.size"], "3");
    assert_eq!(many["db.operation.batch.size"], "1997");
    assert_eq!(many["db.collection.name"], "accounts");
    assert_eq!(many["otel.name"], "COPY accounts");
    assert!(
        spans
            .iter()
            .all(|span| !format!("{span:?}").contains("swordfish"))
    );
    db.close().await;
}
