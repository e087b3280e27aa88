//! Entities, views and embedded structs.
use proc_macro2::Ident;
use quote::format_ident;
use syn::{Visibility, ext::IdentExt};

use super::{
    cache::{self, Cache},
    field::Field,
    naming::{self, Case},
    relation::{self, Relation},
    view::{self, View},
};
use crate::{diagnostics::Diagnostics, parse};

/// Names of fields, in order.
pub(crate) type Names = Vec<Ident>;

/// An entity, or a view.
#[derive(Debug)]
pub(crate) struct Entity {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) table: String,
    pub(crate) schema: Option<String>,
    /// The module of its relations.
    pub(crate) module: Ident,
    /// The struct of what an insert takes.
    pub(crate) new: Ident,
    /// The struct of what an update may change.
    pub(crate) patch: Ident,
    pub(crate) repository: Ident,
    pub(crate) fields: Vec<Field>,
    pub(crate) relations: Vec<Relation>,
    /// Unique constraints over several columns.
    pub(crate) uniques: Vec<Names>,
    /// Indexes over several columns.
    pub(crate) indexes: Vec<Names>,
    /// How its rows are cached, if they are.
    pub(crate) cache: Option<Cache>,
    /// What makes it a view, if it is one.
    pub(crate) view: Option<View>,
}

/// An embedded struct.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) ident: Ident,
    pub(crate) fields: Vec<Field>,
}

impl Entity {
    /// The fields of the primary key.
    pub(crate) fn primary_key(&self) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(|field| field.parsed.primary_key.is_some())
    }

    /// The name of its attribute, for messages.
    pub(crate) fn attribute(&self) -> &'static str {
        match self.view {
            None => "entity",
            Some(_) => "view",
        }
    }

    /// The field called `name`.
    pub(crate) fn field(&self, name: &Ident) -> Option<&Field> {
        let name = naming::plain(name);
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Resolves an entity or a view.
pub(crate) fn entity(parsed: parse::Entity, errors: &Diagnostics) -> Entity {
    let ident = parsed.ident;
    let plain = ident.unraw();
    let case = Case::of(parsed.rename_all.as_ref(), errors);
    let fields: Vec<_> = parsed
        .fields
        .into_iter()
        .map(|field| Field::new(field, case))
        .collect();
    let relations = parsed
        .relations
        .into_iter()
        .map(|relation| relation::relation(relation, &ident, &fields, errors))
        .collect();
    let named = |text, default| naming::given(text, default, errors);
    Entity {
        vis: parsed.vis,
        table: match &parsed.table {
            Some(table) => table.value(),
            None => naming::table(&ident),
        },
        schema: parsed.schema.as_ref().map(syn::LitStr::value),
        module: named(parsed.module.as_ref(), naming::module(&ident)),
        new: named(parsed.new.as_ref(), format_ident!("New{plain}")),
        patch: named(parsed.patch.as_ref(), format_ident!("{plain}Patch")),
        repository: named(
            parsed.repository.as_ref(),
            format_ident!("{plain}Repository"),
        ),
        fields,
        relations,
        uniques: parsed.uniques,
        indexes: parsed.indexes,
        cache: parsed
            .cache
            .as_ref()
            .map(|parsed| cache::cache(parsed, errors)),
        view: parsed.view.map(view::view),
        ident,
    }
}

/// Resolves an embedded struct.
pub(crate) fn embedded(parsed: parse::Embedded, errors: &Diagnostics) -> Embedded {
    let case = Case::of(parsed.rename_all.as_ref(), errors);
    Embedded {
        ident: parsed.ident,
        fields: parsed
            .fields
            .into_iter()
            .map(|field| Field::new(field, case))
            .collect(),
    }
}
