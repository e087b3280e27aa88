//! Relations.
use proc_macro2::{Ident, Span};
use syn::{Expr, Type, TypePath};

use super::{entity::Names, field::Field, naming, types::last_word};
use crate::{
    diagnostics::{Diagnostics, did_you_mean, listed},
    parse::{self, RelationKind},
};

/// A relation.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) kind: RelationKind,
    pub(crate) name: Ident,
    /// The name of its const: `User::POSTS`.
    pub(crate) constant: Ident,
    /// The name of its type: `user::Posts`.
    pub(crate) marker: Ident,
    pub(crate) target: Type,
    pub(crate) arity: Arity,
    /// The columns of this entity, or of the entity in between that points at it.
    pub(crate) from: Side,
    /// The columns of the target.
    pub(crate) to: Side,
    /// The entity in between.
    pub(crate) through: Option<Through>,
    pub(crate) on_delete: OnDelete,
    pub(crate) filter: Option<Expr>,
    pub(crate) order_by: Option<Expr>,
    /// As it was written, for the rules.
    pub(crate) parsed: parse::Relation,
}

/// How many rows a relation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    One,
    Maybe,
    Many,
}

/// The columns at one end of a relation.
#[derive(Debug)]
pub(crate) enum Side {
    /// These fields of the entity.
    Fields(Type, Names),
    /// The primary key of another entity, unknown to the derive.
    PrimaryKey(Type),
}

/// The entity between the two sides of a many-to-many relation.
#[derive(Debug)]
pub(crate) struct Through {
    pub(crate) entity: Type,
    pub(crate) from: Names,
    pub(crate) to: Names,
}

/// What a delete of the row pointed at does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDelete {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
}

impl OnDelete {
    const NAMES: [(&'static str, OnDelete); 4] = [
        ("no_action", OnDelete::NoAction),
        ("restrict", OnDelete::Restrict),
        ("cascade", OnDelete::Cascade),
        ("set_null", OnDelete::SetNull),
    ];

    fn of(word: Option<&Ident>, errors: &Diagnostics) -> Self {
        let Some(word) = word else {
            return OnDelete::NoAction;
        };
        if let Some((_, action)) = Self::NAMES.iter().find(|(name, _)| word == name) {
            return *action;
        }
        let names = || Self::NAMES.iter().map(|(name, _)| *name);
        let hint = match did_you_mean(&word.to_string(), names()) {
            nothing if nothing.is_empty() => format!("; take one of {}", listed(names())),
            hint => hint,
        };
        errors.error(word.span(), format_args!("unknown action `{word}`{hint}"));
        OnDelete::NoAction
    }
}

/// Resolves a relation of the entity `owner`.
pub(super) fn relation(
    parsed: parse::Relation,
    owner: &Ident,
    fields: &[Field],
    errors: &Diagnostics,
) -> Relation {
    let this = Type::Path(TypePath {
        attrs: Vec::new(),
        qself: None,
        path: owner.clone().into(),
    });
    let target = entity(&parsed.target, &this);
    let keys = Keys {
        this: this.clone(),
        owner,
        target: target.clone(),
        primary_key: fields
            .iter()
            .filter(|field| field.parsed.primary_key.is_some())
            .map(|field| field.ident.clone())
            .collect(),
    };
    let (from, to, through) = match parsed.kind {
        RelationKind::BelongsTo => keys.belongs_to(&parsed),
        RelationKind::HasOne | RelationKind::HasMany => keys.has(&parsed),
        RelationKind::ManyToMany => keys.many_to_many(&parsed),
    };
    Relation {
        kind: parsed.kind,
        name: parsed.name.clone(),
        constant: naming::constant(&parsed.name),
        marker: naming::marker(&parsed.name),
        arity: arity(&parsed, &from, fields),
        target,
        from,
        to,
        through,
        on_delete: OnDelete::of(parsed.on_delete.as_ref(), errors),
        filter: parsed.filter.clone(),
        order_by: parsed.order_by.clone(),
        parsed,
    }
}

/// The entity that `written` names in an attribute: `Self` is the struct.
fn entity(written: &Type, this: &Type) -> Type {
    match last_word(written) {
        Some(word) if word == "Self" => this.clone(),
        _ => written.clone(),
    }
}

fn arity(parsed: &parse::Relation, from: &Side, fields: &[Field]) -> Arity {
    match (parsed.kind, from) {
        (RelationKind::HasMany | RelationKind::ManyToMany, _) => Arity::Many,
        (RelationKind::BelongsTo, Side::Fields(_, keys)) if parsed.optional.is_none() => {
            let nullable = fields
                .iter()
                .any(|field| keys.contains(&field.ident) && field.is_optional());
            if nullable { Arity::Maybe } else { Arity::One }
        }
        _ => Arity::Maybe,
    }
}

struct Keys<'a> {
    this: Type,
    owner: &'a Ident,
    target: Type,
    primary_key: Names,
}

type Sides = (Side, Side, Option<Through>);

impl Keys<'_> {
    fn belongs_to(&self, parsed: &parse::Relation) -> Sides {
        let foreign_key = parsed
            .foreign_key
            .clone()
            .unwrap_or_else(|| vec![naming::foreign_key(&parsed.name, parsed.name.span())]);
        let to = match &parsed.references {
            Some(references) => Side::Fields(self.target.clone(), references.clone()),
            None => Side::PrimaryKey(self.target.clone()),
        };
        (Side::Fields(self.this.clone(), foreign_key), to, None)
    }

    fn has(&self, parsed: &parse::Relation) -> Sides {
        let foreign_key = parsed
            .foreign_key
            .clone()
            .unwrap_or_else(|| vec![naming::foreign_key(self.owner, self.target_span())]);
        let references = parsed
            .references
            .clone()
            .unwrap_or_else(|| self.primary_key.clone());
        (
            Side::Fields(self.this.clone(), references),
            Side::Fields(self.target.clone(), foreign_key),
            None,
        )
    }

    fn many_to_many(&self, parsed: &parse::Relation) -> Sides {
        let through = parsed.through.as_ref().map(|through| Through {
            entity: entity(through, &self.this),
            from: parsed
                .from_key
                .clone()
                .unwrap_or_else(|| vec![naming::foreign_key(self.owner, span_of(through))]),
            to: parsed.to_key.clone().unwrap_or_else(|| {
                let target = last_word(&self.target).unwrap_or(self.owner);
                vec![naming::foreign_key(target, span_of(through))]
            }),
        });
        (
            Side::Fields(self.this.clone(), self.primary_key.clone()),
            Side::PrimaryKey(self.target.clone()),
            through,
        )
    }

    fn target_span(&self) -> Span {
        span_of(&self.target)
    }
}

fn span_of(ty: &Type) -> Span {
    last_word(ty).map_or_else(Span::call_site, Ident::span)
}
