//! Finds installed programs, also where a login shell's PATH does not look.

use std::fs;
use std::path::{Path, PathBuf};

const BESIDES_PATH: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/bin"];

/// The absolute path of a program.
pub(in crate::setup) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(BESIDES_PATH.map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_absolute() && file.is_file())
}

/// The folders `parent/<number>/below`, the highest number first.
pub(super) fn newest(parent: &str, below: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(Path::new(parent))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join(below),
            ))
        })
        .collect();
    found.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first_by_number_not_by_letter() {
        let scratch = crate::setup::Scratch::new().unwrap();
        for version in ["9", "15", "17", "common"] {
            fs::create_dir(scratch.path().join(version)).unwrap();
        }
        let found = newest(scratch.path().to_str().unwrap(), "bin");
        assert_eq!(
            found,
            ["17/bin", "15/bin", "9/bin"].map(|folder| scratch.path().join(folder))
        );
    }

    #[test]
    fn a_shell_is_found_and_an_invention_is_not() {
        assert!(program("sh").is_some());
        assert_eq!(program("no-such-program-anywhere"), None);
    }
}
