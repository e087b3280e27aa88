//! Each foreign crate that shapes the architecture has one home; everybody else goes through it.

use proc_macro2::TokenTree;

use crate::source::{inside, is_path_separator, is_word, tokens};

/// A crate, and the folders and files below the framework's `src` that may name it.
///
/// sea-query has a second one: what turns its values into what a driver binds (arrays are PostgreSQL's alone).
const HOMES: [(&str, &[&str]); 15] = [
    ("sqlx", &["driver"]),
    ("rusqlite", &["driver"]),
    (
        "sea_query",
        &[
            "schema",
            "dialect",
            "statement",
            "driver/argument",
            "driver/postgres/bind",
        ],
    ),
    ("moka", &["result_cache/store"]),
    ("redis", &["result_cache/redis"]),
    ("rmp_serde", &["result_cache/redis"]),
    ("serde_bytes", &["result_cache/redis"]),
    ("crc", &["result_cache/write_behind/journal/record"]),
    ("hdrhistogram", &["pool/histogram"]),
    (
        "http",
        &[
            "observe/budget",
            "inspector/access",
            "inspector/layer",
            "inspector/route",
            "inspector/service",
            "inspector/setup",
        ],
    ),
    ("http_body_util", &["inspector/service"]),
    ("bytes", &["inspector/service"]),
    ("tower_layer", &["observe/budget", "inspector/layer"]),
    (
        "tower_service",
        &["observe/budget", "inspector/layer", "inspector/service"],
    ),
    ("tracing_subscriber", &["inspector/sqlx_events"]),
];

/// The crates that the file `path` names though it is not their home.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    HOMES
        .iter()
        .filter(|(name, homes)| {
            !homes.iter().any(|home| is_at_home(path, home)) && names(&tokens, name)
        })
        .map(|(name, homes)| format!("names `{name}`, whose home is {}", homes.join(", ")))
        .collect()
}

fn is_at_home(path: &str, home: &str) -> bool {
    path.strip_prefix(home)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Whether a path starts with the crate, or a `use` names it alone.
fn names(tokens: &[TokenTree], name: &str) -> bool {
    tokens.iter().enumerate().any(|(index, token)| match token {
        TokenTree::Ident(word) if word == name => {
            let starts_path =
                is_path_separator(tokens, index + 1) && !is_inner_segment(tokens, index);
            let before = index.checked_sub(1).and_then(|before| tokens.get(before));
            starts_path || is_word(before, "use") || is_word(before, "crate")
        }
        TokenTree::Group(group) => names(&inside(group), name),
        _ => false,
    })
}

/// Whether the word is the `b` of `a::b`. The `::` of `use ::b` follows no segment.
fn is_inner_segment(tokens: &[TokenTree], index: usize) -> bool {
    let separated = index >= 3 && is_path_separator(tokens, index - 2);
    separated
        && matches!(&tokens[index - 3], TokenTree::Ident(word) if !KEYWORDS.iter().any(|keyword| word == keyword))
}

const KEYWORDS: [&str; 6] = ["use", "return", "as", "in", "for", "impl"];

#[cfg(test)]
mod tests {
    use super::findings;

    #[test]
    fn a_crate_at_home_is_fine() {
        assert!(findings("driver/postgres.rs", "use sqlx::PgConnection;").is_empty());
        assert!(findings("driver.rs", "pub mod sqlite; use rusqlite::Connection;").is_empty());
        assert!(findings("result_cache/store.rs", "use moka::future::Cache;").is_empty());
    }

    #[test]
    fn a_word_that_is_no_crate_is_fine() {
        let text = "use crate::driver::sqlx::Row; fn f(sqlx: u8) { self.moka(); } /// sqlx::query\nconst S: &str = \"sqlx::x\";";
        assert_eq!(findings("pool.rs", text), Vec::<String>::new());
    }

    #[test]
    fn a_crate_away_from_home_is_found_however_it_is_written() {
        for text in [
            "use sqlx::Connection;",
            "use sqlx;",
            "use ::sqlx::Row;",
            "fn f() -> sqlx::Result<()> { g() }",
            "fn f() { { ::sqlx::query(\"\"); } }",
            "extern crate sqlx;",
        ] {
            assert_eq!(
                findings("pool/options.rs", text),
                ["names `sqlx`, whose home is driver"],
                "{text}"
            );
        }
        assert_eq!(
            findings("result_cache/policy.rs", "use moka::Expiry;").len(),
            1
        );
        assert_eq!(findings("drivers.rs", "use rusqlite::Row;").len(), 1);
    }
}
