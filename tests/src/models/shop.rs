//! Products and what is bought of them: composite keys, decimals, enums, JSON, embedded structs, soft deletion, times.

use chrono::{DateTime, Utc};
use entourage::{Database, prelude::*};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::create;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum Status {
    Draft,
    OnSale,
    #[db_enum(rename = "gone")]
    Discontinued,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
#[db_enum(integer)]
pub enum Hazard {
    None = 0,
    High = 10,
}

#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Size {
    pub width: f64,
    pub height: f64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "products")]
#[entity(has_many(lines: Line, foreign_key = (tenant, sku)))]
pub struct Product {
    #[entity(primary_key)]
    pub tenant: i64,
    #[entity(primary_key, length = 40)]
    pub sku: String,
    pub price: Decimal,
    pub status: Status,
    pub hazard: Hazard,
    pub details: Json<serde_json::Value>,
    #[entity(embedded)]
    pub size: Size,
    #[entity(embedded)]
    pub parcel: Option<Size>,
    #[entity(version)]
    pub version: i32,
    #[entity(created_at)]
    pub created_at: DateTime<Utc>,
    #[entity(updated_at)]
    pub updated_at: DateTime<Utc>,
    #[entity(deleted_at)]
    pub deleted_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "lines")]
#[entity(belongs_to(product: Product, foreign_key = (tenant, sku)))]
pub struct Line {
    #[entity(primary_key, generated)]
    pub id: Uuid,
    pub tenant: Option<i64>,
    #[entity(length = 40)]
    pub sku: Option<String>,
    pub quantity: i32,
}

/// The tables of this file.
pub async fn create_shop(db: &Database) {
    create(db, &[Product::table(), Line::table()]).await;
}

/// A product that costs 9.99.
pub fn product(tenant: i64, sku: &str) -> NewProduct {
    NewProduct::new(
        tenant,
        sku.to_owned(),
        Decimal::new(999, 2),
        Status::OnSale,
        Hazard::None,
        Json(serde_json::json!({"colour": "red"})),
        Size {
            width: 1.5,
            height: 2.0,
        },
    )
}
