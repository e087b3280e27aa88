//! The fields of entities and embedded structs.
use proc_macro2::{Ident, Span};
use syn::{LitInt, Type, Visibility};

use super::{
    naming::{self, Case},
    types::{self, Kind},
};
use crate::parse;

/// A field: one column, or an embedded struct of several.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) ty: Type,
    /// The name in Rust without `r#`.
    pub(crate) name: String,
    /// The name of its const: `User::NAME`.
    pub(crate) constant: Ident,
    pub(crate) content: Content,
    /// As it was written, for the rules.
    pub(crate) parsed: parse::Field,
}

/// What a field holds.
#[derive(Debug)]
pub(crate) enum Content {
    Column(Column),
    Embedded { prefix: String },
}

/// One column.
#[derive(Debug)]
pub(crate) struct Column {
    /// The name in SQL.
    pub(crate) name: String,
    /// The length in characters.
    pub(crate) length: Option<LitInt>,
    /// The SQL expression in its DEFAULT clause.
    pub(crate) default: Option<String>,
    /// Whether the value stays out of logs.
    pub(crate) sensitive: bool,
}

/// How `NewUser` asks for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// Not at all: the framework or the database makes the value.
    Never,
    /// As an `Option` around the field's type: `None` is the default.
    OrDefault,
    /// As the field's own type, which is an `Option`.
    Nullable,
    /// As the field's own type.
    Required,
}

impl Field {
    pub(crate) fn new(parsed: parse::Field, case: Case) -> Self {
        let name = naming::plain(&parsed.ident);
        let content = if parsed.embedded.is_some() {
            Content::Embedded {
                prefix: match &parsed.prefix {
                    Some(prefix) => prefix.value(),
                    None => format!("{}_", case.apply(&name)),
                },
            }
        } else {
            Content::Column(Column {
                name: match &parsed.column {
                    Some(column) => column.value(),
                    None => case.apply(&name),
                },
                length: parsed.length.clone(),
                default: parsed.default.as_ref().map(syn::LitStr::value),
                sensitive: parsed.sensitive.is_some(),
            })
        };
        Self {
            ident: parsed.ident.clone(),
            vis: parsed.vis.clone(),
            ty: parsed.ty.clone(),
            constant: naming::constant(&parsed.ident),
            name,
            content,
            parsed,
        }
    }

    /// The column, unless the field is an embedded struct.
    pub(crate) fn column(&self) -> Option<&Column> {
        match &self.content {
            Content::Column(column) => Some(column),
            Content::Embedded { .. } => None,
        }
    }

    /// The type without `Option`.
    pub(crate) fn base(&self) -> &Type {
        types::option_inner(&self.ty).unwrap_or(&self.ty)
    }

    /// Whether the type is an `Option`.
    pub(crate) fn is_optional(&self) -> bool {
        types::option_inner(&self.ty).is_some()
    }

    /// What the type without `Option` is.
    pub(crate) fn kind(&self) -> Kind {
        types::kind(self.base())
    }

    /// How an insert asks for the field.
    pub(crate) fn given(&self) -> Given {
        let Content::Column(column) = &self.content else {
            return if self.is_optional() {
                Given::Nullable
            } else {
                Given::Required
            };
        };
        if self.parsed.maintained().is_some() {
            Given::Never
        } else if self.parsed.generated.is_some() {
            match self.kind() {
                Kind::Uuid => Given::OrDefault,
                _ => Given::Never,
            }
        } else if column.default.is_some() {
            Given::OrDefault
        } else if self.is_optional() {
            Given::Nullable
        } else {
            Given::Required
        }
    }

    /// Whether a patch may change the field.
    pub(crate) fn is_patchable(&self) -> bool {
        self.parsed.primary_key.is_none()
            && self.parsed.maintained().is_none()
            && self.parsed.shard_key.is_none()
    }
}

impl parse::Field {
    /// The flag by which the framework writes the column itself.
    pub(crate) fn maintained(&self) -> Option<Span> {
        self.version
            .or(self.created_at)
            .or(self.updated_at)
            .or(self.deleted_at)
    }
}
