//! A case that stands in a file but not in the list is never run, and nothing else would tell.

use proc_macro2::{Delimiter, TokenTree};

use crate::source::{inside, is_sign, is_word, tokens};

/// Each case of the list as `module::case`.
pub(crate) fn listed(list: &str) -> Vec<String> {
    let mut cases = Vec::new();
    search_lists(&tokens(list), &mut cases);
    cases
}

/// Looks for `register! { $backend; module { case, case requires(..) } .. }`.
fn search_lists(tokens: &[TokenTree], cases: &mut Vec<String>) {
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let is_list = index > 1
            && is_sign(tokens.get(index - 1), '!')
            && is_word(tokens.get(index - 2), "register");
        if is_list {
            read_list(&inside(group), cases);
        } else {
            search_lists(&inside(group), cases);
        }
    }
}

fn read_list(tokens: &[TokenTree], cases: &mut Vec<String>) {
    for pair in tokens.windows(2) {
        if let [TokenTree::Ident(module), TokenTree::Group(group)] = pair
            && group.delimiter() == Delimiter::Brace
        {
            let names = inside(group);
            let first = names
                .split(|token| is_sign(Some(token), ','))
                .filter_map(|entry| entry.first());
            cases.extend(first.map(|case| format!("{module}::{case}")));
        }
    }
}

/// The public async functions of the file that the list does not name.
pub(crate) fn findings(listed: &[String], path: &str, text: &str) -> Vec<String> {
    let Some(module) = path
        .strip_prefix("tests/src/cases/")
        .and_then(|path| path.strip_suffix(".rs"))
    else {
        return Vec::new();
    };
    let tokens = tokens(text);
    tokens
        .windows(4)
        .filter(|words| {
            is_word(words.first(), "pub")
                && is_word(words.get(1), "async")
                && is_word(words.get(2), "fn")
        })
        .map(|words| format!("{module}::{}", words[3]))
        .filter(|case| !listed.contains(case))
        .map(|case| format!("`{case}` is not in the list of tests/src/cases.rs, so it never runs"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{findings, listed};

    const LIST: &str = "macro_rules! every_case { ($backend:ident) => { $crate::register! { $backend; \
        crud { one, two requires(returning, lateral), } page { three } } }; }";

    #[test]
    fn the_list_is_read() {
        assert_eq!(listed(LIST), ["crud::one", "crud::two", "page::three"]);
    }

    #[test]
    fn a_case_without_an_entry_is_found() {
        let text = "pub async fn one(db: &Database) {} pub async fn three(db: &Database) {} async fn helper() {}";
        let found = findings(&listed(LIST), "tests/src/cases/crud.rs", text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("`crud::three` "), "{}", found[0]);
    }
}
