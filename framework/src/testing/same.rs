//! The statements of a block, compared with a file.
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::observe::Scope;

/// Set to anything, it makes `assert_same_queries!` write its files.
const UPDATE: &str = "ENTOURAGE_UPDATE_QUERIES";

/// The file that `assert_same_queries!` compares with: `queries/<name>.sql` beside the test's own file.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
}

impl Snapshot {
    /// The snapshot `name` of the test in `file`, as `file!()` gives it, of the package in `manifest`.
    pub fn new(manifest: &str, file: &str, name: &str) -> Self {
        // `file!()` is relative to the workspace, which is the package or a folder around it.
        let test = Path::new(manifest)
            .ancestors()
            .map(|folder| folder.join(file))
            .find(|path| path.is_file())
            .unwrap_or_else(|| Path::new(manifest).join(file));
        let folder = test.parent().unwrap_or(Path::new(manifest));
        Self {
            path: folder.join("queries").join(format!("{name}.sql")),
        }
    }

    /// Compares the statements of `scope` with the file, or writes it if the environment says so.
    ///
    /// # Panics
    /// If they differ. What was found is written beside the file, with `.new` at the end, except where the environment
    /// variable `CI` is set.
    #[track_caller]
    pub fn check(&self, scope: &Scope, error: Option<String>) {
        if let Some(error) = error {
            panic!("the block failed: {error}");
        }
        let found = describe(scope);
        if std::env::var_os(UPDATE).is_some() {
            return write(&self.path, &found);
        }
        let path = self.path.display();
        let expected = fs::read_to_string(&self.path).ok();
        if expected.as_deref() == Some(found.as_str()) {
            return;
        }
        let mut way_out = format!("set {UPDATE}=1 to accept it");
        if std::env::var_os("CI").is_none() {
            let mut new = self.path.clone().into_os_string();
            new.push(".new");
            write(Path::new(&new), &found);
            let _ = write!(way_out, ", or rename {path}.new");
        }
        match expected {
            None => panic!("there is no {path} yet; {way_out}\n\n{found}"),
            Some(expected) => panic!(
                "the statements are not those of {path}; {way_out}\n\n{}",
                difference(&expected, &found)
            ),
        }
    }
}

#[track_caller]
fn write(path: &Path, text: &str) {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    if let Err(error) = written {
        panic!("{} cannot be written: {error}", path.display());
    }
}

/// One line for each statement in the order in which they were asked for; equal ones in a row are counted.
fn describe(scope: &Scope) -> String {
    let mut statements = scope.statements();
    statements.retain(crate::observe::Recorded::counts);
    statements.sort_by_key(|run| run.began);
    let mut lines: Vec<(usize, String)> = Vec::new();
    for run in &statements {
        match lines.last_mut() {
            Some((count, sql)) if sql == run.normalized() => *count += 1,
            _ => lines.push((1, run.normalized().to_owned())),
        }
    }
    let mut text = String::new();
    for (count, sql) in lines {
        let _ = match count {
            1 => writeln!(text, "{sql};"),
            _ => writeln!(text, "{sql}; -- {count} times"),
        };
    }
    text
}

/// Both texts by lines, with what they have in common once.
fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let common = longest_common(&expected, &found);
    let (mut text, mut left, mut right) = (String::new(), 0, 0);
    for (at_left, at_right) in common.into_iter().chain([(expected.len(), found.len())]) {
        for line in &expected[left..at_left] {
            let _ = writeln!(text, "- {line}");
        }
        for line in &found[right..at_right] {
            let _ = writeln!(text, "+ {line}");
        }
        if let Some(line) = found.get(at_right) {
            let _ = writeln!(text, "  {line}");
        }
        (left, right) = (at_left + 1, at_right + 1);
    }
    text
}

/// Positions of a longest common subsequence.
fn longest_common(left: &[&str], right: &[&str]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for (row, left) in left.iter().enumerate().rev() {
        for (column, right) in right.iter().enumerate().rev() {
            lengths[row][column] = match left == right {
                true => lengths[row + 1][column + 1] + 1,
                false => lengths[row + 1][column].max(lengths[row][column + 1]),
            };
        }
    }
    let (mut row, mut column, mut common) = (0, 0, Vec::new());
    while row < left.len() && column < right.len() {
        if left[row] == right[column] {
            common.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if lengths[row + 1][column] >= lengths[row][column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_shows_what_went_and_what_came() {
        let shown = difference("a;\nb;\nc;\n", "a;\nx;\nc;\nd;\n");
        assert_eq!(shown, "  a;\n- b;\n+ x;\n  c;\n+ d;\n");
        assert_eq!(difference("", "a;\n"), "+ a;\n");
    }
}
