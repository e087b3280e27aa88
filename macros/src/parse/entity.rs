//! The struct of an entity, of a view, and of an embedded struct.
use syn::{Data, DeriveInput, Fields, FieldsNamed, Ident, LitStr, Visibility};

use super::{
    cache::{self, Cache},
    field::{self, Field},
    grammar::{self, Grammar},
    items::Items,
    relation::{self, Relation, RelationKind},
    view::{self, View},
};
use crate::diagnostics::Diagnostics;

/// An entity or a view as it was written.
#[derive(Debug)]
pub(crate) struct Entity {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) table: Option<LitStr>,
    pub(crate) schema: Option<LitStr>,
    pub(crate) rename_all: Option<LitStr>,
    pub(crate) new: Option<LitStr>,
    pub(crate) patch: Option<LitStr>,
    pub(crate) repository: Option<LitStr>,
    pub(crate) module: Option<LitStr>,
    pub(crate) uniques: Vec<Vec<Ident>>,
    pub(crate) indexes: Vec<Vec<Ident>>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) cache: Option<Cache>,
    /// What makes it a view, if it is one.
    pub(crate) view: Option<View>,
    pub(crate) fields: Vec<Field>,
}

/// An embedded struct as it was written.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) ident: Ident,
    pub(crate) rename_all: Option<LitStr>,
    pub(crate) fields: Vec<Field>,
}

/// Reads an entity; `None` if the input is not a struct with named fields and no generic parameters.
pub(crate) fn entity(input: &DeriveInput, errors: &Diagnostics) -> Option<Entity> {
    let fields = named_fields(input, "an entity", errors)?;
    let mut items = Items::of(&input.attrs, "entity", &grammar::ENTITY, errors);
    let cached = items.lists("cache").into_iter().next();
    let cache = cached.and_then(|(keyword, tokens)| cache::cache(&keyword, tokens, errors));
    Some(Entity {
        table: items.text("table"),
        new: items.text("new"),
        patch: items.text("patch"),
        cache,
        ..common(input, &mut items, ENTITY, fields, errors)
    })
}

/// Reads a view; `None` as [`entity`].
pub(crate) fn view(input: &DeriveInput, errors: &Diagnostics) -> Option<Entity> {
    let fields = named_fields(input, "a view", errors)?;
    let mut items = Items::of(&input.attrs, VIEW.0, &grammar::VIEW, errors);
    Some(Entity {
        table: items.text("name"),
        view: Some(view::view(&mut items, errors)),
        ..common(input, &mut items, VIEW, fields, errors)
    })
}

/// The attribute on fields, and what it takes there.
type FieldAttribute = (&'static str, &'static Grammar);

const ENTITY: FieldAttribute = ("entity", &grammar::FIELD);
const VIEW: FieldAttribute = ("view", &grammar::VIEW_FIELD);

/// What entities and views have in common.
fn common(
    input: &DeriveInput,
    items: &mut Items<'_>,
    attribute: FieldAttribute,
    fields: &FieldsNamed,
    errors: &Diagnostics,
) -> Entity {
    let relations = RelationKind::ALL
        .into_iter()
        .flat_map(|kind| {
            let lists = items.lists(kind.keyword());
            lists
                .into_iter()
                .map(move |(keyword, tokens)| (kind, keyword, tokens))
        })
        .filter_map(|(kind, keyword, tokens)| relation::relation(kind, &keyword, tokens, errors))
        .collect();
    Entity {
        ident: input.ident.clone(),
        vis: input.vis.clone(),
        table: None,
        schema: items.text("schema"),
        rename_all: items.text("rename_all"),
        new: None,
        patch: None,
        repository: items.text("repository"),
        module: items.text("module"),
        uniques: items.field_lists("unique"),
        indexes: items.field_lists("index"),
        relations,
        cache: None,
        view: None,
        fields: read_fields(fields, attribute, errors),
    }
}

/// Reads an embedded struct; `None` if the input is not a struct with named fields and no generic parameters.
pub(crate) fn embedded(input: &DeriveInput, errors: &Diagnostics) -> Option<Embedded> {
    let fields = named_fields(input, "an embedded struct", errors)?;
    let mut items = Items::of(&input.attrs, "entity", &grammar::EMBEDDED, errors);
    Some(Embedded {
        ident: input.ident.clone(),
        rename_all: items.text("rename_all"),
        fields: read_fields(fields, ENTITY, errors),
    })
}

fn read_fields(
    fields: &FieldsNamed,
    (attribute, grammar): FieldAttribute,
    errors: &Diagnostics,
) -> Vec<Field> {
    fields
        .named
        .iter()
        .filter_map(|field| field::field(field, attribute, grammar, errors))
        .collect()
}

pub(super) fn named_fields<'a>(
    input: &'a DeriveInput,
    what: &str,
    errors: &Diagnostics,
) -> Option<&'a FieldsNamed> {
    let name = &input.ident;
    if !input.generics.params.is_empty() {
        errors.error_at(
            &input.generics,
            format_args!(
                "{what} has no generic parameters: write `struct {name} {{ .. }}` and give every field its own type"
            ),
        );
        return None;
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => return Some(fields),
            Fields::Unnamed(fields) => errors.error_at(
                fields,
                format_args!(
                    "the columns of {what} need names: write `struct {name} {{ id: i64, .. }}` (for a type around one column, derive `DbNewtype`)"
                ),
            ),
            Fields::Named(_) | Fields::Unit => errors.error_at(
                name,
                format_args!("{what} needs columns: write `struct {name} {{ id: i64, .. }}`"),
            ),
        },
        Data::Enum(data) => errors.error_at(
            data.enum_token,
            format_args!(
                "{what} is a struct of columns: write `struct {name} {{ id: i64, .. }}` (for an enum in one column, derive `DbEnum`)"
            ),
        ),
        Data::Union(data) => errors.error_at(
            data.union_token,
            format_args!("{what} is a struct of columns: write `struct {name} {{ id: i64, .. }}`"),
        ),
    }
    None
}
