//! Entities compared with live tables: pure.
use super::{
    drift::{Drift, DriftKind, SchemaReport},
    families, views,
};
use crate::{
    database::live::{LiveColumn, LiveForeignKey, LiveIndex, LiveTable, same_name},
    dialect::Dialect,
    schema::{ColumnDefault, OnDelete, TableDef},
    statement::{
        ddl::{self, Alteration, Blueprint, ForeignKey, Index, Step},
        render::qualified,
    },
};

const KEY_CHANGE: &str =
    "changing a primary key means rebuilding the table and all that points at it";

/// What is compared.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// The tables as the first entity of each describes them, in the order in which they can be made.
    pub(super) steps: &'a [Step],
    /// Further entities of the same tables.
    pub(super) others: &'a [Blueprint],
    /// All the entities' tables.
    pub(super) tables: &'a [&'static TableDef],
    /// By which query each view that keeps its rows was made, where that is known.
    pub(super) definitions: &'a [(&'static TableDef, i64)],
    /// The triggers that maintained views lack.
    pub(super) triggers: &'a [(&'static TableDef, String)],
    /// What is there, in the order of `tables`.
    pub(super) live: &'a [Option<LiveTable>],
}

impl Subject<'_> {
    fn live(&self, table: &TableDef) -> Option<&LiveTable> {
        let at = self.tables.iter().position(|other| other.is(table))?;
        self.live[at].as_ref()
    }

    fn is_noted(&self, view: &TableDef) -> bool {
        self.definitions.iter().any(|(table, _)| table.is(view))
    }
}

/// The differences, missing tables first, and missing views after them.
pub(super) fn report(subject: &Subject<'_>, dialect: Dialect) -> SchemaReport {
    let (mut missing, mut rest) = (Vec::new(), Vec::new());
    for step in subject.steps {
        let blueprint = &step.blueprint;
        match subject.live(blueprint.table) {
            Some(live) => {
                let comparison = Comparison::new(blueprint, live, dialect);
                rest.extend(comparison.drifts());
                rest.extend(comparison.unmapped(subject.tables));
            }
            None if blueprint.table.view.is_some() => {}
            None => {
                missing.push(missing_table(step, dialect));
                let later = step.deferred(dialect);
                rest.extend(later.map(|key| missing_key(blueprint, &key.foreign_key, dialect)));
            }
        }
    }
    for blueprint in subject.others {
        if let Some(live) = subject.live(blueprint.table) {
            let drifts = Comparison::new(blueprint, live, dialect).drifts();
            let known = |drift: &Drift| {
                let same =
                    |other: &Drift| (&other.table, &other.kind) == (&drift.table, &drift.kind);
                rest.iter().any(same)
            };
            let news: Vec<_> = drifts.into_iter().filter(|drift| !known(drift)).collect();
            rest.extend(news);
        }
    }
    for &(table, made) in subject.definitions {
        if let Some((kind, mend)) = views::other_query(table, made, dialect)
            && subject.live(table).is_some()
        {
            rest.push(drift(table, kind, mend));
        }
    }
    for (table, name) in subject.triggers {
        if subject.live(table).is_some() {
            let (kind, mend) = views::missing_trigger(table, name, dialect);
            rest.push(drift(table, kind, mend));
        }
    }
    let gone = |view: &&'static TableDef| subject.live(view).is_none();
    let views = ddl::view::among(subject.tables);
    missing.extend(
        views
            .into_iter()
            .filter(gone)
            .map(|view| missing_view(view, subject.is_noted(view), dialect)),
    );
    missing.append(&mut rest);
    SchemaReport::new(missing)
}

/// Whether the live key is the one that `table` should have, whatever its name and its action.
pub(super) fn same_key(
    table: &TableDef,
    key: &ForeignKey,
    live: &LiveForeignKey,
    dialect: Dialect,
) -> bool {
    let same = |ours: &str, theirs: &str| same_name(dialect, ours, theirs);
    let same_schema = match (key.target.schema, &live.target_schema) {
        (Some(ours), Some(theirs)) => same(ours, theirs),
        _ => true,
    };
    let pairs = || key.columns.iter().zip(&key.references);
    same_schema
        && same(key.target.name, &live.target)
        && live.columns.len() == key.columns.len()
        && live.columns.iter().zip(&live.references).all(|(from, to)| {
            pairs().any(|(&column, &reference)| {
                same(table.columns[column].name, from)
                    && to
                        .as_ref()
                        .is_none_or(|to| same(key.target.columns[reference].name, to))
            })
        })
}

struct Comparison<'a> {
    blueprint: &'a Blueprint,
    live: &'a LiveTable,
    dialect: Dialect,
}

impl<'a> Comparison<'a> {
    fn new(blueprint: &'a Blueprint, live: &'a LiveTable, dialect: Dialect) -> Self {
        Self {
            blueprint,
            live,
            dialect,
        }
    }

    fn drifts(&self) -> Vec<Drift> {
        let mut drifts = Vec::new();
        let table = self.blueprint.table;
        if let Some((kind, mend)) = views::wrong_kind(table, self.live, self.dialect) {
            drifts.push(drift(table, kind, mend));
        }
        for position in 0..self.blueprint.table.columns.len() {
            self.column(position, &mut drifts);
        }
        if self.live.is_view {
            // A view has no keys of its own, but one that keeps its rows has indexes.
            for (index, sql) in views::indexes(self.blueprint, self.dialect) {
                drifts.extend(
                    self.missing_index(&index)
                        .map(|kind| drift(table, kind, Ok(sql))),
                );
            }
        } else {
            drifts.extend(self.primary_key());
            let indexes = self.blueprint.indexes.iter();
            drifts.extend(indexes.filter_map(|index| self.index(index)));
            let keys = self.blueprint.foreign_keys.iter();
            drifts.extend(keys.filter_map(|key| self.foreign_key(key)));
        }
        drifts
    }

    fn column(&self, position: usize, drifts: &mut Vec<Drift>) {
        let def = &self.blueprint.table.columns[position];
        let column = def.name.to_owned();
        let Some(live) = self.live_column(def.name) else {
            let kind = DriftKind::MissingColumn { column };
            drifts.push(self.altered(kind, Alteration::AddColumn(position)));
            return;
        };
        if !families::fits(self.dialect, def.sql_type, &live.type_name) {
            let kind = DriftKind::TypeMismatch {
                column: column.clone(),
                expected: self.dialect.type_name(def.sql_type, def.length),
                found: live.type_name.clone(),
            };
            drifts.push(self.altered(kind, Alteration::SetType(position)));
        }
        if self.live.is_view {
            return;
        }
        if def.nullable != live.nullable {
            let kind = DriftKind::NullabilityMismatch {
                column: column.clone(),
                nullable: live.nullable,
            };
            drifts.push(self.altered(kind, Alteration::SetNullability(position)));
        }
        let left_to_the_database = matches!(
            def.default,
            ColumnDefault::Generated | ColumnDefault::Sql(_)
        );
        if left_to_the_database && !live.has_default {
            let kind = DriftKind::MissingDefault { column };
            drifts.push(self.altered(kind, Alteration::SetDefault(position)));
        }
    }

    /// Live columns that need a value and that no entity of the table has a field for.
    fn unmapped<'s>(&'s self, tables: &'s [&'static TableDef]) -> impl Iterator<Item = Drift> + 's {
        let table = self.blueprint.table;
        let entities = tables
            .iter()
            .filter(move |other| (other.schema, other.name) == (table.schema, table.name));
        let mapped = move |name: &str| {
            let mut columns = entities.clone().flat_map(|entity| &entity.columns);
            columns.any(|column| same_name(self.dialect, column.name, name))
        };
        let required = |column: &&LiveColumn| !column.nullable && !column.has_default;
        let columns = self.live.columns.iter().filter(required);
        columns
            .filter(move |column| !self.live.is_view && !mapped(&column.name))
            .map(|column| {
                let kind = DriftKind::UnmappedColumn {
                    column: column.name.clone(),
                };
                let alteration = Alteration::DropNotNull {
                    column: &column.name,
                    type_name: &column.type_name,
                };
                self.altered(kind, alteration)
            })
    }

    fn primary_key(&self) -> Option<Drift> {
        let table = self.blueprint.table;
        if self.covers(&self.live.primary_key, &table.primary_key) {
            return None;
        }
        let kind = DriftKind::PrimaryKeyMismatch {
            expected: names(table, &table.primary_key),
            found: self.live.primary_key.clone(),
        };
        Some(drift(table, kind, Err(KEY_CHANGE)))
    }

    fn index(&self, index: &Index) -> Option<Drift> {
        let kind = self.missing_index(index)?;
        Some(self.altered(kind, Alteration::AddIndex(index)))
    }

    fn missing_index(&self, index: &Index) -> Option<DriftKind> {
        let table = self.blueprint.table;
        let promised = |live: &'a LiveIndex| Some((live.unique, live.promised()?));
        let has_it = self
            .live
            .indexes
            .iter()
            .filter_map(promised)
            .any(|(unique, columns)| {
                if index.unique {
                    unique && self.covers(&columns, &index.columns)
                } else {
                    let leading = columns.iter().zip(&index.columns);
                    columns.len() >= index.columns.len()
                        && leading.into_iter().all(|(live, &position)| {
                            same_name(self.dialect, table.columns[position].name, live)
                        })
                }
            });
        if has_it {
            return None;
        }
        Some(DriftKind::MissingIndex {
            columns: names(table, &index.columns),
            unique: index.unique,
        })
    }

    fn foreign_key(&self, key: &ForeignKey) -> Option<Drift> {
        let table = self.blueprint.table;
        let found = self
            .live
            .foreign_keys
            .iter()
            .find(|live| same_key(table, key, live, self.dialect));
        let Some(live) = found else {
            return Some(missing_key(self.blueprint, key, self.dialect));
        };
        // A relation that says nothing leaves it to the database.
        if key.on_delete == OnDelete::NoAction || live.on_delete == key.on_delete.sql() {
            return None;
        }
        let kind = DriftKind::OnDeleteMismatch {
            columns: names(table, &key.columns),
            expected: key.on_delete,
            found: live.on_delete.clone(),
        };
        let (drop, add) = (
            Alteration::DropForeignKey(&live.name),
            Alteration::AddForeignKey(key),
        );
        let mend = drop.render(self.blueprint, self.dialect).and_then(|drop| {
            Ok(format!(
                "{drop};\n{}",
                add.render(self.blueprint, self.dialect)?
            ))
        });
        Some(drift(table, kind, mend))
    }

    fn altered(&self, kind: DriftKind, alteration: Alteration<'_>) -> Drift {
        let table = self.blueprint.table;
        let mend = match table.view {
            None => alteration.render(self.blueprint, self.dialect),
            Some(_) => views::replace(table, self.dialect),
        };
        drift(table, kind, mend)
    }

    fn live_column(&self, name: &str) -> Option<&LiveColumn> {
        self.live
            .columns
            .iter()
            .find(|live| same_name(self.dialect, name, &live.name))
    }

    /// Whether the live columns are just these, in any order.
    fn covers(&self, live: &[impl AsRef<str>], positions: &[usize]) -> bool {
        let table = self.blueprint.table;
        live.len() == positions.len()
            && positions.iter().all(|&position| {
                let name = table.columns[position].name;
                live.iter()
                    .any(|live| same_name(self.dialect, name, live.as_ref()))
            })
    }
}

fn missing_table(step: &Step, dialect: Dialect) -> Drift {
    let texts = step.create(dialect).join(";\n");
    drift(step.blueprint.table, DriftKind::MissingTable, Ok(texts))
}

fn missing_view(table: &'static TableDef, is_noted: bool, dialect: Dialect) -> Drift {
    let mend = views::create(table, is_noted, dialect);
    drift(table, DriftKind::MissingView, mend)
}

fn missing_key(blueprint: &Blueprint, key: &ForeignKey, dialect: Dialect) -> Drift {
    let kind = DriftKind::MissingForeignKey {
        columns: names(blueprint.table, &key.columns),
        target: qualified(key.target).to_string(),
    };
    let mend = Alteration::AddForeignKey(key).render(blueprint, dialect);
    drift(blueprint.table, kind, mend)
}

fn drift(table: &'static TableDef, kind: DriftKind, mend: Result<String, &'static str>) -> Drift {
    Drift {
        entity: table.entity,
        table: qualified(table).to_string(),
        kind,
        mend,
    }
}

fn names(table: &TableDef, positions: &[usize]) -> Vec<String> {
    positions
        .iter()
        .map(|&position| table.columns[position].name.to_owned())
        .collect()
}
