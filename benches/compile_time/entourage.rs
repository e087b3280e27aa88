//! The crate in entourage.

use std::path::Path;

use crate::shape::{Shape, module as module_name, type_name};

pub(crate) fn dependencies() -> String {
    let framework = Path::new(env!("CARGO_MANIFEST_DIR")).join("../framework");
    format!("entourage = {{ path = {framework:?}, features = [\"sqlite\"] }}\n")
}

pub(crate) fn module(shape: &Shape, entity: usize) -> String {
    let [next, other, previous] = [
        shape.next(entity),
        shape.other(entity),
        shape.previous(entity),
    ];
    format!(
        "use entourage::prelude::*;\n\
         use crate::{next_module}::{next_type};\n\
         use crate::{other_module}::{other_type};\n\
         use crate::{previous_module}::{previous_type};\n\
         \n\
         #[derive(Debug, Clone, PartialEq, Entity)]\n\
         #[entity(table = \"{table}\")]\n\
         #[entity(belongs_to(next: {next_type}, foreign_key = next_id))]\n\
         #[entity(belongs_to(other: {other_type}, foreign_key = other_id))]\n\
         #[entity(has_many(previous: {previous_type}, foreign_key = next_id))]\n\
         pub struct {name} {{\n    \
             #[entity(primary_key, generated)]\n    \
             pub id: i64,\n    \
             pub next_id: i64,\n    \
             pub other_id: i64,\n    \
             pub name: String,\n    \
             pub amount: i64,\n    \
             pub note: Option<String>,\n    \
             pub active: bool,\n\
         }}\n",
        table = module_name(entity),
        name = type_name(entity),
        next_module = module_name(next),
        next_type = type_name(next),
        other_module = module_name(other),
        other_type = type_name(other),
        previous_module = module_name(previous),
        previous_type = type_name(previous),
    )
}
