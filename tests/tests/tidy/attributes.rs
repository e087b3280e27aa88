//! What attributes may say: where features are asked for, why a lint is allowed, and that everything runs.

use proc_macro2::{Delimiter, TokenTree};

use crate::source::{inside, is_sign, is_word, tokens};

/// Files that may ask for a feature elsewhere than on a `mod` or `use` line, with the reason.
const FEATURE_EXCEPTIONS: [(&str, &str); 0] = [];

/// Features asked for inside code: a body that differs by feature is a body nobody compiles whole.
pub(crate) fn misplaced_features(path: &str, text: &str) -> Vec<String> {
    if FEATURE_EXCEPTIONS.iter().any(|(file, _)| *file == path) {
        return Vec::new();
    }
    let mut found = Vec::new();
    search_features(&tokens(text), &mut found);
    found
}

fn search_features(tokens: &[TokenTree], found: &mut Vec<String>) {
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let content = inside(group);
        if is_attribute(tokens, index)
            && is_word(content.first(), "cfg")
            && mentions_feature(&content)
        {
            let item = after_attributes(&tokens[index + 1..]);
            if !is_word(item.first(), "mod") && !is_word(item.first(), "use") {
                let words: Vec<String> = item.iter().take(6).map(ToString::to_string).collect();
                found.push(format!(
                    "`#[{}]` stands on `{} ..`, not on a `mod` or `use`",
                    group.stream(),
                    words.join(" ")
                ));
            }
        } else if index > 1
            && is_sign(tokens.get(index - 1), '!')
            && is_word(tokens.get(index - 2), "cfg")
            && mentions_feature(&content)
        {
            found.push(format!(
                "`cfg!({})` asks for a feature inside a body",
                group.stream()
            ));
        } else {
            search_features(&content, found);
        }
    }
}

fn mentions_feature(tokens: &[TokenTree]) -> bool {
    tokens.iter().enumerate().any(|(index, token)| match token {
        TokenTree::Group(group) => mentions_feature(&inside(group)),
        _ => is_word(Some(token), "feature") && is_sign(tokens.get(index + 1), '='),
    })
}

/// Steps over further attributes and the visibility.
fn after_attributes(mut tokens: &[TokenTree]) -> &[TokenTree] {
    loop {
        let steps = match tokens {
            [hash, TokenTree::Group(group), ..]
                if is_sign(Some(hash), '#') && group.delimiter() == Delimiter::Bracket =>
            {
                2
            }
            [word, TokenTree::Group(group), ..]
                if is_word(Some(word), "pub") && group.delimiter() == Delimiter::Parenthesis =>
            {
                2
            }
            [word, ..] if is_word(Some(word), "pub") => 1,
            _ => return tokens,
        };
        tokens = &tokens[steps..];
    }
}

/// Whether the group at `index` is the `[..]` of an attribute.
fn is_attribute(tokens: &[TokenTree], index: usize) -> bool {
    let before = if index > 1 && is_sign(tokens.get(index - 1), '!') {
        index - 1
    } else {
        index
    };
    before > 0
        && is_sign(tokens.get(before - 1), '#')
        && matches!(&tokens[index], TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket)
}

/// Lints allowed without a reason, and tests that do not run.
pub(crate) fn findings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    search_attributes(&tokens(text), &mut found);
    found
}

fn search_attributes(tokens: &[TokenTree], found: &mut Vec<String>) {
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let content = inside(group);
        if is_attribute(tokens, index) {
            if is_word(content.first(), "ignore") {
                found.push(format!(
                    "`#[{}]`: a test that does not run proves nothing; use `require!`",
                    group.stream()
                ));
            }
            search_lints(&content, found);
        } else {
            search_attributes(&content, found);
        }
    }
}

/// Also finds `cfg_attr(.., allow(..))`.
fn search_lints(tokens: &[TokenTree], found: &mut Vec<String>) {
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let content = inside(group);
        let sets_lint = index > 0
            && ["allow", "expect"]
                .iter()
                .any(|level| is_word(tokens.get(index - 1), level));
        if !sets_lint {
            search_lints(&content, found);
        } else if !content.iter().any(|token| is_word(Some(token), "reason")) {
            found.push(format!(
                "`{}({})` has no `reason = \"..\"`",
                tokens[index - 1],
                group.stream()
            ));
        }
    }
}

/// Examples in documentation that nobody compiles.
pub(crate) fn ignored_examples(path: &str, text: &str) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let line = line.trim_start();
            let fence = match path.rsplit('.').next()? {
                "rs" => line
                    .strip_prefix("///")
                    .or_else(|| line.strip_prefix("//!"))?,
                "md" => line,
                _ => return None,
            };
            let info = fence.trim_start().strip_prefix("```")?;
            let ignored = info
                .split([',', ' ', '{', '}', '.'])
                .any(|word| word == "ignore" || word.starts_with("ignore-"));
            ignored.then(|| {
                format!(
                    "line {}: an ignored example goes stale; use `no_run` or `text`",
                    index + 1
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_on_mod_and_use_lines_are_fine() {
        for text in [
            "#[cfg(feature = \"sqlite\")] mod sqlite;",
            "#[cfg(feature = \"sqlite\")]\n#[doc = \"x\"]\npub(crate) use sqlite::open;",
            "#[cfg(any(feature = \"a\", feature = \"b\"))] pub mod wire;",
            "#[cfg(test)] fn f() {}",
            "#![cfg_attr(docsrs, feature(doc_cfg))]",
        ] {
            assert_eq!(
                misplaced_features("driver.rs", text),
                Vec::<String>::new(),
                "{text}"
            );
        }
    }

    #[test]
    fn features_elsewhere_are_found() {
        for text in [
            "#[cfg(feature = \"sqlite\")] fn open() {}",
            "enum Row { #[cfg(feature = \"sqlite\")] Sqlite(u8) }",
            "fn f() { match x { #[cfg(not(feature = \"sqlite\"))] _ => {} } }",
            "fn f() { if cfg!(feature = \"sqlite\") { g() } }",
            "#[cfg(all(unix, feature = \"sqlite\"))] pub(crate) static X: u8 = 1;",
        ] {
            assert_eq!(misplaced_features("driver.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_lint_is_allowed_with_a_reason_only() {
        assert!(findings("#[allow(dead_code, reason = \"kept for its drop\")] struct S; fn f() { o.expect(\"x\"); }").is_empty());
        for text in [
            "#[allow(dead_code)] struct S;",
            "#![allow(missing_docs)]",
            "#[expect(unused)] fn f() {}",
            "fn f() { #[allow(unused)] let x = 1; }",
            "#[cfg_attr(test, allow(dead_code))] struct S;",
        ] {
            assert_eq!(findings(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_test_that_does_not_run_is_found() {
        for attribute in ["ignore", "ignore = \"slow\""] {
            assert_eq!(
                findings(&format!("mod m {{ #[test] #[{attribute}] fn t() {{}} }}")).len(),
                1
            );
        }
    }

    #[test]
    fn an_example_that_is_not_compiled_is_found() {
        let fence = "```";
        for info in ["ignore", "rust,ignore", "rust, ignore", "ignore-windows"] {
            assert_eq!(
                ignored_examples("a.rs", &format!("    /// {fence}{info}\n")).len(),
                1,
                "{info}"
            );
            assert_eq!(
                ignored_examples("a.rs", &format!("//! {fence}{info}\n")).len(),
                1,
                "{info}"
            );
            assert_eq!(
                ignored_examples("a.md", &format!("{fence}{info}\n")).len(),
                1,
                "{info}"
            );
        }
        for info in ["", "no_run", "text", "gitignore", "compile_fail"] {
            assert!(
                ignored_examples("a.rs", &format!("/// {fence}{info}\n")).is_empty(),
                "{info}"
            );
        }
        assert!(ignored_examples("a.rs", &format!("let s = \"{fence}ignore\";\n")).is_empty());
    }
}
