//! Modules of the framework import downwards only, and siblings of a layer never import each other.
//!
//! Read are `use` trees and paths in code that start at `crate` or climb by `super`. Unit tests are left out: they
//! are no part of what ships, and may build what they test from above.

use proc_macro2::{Delimiter, TokenTree};

use crate::source::{inside, is_path_separator, is_sign, is_word, tokens};

/// From the bottom up. Only the dialects need their layer's other half, so layer 1 has two floors.
const LAYERS: [(&str, &[&str]); 14] = [
    ("0", &["error"]),
    ("1a", &["schema"]),
    ("1b", &["dialect"]),
    ("2", &["statement"]),
    ("3", &["observe"]),
    ("4", &["statement_cache"]),
    ("5", &["driver"]),
    ("6", &["pool"]),
    ("7", &["executor"]),
    ("8", &["transaction", "routing"]),
    ("9", &["eager", "bulk", "view", "result_cache"]),
    ("10", &["database"]),
    ("11", &["repository", "refresher"]),
    (
        "12",
        &[
            "inspector",
            "lib",
            "metrics",
            "prelude",
            "private",
            "testing",
        ],
    ),
];

/// A facade shows what the root shows, by the root's names: derives, macros.
const FACADES: [&str; 2] = ["prelude", "testing"];

/// What the file `path`, below the framework's `src`, imports from where it must not.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let modules = module_path(path);
    let own = modules.first().map_or("lib", String::as_str);
    let Some(own_layer) = layer(own) else {
        return vec![format!(
            "`{own}` has no layer; give it one in tests/tests/tidy/layers.rs"
        )];
    };
    if modules.iter().any(|module| module == "tests") {
        return Vec::new();
    }
    let mut targets = Vec::new();
    collect(&modules, &tokens(text), &mut targets);
    // The root lists its modules; whatever it re-exports lies below it.
    targets.retain(|target| target != own);
    targets.sort_unstable();
    targets.dedup();
    targets
        .iter()
        .filter_map(|target| finding(own, own_layer, target))
        .collect()
}

fn finding(own: &str, own_layer: usize, target: &str) -> Option<String> {
    let Some(target_layer) = layer(target) else {
        if FACADES.contains(&own) {
            return None;
        }
        return Some(format!(
            "imports `crate::{target}`, which is no module with a layer: import it from its home"
        ));
    };
    if target_layer < own_layer {
        return None;
    }
    let (own_number, target_number) = (LAYERS[own_layer].0, LAYERS[target_layer].0);
    let how = if own_layer == target_layer {
        "sideways"
    } else {
        "upwards"
    };
    Some(format!(
        "`{own}` (layer {own_number}) imports {how} from `{target}` (layer {target_number})"
    ))
}

fn layer(module: &str) -> Option<usize> {
    let module = module.trim_start_matches('_');
    LAYERS
        .iter()
        .position(|(_, modules)| modules.contains(&module))
}

fn module_path(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    if path == "lib" {
        Vec::new()
    } else {
        path.split('/').map(str::to_owned).collect()
    }
}

/// Adds the top-level module of each import below `modules`.
fn collect(modules: &[String], tokens: &[TokenTree], targets: &mut Vec<String>) {
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        match token {
            TokenTree::Ident(_) if is_word(Some(token), "mod") => {
                if let Some(TokenTree::Group(body)) = tokens.get(index + 2) {
                    let name = tokens[index + 1].to_string();
                    if name != "tests" {
                        collect(&[modules, &[name]].concat(), &inside(body), targets);
                    }
                    index += 2;
                }
            }
            TokenTree::Ident(word)
                if (word == "crate" || word == "super") && !follows_path(tokens, index) =>
            {
                index = import(modules, tokens, index, targets);
            }
            TokenTree::Group(group) => collect(modules, &inside(group), targets),
            _ => {}
        }
        index += 1;
    }
}

/// `$crate` is for whoever expands the macro; `a::super` is no start.
fn follows_path(tokens: &[TokenTree], index: usize) -> bool {
    index > 0
        && (is_sign(tokens.get(index - 1), '$')
            || is_sign(tokens.get(index - 1), ':')
                && is_sign(tokens.get(index.wrapping_sub(2)), ':'))
}

/// Reads the path that starts at `index`; the answer is the last token read, which the caller steps over.
fn import(
    modules: &[String],
    tokens: &[TokenTree],
    mut index: usize,
    targets: &mut Vec<String>,
) -> usize {
    let mut base = if is_word(tokens.get(index), "crate") {
        0
    } else {
        modules.len() - 1
    };
    while is_path_separator(tokens, index + 1) && is_word(tokens.get(index + 3), "super") {
        base = base.saturating_sub(1);
        index += 3;
    }
    // `pub(crate)`, `pub(super)`: a visibility, no import.
    if !is_path_separator(tokens, index + 1) {
        return index;
    }
    // Still inside the own top-level module: whatever follows belongs to it.
    if base > 0 {
        return index + 2;
    }
    match tokens.get(index + 3) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            targets.extend(first_words(&inside(group)));
            index + 3
        }
        Some(token) => {
            targets.push(token.to_string());
            index + 3
        }
        None => index,
    }
}

/// The word each element of a `{..}` of a `use` starts with.
fn first_words(tokens: &[TokenTree]) -> Vec<String> {
    tokens
        .split(|token| is_sign(Some(token), ','))
        .filter_map(|element| element.first())
        .map(ToString::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::findings;

    #[test]
    fn downward_imports_are_fine() {
        for text in [
            "use crate::error::Error;",
            "use crate::{error::{Error, Result}, schema::Column, dialect};",
            "fn f() -> crate::statement::Statement { todo() }",
            "use super::super::error::Error; use self::plan::Plan; use super::joined;",
            "pub(crate) fn f() {} pub(super) struct S; pub(in crate::eager) struct T;",
            "// use crate::database::Database;\n/// crate::repository::R\nconst A: &str = \"crate::testing::x\";",
            "macro_rules! m { () => { $crate::private::f() } }",
            "#[cfg(test)] mod tests { use crate::database::Database; use super::*; }",
            "mod inner { use super::super::Plan; use super::super::super::error::Error; }",
        ] {
            assert_eq!(
                findings("eager/plan.rs", text),
                Vec::<String>::new(),
                "{text}"
            );
        }
        assert!(findings("prelude.rs", "pub use crate::{Error, schema::Entity};").is_empty());
        assert!(findings("dialect/sqlite.rs", "use crate::schema::Value;").is_empty());
        assert!(findings("eager/tests/wide.rs", "use crate::database::Database;").is_empty());
        assert!(
            findings(
                "lib.rs",
                "pub use crate::repository::Repository; pub use error::Error;"
            )
            .is_empty()
        );
    }

    #[test]
    fn upward_imports_are_found_however_they_are_written() {
        for text in [
            "use crate::database::Database;",
            "use crate::{error::Error, database::{Database, Builder}};",
            "fn f(db: &crate::database::Database) {}",
            "use super::super::database::Database;",
            "use super::super::{database, error};",
            "mod inner { use super::super::super::database::Database; }",
            "fn f() { { let x = Some(crate::database::open()); } }",
        ] {
            let expected = ["`eager` (layer 9) imports upwards from `database` (layer 10)"];
            assert_eq!(findings("eager/plan.rs", text), expected, "{text}");
        }
        assert_eq!(findings("eager.rs", "use super::database;").len(), 1);
    }

    #[test]
    fn sideways_imports_are_found() {
        let expected = ["`eager` (layer 9) imports sideways from `bulk` (layer 9)"];
        assert_eq!(
            findings("eager/plan.rs", "use crate::bulk::chunk;"),
            expected
        );
        assert_eq!(
            findings("schema.rs", "use crate::dialect::Dialect;").len(),
            1
        );
    }

    #[test]
    fn names_without_a_layer_are_found() {
        assert_eq!(findings("eager.rs", "use crate::Error;").len(), 1);
        assert_eq!(findings("eager.rs", "use super::*;").len(), 1);
        assert_eq!(findings("misc.rs", "").len(), 1);
    }
}
