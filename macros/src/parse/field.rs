//! `#[entity(..)]` and `#[view(..)]` on a field.
use proc_macro2::Span;
use syn::{Ident, LitInt, LitStr, Type, Visibility};

use super::{grammar::Grammar, items::Items};
use crate::diagnostics::Diagnostics;

/// A field as it was written. A flag is the place where it was given.
#[derive(Debug)]
pub(crate) struct Field {
    /// The attribute's name, for messages: `entity` or `view`.
    pub(crate) attribute: &'static str,
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) ty: Type,
    pub(crate) primary_key: Option<Span>,
    pub(crate) generated: Option<Span>,
    pub(crate) column: Option<LitStr>,
    pub(crate) unique: Option<Span>,
    pub(crate) index: Option<Span>,
    pub(crate) length: Option<LitInt>,
    pub(crate) default: Option<LitStr>,
    pub(crate) version: Option<Span>,
    pub(crate) created_at: Option<Span>,
    pub(crate) updated_at: Option<Span>,
    pub(crate) deleted_at: Option<Span>,
    pub(crate) shard_key: Option<Span>,
    pub(crate) sensitive: Option<Span>,
    pub(crate) embedded: Option<Span>,
    pub(crate) prefix: Option<LitStr>,
}

/// Reads one named field.
pub(super) fn field(
    field: &syn::Field,
    attribute: &'static str,
    grammar: &'static Grammar,
    errors: &Diagnostics,
) -> Option<Field> {
    let mut items = Items::of(&field.attrs, attribute, grammar, errors);
    Some(Field {
        attribute,
        ident: field.ident.clone()?,
        vis: field.vis.clone(),
        ty: field.ty.clone(),
        primary_key: items.flag("primary_key"),
        generated: items.flag("generated"),
        column: items.text("column"),
        unique: items.flag("unique"),
        index: items.flag("index"),
        length: items.number("length", u32::MAX.into()),
        default: items.text("default"),
        version: items.flag("version"),
        created_at: items.flag("created_at"),
        updated_at: items.flag("updated_at"),
        deleted_at: items.flag("deleted_at"),
        shard_key: items.flag("shard_key"),
        sensitive: items.flag("sensitive"),
        embedded: items.flag("embedded"),
        prefix: items.text("prefix"),
    })
}
