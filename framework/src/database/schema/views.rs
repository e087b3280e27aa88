//! What a check says of views, and the text that mends them: pure.
use super::drift::{DriftKind, TableKind};
use crate::{
    database::live::LiveTable,
    dialect::Dialect,
    schema::{TableDef, ViewKind},
    statement::{
        ddl::{self, Blueprint, Index, view as text},
        render::qualified,
    },
};

const NO_QUERY: &str = "the view has no query for this database";
const OTHER_KIND: &str = "what is there may hold rows: drop it by hand, and create the view";
const NO_TRIGGERS: &str =
    "`db.create_view` makes a maintained view anew: its table, its triggers and its rows";

/// The text that makes a view that is missing, and forgets what is noted of an earlier one.
pub(super) fn create(
    table: &'static TableDef,
    is_noted: bool,
    dialect: Dialect,
) -> Result<String, &'static str> {
    let mut texts = texts(table, dialect)?;
    texts.extend(is_noted.then(|| forget(table)));
    Ok(texts.join(";\n"))
}

/// Nobody notes what runs by hand.
fn forget(table: &'static TableDef) -> String {
    let name = qualified(table).replace('\'', "''");
    format!("DELETE FROM entourage_views WHERE name = '{name}'")
}

/// The text that makes a view anew, which is all that changes one.
pub(super) fn replace(table: &'static TableDef, dialect: Dialect) -> Result<String, &'static str> {
    let view = table.view.ok_or(NO_QUERY)?;
    let mut texts = texts(table, dialect)?;
    let drop = text::drop(table, view, dialect);
    // On SQLite a plain view is dropped anyhow.
    if !texts.contains(&drop) {
        texts.insert(0, drop);
    }
    Ok(texts.join(";\n"))
}

fn texts(table: &'static TableDef, dialect: Dialect) -> Result<Vec<String>, &'static str> {
    let view = table.view.ok_or(NO_QUERY)?;
    if table.is_maintained_view() {
        return Err(NO_TRIGGERS);
    }
    let mut texts = text::create(table, view, dialect).map_err(|_| NO_QUERY)?;
    if !view.is_plain() {
        texts.push(text::fill(table, view, false, dialect).map_err(|_| NO_QUERY)?);
    }
    Ok(texts)
}

/// That the view was made with another query; `made` is the number of that one.
pub(super) fn other_query(
    table: &'static TableDef,
    made: i64,
    dialect: Dialect,
) -> Option<(DriftKind, Result<String, &'static str>)> {
    let view = table.view?;
    let now = text::definition(table, view, dialect).ok()?;
    let mend = || Ok(format!("{};\n{}", replace(table, dialect)?, forget(table)));
    (made != now).then(|| (DriftKind::OtherQuery, mend()))
}

/// That triggers of a maintained view are missing.
pub(super) fn missing_trigger(
    table: &'static TableDef,
    name: &str,
    dialect: Dialect,
) -> (DriftKind, Result<String, &'static str>) {
    let kind = DriftKind::MissingTrigger {
        name: name.to_owned(),
    };
    // What was written without the trigger is not in the view.
    (kind, replace(table, dialect))
}

/// That what is there is of another kind than the view, and the text that mends it where no rows are lost but those of the
/// query.
pub(super) fn wrong_kind(
    table: &'static TableDef,
    live: &LiveTable,
    dialect: Dialect,
) -> Option<(DriftKind, Result<String, &'static str>)> {
    let view = table.view?;
    let wanted = match view.kind {
        _ if text::is_table(view, dialect) => TableKind::Table,
        ViewKind::Materialized => TableKind::MaterializedView,
        ViewKind::Plain | ViewKind::Maintained(_) => TableKind::View,
    };
    let (found, word) = match (live.is_view, live.is_materialized) {
        (_, true) => (TableKind::MaterializedView, Some("MATERIALIZED VIEW")),
        (true, false) => (TableKind::View, Some("VIEW")),
        (false, false) => (TableKind::Table, None),
    };
    let mend = || {
        let word = word.ok_or(OTHER_KIND)?;
        let drop = format!("DROP {word} {}", ddl::table_name(table, dialect));
        Ok(format!("{drop};\n{}", texts(table, dialect)?.join(";\n")))
    };
    (found != wanted).then(|| (DriftKind::NotAsDeclared { found, wanted }, mend()))
}

/// The indexes of a view that keeps its rows, and the text that adds one.
pub(super) fn indexes(blueprint: &Blueprint, dialect: Dialect) -> Vec<(Index, String)> {
    if dialect != Dialect::Postgres || !blueprint.table.is_materialized_view() {
        return Vec::new();
    }
    text::indexes(blueprint)
        .into_iter()
        .map(|index| {
            let sql = ddl::create_index(blueprint.table, &index, "", dialect);
            (index, sql)
        })
        .collect()
}
