//! The rules: one function each, named as the rule.
mod cache;
mod columns;
mod keys;
mod names;
mod relations;
mod shapes;
mod values;
mod views;

use crate::{
    diagnostics::Diagnostics,
    model::{DbEnum, DbNewtype, Embedded, Entity, Shape},
};

/// Applies every rule about entities and views.
pub(crate) fn entity(entity: &Entity, errors: &Diagnostics) {
    keys::there_is_a_primary_key(entity, errors);
    keys::a_primary_key_has_four_columns_at_most(entity, errors);
    keys::a_primary_key_is_never_null(entity, errors);
    keys::a_generated_column_is_the_whole_key(entity, errors);
    for field in &entity.fields {
        columns::all(field, errors);
    }
    columns::each_role_has_one_field(entity, errors);
    columns::a_row_has_one_shard_key(entity, errors);
    names::columns_have_different_names(&entity.fields, errors);
    names::constants_have_different_names(entity, errors);
    names::indexes_name_fields(entity, errors);
    if let Some(view) = &entity.view {
        views::all(entity, view, errors);
    }
    if let Some(cache) = &entity.cache {
        cache::all(entity, cache, errors);
    }
    for relation in &entity.relations {
        relations::all(entity, relation, errors);
    }
}

/// Applies every rule about embedded structs.
pub(crate) fn embedded(embedded: &Embedded, errors: &Diagnostics) {
    for field in &embedded.fields {
        columns::all(field, errors);
        columns::an_embedded_struct_has_no_roles(field, errors);
    }
    names::columns_have_different_names(&embedded.fields, errors);
}

/// Applies every rule about enums.
pub(crate) fn db_enum(db_enum: &DbEnum, errors: &Diagnostics) {
    values::an_enum_has_variants(db_enum, errors);
    values::labels_differ(db_enum, errors);
    values::an_integer_enum_has_numbers(db_enum, errors);
}

/// Applies every rule about newtypes.
pub(crate) fn db_newtype(newtype: &DbNewtype, errors: &Diagnostics) {
    values::a_newtype_is_never_null(newtype, errors);
    values::a_newtype_fits_a_column(newtype, errors);
}

/// Applies every rule about shapes.
pub(crate) fn shape(shape: &Shape, errors: &Diagnostics) {
    shapes::a_shape_names_its_entity(shape, errors);
    for field in &shape.fields {
        shapes::field(field, errors);
    }
}
