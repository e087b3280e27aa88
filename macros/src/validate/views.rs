//! Rules about views.
use syn::{Expr, Lit};

use crate::{
    diagnostics::Diagnostics,
    model::{Entity, View},
    parse::{Keys, Maintained},
};

/// Applies all of them.
pub(super) fn all(entity: &Entity, view: &View, errors: &Diagnostics) {
    a_view_has_a_query(entity, view, errors);
    a_view_says_what_it_reads(entity, view, errors);
    for text in view.texts() {
        a_query_is_one_select(text, errors);
    }
    if !view.materialized && view.maintained.is_none() {
        a_plain_view_has_no_indexes(entity, errors);
    }
    a_view_holds_no_foreign_keys(entity, errors);
    if let Some(maintained) = &view.maintained {
        a_maintained_view_is_nothing_else(view, maintained, errors);
        only_the_key_of_a_maintained_view_is_unique(entity, errors);
        what_maintains_is_named_once(maintained, errors);
    }
}

fn a_view_has_a_query(entity: &Entity, view: &View, errors: &Diagnostics) {
    let name = &entity.ident;
    match view.query {
        None => errors.error(
            name.span(),
            format_args!("`{name}` has no query: write `#[view(query = \"SELECT ..\")]`"),
        ),
        Some(span) if view.texts().next().is_none() => errors.error(
            span,
            "`query` is empty: write `query = \"SELECT ..\"` for all databases, or `query(sqlite = \"..\", postgres = \"..\", mysql = \"..\")`",
        ),
        Some(_) => {}
    }
}

fn a_view_says_what_it_reads(entity: &Entity, view: &View, errors: &Diagnostics) {
    if view.reads.is_some() || view.maintained.is_some() {
        return;
    }
    let name = &entity.ident;
    errors.error(
        name.span(),
        format_args!(
            "`{name}` does not say which entities' tables its query reads: write `#[view(reads(Post, Comment))]`, or `reads()` if it reads none; caches and refreshes go by it"
        ),
    );
}

fn a_query_is_one_select(text: &Expr, errors: &Diagnostics) {
    let Expr::Lit(literal) = text else {
        // A const or `include_str!`, which the compiler knows.
        return;
    };
    let Lit::Str(query) = &literal.lit else {
        errors.error_at(
            text,
            "a query is a text: write `query = \"SELECT ..\"`, or `include_str!(\"query.sql\")`",
        );
        return;
    };
    let query = query.value();
    let query = query.trim();
    let first = query.trim_start_matches('(').split_whitespace().next();
    let is_known = |word: &str| {
        word.starts_with("--")
            || word.starts_with("/*")
            || ["SELECT", "WITH", "VALUES", "TABLE"]
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known))
    };
    if !first.is_some_and(is_known) {
        errors.error_at(text, "the query of a view begins with SELECT or WITH");
    } else if query.ends_with(';') {
        errors.error_at(
            text,
            "the query of a view is part of a statement: leave the `;` at its end out",
        );
    }
}

fn a_plain_view_has_no_indexes(entity: &Entity, errors: &Diagnostics) {
    let on_fields = entity.fields.iter().flat_map(|field| {
        let parsed = &field.parsed;
        [("unique", parsed.unique), ("index", parsed.index)]
    });
    let of_lists = |name, lists: &[Vec<syn::Ident>]| -> Vec<_> {
        let first = |list: &Vec<syn::Ident>| list.first().map(syn::Ident::span);
        lists.iter().map(|list| (name, first(list))).collect()
    };
    let on_the_struct = [
        of_lists("unique", &entity.uniques),
        of_lists("index", &entity.indexes),
    ];
    for (name, span) in on_fields.chain(on_the_struct.into_iter().flatten()) {
        if let Some(span) = span {
            errors.error(
                span,
                format_args!(
                    "`{name}` is for a view that keeps its rows: add `materialized` or `maintained(..)`, or index the tables that the query reads"
                ),
            );
        }
    }
}

fn a_view_holds_no_foreign_keys(entity: &Entity, errors: &Diagnostics) {
    let actions = entity
        .relations
        .iter()
        .filter_map(|relation| relation.parsed.on_delete.as_ref());
    for action in actions {
        errors.error(
            action.span(),
            "`on_delete` is for foreign keys, of which a view has none; leave it out",
        );
    }
}

fn a_maintained_view_is_nothing_else(view: &View, maintained: &Maintained, errors: &Diagnostics) {
    if view.materialized {
        errors.error(
            maintained.span,
            "a view is `materialized`, and renewed by refreshes, or `maintained` with each write: leave one of them out",
        );
    }
    if view.reads.is_some() {
        errors.error(
            maintained.span,
            "`maintained` names all that the query reads: leave `reads` out",
        );
    }
}

/// MySQL would write one row over another one that is equal there.
fn only_the_key_of_a_maintained_view_is_unique(entity: &Entity, errors: &Diagnostics) {
    let on_fields = entity.fields.iter().filter_map(|field| field.parsed.unique);
    let of_lists = entity.uniques.iter().filter_map(|list| list.first());
    for span in on_fields.chain(of_lists.map(syn::Ident::span)) {
        errors.error(
            span,
            "only the key of a maintained view is unique: leave `unique` out, or write `index`",
        );
    }
}

fn what_maintains_is_named_once(maintained: &Maintained, errors: &Diagnostics) {
    let sources = &maintained.sources;
    if maintained.is_empty {
        errors.error(
            maintained.span,
            "`maintained` names nothing: a view that reads nothing does not change",
        );
    }
    for (at, source) in sources.iter().enumerate() {
        let entity = &source.entity;
        if sources[..at].iter().any(|other| other.entity == *entity) {
            errors.error_at(
                entity,
                "an entity is named twice: where several of its rows' columns lead to the view, give one query: `\"SELECT {row}.from_id UNION SELECT {row}.to_id\"`",
            );
        }
        match &source.keys {
            Keys::Fields(fields) if fields.is_empty() => errors.error_at(
                entity,
                "no field is named: write the one that holds the view's key, `Comment = post_id`",
            ),
            Keys::Query(Expr::Lit(literal)) => match &literal.lit {
                Lit::Str(query) if query.value().contains("{row}") => {}
                Lit::Str(query) => errors.error_at(
                    query,
                    "the query does not speak of the row that was written: call it `{row}`, as in `\"SELECT id FROM posts WHERE author_id = {row}.id\"`",
                ),
                other => errors.error_at(
                    other,
                    "what leads to the view's key is a field, several in brackets, or a query as a text",
                ),
            },
            Keys::Fields(_) | Keys::Query(_) => {}
        }
    }
}
