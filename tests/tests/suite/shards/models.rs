//! Customers and what belongs to them, on three shards and, for comparison, in one database.

use chrono::{DateTime, TimeDelta, Utc};
use entourage::{Database, Shards, prelude::*, shards::ShardsBuilder};
use entourage_tests::setup::TestDatabase;
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "customers")]
#[entity(has_many(orders: Order, foreign_key = customer_id))]
#[entity(has_many(reviews: Review, foreign_key = customer_id))]
#[entity(has_many(claims: Claim, foreign_key = customer_id))]
pub(super) struct Customer {
    #[entity(primary_key, shard_key)]
    pub id: i64,
    #[entity(length = 60)]
    pub name: String,
    pub rating: Option<f64>,
    pub balance: Decimal,
    pub joined: Option<DateTime<Utc>>,
    pub code: Uuid,
    pub is_active: bool,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "orders")]
#[entity(belongs_to(customer: Customer, foreign_key = customer_id))]
#[entity(has_many(lines: Line, foreign_key = order_id))]
pub(super) struct Order {
    #[entity(primary_key)]
    pub id: i64,
    #[entity(shard_key, index)]
    pub customer_id: i64,
    pub cents: i32,
    #[entity(length = 60)]
    pub note: Option<String>,
    #[entity(version)]
    pub version: i64,
}

/// Lies where its order is.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "order_lines")]
#[entity(belongs_to(order: Order, foreign_key = order_id))]
#[entity(has_many(reviews: Review, foreign_key = product_id))]
pub(super) struct Line {
    #[entity(primary_key)]
    pub id: i64,
    #[entity(index)]
    pub order_id: i64,
    #[entity(length = 60)]
    pub text: String,
}

/// Lies with others of its product, wherever its customer is.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "reviews")]
pub(super) struct Review {
    #[entity(primary_key)]
    pub product_id: i64,
    #[entity(primary_key)]
    pub id: i64,
    #[entity(index)]
    pub customer_id: i64,
    #[entity(shard_key)]
    pub product_group: i64,
}

/// Its key is counted by each database for itself.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "tickets", cache(ttl = "60s"))]
#[entity(has_many(notes: Note, foreign_key = ticket_id))]
pub(super) struct Ticket {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(shard_key)]
    pub tenant: i64,
    #[entity(unique, length = 60)]
    pub title: String,
    #[entity(deleted_at)]
    pub closed_at: Option<DateTime<Utc>>,
}

/// Lies where its ticket is, which others have the number of on other shards.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "notes")]
#[entity(belongs_to(ticket: Ticket, foreign_key = ticket_id))]
pub(super) struct Note {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(index)]
    pub ticket_id: i64,
    #[entity(length = 60)]
    pub text: String,
}

/// Lies where its ticket is or where its customer is: nothing says which.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "claims")]
#[entity(belongs_to(ticket: Ticket, foreign_key = ticket_id))]
#[entity(belongs_to(customer: Customer, foreign_key = customer_id))]
pub(super) struct Claim {
    #[entity(primary_key)]
    pub id: i64,
    #[entity(index)]
    pub ticket_id: i64,
    #[entity(index)]
    pub customer_id: i64,
}

/// Each shard computes its own.
#[derive(Debug, Clone, PartialEq, View)]
#[view(name = "customer_totals", reads(Order))]
#[view(
    query = "SELECT customer_id, COUNT(*) AS orders, MAX(cents) AS largest FROM orders GROUP BY customer_id"
)]
pub(super) struct Totals {
    #[view(primary_key, shard_key)]
    pub(super) customer_id: i64,
    pub(super) orders: i64,
    pub(super) largest: i32,
}

/// A customer on a card.
#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = Customer)]
pub(super) struct Card {
    pub(super) name: String,
    #[shape(count = orders)]
    pub(super) orders: i64,
}

pub(super) type Everything = (Customer, Order, Line, Review, Ticket, Note, Claim, Totals);

/// A builder of three shards on databases of the test's own.
pub(super) fn builder(databases: &[TestDatabase]) -> ShardsBuilder {
    let mut builder = Shards::builder();
    for (name, database) in ["a", "b", "c"].into_iter().zip(databases) {
        builder = builder.shard(name, database.url());
    }
    builder
}

pub(super) async fn empty(databases: &[TestDatabase]) -> Shards {
    let shards = builder(databases).connect().await.unwrap();
    shards.create_schema::<Everything>().await.unwrap();
    shards
}

/// Names that collations put in different orders, some of which are equal for some of them.
const NAMES: [&str; 8] = ["ada", "Ada", "Öl", "oz", "Zoë", "zoe", "b 2", "b-1"];

pub(super) fn customers() -> Vec<NewCustomer> {
    let start = DateTime::<Utc>::from_timestamp(1_700_000_000, 0).unwrap();
    let customer = |id: i64| NewCustomer {
        id,
        name: NAMES[usize::try_from(id * 5 % 8).unwrap()].to_owned(),
        rating: (id % 4 != 0).then(|| (id * 7 % 11) as f64 / 4.0 - 1.0),
        balance: Decimal::new(id * 37 % 500 - 200, 2),
        joined: (id % 5 != 0).then(|| start + TimeDelta::milliseconds(id * 7_919 % 100_003)),
        code: Uuid::from_u128(
            u128::from(id.unsigned_abs()).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c29_1a52_6d33),
        ),
        is_active: id % 3 != 0,
    };
    (1..=40).map(customer).collect()
}

pub(super) fn orders() -> Vec<NewOrder> {
    let order = |id: i64| NewOrder {
        id,
        customer_id: id * 13 % 40 + 1,
        cents: i32::try_from(id * 31 % 97).unwrap(),
        note: (id % 3 != 0)
            .then(|| format!("{} {}", NAMES[usize::try_from(id % 8).unwrap()], id % 4)),
    };
    (1..=120).map(order).collect()
}

pub(super) fn lines() -> Vec<NewLine> {
    let line = |id: i64| NewLine {
        id,
        order_id: id * 7 % 120 + 1,
        text: format!("line {id}"),
    };
    (1..=200).map(line).collect()
}

/// Three shards and one database with the same rows.
pub(super) async fn filled(databases: &[TestDatabase]) -> (Shards, Database) {
    let shards = empty(databases).await;
    let alone = Database::connect(databases[3].url()).await.unwrap();
    alone.create_schema::<Everything>().await.unwrap();
    CustomerRepository::new(&alone)
        .insert_many(customers())
        .await
        .unwrap();
    OrderRepository::new(&alone)
        .insert_many(orders())
        .await
        .unwrap();
    LineRepository::new(&alone)
        .insert_many(lines())
        .await
        .unwrap();
    for (db, rows) in shards.group(customers(), |row| row.id).unwrap() {
        CustomerRepository::new(&db)
            .insert_many(rows)
            .await
            .unwrap();
    }
    for (db, rows) in shards.group(orders(), |row| row.customer_id).unwrap() {
        OrderRepository::new(&db).insert_many(rows).await.unwrap();
    }
    let customer_of =
        |line: &NewLine| orders()[usize::try_from(line.order_id - 1).unwrap()].customer_id;
    for (db, rows) in shards.group(lines(), customer_of).unwrap() {
        LineRepository::new(&db).insert_many(rows).await.unwrap();
    }
    (shards, alone)
}
