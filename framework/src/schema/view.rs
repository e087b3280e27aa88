//! Views: entities whose rows are what a query gives.
use super::{
    entity::Entity,
    relation::{Cardinality, OnDelete},
    table::TableDef,
};

/// A view as its struct describes it.
#[derive(Debug)]
pub struct ViewDef {
    /// Where its rows come from when it is read.
    pub kind: ViewKind,
    /// The query on SQLite, if there is one.
    pub sqlite: Option<&'static str>,
    /// The query on PostgreSQL, if there is one.
    pub postgres: Option<&'static str>,
    /// The query on MySQL and MariaDB, if there is one.
    pub mysql: Option<&'static str>,
    /// The entities whose tables the query reads. A function, as tables are made when they are needed.
    pub reads: fn() -> Vec<&'static TableDef>,
}

/// Where the rows of a view come from when it is read.
#[derive(Debug, Clone, Copy)]
pub enum ViewKind {
    /// The query runs.
    Plain,
    /// They are those that the query gave when the view was last refreshed.
    Materialized,
    /// They are kept in a table that the database mends with every write to a source, in the writer's transaction. A
    /// function, as tables are made when they are needed.
    Maintained(fn() -> Vec<Upkeep>),
}

/// A source of a maintained view, and which rows of the view one of its rows shows in.
#[derive(Debug, Clone)]
pub struct Upkeep {
    /// The source.
    pub table: &'static TableDef,
    /// Where the keys of those rows stand.
    pub keys: RowKeys,
}

/// Where the keys of the rows of a view stand in which one row of a source shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKeys {
    /// In these columns of the source, by position, in the order of the view's key.
    Columns(Vec<usize>),
    /// In what this query gives. `{row}` is the name of the source's row in it.
    Query(&'static str),
}

/// A struct whose rows are what a query gives, by a name in the database. Derived; see the derive's reference.
///
/// It is an [`Entity`] in all that only reads: filters, orders, pages, relations from it and to it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a view",
    label = "expected a struct with `#[derive(View)]`",
    note = "the rows of an entity are its own; only what a query gives can be refreshed"
)]
pub trait View: Entity {
    /// The query, and what is to be known of it.
    fn view() -> &'static ViewDef;
}

/// A table whose writes change what a view gives.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The table.
    pub table: &'static TableDef,
    /// Whether only deletes do: they take rows of another source along, by a foreign key.
    pub by_deletes: bool,
}

impl TableDef {
    /// Whether the rows are what a query gives whenever they are read.
    pub fn is_plain_view(&self) -> bool {
        self.view.is_some_and(ViewDef::is_plain)
    }

    /// Whether the rows are those that a query gave when they were last refreshed.
    pub fn is_materialized_view(&self) -> bool {
        self.view.is_some_and(ViewDef::is_materialized)
    }

    /// Whether the rows are kept, and mended with every write to a source.
    pub fn is_maintained_view(&self) -> bool {
        let kind = self.view.map(|view| view.kind);
        matches!(kind, Some(ViewKind::Maintained(_)))
    }

    /// Whether a write to a source is seen in its rows by whoever reads next: they are those of the query.
    pub fn is_current_view(&self) -> bool {
        self.view.is_some() && !self.is_materialized_view()
    }
}

impl ViewDef {
    /// Whether the query runs whenever the view is read.
    pub fn is_plain(&self) -> bool {
        matches!(self.kind, ViewKind::Plain)
    }

    /// Whether its rows wait for a refresh.
    pub fn is_materialized(&self) -> bool {
        matches!(self.kind, ViewKind::Materialized)
    }

    /// Its sources, if its rows are mended with every write to one of them; else none.
    pub fn upkeep(&self) -> Vec<Upkeep> {
        match self.kind {
            ViewKind::Plain | ViewKind::Materialized => Vec::new(),
            ViewKind::Maintained(upkeep) => upkeep(),
        }
    }

    /// The tables whose rows the query sees: those that it reads, and for a view among them that is never old those that
    /// this one reads. Each once.
    pub fn sources(&self) -> Vec<&'static TableDef> {
        let mut found: Vec<&'static TableDef> = Vec::new();
        let mut next = (self.reads)();
        while let Some(table) = next.pop() {
            if found.iter().any(|known| known.is(table)) {
                continue;
            }
            found.push(table);
            if let Some(view) = table.view.filter(|view| !view.is_materialized()) {
                next.extend((view.reads)());
            }
        }
        found
    }

    /// The same, with the tables whose deletes take rows of them along.
    pub fn sources_with_parents(&self) -> Vec<Source> {
        let mut found: Vec<Source> = self
            .sources()
            .into_iter()
            .map(|table| Source {
                table,
                by_deletes: false,
            })
            .collect();
        let mut at = 0;
        while let Some(source) = found.get(at) {
            for relation in (source.table.relations)() {
                let follows = matches!(relation.on_delete, OnDelete::Cascade | OnDelete::SetNull);
                let table = (relation.target)();
                let is_known = found.iter().any(|known| known.table.is(table));
                if relation.cardinality == Cardinality::BelongsTo && follows && !is_known {
                    found.push(Source {
                        table,
                        by_deletes: true,
                    });
                }
            }
            at += 1;
        }
        found
    }
}
