//! The lint of indexes: planted problems are found, their statements are run, and nothing is left to find.

use chrono::NaiveDate;
use entourage::database::lint::{Finding, FindingKind, LintReport, Unjudged};
use entourage::dialect::Dialect;
use entourage::observe::Scope;
use entourage::prelude::*;
use entourage::{Database, database::Lint};

use crate::models::{blog, create_without_foreign_keys, views};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "tenants")]
#[entity(has_many(bills: Bill))]
#[entity(has_many(drafts: Bill, foreign_key = clerk_id))]
struct Tenant {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(length = 40)]
    name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "bills")]
#[entity(belongs_to(tenant: Tenant))]
#[entity(belongs_to(clerk: Tenant))]
struct Bill {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(index)]
    tenant_id: i64,
    clerk_id: Option<i64>,
    #[entity(length = 40)]
    number: String,
    due_on: NaiveDate,
    paid: bool,
    note: String,
}

type Books = (Tenant, Bill);

/// The tables with all that the entities ask for, and an index on the key that they forget.
async fn books(db: &Database) -> BillRepository<'_> {
    db.create_schema::<Books>().await.unwrap();
    run(db, "CREATE INDEX bills_clerk_id_idx ON bills (clerk_id)").await;
    BillRepository::new(db)
}

async fn run(db: &Database, sql: &str) {
    let ran = db.execute_script(sql).await;
    ran.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// The statements, in PostgreSQL's quotes.
fn ddl(report: &LintReport) -> Vec<String> {
    report
        .ddl()
        .iter()
        .map(|text| text.replace('`', "\""))
        .collect()
}

/// Runs the statements of the report one by one, and asks again.
async fn mended(db: &Database, report: &LintReport, again: Lint) {
    for text in report.ddl() {
        run(db, text).await;
    }
    let after = again.await.unwrap();
    assert!(after.is_clean(), "{after}");
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, day).unwrap()
}

pub async fn a_foreign_key_without_an_index_is_found_and_mended(db: &Database) {
    create_without_foreign_keys(db, &[Tenant::table(), Bill::table()]).await;
    let recording = db.recorded();
    let report = db.lint::<Books>().await.unwrap();
    let asked = match db.dialect() {
        Dialect::Sqlite => 3,
        Dialect::Postgres | Dialect::Mysql => 4,
    };
    assert!(recording.statements().len() <= 5, "{report}");
    assert_eq!(recording.statements().len(), asked, "{report}");
    // That the index of `tenant_id` is missing is what a schema check tells.
    let [finding] = report.findings() else {
        panic!("{report}");
    };
    assert_eq!(
        finding.to_string(),
        "foreign key `bills (clerk_id)` to `tenants` has no index"
    );
    assert_eq!((finding.entity(), finding.table()), ("Bill", "bills"));
    assert_eq!(
        ddl(&report),
        [r#"CREATE INDEX "bills_clerk_id_idx" ON "bills" ("clerk_id")"#]
    );
    assert!(
        report.unjudged().contains(&Unjudged::Statements),
        "{report}"
    );
    let error = report.clone().into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IndexLint);
    assert!(error.to_string().contains("bills (clerk_id)"), "{error}");
    mended(db, &report, db.lint::<Books>()).await;
    db.lint::<Books>().await.unwrap().into_result().unwrap();
}

pub async fn a_constraint_has_an_index_where_the_database_makes_one(db: &Database) {
    db.create_schema::<Books>().await.unwrap();
    let report = db.lint::<Books>().await.unwrap();
    let expected = match db.dialect() {
        Dialect::Mysql => 0,
        Dialect::Sqlite | Dialect::Postgres => 1,
    };
    assert_eq!(report.findings().len(), expected, "{report}");
}

pub async fn statements_without_an_index_ask_for_one_that_serves_several(db: &Database) {
    let bills = books(db).await;
    let recording = db.recorded();
    for number in ["a", "b", "c"] {
        let found = bills.filter(Bill::NUMBER.eq(number)).all().await.unwrap();
        assert_eq!(found.len(), 0);
    }
    let overdue = Bill::NUMBER.eq("a").and(Bill::DUE_ON.lt(day(1)));
    bills.filter(overdue).count().await.unwrap();
    bills.filter(Bill::NOTE.eq("late")).delete().await.unwrap();
    let newest = bills.query().order_by(Bill::DUE_ON.desc()).limit(10);
    newest.all().await.unwrap();
    let lint = || db.lint::<Books>().recorded(&recording);
    let report = lint().await.unwrap();
    let note = match db.dialect() {
        Dialect::Mysql => r#""note"(191)"#,
        Dialect::Sqlite | Dialect::Postgres => r#""note""#,
    };
    let mut texts = ddl(&report);
    texts.sort_unstable();
    assert_eq!(
        texts,
        [
            r#"CREATE INDEX "bills_due_on_idx" ON "bills" ("due_on" DESC)"#.to_owned(),
            format!(r#"CREATE INDEX "bills_note_idx" ON "bills" ({note})"#),
            r#"CREATE INDEX "bills_number_due_on_idx" ON "bills" ("number", "due_on")"#.to_owned(),
        ],
        "{report}"
    );
    let by_number = report
        .findings()
        .iter()
        .find(|finding| finding.columns()[0] == "number")
        .unwrap();
    assert_eq!(*by_number.kind(), FindingKind::UnindexedFilter);
    let evidence = by_number.evidence();
    assert_eq!((evidence.statements, evidence.call_sites.len()), (4, 2));
    assert!(evidence.call_sites[0].file().ends_with("lint.rs"));
    assert!(!report.unjudged().contains(&Unjudged::Statements));
    mended(db, &report, lint()).await;
}

pub async fn what_an_index_would_not_help_asks_for_none(db: &Database) {
    let bills = books(db).await;
    let scope = Scope::only(db.observers());
    scope
        .run(async {
            for filter in [
                Bill::PAID.is_false(),
                Bill::NUMBER.contains("7"),
                Bill::NUMBER.ne("a"),
                !Bill::NUMBER.eq("a"),
                Bill::NUMBER.eq("a").or(Bill::NOTE.eq("b")),
                Bill::NUMBER.eq(Bill::NOTE),
                // One that is there.
                Bill::TENANT_ID.in_list([1, 2]).and(Bill::NUMBER.eq("a")),
                Bill::ID.gt(3),
            ] {
                bills.filter(filter).all().await.unwrap();
            }
            bills
                .query()
                .order_by(Bill::DUE_ON.asc())
                .all()
                .await
                .unwrap();
            let tenants = TenantRepository::new(db);
            tenants.query().with(Tenant::BILLS).all().await.unwrap();
            let own = db.sql("SELECT count(*) FROM bills WHERE number = 'a'", args![]);
            own.fetch_one::<(i64,)>().await.unwrap();
        })
        .await;
    let report = db.lint::<Books>().recorded(&scope).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(report.unjudged().contains(&Unjudged::RawSql(1)), "{report}");
}

pub async fn what_a_condition_on_a_relation_looks_for_is_seen(db: &Database) {
    create_without_foreign_keys(db, &[Tenant::table(), Bill::table()]).await;
    let recording = db.recorded();
    let tenants = TenantRepository::new(db);
    let has_draft = Tenant::DRAFTS.any(Bill::NUMBER.eq("a"));
    tenants.filter(has_draft).all().await.unwrap();
    let lint = || db.lint::<Books>().recorded(&recording);
    let report = lint().await.unwrap();
    assert_eq!(
        ddl(&report),
        [r#"CREATE INDEX "bills_clerk_id_number_idx" ON "bills" ("clerk_id", "number")"#]
    );
    let finding = &report.findings()[0];
    let key = FindingKind::UnindexedForeignKey {
        columns: vec!["clerk_id".into()],
        target: "tenants".into(),
    };
    assert_eq!((finding.kind(), finding.evidence().statements), (&key, 1));
    mended(db, &report, lint()).await;
}

pub async fn columns_in_the_wrong_order_are_turned(db: &Database) {
    let bills = books(db).await;
    run(db, "CREATE INDEX bills_by_day ON bills (due_on, number)").await;
    let recording = db.recorded();
    let overdue = Bill::NUMBER
        .eq("a")
        .and(Bill::DUE_ON.between(day(1), day(9)));
    bills.filter(overdue).all().await.unwrap();
    let lint = || db.lint::<Books>().recorded(&recording);
    let report = lint().await.unwrap();
    let [finding] = report.findings() else {
        panic!("{report}");
    };
    assert_eq!(
        *finding.kind(),
        FindingKind::ColumnOrder {
            index: "bills_by_day".into(),
            replaceable: true,
        }
    );
    assert_eq!(finding.columns(), ["number", "due_on"]);
    mended(db, &report, lint()).await;
}

pub async fn indexes_that_do_what_others_do_are_dropped(db: &Database) {
    let bills = books(db).await;
    for sql in [
        "CREATE INDEX bills_again ON bills (tenant_id)",
        "CREATE INDEX bills_number ON bills (number)",
        "CREATE INDEX bills_number_day ON bills (number, due_on)",
        "CREATE UNIQUE INDEX bills_unique ON bills (number, due_on, id)",
        "CREATE INDEX bills_day ON bills (due_on, number)",
    ] {
        run(db, sql).await;
    }
    if db.dialect() != Dialect::Mysql {
        run(db, "CREATE INDEX bills_open ON bills (number) WHERE paid").await;
        run(db, "CREATE INDEX bills_lower ON bills (lower(number))").await;
    }
    bills.query().all().await.unwrap();
    let report = db.lint::<Books>().await.unwrap();
    let kinds: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| finding.kind())
        .collect();
    let [
        FindingKind::DuplicateIndex { index, of },
        FindingKind::RedundantIndex { index: first, .. },
        FindingKind::RedundantIndex { index: second, .. },
    ] = kinds[..]
    else {
        panic!("{report}");
    };
    assert_eq!((&**index, &**of), ("bills_again", "bills_tenant_id_idx"));
    let mut redundant = [first, second];
    redundant.sort_unstable();
    assert_eq!(redundant, ["bills_number", "bills_number_day"]);
    mended(db, &report, db.lint::<Books>()).await;
    let checked = db.check_schema::<Books>().await.unwrap();
    assert!(checked.is_clean(), "{checked}");
}

pub async fn whoever_has_not_counted_enough_reads_says_so(db: &Database) {
    books(db).await;
    let report = db.lint::<Books>().await.unwrap();
    let is_usage = |unjudged: &&Unjudged| matches!(unjudged, Unjudged::Usage { .. });
    let said: Vec<_> = report.unjudged().iter().filter(is_usage).collect();
    assert_eq!(said.len(), 1, "{report}");
    assert!(report.is_clean(), "{report}");
}

pub async fn an_index_that_nobody_reads_is_found(db: &Database) {
    books(db).await;
    run(db, "CREATE INDEX bills_number_idx ON bills (number)").await;
    run(
        db,
        "CREATE UNIQUE INDEX bills_day ON bills (number, due_on)",
    )
    .await;
    let tx = db.begin().await.unwrap();
    BillRepository::new(&tx).query().all().await.unwrap();
    // The counts are told at once when the transaction is over.
    let flush = tx.sql("SELECT pg_stat_force_next_flush()", args![]);
    flush.execute().await.unwrap();
    tx.commit().await.unwrap();
    let lint = || db.lint::<Books>().unused_after(1);
    let report = lint().await.unwrap();
    let is_unused = |finding: &&Finding| matches!(finding.kind(), FindingKind::UnusedIndex { .. });
    let redundant = report
        .findings()
        .iter()
        .filter_map(|finding| match finding.kind() {
            FindingKind::RedundantIndex { index, .. } => Some(&**index),
            _ => None,
        });
    assert_eq!(
        redundant.collect::<Vec<_>>(),
        ["bills_number_idx"],
        "{report}"
    );
    // Those of foreign keys are needed, whoever reads them; a unique one keeps a promise.
    assert_eq!(
        report.findings().iter().filter(is_unused).count(),
        0,
        "{report}"
    );
    run(db, "DROP INDEX bills_day").await;
    let report = lint().await.unwrap();
    let [finding] = report.findings() else {
        panic!("{report}");
    };
    let FindingKind::UnusedIndex {
        index,
        reads,
        declared,
        ..
    } = finding.kind()
    else {
        panic!("{report}");
    };
    assert_eq!((&**index, *declared), ("bills_number_idx", false));
    assert!(*reads >= 1);
    mended(db, &report, lint()).await;
}

pub async fn the_statements_can_leave_writers_alone(db: &Database) {
    create_without_foreign_keys(db, &[Tenant::table(), Bill::table()]).await;
    let lint = || db.lint::<Books>().concurrently();
    let report = lint().await.unwrap();
    let is_concurrent = report.ddl()[0].starts_with("CREATE INDEX CONCURRENTLY ");
    assert_eq!(is_concurrent, db.dialect() == Dialect::Postgres, "{report}");
    mended(db, &report, lint()).await;
}

/// PostgreSQL leaves an index behind where CONCURRENTLY has met a row that does not fit.
pub async fn an_index_that_is_not_complete_is_no_index(db: &Database) {
    db.create_schema::<Books>().await.unwrap();
    let names = ["one", "one"].map(|name| NewTenant { name: name.into() });
    let tenants = TenantRepository::new(db).insert_many(names).await.unwrap();
    let bill = |number: &str| NewBill {
        tenant_id: tenants[0].id,
        clerk_id: Some(tenants[0].id),
        number: number.into(),
        due_on: NaiveDate::default(),
        paid: false,
        note: String::new(),
    };
    let bills = BillRepository::new(db);
    bills
        .insert_many([bill("same"), bill("same")])
        .await
        .unwrap();
    let unique = "CREATE UNIQUE INDEX CONCURRENTLY bills_clerk_id_idx ON bills (clerk_id)";
    db.execute_script(unique).await.unwrap_err();
    let report = db.lint::<Books>().await.unwrap();
    let found: Vec<_> = report.findings().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "index `bills_clerk_id_idx` of `bills` is not complete, and serves nobody",
            "foreign key `bills (clerk_id)` to `tenants` has no index",
        ]
    );
    let mended = [
        r#"DROP INDEX "bills_clerk_id_idx""#,
        r#"CREATE INDEX "bills_clerk_id_idx1" ON "bills" ("clerk_id")"#,
    ];
    assert_eq!(ddl(&report), mended);
    for text in report.ddl() {
        run(db, text).await;
    }
    assert!(db.lint::<Books>().await.unwrap().is_clean());
}

pub async fn tables_that_are_not_there_are_none_of_the_lints_business(db: &Database) {
    let report = db.lint::<Books>().await.unwrap();
    assert!(report.is_clean(), "{report}");
}

type Blog = (
    (blog::User, blog::Post, blog::Comment, blog::Profile),
    (blog::Group, blog::Membership, blog::Tag, blog::PostTag),
);

pub async fn every_foreign_key_of_a_schema_is_looked_at(db: &Database) {
    blog::create_blog(db).await;
    let report = db.lint::<Blog>().await.unwrap();
    let mut found: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| format!("{} {}", finding.table(), finding.columns().join(", ")))
        .collect();
    found.sort_unstable();
    // The first column of a key is served by it; the index of `author_id` is declared.
    let expected: &[&str] = match db.dialect() {
        Dialect::Mysql => &[],
        Dialect::Sqlite | Dialect::Postgres => &[
            "comments post_id",
            "memberships group_id",
            "post_tags tag_slug",
            "posts editor_id",
            "profiles user_id",
        ],
    };
    assert_eq!(found, expected, "{report}");
    mended(db, &report, db.lint::<Blog>()).await;
}

pub async fn the_rows_of_a_kept_view_have_indexes_and_those_of_a_plain_one_have_none(
    db: &Database,
) {
    views::seed(db).await.unwrap();
    let recording = db.recorded();
    let figures = views::AuthorFiguresRepository::new(db);
    let many = views::AuthorFigures::ARTICLES.ge(2);
    figures.filter(many).all().await.unwrap();
    let long = views::LongArticleRepository::new(db);
    let of_one = views::LongArticle::AUTHOR_ID.eq(1);
    long.filter(of_one).all().await.unwrap();
    let lint = || db.lint::<views::Press>().recorded(&recording);
    let report = lint().await.unwrap();
    assert_eq!(
        ddl(&report),
        [r#"CREATE INDEX "author_figures_articles_idx" ON "author_figures" ("articles")"#],
        "{report}"
    );
    for view in ["long_articles", "long_titles"] {
        let said = Unjudged::PlainView(view.into());
        assert!(report.unjudged().contains(&said), "{report}");
    }
    mended(db, &report, lint()).await;
    let checked = db.check_schema::<views::Press>().await.unwrap();
    assert!(checked.is_clean(), "{checked}");
}
