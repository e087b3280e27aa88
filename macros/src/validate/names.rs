//! Rules about names that meet.
use proc_macro2::Ident;
use syn::ext::IdentExt;

use crate::{
    diagnostics::{Diagnostics, did_you_mean},
    model::{Content, Entity, Field},
};

pub(super) fn columns_have_different_names(fields: &[Field], errors: &Diagnostics) {
    for (index, field) in fields.iter().enumerate() {
        let Some(column) = field.column() else {
            continue;
        };
        let earlier = fields[..index].iter().find(|earlier| {
            earlier
                .column()
                .is_some_and(|other| other.name == column.name)
        });
        if let Some(earlier) = earlier {
            errors.error(
                field.parsed.column.as_ref().map_or(field.ident.span(), syn::LitStr::span),
                format_args!(
                    "`{}` and `{}` are both the column `{}`; name one of them by `#[{}(column = \"..\")]`",
                    earlier.ident, field.ident, column.name, field.parsed.attribute
                ),
            );
        }
    }
}

pub(super) fn constants_have_different_names(entity: &Entity, errors: &Diagnostics) {
    let fields = entity
        .fields
        .iter()
        .map(|field| (&field.constant, &field.ident, "field"));
    let relations = entity
        .relations
        .iter()
        .map(|relation| (&relation.constant, &relation.name, "relation"));
    let mut seen: Vec<(&Ident, &Ident, &str)> = Vec::new();
    for (constant, name, what) in fields.chain(relations) {
        match seen.iter().find(|(earlier, ..)| *earlier == constant) {
            Some((_, earlier, earlier_what)) => errors.error(
                name.span(),
                format_args!(
                    "the {what} `{name}` and the {earlier_what} `{earlier}` would both be `{}::{constant}`; give one of them another name",
                    entity.ident
                ),
            ),
            None => seen.push((constant, name, what)),
        }
    }
}

pub(super) fn indexes_name_fields(entity: &Entity, errors: &Diagnostics) {
    let marked = |mark: fn(&Field) -> bool| {
        let fields = entity.fields.iter().filter(move |field| mark(field));
        fields.map(|field| vec![field.name.clone()]).collect()
    };
    let uniques = marked(|field| field.parsed.unique.is_some());
    let indexes = marked(|field| field.parsed.index.is_some());
    said_once("unique", uniques, &entity.uniques, errors);
    said_once("index", indexes, &entity.indexes, errors);
    for list in entity.uniques.iter().chain(&entity.indexes) {
        for (index, name) in list.iter().enumerate() {
            names_a_column(entity, name, errors);
            if list[..index].contains(name) {
                errors.error(
                    name.span(),
                    format_args!("`{name}` is named twice; keep one of them"),
                );
            }
        }
    }
}

/// No list is there twice, nor beside a field that says the same.
fn said_once(word: &str, mut known: Vec<Vec<String>>, lists: &[Vec<Ident>], errors: &Diagnostics) {
    for list in lists {
        let names: Vec<_> = list.iter().map(|name| name.unraw().to_string()).collect();
        if known.contains(&names)
            && let Some(first) = list.first()
        {
            let names = names.join(", ");
            errors.error(
                first.span(),
                format_args!("`{word}({names})` is said twice; keep one of them"),
            );
        }
        known.push(names);
    }
}

/// `name` must be a field of the entity that is one column.
pub(super) fn names_a_column(entity: &Entity, name: &Ident, errors: &Diagnostics) {
    match entity.field(name).map(|field| &field.content) {
        Some(Content::Column(_)) => {}
        Some(Content::Embedded { .. }) => errors.error(
            name.span(),
            format_args!("`{name}` is an embedded struct, not one column"),
        ),
        None => {
            let columns = entity
                .fields
                .iter()
                .filter(|field| field.column().is_some())
                .map(|field| field.name.as_str());
            errors.error(
                name.span(),
                format_args!(
                    "`{}` has no field `{name}`{}",
                    entity.ident,
                    did_you_mean(&name.to_string(), columns)
                ),
            );
        }
    }
}
