//! Puts one of the official SQL files into the database it is connected to.
//!
//! The files create a database of their own, which is left out here, and they disagree about names: PostgreSQL's has
//! `invoice_line`, the others `InvoiceLine`. The mapping has one set of names, so tables and columns are renamed after
//! loading where they differ.
use entourage::{Database, Result, dialect::Dialect, schema::Entity, schema::TableDef};

use crate::model::{
    Album, Artist, Customer, Employee, Genre, Invoice, InvoiceLine, MediaType, Playlist,
    PlaylistTrack, Track,
};

/// Runs the text of the SQL file for the database's dialect.
///
/// # Errors
/// The database's; nothing says what was done then, so load into an empty database.
pub async fn load(db: &Database, sql: &str) -> Result<()> {
    let start = sql.find("CREATE TABLE").unwrap_or_default();
    let script = match db.dialect() {
        // It drops its own tables first, and one transaction is much faster than one a row.
        Dialect::Sqlite => format!("BEGIN;\n{}\nCOMMIT;", &sql[start..]),
        Dialect::Postgres => sql[start..].to_owned(),
        // One title has a backslash, which the other two databases take as it is.
        Dialect::Mysql => format!(
            "SET @mode = @@sql_mode; SET sql_mode = CONCAT(@mode, ',NO_BACKSLASH_ESCAPES');\n{}\nSET sql_mode = @mode;",
            &sql[start..]
        ),
    };
    db.execute_script(script.trim_start_matches('\u{feff}'))
        .await?;
    if db.dialect() == Dialect::Postgres {
        return Ok(());
    }
    for table in tables() {
        db.execute_script(&renames(table, db.dialect())).await?;
    }
    Ok(())
}

fn tables() -> [&'static TableDef; 11] {
    [
        Artist::table(),
        Album::table(),
        Track::table(),
        Genre::table(),
        MediaType::table(),
        Playlist::table(),
        PlaylistTrack::table(),
        Employee::table(),
        Customer::table(),
        Invoice::table(),
        InvoiceLine::table(),
    ]
}

/// The statements that give a table of the `InvoiceLine` kind the names of the mapping. Names that differ in case alone
/// are the same on SQLite; so are columns everywhere.
fn renames(table: &TableDef, dialect: Dialect) -> String {
    let quote = |name: &str| dialect.quote(name);
    let old = pascal_case(table.name);
    let mut script = String::new();
    if !old.eq_ignore_ascii_case(table.name) || dialect == Dialect::Mysql {
        script += &format!(
            "ALTER TABLE {} RENAME TO {};\n",
            quote(&old),
            quote(table.name)
        );
    }
    for column in &table.columns {
        let old = pascal_case(column.name);
        if !old.eq_ignore_ascii_case(column.name) {
            let table = quote(table.name);
            script += &format!(
                "ALTER TABLE {table} RENAME COLUMN {} TO {};\n",
                quote(&old),
                quote(column.name)
            );
        }
    }
    script
}

fn pascal_case(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect()
}
