//! SQLite databases: a file in a folder of its own, or memory. Neither can be missing.

use super::{Product, Scratch, Skip, TestDatabase};

/// An empty database in a file, as a server process would use it.
pub async fn sqlite() -> Result<TestDatabase, Skip> {
    let folder = Scratch::new().expect("the temporary folder is writable");
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("test.db").display()
    );
    Ok(TestDatabase::new(url, Product::Sqlite, move || {
        drop(folder)
    }))
}

/// An empty database in memory, gone with its last connection.
pub async fn sqlite_memory() -> Result<TestDatabase, Skip> {
    Ok(TestDatabase::new(
        "sqlite::memory:".to_owned(),
        Product::Sqlite,
        || (),
    ))
}
