//! The statements that mend what the lint finds. Pure.
use super::table::{Column, Fitness, Table};
use crate::{dialect::Dialect, statement::ddl};

/// MySQL's longest key is 3072 bytes, four of these in utf8mb4.
const BEGINNING: usize = 191;

/// How the statements are to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) dialect: Dialect,
    /// PostgreSQL's CONCURRENTLY.
    pub(super) concurrently: bool,
}

impl Form {
    fn word(self) -> &'static str {
        match self.concurrently && self.dialect == Dialect::Postgres {
            true => " CONCURRENTLY",
            false => "",
        }
    }
}

/// The name of a plain index over the columns, as the framework names it; with a number where that is taken.
pub(super) fn name(table: &Table, columns: &[usize], number: usize) -> String {
    let names = columns
        .iter()
        .map(|&column| table.columns[column].name.as_str());
    let suffix = match number {
        0 => "idx".to_owned(),
        number => format!("idx{number}"),
    };
    ddl::name::over(table.def, names, &suffix)
}

/// A name that no index of the table has, and none that is proposed already.
pub(super) fn free_name(table: &Table, columns: &[usize], given: &[String]) -> String {
    let is_free = |name: &String| {
        let live = table.indexes.iter().map(|index| &index.live.name);
        live.chain(&table.invalid)
            .chain(given)
            .all(|taken| taken != name)
    };
    let mut names = (0..).map(|number| name(table, columns, number));
    names.find(is_free).unwrap_or_default()
}

/// `CREATE INDEX`
pub(super) fn create(table: &Table, name: &str, columns: &[(usize, bool)], form: Form) -> String {
    let dialect = form.dialect;
    let columns: Vec<_> = columns
        .iter()
        .map(|&(column, descending)| {
            let Column { name, fitness } = &table.columns[column];
            let mut text = dialect.quote(name);
            if *fitness == Fitness::Beginning {
                text.push_str(&format!("({BEGINNING})"));
            }
            if descending {
                text.push_str(" DESC");
            }
            text
        })
        .collect();
    // SQLite has the attached database's name before the index, not before the table.
    let (prefix, on) = match (dialect, table.def.schema) {
        (Dialect::Sqlite, Some(schema)) => (
            format!("{}.", dialect.quote(schema)),
            dialect.quote(table.def.name),
        ),
        _ => (String::new(), ddl::name::table(table.def, dialect)),
    };
    format!(
        "CREATE INDEX{} {prefix}{} ON {on} ({})",
        form.word(),
        dialect.quote(name),
        columns.join(", ")
    )
}

/// `DROP INDEX`
pub(super) fn drop(table: &Table, index: &str, form: Form) -> String {
    let dialect = form.dialect;
    let name = dialect.quote(index);
    match (dialect, table.def.schema) {
        (Dialect::Mysql, _) => {
            format!(
                "DROP INDEX {name} ON {}",
                ddl::name::table(table.def, dialect)
            )
        }
        (_, Some(schema)) => {
            format!("DROP INDEX{} {}.{name}", form.word(), dialect.quote(schema))
        }
        (_, None) => format!("DROP INDEX{} {name}", form.word()),
    }
}
