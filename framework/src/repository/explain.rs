//! How the database runs what a query, an update or raw SQL sends.
//!
//! A load is explained by an executor that asks about each statement before it hands it on, if it does: so there is one
//! plan for each statement that the load sends, whatever strategy it takes. Nothing of it counts as a statement of the
//! program, and nothing is taken from the result cache or kept in it.
use std::{
    future::Future,
    ops::ControlFlow,
    panic::Location,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{
    BulkUpdate, Query, Sql, assemble,
    query::all_from,
    scatter::{Part, Reach, gather},
};
use crate::{
    dialect::{Capabilities, Dialect},
    driver::{Outcome, RowSender, RowSink},
    eager::IncludeList,
    error::{Error, ErrorKind, Result},
    executor::{AtomicScope, Executor, ExecutorHandle, explain::ask, sharding::Sharding},
    observe::Scope,
    schema::{Cell, Entity},
    statement::{
        Statement,
        explain::{Form, How, QueryPlan, QueryPlans, Question, is_explainable},
        render,
    },
};

impl<'a, E: Entity, I: IncludeList<E>> Query<'a, E, I> {
    /// How the database would run what [`all`](Query::all) sends: one plan for each statement. See the module
    /// [`explain`](crate::explain).
    ///
    /// Without includes nothing is run. With includes rows are read as `all` reads them, past the result cache, because
    /// statements are about the keys of rows read before: where there are no rows, there is no statement for what is beside
    /// them, and no plan. On several shards there is a plan for each that is asked.
    ///
    /// # Errors
    /// As [`all`](Query::all).
    #[track_caller]
    pub fn explain(self) -> impl Future<Output = Result<QueryPlans>> + Send + use<'a, E, I> {
        self.plans(How::Plan, Location::caller())
    }

    /// How the database runs what [`all`](Query::all) sends, measured: each statement is run, and its rows are thrown away.
    ///
    /// SQLite measures no steps: there the time and the rows of the whole statement stand beside its plan.
    ///
    /// # Errors
    /// As [`all`](Query::all).
    #[track_caller]
    pub fn explain_analyze(
        self,
    ) -> impl Future<Output = Result<QueryPlans>> + Send + use<'a, E, I> {
        self.plans(How::Analyze, Location::caller())
    }

    async fn plans(self, how: How, call_site: &'static Location<'static>) -> Result<QueryPlans> {
        let Self {
            executor,
            parts,
            includes,
            ..
        } = self;
        let mut specs = Vec::new();
        includes.specs(&mut specs);
        let task = Arc::new(Task {
            how,
            reads_on: !specs.is_empty(),
            plans: Mutex::default(),
        });
        drop(specs);
        let source = parts.source::<E>(&*executor, call_site)?;
        gather::check(&*executor, &includes).map_err(|error| error.at(call_site))?;
        // Where a lock is refused, so is its plan.
        if let Some(executor) = source.single() {
            let lock = parts.row_lock(executor).map(drop);
            lock.map_err(|error| error.at(call_site))?;
        }
        let asker = match &source {
            Reach::Here(executor) => Some(task.asker_of(*executor)),
            Reach::One(_) | Reach::Several(_) => None,
        };
        let source = match (&asker, source) {
            (Some(asker), _) => Reach::Here(asker),
            (None, Reach::One(part)) => Reach::One(task.part(part)),
            (None, Reach::Several(parts)) => {
                Reach::Several(parts.into_iter().map(|part| task.part(part)).collect())
            }
            (None, here) => here,
        };
        let loaded = all_from::<E, I>(&source, parts, &includes, call_site).await;
        loaded.map_err(|error| error.at(call_site))?;
        Ok(task.plans())
    }
}

impl<E: Entity> BulkUpdate<'_, E> {
    /// How the database would run what [`update`](BulkUpdate::update) sends. Nothing is run.
    ///
    /// # Errors
    /// As [`update`](BulkUpdate::update).
    #[track_caller]
    pub fn explain(self) -> impl Future<Output = Result<QueryPlan>> + Send {
        let call_site = Location::caller();
        async move {
            let (executor, parts, target, set) = self.target(call_site)?;
            let executor = parts.writing::<E>(&*executor);
            let executor = executor.map_err(|error| error.at(call_site))?;
            let query = render::Query::Update(&target, &set);
            let statement = assemble::statement(&*executor, query, call_site)?;
            plan(&*executor, &statement, How::Plan)
                .await
                .map_err(|error| error.at(call_site))
        }
    }
}

impl Sql<'_> {
    /// How the database would run the statement. Nothing is run. Values of the text do not show in the plan: nobody knows
    /// what they are.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for what has no plan: it begins with another word than `SELECT`,
    /// `WITH`, `VALUES`, `INSERT`, `UPDATE`, `DELETE` and their like. As [`fetch`](Sql::fetch) otherwise.
    pub async fn explain(self) -> Result<QueryPlan> {
        self.plan(How::Plan).await
    }

    /// How the database runs the statement, measured: it is run, and its rows are thrown away. SQLite measures no steps:
    /// there the time and the rows of the whole statement stand beside its plan.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for what does more than read. As [`explain`](Sql::explain) otherwise.
    pub async fn explain_analyze(self) -> Result<QueryPlan> {
        self.plan(How::Analyze).await
    }

    async fn plan(self, how: How) -> Result<QueryPlan> {
        let call_site = self.call_site;
        let asked = async {
            let (executor, statement) = self.statement()?;
            match how {
                How::Plan => plan(&*executor, &statement, how).await,
                How::Analyze => {
                    let mut rows = |_: &[Cell<'_>]| Ok(ControlFlow::Continue(()));
                    Ok(measured(&*executor, &statement, &mut rows, false).await?.0)
                }
            }
        };
        asked.await.map_err(|error| error.at(call_site))
    }
}

/// The plan of `statement` as the database gives it; where it measures nothing, what it would do.
async fn plan(executor: &dyn Executor, statement: &Statement, how: How) -> Result<QueryPlan> {
    let dialect = executor.dialect();
    if !is_explainable(statement.sql(), dialect) {
        return Err(Error::unsupported("this statement has no plan").with_hint(
            "plans are of statements that read, insert, update or delete: give the statement without `EXPLAIN` before it",
        ));
    }
    if how == How::Analyze && !statement.plan.kind.is_read() {
        return Err(Error::unsupported(
            "to measure this statement is to run it, and it does more than read",
        )
        .with_hint(
            "`.explain()` gives its plan and runs nothing; to measure it, send the database's own command as raw SQL in a \
             transaction that you roll back",
        ));
    }
    let question = |how| Question::of(dialect, executor.capabilities(), how, Form::Tree);
    let question = question(how).or(question(How::Plan));
    let question = question.ok_or_else(|| Error::unsupported("this database tells no plans"))?;
    let error = match ask(executor, statement, question).await {
        Err(error) if error.kind() == ErrorKind::Syntax && dialect == Dialect::Mysql => error,
        answer => return answer,
    };
    // Of a connection that is lent nobody knows to which of the two servers it leads, and MariaDB measures by another word.
    let other = Question::of(dialect, Capabilities::MARIADB, how, Form::Tree);
    match other.filter(|other| *other != question) {
        Some(other) => ask(executor, statement, other).await.map_err(|_| error),
        None => Err(error),
    }
}

/// The plan of `statement` and what was measured. It is run once more for `sink` if `reads_on`; on SQLite it is run anyhow.
async fn measured(
    executor: &dyn Executor,
    statement: &Statement,
    sink: &mut dyn RowSink,
    reads_on: bool,
) -> Result<(QueryPlan, Outcome)> {
    let mut plan = plan(executor, statement, How::Analyze).await?;
    let by_database = Question::of(
        executor.dialect(),
        executor.capabilities(),
        How::Analyze,
        Form::Tree,
    );
    if by_database.is_some() && !reads_on {
        return Ok((plan, Outcome::default()));
    }
    let scope = Scope::new();
    let outcome = scope.run(read(executor, statement, sink)).await?;
    if by_database.is_none() {
        let run = scope.statements().pop();
        plan.execution = run.as_ref().map(|run| run.execute + run.decode);
        plan.rows = run.map(|run| run.rows);
    }
    Ok((plan, outcome))
}

/// Runs `statement` for what is asked next.
async fn read(
    executor: &dyn Executor,
    statement: &Statement,
    sink: &mut dyn RowSink,
) -> Result<Outcome> {
    let statement = Statement {
        plan: Arc::new(statement.plan.for_explain()),
        ..statement.clone()
    };
    executor.run(&statement, sink).await
}

/// What is asked about the statements of a load.
#[derive(Debug)]
struct Task {
    how: How,
    /// Whether the statements are run too, because later ones are about their rows.
    reads_on: bool,
    /// Each with the place of its shard.
    plans: Mutex<Vec<(usize, QueryPlan)>>,
}

impl Task {
    fn asker_of<'e>(self: &Arc<Self>, executor: &'e dyn Executor) -> Asker<'e> {
        // What belongs together is asked and read at one server.
        let together = executor.together(false);
        Asker {
            inner: together.unwrap_or_else(|| ExecutorHandle::borrowed(executor)),
            task: Arc::clone(self),
            shard: None,
        }
    }

    fn part(self: &Arc<Self>, part: Part) -> Part {
        let asker = Asker {
            inner: part.executor,
            task: Arc::clone(self),
            shard: Some((part.at, Arc::clone(&part.name))),
        };
        Part {
            executor: ExecutorHandle::shared(asker),
            ..part
        }
    }

    fn keep(&self, at: usize, plan: QueryPlan) {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.push((at, plan));
    }

    fn plans(&self) -> QueryPlans {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut plans = std::mem::take(&mut *plans);
        plans.sort_by_key(|(at, _)| *at);
        let plans: Vec<_> = plans.into_iter().map(|(_, plan)| plan).collect();
        plans.into()
    }
}

/// Asks about each statement, and runs it if later ones need its rows.
#[derive(Debug)]
struct Asker<'e> {
    inner: ExecutorHandle<'e>,
    task: Arc<Task>,
    shard: Option<(usize, Arc<str>)>,
}

#[async_trait]
impl Executor for Asker<'_> {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn run(&self, statement: &Statement, sink: &mut dyn RowSink) -> Result<Outcome> {
        let (executor, reads_on) = (&*self.inner, self.task.reads_on);
        let (mut plan, outcome) = match self.task.how {
            How::Analyze => measured(executor, statement, sink, reads_on).await?,
            How::Plan => {
                let plan = plan(executor, statement, How::Plan).await?;
                let outcome = match reads_on {
                    true => read(executor, statement, sink).await?,
                    false => Outcome::default(),
                };
                (plan, outcome)
            }
        };
        let mut at = 0;
        if let Some((place, name)) = &self.shard {
            at = *place;
            plan.shard = Some(Arc::clone(name));
        }
        self.task.keep(at, plan);
        Ok(outcome)
    }

    async fn stream(&self, statement: &Statement, _sender: Box<dyn RowSender>) -> Result<Outcome> {
        Err(Error::unsupported("a stream is not explained").at(statement.call_site))
    }

    /// Yes, so that statements come one after the other, and their plans in that order.
    fn in_transaction(&self) -> bool {
        true
    }

    fn locks_database(&self) -> bool {
        self.inner.locks_database()
    }

    /// A plan is of no moment.
    async fn snapshot(
        &self,
        _call_site: &'static Location<'static>,
    ) -> Result<Option<Box<dyn AtomicScope + '_>>> {
        Ok(None)
    }

    async fn atomic(
        &self,
        call_site: &'static Location<'static>,
    ) -> Result<Box<dyn AtomicScope + '_>> {
        Err(Error::unsupported("several writes are not explained together").at(call_site))
    }

    fn sharding(&self) -> Option<Sharding<'_>> {
        self.inner.sharding()
    }

    fn warn(&self, message: &str) {
        self.inner.warn(message);
    }
}
