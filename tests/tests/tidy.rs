//! The rules of the house that a compiler does not check, each with self-tests that prove it can fail.
//!
//! A rule is a function from a file's text to its findings, so that a self-test hands it a bad text. The tests below
//! hand it the workspace.

#[path = "tidy/attributes.rs"]
mod attributes;
#[path = "tidy/case_list.rs"]
mod case_list;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/homes.rs"]
mod homes;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/prose.rs"]
mod prose;
#[path = "tidy/source.rs"]
mod source;

use source::{SourceFile, Workspace};

/// The layer table speaks of this folder.
const FRAMEWORK: &str = "framework/src/";

/// Fails with every finding of `rule` over `files`, not just the first.
fn assert_tidy<'f>(
    files: impl Iterator<Item = &'f SourceFile>,
    rule: impl Fn(&SourceFile) -> Vec<String>,
) {
    let mut seen = 0;
    let mut findings = Vec::new();
    for file in files {
        seen += 1;
        findings.extend(
            rule(file)
                .into_iter()
                .map(|finding| format!("{}: {finding}", file.path)),
        );
    }
    assert!(seen > 0, "the rule saw no file at all");
    assert!(
        findings.is_empty(),
        "{} findings\n{}",
        findings.len(),
        findings.join("\n")
    );
}

#[test]
fn framework_modules_import_downwards_only() {
    let workspace = Workspace::read();
    assert_tidy(workspace.rust_below(FRAMEWORK), |file| {
        layers::findings(&file.path[FRAMEWORK.len()..], &file.text)
    });
}

#[test]
fn foreign_crates_stay_in_their_homes() {
    let workspace = Workspace::read();
    assert_tidy(workspace.rust_below(FRAMEWORK), |file| {
        homes::findings(&file.path[FRAMEWORK.len()..], &file.text)
    });
}

#[test]
fn framework_features_are_asked_for_on_mod_and_use_lines_only() {
    let workspace = Workspace::read();
    assert_tidy(workspace.rust_below(FRAMEWORK), |file| {
        attributes::misplaced_features(&file.path[FRAMEWORK.len()..], &file.text)
    });
}

#[test]
fn allowed_lints_have_a_reason_and_no_test_is_ignored() {
    let workspace = Workspace::read();
    assert_tidy(workspace.rust_below(""), |file| {
        attributes::findings(&file.text)
    });
}

#[test]
fn no_doc_example_is_ignored() {
    let workspace = Workspace::read();
    assert_tidy(workspace.files.iter(), |file| {
        attributes::ignored_examples(&file.path, &file.text)
    });
}

#[test]
fn files_are_small_and_name_no_machine() {
    let workspace = Workspace::read();
    assert_tidy(workspace.files.iter(), |file| {
        files::findings(&file.path, &file.text)
    });
}

#[test]
fn prose_names_only_what_exists() {
    let workspace = Workspace::read();
    let facts = prose::Facts::of(&workspace);
    assert_tidy(
        workspace
            .files
            .iter()
            .filter(|file| prose::is_prose(&file.path)),
        |file| prose::findings(&facts, &file.text),
    );
}

#[test]
fn every_case_is_listed_and_so_runs() {
    let workspace = Workspace::read();
    let list = workspace.text_of("tests/src/cases.rs");
    let listed = case_list::listed(list);
    assert_tidy(workspace.rust_below("tests/src/cases"), |file| {
        case_list::findings(&listed, &file.path, &file.text)
    });
}
