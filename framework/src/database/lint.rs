//! The indexes of entities' tables, judged: by the foreign keys, by each other, by what the database counts, and by what
//! recorded statements looked for.
#![doc = include_str!("../docs/lint.md")]
mod ddl;
mod finding;
mod judge;
mod propose;
mod report;
mod serve;
mod surplus;
mod table;
#[cfg(test)]
mod tests;

use std::{
    future::{Future, IntoFuture},
    panic::Location,
    pin::Pin,
};

use super::{
    Database,
    live::{self, LiveTable},
};
use crate::{
    error::Result,
    observe::{Recorded, StatementLog},
    schema::{Cardinality, EntitySet, RelationDef, TableDef},
    statement::{Seek, StatementKind, render::qualified},
};
use ddl::Form;
use table::{Key, Table};

pub use finding::{Evidence, Finding, FindingKind};
pub use report::{LintReport, Unjudged};

/// A table that was read less often says nothing of its indexes.
const READS: u64 = 1_000;

impl Database {
    /// Looks at the indexes of the entities' tables: foreign keys without one, filters and orders of recorded statements
    /// without one, columns in an order that does not serve, indexes that do nothing that another does not, and those that
    /// nobody reads. Each finding has the statement that mends it. See [the guide](crate::database::lint).
    ///
    /// It asks the catalog in five statements at most, whatever the number of entities, and changes nothing. Among replicas
    /// it asks the primary, whose counts are of its own reads; of [`Shards`](crate::Shards) ask each one.
    ///
    /// ```
    /// # async fn run() -> entourage::Result<()> {
    /// # use entourage::{Database, prelude::*};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "users")]
    /// # struct User {
    /// #     #[entity(primary_key, generated)]
    /// #     id: i64,
    /// # }
    /// #[derive(Debug, Clone, Entity)]
    /// #[entity(table = "posts", belongs_to(author: User, foreign_key = author_id))]
    /// struct Post {
    ///     #[entity(primary_key, generated)]
    ///     id: i64,
    ///     author_id: i64,
    /// }
    ///
    /// let db = Database::connect("sqlite::memory:").await?;
    /// db.create_schema::<(User, Post)>().await?;
    /// let report = db.lint::<(User, Post)>().await?;
    /// assert_eq!(
    ///     report.findings()[0].to_string(),
    ///     "foreign key `posts (author_id)` to `users` has no index"
    /// );
    /// assert_eq!(report.ddl(), [r#"CREATE INDEX "posts_author_id_idx" ON "posts" ("author_id")"#]);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
    /// ```
    #[track_caller]
    pub fn lint<S: EntitySet>(&self) -> Lint {
        Lint {
            db: self.clone(),
            tables: S::tables(),
            seeks: Vec::new(),
            given: false,
            raw: 0,
            not_kept: 0,
            unused_after: READS,
            concurrently: false,
            call_site: Location::caller(),
        }
    }
}

/// A lint to be awaited; made by [`Database::lint`].
#[derive(Debug)]
#[must_use = "nothing is looked at before it is awaited"]
pub struct Lint {
    db: Database,
    tables: Vec<&'static TableDef>,
    /// What statements looked for, each once.
    seeks: Vec<(Seek, Evidence)>,
    given: bool,
    raw: usize,
    not_kept: usize,
    unused_after: u64,
    concurrently: bool,
    call_site: &'static Location<'static>,
}

impl Lint {
    /// Judges by what was recorded, too: of a handle ([`Database::recorded`]) or in a
    /// [`Scope`](crate::observe::Scope). Several logs add up.
    pub fn recorded(mut self, log: &StatementLog) -> Self {
        self.not_kept += log.dropped();
        self.statements(&log.statements())
    }

    /// Judges by these statements, too.
    pub fn statements(mut self, statements: &[Recorded]) -> Self {
        self.given = true;
        for run in statements {
            self.raw += usize::from(is_raw(run));
            let new = Evidence::of(run);
            for seek in &run.plan.seeks {
                match self.seeks.iter_mut().find(|(known, _)| known == seek) {
                    Some((_, known)) => known.add(&new),
                    None => self.seeks.push((seek.clone(), new.clone())),
                }
            }
        }
        self
    }

    /// Calls an index unused once its table was read so often without it: 1 000 times, if nothing is said. PostgreSQL
    /// counts scans; MariaDB and MySQL count rows.
    pub fn unused_after(mut self, reads: u64) -> Self {
        self.unused_after = reads;
        self
    }

    /// Writes PostgreSQL's `CONCURRENTLY` into the statements: writers do not wait then, and the statement cannot be part of
    /// a transaction, so that tools which run a migration in one refuse it. Elsewhere it changes nothing.
    pub fn concurrently(mut self) -> Self {
        self.concurrently = true;
        self
    }

    async fn run(self) -> Result<LintReport> {
        let db = self.db.primary();
        let entities = &self.tables;
        let live = live::tables(&db, entities, self.call_site).await?;
        let usage = live::usage(&db, entities, self.call_site).await?;
        let form = Form {
            dialect: db.dialect(),
            concurrently: self.concurrently,
        };
        let mut unjudged = Vec::new();
        if let Err(reason) = &usage {
            let reason = reason.clone();
            unjudged.push(Unjudged::Usage { reason });
        }
        unjudged.extend((!self.given).then_some(Unjudged::Statements));
        unjudged.extend((self.raw > 0).then_some(Unjudged::RawSql(self.raw)));
        unjudged.extend((self.not_kept > 0).then_some(Unjudged::NotKept(self.not_kept)));
        let mut findings = Vec::new();
        for (at, (&def, live)) in entities.iter().zip(&live).enumerate() {
            let is_known = entities[..at].iter().any(|known| same_table(known, def));
            let Some(live) = live.as_ref().filter(|_| !is_known) else {
                continue;
            };
            if live.is_view && !def.is_materialized_view() {
                unjudged.push(Unjudged::PlainView(qualified(def).to_string()));
                continue;
            }
            let table = self.table(def, live, form);
            let usage = usage.as_ref().ok().map(|usage| &usage[at]);
            let judged = judge::judge(table, usage, self.unused_after, form);
            findings.extend(judged.findings);
            unjudged.extend(judged.unjudged);
        }
        Ok(LintReport::new(findings, unjudged))
    }

    fn table(&self, def: &'static TableDef, live: &LiveTable, form: Form) -> Table {
        let same = self.tables.iter().filter(|table| same_table(table, def));
        let others: Vec<_> = same.filter(|table| !table.is(def)).copied().collect();
        let keys = keys(def, &self.tables, live);
        let mut table = Table::new(def, &others, live, keys, form.dialect);
        for (seek, evidence) in &self.seeks {
            if same_table(seek.table, def) {
                table.want_seek(seek, evidence.clone(), form.dialect);
            }
        }
        table
    }
}

/// Whether it may look for rows, and nobody knows for which.
fn is_raw(run: &Recorded) -> bool {
    let looks = matches!(
        run.kind,
        StatementKind::Select
            | StatementKind::Update
            | StatementKind::Delete
            | StatementKind::Other
    );
    looks && run.plan.subject.is_none()
}

fn same_table(one: &TableDef, other: &TableDef) -> bool {
    (one.schema, one.name) == (other.schema, other.name)
}

/// The foreign keys that `table` holds: those of its own relations, of other entities' relations to it, and those that
/// the database knows of.
fn keys(table: &TableDef, entities: &[&'static TableDef], live: &LiveTable) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut add = |holder: &TableDef, columns: &[usize], target: &'static TableDef| {
        if same_table(holder, table) {
            let name = |&column: &usize| holder.columns[column].name.to_owned();
            keys.push(Key {
                columns: columns.iter().map(name).collect(),
                target: qualified(target).to_string(),
            });
        }
    };
    for entity in entities {
        for relation in (entity.relations)() {
            let RelationDef { from, to, .. } = relation;
            let (source, target) = ((relation.source)(), (relation.target)());
            match (&relation.through, relation.cardinality) {
                (Some(through), _) => {
                    let between = (through.table)();
                    add(between, &through.from, source);
                    add(between, &through.to, target);
                }
                (None, Cardinality::BelongsTo) => add(source, from, target),
                (None, _) => add(target, to, source),
            }
        }
    }
    keys.extend(live.foreign_keys.iter().map(|key| Key {
        columns: key.columns.clone(),
        target: match &key.target_schema {
            Some(schema) if table.schema.is_some() => format!("{schema}.{}", key.target),
            _ => key.target.clone(),
        },
    }));
    keys
}

impl IntoFuture for Lint {
    type Output = Result<LintReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let call_site = self.call_site;
        Box::pin(async move { self.run().await.map_err(|error| error.at(call_site)) })
    }
}
