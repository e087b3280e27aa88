//! One table as the lint sees it: its live indexes, and what is looked for in it. Pure.
use super::{
    finding::Evidence,
    serve::{self, Wanted},
};
use crate::{
    database::live::{LiveIndex, LiveTable, same_name},
    dialect::Dialect,
    schema::{SqlType, TableDef, expression::Direction},
    statement::Seek,
};

/// A table, by the positions of its live columns.
#[derive(Debug)]
pub(super) struct Table {
    /// The first of its entities.
    pub(super) def: &'static TableDef,
    pub(super) columns: Vec<Column>,
    pub(super) indexes: Vec<Index>,
    /// The names of indexes that serve nobody, for they are not complete.
    pub(super) invalid: Vec<String>,
    /// The columns of indexes that an entity declares, whether they are there or not.
    pub(super) declared: Vec<Vec<usize>>,
    pub(super) wants: Vec<Want>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) fitness: Fitness,
}

/// What an index can do with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitness {
    Good,
    /// Half of the rows have the same value: it helps beside others only.
    Flag,
    /// MySQL takes the first characters only, which find but do not order.
    Beginning,
    /// No index over it would help.
    Unfit,
}

/// An index that is there, or one that is proposed.
#[derive(Debug, Clone)]
pub(super) struct Index {
    pub(super) live: LiveIndex,
    /// Its columns, up to the first expression.
    pub(super) columns: Vec<usize>,
    /// How often it was read; `None` where nobody counts.
    pub(super) reads: Option<u64>,
}

impl Index {
    /// Whether it is over columns alone, and over all rows.
    pub(super) fn is_plain(&self) -> bool {
        !self.live.partial && self.columns.len() == self.live.parts.len()
    }
}

/// Something that an index should serve.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) wanted: Wanted,
    pub(super) evidence: Evidence,
}

/// A foreign key of a table, as far as the lint cares.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The names of the columns.
    pub(super) columns: Vec<String>,
    /// The table at its other end.
    pub(super) target: String,
}

impl Table {
    /// The table with no wants but those of the `keys`.
    pub(super) fn new(
        def: &'static TableDef,
        others: &[&'static TableDef],
        live: &LiveTable,
        keys: Vec<Key>,
        dialect: Dialect,
    ) -> Self {
        let columns = live.columns.iter().map(|column| Column {
            name: column.name.clone(),
            fitness: fitness(def, &column.name, &column.type_name, dialect),
        });
        let mut table = Self {
            def,
            columns: columns.collect(),
            indexes: Vec::new(),
            invalid: Vec::new(),
            declared: Vec::new(),
            wants: Vec::new(),
        };
        for live in &live.indexes {
            match live.valid {
                true => table.indexes.push(Index {
                    columns: table.leading(live, dialect),
                    live: live.clone(),
                    reads: None,
                }),
                false => table.invalid.push(live.name.clone()),
            }
        }
        for entity in std::iter::once(&def).chain(others) {
            let declared = entity.indexes.iter().filter_map(|index| {
                let name = |&column: &usize| entity.columns[column].name;
                table.positions(index.columns.iter().map(name), dialect)
            });
            let declared: Vec<_> = declared.collect();
            table.declared.extend(declared);
        }
        for key in keys {
            let columns = key.columns.iter().map(String::as_str);
            if let Some(columns) = table.positions(columns, dialect) {
                table.want_key(columns, key.target);
            }
        }
        table
    }

    /// Adds what a statement looked for, if all of its columns are there.
    pub(super) fn want_seek(&mut self, seek: &Seek, evidence: Evidence, dialect: Dialect) {
        let of = |columns: &[usize]| {
            let name = |&column: &usize| seek.table.columns[column].name;
            self.positions(columns.iter().map(name), dialect)
        };
        let order: Vec<_> = seek.order.iter().map(|(column, _)| *column).collect();
        let (Some(equal), Some(among), Some(null), Some(range), Some(order)) = (
            of(&seek.equal),
            of(&seek.among),
            of(&seek.null),
            of(&seek.range),
            of(&order),
        ) else {
            return;
        };
        let descending = seek.order.iter().map(|(_, way)| *way == Direction::Desc);
        let sought = serve::Sought {
            equal,
            among,
            null,
            range,
            order: order.into_iter().zip(descending).collect(),
        };
        let Some(sought) = sought.fit(&self.columns) else {
            return;
        };
        let wanted = Wanted::Seek(sought);
        match self.wants.iter_mut().find(|want| want.wanted == wanted) {
            Some(want) => want.evidence.add(&evidence),
            None => self.wants.push(Want { wanted, evidence }),
        }
    }

    /// The names of columns.
    pub(super) fn names(&self, columns: &[usize]) -> Vec<String> {
        let name = |&column: &usize| self.columns[column].name.clone();
        columns.iter().map(name).collect()
    }

    fn want_key(&mut self, columns: Vec<usize>, target: String) {
        let is_same = |want: &Want| match &want.wanted {
            Wanted::Key { columns: known, .. } => serve::same_set(known, &columns),
            Wanted::Seek(_) => false,
        };
        if !self.wants.iter().any(is_same) {
            self.wants.push(Want {
                wanted: Wanted::Key { columns, target },
                evidence: Evidence::default(),
            });
        }
    }

    fn leading(&self, live: &LiveIndex, dialect: Dialect) -> Vec<usize> {
        let position = |name: &str| self.position(name, dialect);
        let columns = live.parts.iter().map(|part| part.column.as_deref());
        columns.map_while(|name| name.and_then(position)).collect()
    }

    fn position(&self, name: &str, dialect: Dialect) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| same_name(dialect, name, &column.name))
    }

    fn positions<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        dialect: Dialect,
    ) -> Option<Vec<usize>> {
        names.map(|name| self.position(name, dialect)).collect()
    }
}

fn fitness(def: &TableDef, name: &str, type_name: &str, dialect: Dialect) -> Fitness {
    let own = def
        .columns
        .iter()
        .find(|column| same_name(dialect, column.name, name));
    match own.map(|column| column.sql_type) {
        Some(SqlType::Json | SqlType::Array(_)) => return Fitness::Unfit,
        Some(SqlType::Bool) => return Fitness::Flag,
        _ => {}
    }
    let type_name = type_name.to_ascii_lowercase();
    let is_long = type_name.contains("text") || type_name.contains("blob");
    match dialect {
        Dialect::Mysql if is_long => Fitness::Beginning,
        _ => Fitness::Good,
    }
}
