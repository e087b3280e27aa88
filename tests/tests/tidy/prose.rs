//! Paths, features, packages and commands that prose names must exist.

use crate::source::Workspace;

/// What there is to name.
#[derive(Debug)]
pub(crate) struct Facts {
    paths: Vec<String>,
    features: Vec<String>,
    packages: Vec<String>,
}

impl Facts {
    /// Reads them from the workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let manifests: Vec<&str> = workspace
            .files
            .iter()
            .filter(|file| file.path.ends_with("/Cargo.toml"))
            .map(|file| file.text.as_str())
            .collect();
        let files = workspace.files.iter().map(|file| file.path.clone());
        Self {
            paths: files
                .chain(workspace.folders.iter().cloned())
                .chain(workspace.pictures.iter().cloned())
                .collect(),
            features: manifests
                .iter()
                .flat_map(|manifest| keys(manifest, "features"))
                .collect(),
            packages: manifests
                .iter()
                .filter_map(|manifest| package_name(manifest))
                .collect(),
        }
    }
}

/// The keys of one section of a manifest.
fn keys(manifest: &str, section: &str) -> Vec<String> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != format!("[{section}]"))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once('=')?.0.trim().to_owned()))
        .filter(|key| is_name(key))
        .collect()
}

fn package_name(manifest: &str) -> Option<String> {
    let line = manifest.lines().find(|line| line.starts_with("name = "))?;
    Some(line.split('"').nth(1)?.to_owned())
}

/// Whether a file is prose that describes the workspace.
pub(crate) fn is_prose(path: &str) -> bool {
    path.ends_with(".md")
}

/// What the text names that does not exist.
pub(crate) fn findings(facts: &Facts, text: &str) -> Vec<String> {
    let (prose, fenced) = split_fences(text);
    let mut found = Vec::new();
    let spans = code_spans(&prose);
    for (before, span, after) in &spans {
        found.extend(wrong_path(facts, span));
        if is_name(span) && (names_features(before) || after.trim_start().starts_with("feature")) {
            found.extend(wrong_name("feature", span, &facts.features));
        }
    }
    for target in link_targets(&prose) {
        found.extend(wrong_link(facts, target));
    }
    for line in fenced.lines().chain(spans.iter().map(|(_, span, _)| *span)) {
        found.extend(wrong_command(facts, line));
    }
    found
}

/// The text outside fenced blocks, and the text inside.
fn split_fences(text: &str) -> (String, String) {
    let (mut prose, mut fenced, mut inside) = (String::new(), String::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
            continue;
        }
        let side = if inside { &mut fenced } else { &mut prose };
        side.push_str(line);
        side.push('\n');
    }
    (prose, fenced)
}

/// Each `code span` with the text before it up to the last span, and the text after it.
fn code_spans(prose: &str) -> Vec<(&str, &str, &str)> {
    let parts: Vec<&str> = prose.split('`').collect();
    (1..parts.len())
        .step_by(2)
        .map(|at| {
            (
                parts[at - 1],
                parts[at],
                parts.get(at + 1).copied().unwrap_or(""),
            )
        })
        .collect()
}

fn link_targets(prose: &str) -> impl Iterator<Item = &str> {
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || "-_".contains(sign))
}

/// Whether the words before a span say that it is a feature: `the feature`, `features a,` and the like.
fn names_features(before: &str) -> bool {
    let word = before
        .trim_end()
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or("");
    matches!(
        word.trim_start_matches('('),
        "feature" | "features" | "Feature" | "Features"
    )
}

fn wrong_name(kind: &str, name: &str, known: &[String]) -> Option<String> {
    (!known.iter().any(|known| known == name)).then(|| format!("there is no {kind} `{name}`"))
}

const ENDINGS: [&str; 7] = [".rs", ".toml", ".md", ".yml", ".lock", ".snap", ".stderr"];

/// Names that stand for others in a rule about names.
const PLACEHOLDERS: [&str; 3] = ["foo.rs", "foo/", "mod.rs"];

fn wrong_path(facts: &Facts, span: &str) -> Option<String> {
    let is_text = span
        .chars()
        .all(|sign| sign.is_ascii_alphanumeric() || "_-./*{},".contains(sign));
    let is_path = span.contains('/') || ENDINGS.iter().any(|ending| span.ends_with(ending));
    if PLACEHOLDERS.contains(&span)
        || !is_text
        || !is_path
        || span.starts_with(['/', '*', '-'])
        || span.starts_with("target/")
        || span.contains("//")
    {
        return None;
    }
    let claims = span.ends_with('/')
        || ENDINGS.iter().any(|ending| span.ends_with(ending))
        || starts_in_workspace(facts, span);
    let wrong = claims && expand(span).iter().any(|path| !exists(facts, path));
    wrong.then(|| format!("there is no path `{span}`"))
}

/// `framework/src/pool`, but not `text/html`.
fn starts_in_workspace(facts: &Facts, span: &str) -> bool {
    span.split('/')
        .next()
        .is_some_and(|first| facts.paths.iter().any(|path| path == first))
}

/// `a/{b,c}.rs` is two paths.
fn expand(span: &str) -> Vec<String> {
    let Some((before, (choices, after))) = span
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return vec![span.to_owned()];
    };
    choices
        .split(',')
        .flat_map(|choice| expand(&format!("{before}{choice}{after}")))
        .collect()
}

/// Whether some file or folder ends so; prose may leave out the folders everybody knows.
fn exists(facts: &Facts, path: &str) -> bool {
    let wanted: Vec<&str> = path
        .trim_end_matches('/')
        .trim_start_matches("./")
        .split('/')
        .collect();
    facts.paths.iter().any(|path| {
        let parts: Vec<&str> = path.split('/').collect();
        parts.len() >= wanted.len()
            && parts[parts.len() - wanted.len()..]
                .iter()
                .zip(&wanted)
                .all(|(part, wanted)| matches_star(part, wanted))
    })
}

fn matches_star(part: &str, wanted: &str) -> bool {
    match wanted.split_once('*') {
        None => part == wanted,
        Some((start, end)) => part.starts_with(start) && part.ends_with(end.trim_matches('*')),
    }
}

fn wrong_link(facts: &Facts, target: &str) -> Option<String> {
    let path = target.split('#').next().unwrap_or(target);
    // A path in Rust, in prose that is included into the documentation: rustdoc checks it.
    let in_rust = path.contains("::");
    let elsewhere =
        in_rust || path.is_empty() || path.contains("://") || path.starts_with("mailto:");
    let path = path.trim_start_matches("../");
    (!elsewhere && !exists(facts, path)).then(|| format!("the link `{target}` leads nowhere"))
}

/// Checks `cargo .. -p PACKAGE --features A,B`.
fn wrong_command(facts: &Facts, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.first().map(|word| word.trim_start_matches('$')) != Some("cargo")
        && !words.contains(&"cargo")
    {
        return Vec::new();
    }
    let mut found = Vec::new();
    for pair in words.windows(2) {
        match pair[0] {
            "-p" | "--package" => found.extend(wrong_name("package", pair[1], &facts.packages)),
            "--features" | "-F" => {
                let features = pair[1]
                    .split(',')
                    .map(|feature| feature.rsplit('/').next().unwrap_or(feature));
                found.extend(
                    features.filter_map(|feature| wrong_name("feature", feature, &facts.features)),
                );
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let paths = [
            "README.md",
            "framework",
            "framework/src/driver",
            "framework/src/driver/sqlite.rs",
            "framework/src/lib.rs",
        ];
        Facts {
            paths: paths.map(str::to_owned).into(),
            features: vec!["sqlite".to_owned(), "tls-rustls".to_owned()],
            packages: vec!["quickstart".to_owned()],
        }
    }

    #[test]
    fn what_exists_may_be_named() {
        let text = "Read `README.md`, `driver/sqlite.rs`, `driver/`, `framework/src/{lib,driver/sqlite}.rs`, `src/*.rs` and\n\
            [this](README.md#top) or [that](https://example.org/x.md). Accept `text/html`, `a / b`, `Vec<T>`, `/users/{id}`.\n\
            The feature `sqlite` or the `tls-rustls` feature; the word `nothing`.\n\
            ```sh\ncargo run -p quickstart --features sqlite\n```\nor `cargo test -p quickstart`.";
        assert_eq!(findings(&facts(), text), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_exist_is_found() {
        for text in [
            "see `driver/oracle.rs`",
            "see `oracle.rs`",
            "see `oracle/`",
            "see `framework/src/oracle`",
            "see `driver/{sqlite,oracle}.rs`",
            "see `driver/*.toml`",
            "see [it](docs/oracle.md)",
            "the feature `oracle`",
            "the `oracle` feature",
            "run `cargo run -p oracle`",
            "```sh\ncargo check --features sqlite,oracle\n```",
        ] {
            assert_eq!(findings(&facts(), text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_manifest_tells_its_features_and_its_name() {
        let manifest = "[package]\nname = \"quickstart\"\n[features]\n## Words = more.\ndefault = []\nsqlite = [\"dep:x\"]\n[dependencies]\nx = \"1\"\n";
        assert_eq!(keys(manifest, "features"), ["default", "sqlite"]);
        assert_eq!(package_name(manifest).as_deref(), Some("quickstart"));
    }
}
