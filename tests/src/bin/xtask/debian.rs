//! Installs servers on a Debian machine that is ours to change.

use std::path::Path;
use std::process::Command;

/// Whether packages can be installed without asking anybody: Debian or a child of it, and root.
pub(crate) fn can_install() -> bool {
    Path::new("/etc/debian_version").exists() && is_root()
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Installs the packages from the machine's own sources.
///
/// # Errors
///
/// With the command that failed.
pub(crate) fn install(packages: &[&str]) -> Result<(), String> {
    eprintln!("xtask: installing {}", packages.join(", "));
    apt_get(&["update"])?;
    apt_get(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

fn apt_get(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("apt-get")
        .arg("--quiet=2")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // In this runlevel no package starts its own server: ours are private and on other ports.
        .env("RUNLEVEL", "1")
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "`apt-get {}` failed: {status}",
            arguments.join(" ")
        )),
        Err(error) => Err(format!(
            "`apt-get {}` cannot be run: {error}",
            arguments.join(" ")
        )),
    }
}
