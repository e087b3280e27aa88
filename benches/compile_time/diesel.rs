//! The crate in Diesel: `table!`, and for each entity a row, a new row and a change set, as the others generate them.
//!
//! Diesel declares only the owning side of a relation; the third one needs no code.

use crate::shape::{self, Shape, module as module_name, type_name};

pub(crate) fn dependencies() -> String {
    "diesel = { version = \"2.3.14\", features = [\"sqlite\"] }\n\
     libsqlite3-sys = { version = \"0.37\", features = [\"bundled\"] }\n"
        .to_owned()
}

pub(crate) fn lib(shape: &Shape) -> String {
    let mut lib = shape::modules(shape);
    lib.push_str("\npub mod schema {\n");
    for entity in 0..shape.entities {
        lib += &format!(
            "    diesel::table! {{ {} (id) {{ id -> BigInt, next_id -> BigInt, other_id -> BigInt, name -> Text, \
             amount -> BigInt, note -> Nullable<Text>, active -> Bool, }} }}\n",
            module_name(entity)
        );
    }
    for first in (0..shape.entities).step_by(shape.group) {
        let group: Vec<String> = (first..first + shape.group).map(module_name).collect();
        lib += &format!(
            "    diesel::allow_tables_to_appear_in_same_query!({});\n",
            group.join(", ")
        );
    }
    lib.push_str("}\n");
    lib
}

pub(crate) fn module(shape: &Shape, entity: usize) -> String {
    let (next, other) = (shape.next(entity), shape.other(entity));
    format!(
        "use diesel::prelude::*;\n\
         use crate::schema::{table};\n\
         use crate::{next_module}::{next_type};\n\
         use crate::{other_module}::{other_type};\n\
         \n\
         #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable, Associations)]\n\
         #[diesel(table_name = {table})]\n\
         #[diesel(belongs_to({next_type}, foreign_key = next_id))]\n\
         #[diesel(belongs_to({other_type}, foreign_key = other_id))]\n\
         pub struct {name} {{\n    \
             pub id: i64,\n    \
             pub next_id: i64,\n    \
             pub other_id: i64,\n    \
             pub name: String,\n    \
             pub amount: i64,\n    \
             pub note: Option<String>,\n    \
             pub active: bool,\n\
         }}\n\
         \n\
         #[derive(Debug, Clone, Insertable)]\n\
         #[diesel(table_name = {table})]\n\
         pub struct New{name} {{\n    \
             pub next_id: i64,\n    \
             pub other_id: i64,\n    \
             pub name: String,\n    \
             pub amount: i64,\n    \
             pub note: Option<String>,\n    \
             pub active: bool,\n\
         }}\n\
         \n\
         #[derive(Debug, Clone, Default, AsChangeset)]\n\
         #[diesel(table_name = {table})]\n\
         pub struct {name}Patch {{\n    \
             pub next_id: Option<i64>,\n    \
             pub other_id: Option<i64>,\n    \
             pub name: Option<String>,\n    \
             pub amount: Option<i64>,\n    \
             pub note: Option<Option<String>>,\n    \
             pub active: Option<bool>,\n\
         }}\n",
        table = module_name(entity),
        name = type_name(entity),
        next_module = module_name(next),
        next_type = type_name(next),
        other_module = module_name(other),
        other_type = type_name(other),
    )
}
