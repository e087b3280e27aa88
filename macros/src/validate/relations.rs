//! Rules about relations.
use proc_macro2::{Ident, Span};

use super::names::names_a_column;
use crate::{
    diagnostics::Diagnostics,
    model::{Entity, OnDelete, Relation, RelationKind, Side},
};

/// Applies the rules of one relation.
pub(super) fn all(entity: &Entity, relation: &Relation, errors: &Diagnostics) {
    its_own_columns_exist(entity, relation, errors);
    a_composite_key_is_spelled_out(entity, relation, errors);
    both_sides_have_as_many_columns(entity, relation, errors);
    many_to_many_goes_through_an_entity(relation, errors);
    the_two_keys_in_between_differ(relation, errors);
    set_null_needs_an_optional_key(entity, relation, errors);
}

fn its_own_columns_exist(entity: &Entity, relation: &Relation, errors: &Diagnostics) {
    let Side::Fields(_, names) = &relation.from else {
        return;
    };
    let parsed = &relation.parsed;
    let by_default = relation.kind == RelationKind::BelongsTo && parsed.foreign_key.is_none();
    for name in names {
        if by_default && entity.field(name).is_none() {
            errors.error(
                relation.name.span(),
                format_args!(
                    "`{}` has no field `{name}`, the foreign key of `{}` by default; name the one it has: `foreign_key = author_id`",
                    entity.ident, relation.name
                ),
            );
        } else {
            names_a_column(entity, name, errors);
        }
    }
}

fn a_composite_key_is_spelled_out(entity: &Entity, relation: &Relation, errors: &Diagnostics) {
    let key: Vec<_> = entity.primary_key().map(|field| &field.ident).collect();
    if key.len() < 2 || relation.parsed.references.is_some() {
        return;
    }
    let (missing, attribute, holder) = match relation.kind {
        RelationKind::BelongsTo => return,
        RelationKind::HasOne | RelationKind::HasMany => (
            relation.parsed.foreign_key.is_none(),
            "foreign_key",
            "target",
        ),
        RelationKind::ManyToMany => (
            relation.parsed.from_key.is_none(),
            "from_key",
            "entity in between",
        ),
    };
    if missing {
        errors.error(
            relation.name.span(),
            format_args!(
                "the key of `{}` has {} columns, so the {holder} needs as many: write `{attribute} = ({})` with the names they have there",
                entity.ident,
                key.len(),
                key.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            ),
        );
    }
}

fn both_sides_have_as_many_columns(entity: &Entity, relation: &Relation, errors: &Diagnostics) {
    let parsed = &relation.parsed;
    let own_key = || entity.primary_key().count();
    let (given, wanted, attribute) = match relation.kind {
        RelationKind::BelongsTo => (
            parsed.foreign_key.as_ref(),
            parsed.references.as_ref().map(Vec::len),
            "references",
        ),
        RelationKind::HasOne | RelationKind::HasMany => (
            parsed.foreign_key.as_ref(),
            Some(parsed.references.as_ref().map_or_else(own_key, Vec::len)),
            "references",
        ),
        RelationKind::ManyToMany => (parsed.from_key.as_ref(), Some(own_key()), "primary key"),
    };
    let (Some(given), Some(wanted)) = (given, wanted) else {
        return;
    };
    if wanted != 0 && given.len() != wanted {
        let what = match (relation.kind, &parsed.references) {
            (RelationKind::ManyToMany, _) | (_, None) => {
                format!("the primary key of `{}`", entity.ident)
            }
            _ => format!("`{attribute}`"),
        };
        errors.error(
            span_of(given, relation),
            format_args!(
                "the foreign key has {}, and {what} has {}; name as many columns, in the same order",
                columns(given.len()),
                columns(wanted)
            ),
        );
    }
}

fn many_to_many_goes_through_an_entity(relation: &Relation, errors: &Diagnostics) {
    if relation.kind == RelationKind::ManyToMany && relation.parsed.through.is_none() {
        errors.error(
            relation.name.span(),
            "`many_to_many` goes through an entity that holds both foreign keys: add `through = Membership`",
        );
    }
}

fn the_two_keys_in_between_differ(relation: &Relation, errors: &Diagnostics) {
    if let Some(through) = &relation.through
        && through.from == through.to
    {
        errors.error(
            relation.name.span(),
            format_args!(
                "both sides of `{}` would use the foreign key `{}`; name them: `from_key = follower_id, to_key = followed_id`",
                relation.name,
                through.from.first().map(ToString::to_string).unwrap_or_default()
            ),
        );
    }
}

fn set_null_needs_an_optional_key(entity: &Entity, relation: &Relation, errors: &Diagnostics) {
    let (OnDelete::SetNull, Side::Fields(_, names)) = (relation.on_delete, &relation.from) else {
        return;
    };
    for field in names.iter().filter_map(|name| entity.field(name)) {
        if !field.is_optional() {
            errors.error(
                relation
                    .parsed
                    .on_delete
                    .as_ref()
                    .map_or(relation.name.span(), Ident::span),
                format_args!(
                    "`{}` cannot become NULL: give it the type `Option<..>`, or write `on_delete = cascade`",
                    field.ident
                ),
            );
        }
    }
}

fn columns(count: usize) -> String {
    match count {
        1 => "1 column".to_owned(),
        count => format!("{count} columns"),
    }
}

fn span_of(names: &[Ident], relation: &Relation) -> Span {
    names.first().map_or(relation.name.span(), Ident::span)
}
