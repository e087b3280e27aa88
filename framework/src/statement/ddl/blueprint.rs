//! One table as the database should have it: the entity's description with its constraints worked out and named.
use super::name;
use crate::{
    error::{Error, ErrorKind, Result},
    schema::{Cardinality, ColumnDef, OnDelete, RelationDef, SqlType, TableDef},
};

/// A table with its constraints.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// The entity's table.
    pub table: &'static TableDef,
    /// Unique constraints and plain indexes, none twice.
    pub indexes: Vec<Index>,
    /// Foreign keys, none twice.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A unique constraint or a plain index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Positions of its columns.
    pub columns: Vec<usize>,
    /// Whether it is unique.
    pub unique: bool,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// Positions of the columns that hold the key.
    pub columns: Vec<usize>,
    /// The table it points at.
    pub target: &'static TableDef,
    /// Positions of the columns it points at, in the same order.
    pub references: Vec<usize>,
    /// What a delete of the row pointed at does.
    pub on_delete: OnDelete,
}

impl Blueprint {
    /// The tables in the order given, each once.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where a foreign key points at columns that are neither the primary
    /// key nor unique, or where two entities of one table do not fit into what the first of them says.
    pub fn all(tables: &[&'static TableDef]) -> Result<Vec<Self>> {
        let mut blueprints: Vec<Self> = Vec::with_capacity(tables.len());
        for &table in tables {
            match blueprints
                .iter()
                .find(|earlier| same_table(earlier.table, table))
            {
                Some(earlier) => fits_into(table, earlier.table)?,
                None => blueprints.push(Self::of(table)?),
            }
        }
        Ok(blueprints)
    }

    /// One table.
    ///
    /// # Errors
    /// As [`Blueprint::all`].
    pub fn of(table: &'static TableDef) -> Result<Self> {
        Ok(Self {
            table,
            indexes: indexes(table),
            foreign_keys: foreign_keys(table)?,
        })
    }

    /// Whether the column is part of any key or index; MySQL then needs to know how long a text may be.
    pub(super) fn is_keyed(&self, position: usize) -> bool {
        self.table.primary_key.contains(&position)
            || self
                .indexes
                .iter()
                .any(|index| index.columns.contains(&position))
            || self
                .foreign_keys
                .iter()
                .any(|key| key.columns.contains(&position))
    }
}

/// Whether two entities are rows of one table.
pub(super) fn same_table(one: &TableDef, other: &TableDef) -> bool {
    (one.schema, one.name) == (other.schema, other.name)
}

fn fits_into(table: &TableDef, first: &TableDef) -> Result<()> {
    match table
        .columns
        .iter()
        .find(|column| first.columns.iter().all(|other| other.name != column.name))
    {
        None => Ok(()),
        Some(column) => Err(Error::new(
            ErrorKind::Configuration,
            format!(
                "`{}` and `{}` are both rows of `{}`, but `{}` has no column `{}`",
                first.entity, table.entity, table.name, first.entity, column.name
            ),
        )
        .with_hint("name the entity with all the columns first")),
    }
}

fn indexes(table: &TableDef) -> Vec<Index> {
    let mut indexes: Vec<Index> = Vec::new();
    for def in &table.indexes {
        let is_known = |unique| {
            indexes
                .iter()
                .any(|index| index.unique == unique && index.columns == def.columns)
        };
        if def.columns == table.primary_key || is_known(true) || is_known(def.unique) {
            continue;
        }
        let name = match def.unique {
            true => super::unique_name(table, &def.columns),
            false => name::constraint(table, &def.columns, "idx"),
        };
        indexes.push(Index {
            name,
            columns: def.columns.clone(),
            unique: def.unique,
        });
    }
    indexes
}

fn foreign_keys(table: &'static TableDef) -> Result<Vec<ForeignKey>> {
    if table.view.is_some() {
        return Ok(Vec::new());
    }
    let relations = (table.relations)();
    let belongs_to: Vec<_> = relations
        .into_iter()
        .filter(|relation| relation.cardinality == Cardinality::BelongsTo)
        // No constraint can hold against rows that a query gives.
        .filter(|relation| (relation.target)().view.is_none())
        .collect();
    let mut keys: Vec<ForeignKey> = Vec::new();
    for relation in &belongs_to {
        if points_elsewhere_too(relation, &belongs_to) {
            continue;
        }
        let target = (relation.target)();
        let known = keys.iter_mut().find(|key| {
            key.columns == relation.from
                && same_table(key.target, target)
                && key.references == relation.to
        });
        match known {
            Some(key) if key.on_delete == OnDelete::NoAction => key.on_delete = relation.on_delete,
            Some(_) => {}
            None => keys.push(foreign_key(table, relation)?),
        }
    }
    Ok(keys)
}

/// Whether another relation points the same columns at another table.
fn points_elsewhere_too(relation: &RelationDef, all: &[&'static RelationDef]) -> bool {
    all.iter().any(|other| {
        other.from == relation.from && !same_table((other.target)(), (relation.target)())
    })
}

fn foreign_key(table: &'static TableDef, relation: &RelationDef) -> Result<ForeignKey> {
    let target = (relation.target)();
    if !is_unique(target, &relation.to) {
        return Err(points_at_no_key(target, relation));
    }
    Ok(ForeignKey {
        name: name::constraint(table, &relation.from, "fkey"),
        columns: relation.from.clone(),
        target,
        references: relation.to.clone(),
        on_delete: relation.on_delete,
    })
}

fn points_at_no_key(target: &TableDef, relation: &RelationDef) -> Error {
    let listed = |name: fn(&ColumnDef) -> &'static str| {
        let names: Vec<_> = relation
            .to
            .iter()
            .map(|&column| name(&target.columns[column]))
            .collect();
        names.join(", ")
    };
    let fields = listed(|column| column.field);
    let hint = match relation.to.len() {
        1 => format!("mark `{}::{fields}` `#[entity(unique)]`", target.entity),
        _ => format!("add `#[entity(unique({fields}))]` to `{}`", target.entity),
    };
    Error::new(
        ErrorKind::Configuration,
        format!(
            "`{}` points at `{} ({})`, which is neither the primary key nor unique",
            relation.path,
            target.name,
            listed(|column| column.name)
        ),
    )
    .with_hint(hint)
}

/// Whether exactly these columns, in any order, are the primary key or unique.
fn is_unique(table: &TableDef, columns: &[usize]) -> bool {
    let same = |key: &[usize]| {
        key.len() == columns.len() && columns.iter().all(|column| key.contains(column))
    };
    same(&table.primary_key)
        || table
            .indexes
            .iter()
            .any(|index| index.unique && same(&index.columns))
}

/// The labels of a column that is a text enum.
pub(super) fn labels(sql_type: SqlType) -> Option<&'static [&'static str]> {
    match sql_type {
        SqlType::Enum(labels) => Some(labels),
        _ => None,
    }
}
