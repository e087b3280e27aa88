//! Files are small, are found where their module says, and name no machine.

/// Past this many lines a file hides more than one subject.
const MOST_LINES: usize = 800;

/// Folders below which a machine keeps what is its own.
const MACHINE_FOLDERS: [&str; 4] = ["root", "home", "Users", "work"];

/// What is wrong with the file as a file.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if path.ends_with("/mod.rs") {
        found.push(
            "`foo.rs` beside `foo/` says in its tab what it is; `mod.rs` does not".to_owned(),
        );
    }
    let lines = text.lines().count();
    if path.ends_with(".rs") && lines > MOST_LINES {
        found.push(format!(
            "{lines} lines, more than {MOST_LINES}: split it along a noun"
        ));
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(folder) = MACHINE_FOLDERS
            .iter()
            .find(|folder| names_folder(line, folder))
        {
            found.push(format!(
                "line {}: `/{folder}/..` is a path of one machine",
                index + 1
            ));
        }
    }
    found
}

/// Whether an absolute path below `/folder/` stands in the line.
fn names_folder(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    line.match_indices(&path).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|sign| sign.is_alphanumeric() || "_.-~/})>*$".contains(sign))
    })
}

#[cfg(test)]
mod tests {
    use super::findings;

    #[test]
    fn an_ordinary_file_is_fine() {
        let text =
            "see tests/work/notes, https://example.org/home/ann, ${HOME}/work/x and /run/socket\n";
        assert!(findings("framework/src/pool.rs", text).is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in super::MACHINE_FOLDERS {
            for line in [
                format!("/{folder}/x"),
                format!("open(\"/{folder}/x\")"),
                format!("file:/{folder}/x=/{folder}/y"),
            ] {
                assert_eq!(findings("a.md", &line).len(), 1, "{line}");
            }
        }
    }

    #[test]
    fn a_long_file_is_found() {
        let long = "fn f() {}\n".repeat(801);
        assert_eq!(findings("framework/src/pool.rs", &long).len(), 1);
        assert!(findings("Cargo.lock", &long).is_empty());
    }

    #[test]
    fn a_mod_rs_is_found() {
        assert_eq!(findings("framework/src/pool/mod.rs", "").len(), 1);
    }
}
