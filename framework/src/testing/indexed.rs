//! Whether an index serves what a block reads.
mod judge;

use std::{collections::HashSet, fmt::Write as _, ops::ControlFlow, panic::Location, sync::Arc};

use crate::{
    database::{Database, shards::Shards},
    dialect::Dialect,
    error::{Error, Result},
    executor::{Executor, explain::ask},
    observe::{Observed, Recorded, Scope},
    schema::{Cell, TableDef, Value},
    statement::{
        Plan, Statement, StatementKind,
        explain::{Form, How, QueryPlan, Question, is_explainable, sources},
    },
};
use judge::{Unindexed, unindexed};

/// What `assert_indexed!` expects of the statements of a block.
#[derive(Debug, Clone, Default)]
pub struct Indexed {
    except: Vec<String>,
}

/// What can be asked how it runs what was recorded.
pub trait Explains: Observed {
    /// The database that `run` went to.
    ///
    /// # Errors
    /// [`NoShard`](crate::ErrorKind::NoShard) if nobody knows.
    fn database_of(&self, run: &Recorded) -> Result<Database>;
}

impl Explains for Database {
    fn database_of(&self, _run: &Recorded) -> Result<Database> {
        Ok(self.clone())
    }
}

impl Explains for Shards {
    fn database_of(&self, run: &Recorded) -> Result<Database> {
        self.shard(run.target.shard.as_deref().unwrap_or_default())
    }
}

impl<T: Explains + ?Sized> Explains for &T {
    fn database_of(&self, run: &Recorded) -> Result<Database> {
        (**self).database_of(run)
    }
}

impl<T: Explains + ?Sized> Explains for Arc<T> {
    fn database_of(&self, run: &Recorded) -> Result<Database> {
        (**self).database_of(run)
    }
}

impl Indexed {
    /// An index for every table.
    pub fn new() -> Self {
        Self::default()
    }

    /// For every table but these.
    pub fn except<T: Into<String>>(tables: impl IntoIterator<Item = T>) -> Self {
        Self {
            except: tables.into_iter().map(Into::into).collect(),
        }
    }

    /// Asks `db` about each statement of `scope` that reads; what there is to be mended, if anything.
    pub async fn look(&self, db: &impl Explains, scope: &Scope) -> Option<String> {
        let mut failures = Vec::new();
        let mut asked = HashSet::new();
        for run in scope.statements() {
            let reads = run.kind == StatementKind::Select && run.error.is_none();
            if !reads || !is_explainable(&run.sql, run.dialect) {
                continue;
            }
            if !asked.insert((run.fingerprint, run.target.shard.clone())) {
                continue;
            }
            match self.found(db, &run).await {
                Ok((plan, found)) => failures.extend(failure(&run, &plan, &found)),
                Err(error) => failures.push(format!(
                    "nobody knows whether an index serves a statement: {error}\n  {}\n  from {}",
                    run.normalized(),
                    place(run.call_site)
                )),
            }
        }
        (!failures.is_empty()).then(|| failures.join("\n\n"))
    }

    /// Ends the assertion if there is something to be mended.
    ///
    /// # Panics
    /// If `failure` is some; with the block's `error` before it.
    #[track_caller]
    pub fn check(&self, failure: Option<String>, error: Option<String>) {
        match (failure, error) {
            (Some(failure), Some(error)) => {
                panic!("the block failed: {error}\n\nand so did the assertion: {failure}")
            }
            (Some(failure), None) => panic!("{failure}"),
            (None, _) => {}
        }
    }

    async fn found(
        &self,
        db: &impl Explains,
        run: &Recorded,
    ) -> Result<(QueryPlan, Vec<Unindexed>)> {
        let db = db.database_of(run)?;
        let plan = plan(&db, run).await?;
        let mut found = unindexed(&plan, &sources(&run.sql, run.dialect));
        found.retain(|one| !self.except.contains(&one.table));
        let mut missing = Vec::new();
        for one in found {
            if !serves_around(&db, run, &one).await? {
                missing.push(one);
            }
        }
        Ok((plan, missing))
    }
}

fn failure(run: &Recorded, plan: &QueryPlan, found: &[Unindexed]) -> Option<String> {
    if found.is_empty() {
        return None;
    }
    let mut failure = String::new();
    for one in found {
        let (table, columns) = (&one.table, one.columns.join("`, `"));
        let _ = writeln!(
            failure,
            "no index serves a statement: it reads all of `{table}` to find rows by `{columns}`"
        );
    }
    let _ = write!(failure, "  {}\n  from {}", plan.sql, place(run.call_site));
    for one in found {
        let _ = write!(failure, "\n  fix: {}", fix(run, one));
    }
    let _ = write!(failure, "\n\n{plan}");
    Some(failure)
}

fn place(call_site: &Location<'_>) -> String {
    format!("{}:{}", call_site.file(), call_site.line())
}

/// What makes the index.
fn fix(run: &Recorded, found: &Unindexed) -> String {
    let Unindexed { table, columns, .. } = found;
    let list = columns.join(", ");
    let create = format!(
        "`CREATE INDEX {table}_{} ON {table} ({list})`",
        columns.join("_")
    );
    let subject = run.plan.subject.as_ref().map(|subject| subject.table);
    let entity = subject.and_then(|subject| entity(subject, table));
    let fields: Option<Vec<_>> = entity.and_then(|entity| {
        let field = |column: &String| Some(entity.columns[entity.position(column)?].field);
        columns.iter().map(field).collect()
    });
    let way_out =
        format!("or `assert_indexed!(db, except = [\"{table}\"], ..)` if it is to be read so");
    match (entity, fields.as_deref()) {
        (Some(entity), Some([field])) => {
            let name = entity.entity;
            format!("add `#[entity(index)]` to `{name}::{field}`, or {create}; {way_out}")
        }
        (Some(entity), Some(fields)) => format!(
            "add `#[entity(index = ({}))]` to `{}`, or {create}, in the order in which they tell most rows apart; {way_out}",
            fields.join(", "),
            entity.entity
        ),
        _ => format!("{create}; {way_out}"),
    }
}

/// The entity of the table `name`, if it is the statement's or related to it.
fn entity(subject: &'static TableDef, name: &str) -> Option<&'static TableDef> {
    if subject.name == name {
        return Some(subject);
    }
    let related = (subject.relations)();
    let mut targets = related.into_iter().map(|relation| (relation.target)());
    targets.find(|target| target.name == name)
}

/// How the database runs `run`, as far as that does not depend on how many rows there are.
async fn plan(db: &Database, run: &Recorded) -> Result<QueryPlan> {
    let arguments = run.arguments.as_ref().ok_or_else(|| {
        Error::unsupported("its arguments were too large to be kept")
            .with_hint("assert it of a smaller list")
    })?;
    let values = arguments.values().to_vec();
    let statement = Statement::new(Arc::clone(&run.plan), values, run.call_site);
    let question = Question::of(db.dialect(), db.capabilities(), How::Plan, Form::Tree)
        .ok_or_else(|| Error::unsupported("this database tells no plans"))?;
    if db.dialect() != Dialect::Postgres {
        return ask(db, &statement, question).await;
    }
    let tx = db.transaction().read_only().begin().await?;
    prefer_indexes(&tx, run.call_site).await?;
    let plan = ask(&tx, &statement, question).await?;
    tx.rollback().await?;
    Ok(plan)
}

/// In small tables PostgreSQL reads all rows, and in an order that is asked for it may read all of another index. With
/// these settings it does neither while an index serves a condition: that is found by a bitmap, for each row outside.
async fn prefer_indexes(
    executor: &dyn Executor,
    call_site: &'static Location<'static>,
) -> Result<()> {
    const SETTINGS: &str = "SELECT set_config('enable_' || name, 'off', true) \
        FROM (VALUES ('seqscan'), ('indexscan'), ('indexonlyscan'), ('hashjoin'), ('mergejoin')) AS settings (name)";
    let plan = Plan::new(SETTINGS, StatementKind::Explain, Vec::new()).one_off();
    let statement = Statement::new(Arc::new(plan), Vec::new(), call_site);
    let mut rows = |_: &[Cell<'_>]| Ok(ControlFlow::Continue(()));
    executor.run(&statement, &mut rows).await.map(drop)
}

/// Whether PostgreSQL, which may turn a subquery inside out and read all of its table once, has an index by which it could
/// look for its rows instead.
async fn serves_around(db: &Database, run: &Recorded, found: &Unindexed) -> Result<bool> {
    const INDEX: &str = "SELECT 1 FROM pg_index \
        JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] \
        WHERE indrelid = to_regclass($1) AND indisvalid AND attname = $2";
    if db.dialect() != Dialect::Postgres {
        return Ok(false);
    }
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let subject = run.plan.subject.as_ref().map(|subject| subject.table);
    let schema = subject
        .and_then(|subject| entity(subject, &found.table))
        .and_then(|entity| entity.schema);
    let table = match schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(&found.table)),
        None => quoted(&found.table),
    };
    let mut is_there = false;
    for column in &found.correlated {
        let plan = Plan::new(INDEX, StatementKind::Explain, Vec::new()).one_off();
        let args = [&table, column].map(|text| Value::String(Some(text.clone())));
        let statement = Statement::new(Arc::new(plan), args.to_vec(), run.call_site);
        let mut rows = |_: &[Cell<'_>]| {
            is_there = true;
            Ok(ControlFlow::Continue(()))
        };
        db.run(&statement, &mut rows).await?;
    }
    Ok(is_there)
}
