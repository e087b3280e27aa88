//! Names of tables, constraints and indexes.
//!
//! Constraints and indexes are named as PostgreSQL names them: `posts_author_id_fkey`, `users_email_key`. With the
//! table's name in front they are unique in the database, as MySQL wants of foreign keys and SQLite of indexes.
use crate::{dialect::Dialect, schema::TableDef};

/// PostgreSQL cuts longer names off without a word; MySQL refuses more than 64 characters.
const LONGEST: usize = 63;

/// The table's name, with its schema if it names one.
pub(crate) fn table(table: &TableDef, dialect: Dialect) -> String {
    match table.schema {
        Some(schema) => format!("{}.{}", dialect.quote(schema), dialect.quote(table.name)),
        None => dialect.quote(table.name),
    }
}

/// The quoted names of columns, by position.
pub(crate) fn columns(table: &TableDef, positions: &[usize], dialect: Dialect) -> String {
    let names: Vec<_> = positions
        .iter()
        .map(|&position| dialect.quote(table.columns[position].name))
        .collect();
    names.join(", ")
}

/// The name of a constraint or index over columns; `suffix` says which.
pub(super) fn constraint(table: &TableDef, positions: &[usize], suffix: &str) -> String {
    let columns = positions.iter().map(|&column| table.columns[column].name);
    over(table, columns, suffix)
}

/// The name of a constraint or index over columns that an entity need not have.
pub(crate) fn over<'c>(
    table: &TableDef,
    columns: impl IntoIterator<Item = &'c str>,
    suffix: &str,
) -> String {
    let mut name = table.name.to_owned();
    for column in columns {
        name.push('_');
        name.push_str(column);
    }
    shortened(name, suffix)
}

/// `name_suffix`, with the end of a name that is too long replaced by a hash of all of it.
pub(super) fn shortened(mut name: String, suffix: &str) -> String {
    let room = LONGEST - suffix.len() - 1;
    if name.len() > room {
        let identity = format!("_{:08x}", hash(&name));
        let mut end = room - identity.len();
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        name.push_str(&identity);
    }
    format!("{name}_{suffix}")
}

/// FNV-1a: the same in every version, for the name stays in the database.
pub(super) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_shortened_and_stays_apart_from_its_neighbours() {
        let one = shortened(format!("{}_first", "long_".repeat(14)), "fkey");
        let two = shortened(format!("{}_second", "long_".repeat(14)), "fkey");
        assert_eq!((one.len(), two.len()), (LONGEST, LONGEST));
        assert_ne!(one, two);
        assert_eq!(
            shortened("posts_author_id".to_owned(), "fkey"),
            "posts_author_id_fkey"
        );
        assert!(shortened("ü".repeat(60), "key").len() <= LONGEST);
    }
}
