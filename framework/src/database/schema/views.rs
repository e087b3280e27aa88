//! What a check says of views, and the text that mends them: pure.
use super::drift::DriftKind;
use crate::{
    dialect::Dialect,
    schema::TableDef,
    statement::{
        ddl::{self, Blueprint, Index, view as text},
        render::qualified,
    },
};

const NO_QUERY: &str = "the view has no query for this database";
const NO_TRIGGERS: &str =
    "`db.create_view` makes a maintained view anew: its table, its triggers and its rows";

/// The text that makes a view that is missing.
pub(super) fn create(table: &'static TableDef, dialect: Dialect) -> Result<String, &'static str> {
    Ok(texts(table, dialect)?.join(";\n"))
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
    let mend = || {
        // Nobody notes what runs by hand.
        let name = qualified(table).replace('\'', "''");
        let forget = format!("DELETE FROM entourage_views WHERE name = '{name}'");
        Ok(format!("{};\n{forget}", replace(table, dialect)?))
    };
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

/// That there is a table where the view should be, or the reverse.
pub(super) fn wrong_kind(table: &TableDef, is_view: bool, dialect: Dialect) -> Option<DriftKind> {
    let view = table.view?;
    let should_be = !text::is_table(view, dialect);
    (should_be != is_view).then_some(DriftKind::NotAsDeclared { is_view })
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
