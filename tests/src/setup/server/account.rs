//! Root runs no database server: which account does, and who owns its data.

use std::fs;
use std::io;
use std::path::Path;

use crate::setup::Skip;

/// An account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    user: u32,
    group: u32,
}

/// The account a server must be given to: none unless this process is root.
pub(super) fn for_server(name: &str) -> Result<Option<Account>, Skip> {
    if !is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    match parse(&accounts, name) {
        Some(account) => Ok(Some(account)),
        None => Err(Skip::new(format!(
            "root needs an account `{name}` to run the server as, and there is none"
        ))),
    }
}

/// Makes a folder that belongs to `account` and that nobody else can enter.
#[cfg(unix)]
pub(super) fn make_folder(path: &Path, account: Option<&Account>) -> io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, chown};
    fs::create_dir(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    match account {
        Some(account) => chown(path, Some(account.user), Some(account.group)),
        None => Ok(()),
    }
}

/// Makes a folder.
#[cfg(not(unix))]
pub(super) fn make_folder(path: &Path, _: Option<&Account>) -> io::Result<()> {
    fs::create_dir(path)
}

/// Writes a file that belongs to `account` and that nobody else can read; one of that name is overwritten.
#[cfg(unix)]
pub(super) fn make_file(path: &Path, content: &str, account: Option<&Account>) -> io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, chown};
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    match account {
        Some(account) => chown(path, Some(account.user), Some(account.group)),
        None => Ok(()),
    }
}

/// Writes a file.
#[cfg(not(unix))]
pub(super) fn make_file(path: &Path, content: &str, _: Option<&Account>) -> io::Result<()> {
    fs::write(path, content)
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // The owner of a process's folder there is the account it runs as.
    fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

fn parse(accounts: &str, name: &str) -> Option<Account> {
    let fields: Vec<&str> = accounts
        .lines()
        .map(|line| line.split(':').collect())
        .find(|fields: &Vec<&str>| fields[0] == name)?;
    let number = |index: usize| fields.get(index)?.parse().ok();
    Some(Account {
        name: name.to_owned(),
        user: number(2)?,
        group: number(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts = "root:x:0:0:root:/:/bin/sh\npostgres-old:x:9:9::/:\npostgres:x:105:112:PG:/:/bin/sh\nbad:x\n";
        let postgres = Account {
            name: "postgres".to_owned(),
            user: 105,
            group: 112,
        };
        assert_eq!(parse(accounts, "postgres"), Some(postgres));
        assert_eq!(parse(accounts, "mysql"), None);
        assert_eq!(parse(accounts, "bad"), None);
    }
}
