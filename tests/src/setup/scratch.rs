//! Folders that live as long as their guard, and the names of everything the harness makes.
//!
//! A name carries the second and the process that made it, so that what a killed process left behind is found
//! and removed by a later one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const FOLDER: &str = "entourage-scratch";

/// A folder of the caller's own, removed with everything in it when the guard is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder below the first temporary folder that other accounts can reach: a server that gives up
    /// root has to walk there too.
    pub fn new() -> io::Result<Self> {
        static SWEEP: Once = Once::new();
        let parent = [std::env::temp_dir(), "/var/tmp".into(), "/tmp".into()]
            .into_iter()
            .find(|folder| reachable_by_all(folder))
            .unwrap_or_else(std::env::temp_dir);
        SWEEP.call_once(|| sweep(&parent));
        let path = parent.join(unique_name(FOLDER, '-'));
        fs::create_dir(&path)?;
        open_to_all(&path)?;
        Ok(Self { path })
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is swept by a later process.
        _ = fs::remove_dir_all(&self.path);
    }
}

/// `prefix`, the second, the process and a counter: unique among processes that share a machine.
pub(super) fn unique_name(prefix: &str, separator: char) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    let parts = [
        now().as_secs().to_string(),
        std::process::id().to_string(),
        counter.to_string(),
    ];
    parts.iter().fold(prefix.to_owned(), |name, part| {
        format!("{name}{separator}{part}")
    })
}

/// The age and the process of a name made by [`unique_name`].
pub(super) fn origin(name: &str, prefix: &str, separator: char) -> Option<(Duration, u32)> {
    let mut parts = name
        .strip_prefix(prefix)?
        .strip_prefix(separator)?
        .split(separator);
    let second = parts.next()?.parse().ok()?;
    let process = parts.next()?.parse().ok()?;
    parts.next()?.parse::<u32>().ok()?;
    parts
        .next()
        .is_none()
        .then(|| (now().saturating_sub(Duration::from_secs(second)), process))
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Removes folders of processes that are gone. The age guards against processes of another container.
fn sweep(parent: &Path) {
    if !Path::new("/proc/self").exists() {
        return;
    }
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let stale = name
            .to_str()
            .and_then(|name| origin(name, FOLDER, '-'))
            .is_some_and(|(age, process)| {
                age > Duration::from_secs(600) && !Path::new(&format!("/proc/{process}")).exists()
            });
        if stale {
            // Two processes may sweep at once; whoever comes second finds nothing.
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn reachable_by_all(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    folder
        .ancestors()
        .all(|step| fs::metadata(step).is_ok_and(|data| data.permissions().mode() & 0o001 != 0))
}

#[cfg(unix)]
fn open_to_all(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn reachable_by_all(folder: &Path) -> bool {
    folder.exists()
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_tell_their_origin() {
        let (one, two) = (unique_name("made_here", '_'), unique_name("made_here", '_'));
        assert_ne!(one, two);
        let (age, process) = origin(&one, "made_here", '_').expect("it was just made");
        assert!(age < Duration::from_secs(60));
        assert_eq!(process, std::process::id());
    }

    #[test]
    fn a_name_somebody_else_made_has_no_origin() {
        for name in [
            "made_here",
            "made_here_1",
            "made_here_1_2_3_4",
            "made_here_a_b_c",
            "other_1_2_3",
        ] {
            assert_eq!(origin(name, "made_here", '_'), None, "{name}");
        }
    }

    #[test]
    fn the_folder_goes_with_its_guard() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().to_owned();
        fs::write(path.join("file"), "content").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
