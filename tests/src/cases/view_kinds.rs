//! Views that change their kind, and keys that a query does not give.

use entourage::{Database, ErrorKind, database::TableKind, dialect::Dialect, prelude::*};

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "sales")]
pub struct Sale {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub buyer_id: Option<i64>,
    pub cents: i64,
}

const CREATED: [(Option<i64>, i64); 3] = [(Some(7), 2), (Some(1), 3), (Some(7), 5)];

async fn seed(db: &Database) {
    db.create_schema::<Sale>().await.unwrap();
    let sales = CREATED.map(|(buyer_id, cents)| NewSale { buyer_id, cents });
    SaleRepository::new(db).insert_many(sales).await.unwrap();
}

#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "spent", reads(Sale))]
#[view(query(
    sqlite = "SELECT buyer_id, SUM(cents) AS cents FROM sales GROUP BY buyer_id",
    postgres = "SELECT buyer_id, SUM(cents) AS cents FROM sales GROUP BY buyer_id",
    mysql = "SELECT buyer_id, CAST(SUM(cents) AS SIGNED) AS cents FROM sales GROUP BY buyer_id",
))]
pub struct Spending {
    #[view(primary_key)]
    pub buyer_id: i64,
    pub cents: i64,
}

#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "spent", materialized, reads(Sale))]
#[view(query(
    sqlite = "SELECT buyer_id, SUM(cents) AS cents FROM sales GROUP BY buyer_id",
    postgres = "SELECT buyer_id, SUM(cents) AS cents FROM sales GROUP BY buyer_id",
    mysql = "SELECT buyer_id, CAST(SUM(cents) AS SIGNED) AS cents FROM sales GROUP BY buyer_id",
))]
pub struct Spent {
    #[view(primary_key)]
    pub buyer_id: i64,
    pub cents: i64,
}

async fn mend<S: entourage::schema::EntitySet>(db: &Database) {
    let report = db.check_schema::<S>().await.unwrap();
    for text in report.ddl() {
        let ran = db.execute_script(text).await;
        ran.unwrap_or_else(|error| panic!("{error}: {text}"));
    }
    let report = db.check_schema::<S>().await.unwrap();
    assert!(report.is_clean(), "{report}");
}

pub async fn a_plain_view_becomes_one_that_keeps_its_rows(db: &Database) {
    seed(db).await;
    db.create_view::<Spending>().await.unwrap();
    let report = db.check_schema::<Spent>().await.unwrap();
    let wanted = match db.dialect() {
        Dialect::Postgres => TableKind::MaterializedView,
        Dialect::Sqlite | Dialect::Mysql => TableKind::Table,
    };
    let found = TableKind::View;
    assert_eq!(
        *report.drifts()[0].kind(),
        entourage::database::DriftKind::NotAsDeclared { found, wanted },
        "{report}"
    );
    let drift = &report.drifts()[0];
    assert_eq!(
        drift.to_string(),
        format!("`spent` is a view, but `Spent` should be a {wanted}")
    );
    let text = drift.ddl().unwrap().to_owned();
    let ran = db.execute_script(&text).await;
    ran.unwrap_or_else(|error| panic!("{error}: {text}"));
    mend::<Spent>(db).await;
    let spent = SpentRepository::new(db).get(7).await.unwrap();
    assert_eq!(spent.cents, 7);
    db.refresh::<Spent>().await.unwrap();
}

pub async fn rows_that_were_kept_are_told_before_the_view_is_plain(db: &Database) {
    seed(db).await;
    db.create_view::<Spent>().await.unwrap();
    let report = db.check_schema::<Spending>().await.unwrap();
    let drift = &report.drifts()[0];
    match db.dialect() {
        Dialect::Postgres => {
            assert_eq!(
                drift.to_string(),
                "`spent` is a materialized view, but `Spending` should be a view"
            );
            mend::<Spending>(db).await;
        }
        Dialect::Sqlite | Dialect::Mysql => {
            assert_eq!(
                drift.to_string(),
                "`spent` is a table, but `Spending` should be a view"
            );
            assert!(drift.reason().unwrap().contains("drop it by hand"));
            db.drop_view::<Spent>().await.unwrap();
            db.create_view::<Spending>().await.unwrap();
        }
    }
    let new = NewSale {
        buyer_id: Some(7),
        cents: 1,
    };
    SaleRepository::new(db).insert(new).await.unwrap();
    let spending = SpendingRepository::new(db).get(7).await.unwrap();
    assert_eq!(spending.cents, 8);
}

pub async fn a_key_that_is_null_is_an_error_and_no_invented_key(db: &Database) {
    seed(db).await;
    db.create_view::<Spent>().await.unwrap();
    let nobodys = NewSale {
        buyer_id: None,
        cents: 9,
    };
    SaleRepository::new(db).insert(nobodys).await.unwrap();
    let spent = SpentRepository::new(db);
    match db.dialect() {
        Dialect::Sqlite | Dialect::Mysql => {
            let error = db.refresh::<Spent>().await.unwrap_err();
            // The rows are those from before.
            assert_eq!(spent.query().count().await.unwrap(), 2);
            assert_eq!(error.kind(), ErrorKind::NotNullViolation, "{error}");
            assert!(error.to_string().contains("buyer_id"), "{error}");
        }
        // Materialized views have no constraints there.
        Dialect::Postgres => {
            db.refresh::<Spent>().await.unwrap();
            let error = spent.query().all().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert!(
                error.to_string().contains("NULL (column `spent.buyer_id`)"),
                "{error}"
            );
        }
    }
}

pub async fn a_view_that_was_made_by_hand_is_not_taken_for_the_one_of_the_struct(db: &Database) {
    seed(db).await;
    let other = "CREATE MATERIALIZED VIEW spent AS SELECT CAST(1 AS BIGINT) AS buyer_id, CAST(0 AS BIGINT) AS cents";
    db.execute_script(other).await.unwrap();
    db.create_view::<Spent>().await.unwrap();
    let rows = SpentRepository::new(db).query().all().await.unwrap();
    assert_eq!(rows.len(), 1);
    // Nobody knows which query it has: so nothing is said, and no number of another one is kept.
    let (noted,) = db
        .sql(
            "SELECT definition FROM entourage_views WHERE name = 'spent'",
            args![],
        )
        .fetch_one::<(Option<i64>,)>()
        .await
        .unwrap();
    assert_eq!(noted, None);
}

pub async fn what_was_noted_of_a_view_goes_with_it(db: &Database) {
    seed(db).await;
    db.create_view::<Spent>().await.unwrap();
    let drop = match db.dialect() {
        Dialect::Postgres => "DROP MATERIALIZED VIEW spent",
        Dialect::Sqlite | Dialect::Mysql => "DROP TABLE spent",
    };
    db.execute_script(drop).await.unwrap();
    let note = "UPDATE entourage_views SET definition = 5 WHERE name = 'spent'";
    db.execute_script(note).await.unwrap();
    mend::<Spent>(db).await;
    let spent = SpentRepository::new(db).get(7).await.unwrap();
    assert_eq!(spent.cents, 7);
}
