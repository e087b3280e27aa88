//! The workspace's files, and Rust text as tokens: comments are gone and strings are whole.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// A text file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the workspace, with `/` between its parts.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

/// Every text file that belongs to the workspace, and every folder.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) files: Vec<SourceFile>,
    pub(crate) folders: Vec<String>,
    /// Files that are no text, by path.
    pub(crate) pictures: Vec<String>,
}

const NOT_OURS: [&str; 2] = ["target", ".git"];

impl Workspace {
    /// Reads all of it.
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the package is a folder of the workspace");
        let mut workspace = Self {
            files: Vec::new(),
            folders: Vec::new(),
            pictures: Vec::new(),
        };
        workspace.read_folder(root, "");
        workspace
            .files
            .sort_by(|one, other| one.path.cmp(&other.path));
        workspace
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).expect("a folder of the workspace can be read") {
            let entry: PathBuf = entry.expect("a folder of the workspace can be read").path();
            let name = entry
                .file_name()
                .and_then(|name| name.to_str())
                .expect("our names are in UTF-8");
            let path = format!("{prefix}{name}");
            if NOT_OURS.contains(&name) {
                continue;
            } else if entry.is_dir() {
                self.read_folder(&entry, &format!("{path}/"));
                self.folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&entry) {
                self.files.push(SourceFile { path, text });
            } else {
                self.pictures.push(path);
            }
        }
    }

    /// The Rust files whose path starts so. Inputs of compile-fail tests are wrong on purpose, so they are left out.
    pub(crate) fn rust_below(&self, start: &str) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(move |file| {
            file.path.starts_with(start)
                && file.path.ends_with(".rs")
                && !file.path.contains("/ui/")
        })
    }

    /// The text of a file that must be there.
    pub(crate) fn text_of(&self, path: &str) -> &str {
        let file = self.files.iter().find(|file| file.path == path);
        &file.unwrap_or_else(|| panic!("there is no {path}")).text
    }
}

/// The tokens of a Rust text.
pub(crate) fn tokens(text: &str) -> Vec<TokenTree> {
    let stream: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("not Rust: {error}\n{text}"));
    stream.into_iter().collect()
}

/// Whether the token is this word.
pub(crate) fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

/// Whether the token is this sign.
pub(crate) fn is_sign(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Whether `::` starts at `index`.
pub(crate) fn is_path_separator(tokens: &[TokenTree], index: usize) -> bool {
    is_sign(tokens.get(index), ':') && is_sign(tokens.get(index + 1), ':')
}

/// The tokens inside a pair of brackets.
pub(crate) fn inside(group: &proc_macro2::Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}
