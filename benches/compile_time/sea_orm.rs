//! The crate in SeaORM's dense format.

use crate::shape::{Shape, module as module_name};

pub(crate) fn dependencies() -> String {
    "sea-orm = { version = \"2.0.4\", features = [\"macros\", \"runtime-tokio\", \"sqlx-sqlite\"] }\n".to_owned()
}

pub(crate) fn module(shape: &Shape, entity: usize) -> String {
    format!(
        "use sea_orm::entity::prelude::*;\n\
         \n\
         #[sea_orm::model]\n\
         #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]\n\
         #[sea_orm(table_name = \"{table}\")]\n\
         pub struct Model {{\n    \
             #[sea_orm(primary_key)]\n    \
             pub id: i64,\n    \
             pub next_id: i64,\n    \
             pub other_id: i64,\n    \
             pub name: String,\n    \
             pub amount: i64,\n    \
             pub note: Option<String>,\n    \
             pub active: bool,\n    \
             #[sea_orm(belongs_to, from = \"next_id\", to = \"id\")]\n    \
             pub next: HasOne<super::{next}::Entity>,\n    \
             #[sea_orm(belongs_to, from = \"other_id\", to = \"id\")]\n    \
             pub other: HasOne<super::{other}::Entity>,\n    \
             #[sea_orm(has_many)]\n    \
             pub previous: HasMany<super::{previous}::Entity>,\n\
         }}\n\
         \n\
         impl ActiveModelBehavior for ActiveModel {{}}\n",
        table = module_name(entity),
        next = module_name(shape.next(entity)),
        other = module_name(shape.other(entity)),
        previous = module_name(shape.previous(entity)),
    )
}
