//! The queue's mark in the database: how far each queue has come.
//!
//! It moves in the transaction that makes the changes, so that either both happen or neither. After a lost answer to
//! COMMIT, or a process that died, it says whether a batch is there already.
use std::{
    ops::ControlFlow,
    panic::Location,
    sync::{Arc, LazyLock},
};

use uuid::Uuid;

use crate::{
    driver::NoRows,
    error::{Error, ErrorKind, Result},
    executor::Executor,
    schema::{
        Cell, ColumnDef, ColumnDefault, Condition, Row, SqlType, TableDef, Value,
        expression::{Comparison, Term},
    },
    statement::{
        Statement, ddl,
        query::{Insert, Level, Target},
        render::{Backend, Query},
    },
    statement_cache,
};

type Site = &'static Location<'static>;

/// The table of the marks.
static TABLE: LazyLock<TableDef> = LazyLock::new(|| {
    let column = |name, sql_type| ColumnDef {
        name,
        field: name,
        sql_type,
        nullable: false,
        default: ColumnDefault::None,
        length: None,
        sensitive: false,
    };
    TableDef {
        entity: "WriteBehind",
        name: "entourage_write_behind",
        schema: None,
        columns: vec![
            column("journal", SqlType::Uuid),
            column("sequence", SqlType::BigInt),
        ],
        primary_key: vec![0],
        indexes: Vec::new(),
        version: None,
        created_at: None,
        updated_at: None,
        deleted_at: None,
        shard_key: None,
        cache: None,
        view: None,
        relations: Vec::new,
    }
});

/// The mark of one queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker {
    pub(super) journal: Uuid,
    pub(super) call_site: Site,
}

impl Marker {
    /// Where the queue stands; 0 if it is new. Makes the table if it is not there.
    pub(super) async fn find(&self, executor: &dyn Executor) -> Result<u64> {
        let known = match self.read(executor).await {
            Ok(known) => known,
            Err(error) if error.is_connection() || error.is_timeout() => return Err(error),
            Err(_) => {
                self.create(executor).await?;
                self.read(executor).await?
            }
        };
        if known.is_none() {
            let insert = Insert {
                table: &TABLE,
                columns: vec![0, 1],
                rows: vec![vec![Some(self.key()), Some(Value::BigInt(Some(0)))]],
                conflict: None,
                returning: Vec::new(),
            };
            send(executor, Query::Insert(&insert), self.call_site).await?;
            return Ok(0);
        }
        self.read_last(executor).await
    }

    /// What stands there when nobody else is about to move it. The server may still be busy with the COMMIT of a process
    /// that was killed; its transaction holds the row, so to touch the row is to wait for it.
    async fn read_last(&self, executor: &dyn Executor) -> Result<u64> {
        let scope = executor.atomic(self.call_site).await?;
        let target = Target {
            table: &TABLE,
            filter: Some(self.own()),
        };
        let set = vec![(1, Term::Column(1))];
        send(
            scope.executor(),
            Query::Update(&target, &set),
            self.call_site,
        )
        .await?;
        let sequence = self.read(scope.executor()).await?;
        scope.commit().await?;
        sequence.ok_or_else(gone)
    }

    async fn read(&self, executor: &dyn Executor) -> Result<Option<u64>> {
        let level = Level {
            filter: Some(self.own()),
            columns: vec![1],
            ..Level::all(&TABLE)
        };
        let mut found = None;
        let mut sink = |cells: &[Cell<'_>]| {
            let sequence: i64 = Row::new(cells).read()?;
            found = Some(u64::try_from(sequence).unwrap_or_default());
            Ok(ControlFlow::Continue(()))
        };
        let statement = statement(executor, Query::Level(&level), self.call_site)?;
        executor.run(&statement, &mut sink).await?;
        Ok(found)
    }

    async fn create(&self, executor: &dyn Executor) -> Result<()> {
        let creation = ddl::create(&[&TABLE], executor.dialect())?;
        for plan in creation.plans {
            let ddl = plan.sql.to_string();
            let statement = Statement::new(Arc::new(plan), Vec::new(), self.call_site);
            let made = executor.run(&statement, &mut NoRows).await;
            // Another process may have been faster.
            if let Err(error) = made
                && self.read(executor).await.is_err()
            {
                return Err(Error::configuration(
                    "the table `entourage_write_behind`, which says how far the queue has come, cannot be made",
                )
                .with_hint(format!("let the program make it, or make it yourself: {ddl}"))
                .with_source(error));
            }
        }
        Ok(())
    }

    /// Moves the mark from `from` to `through`, and keeps others from moving it; whether it was not there already.
    pub(super) async fn advance(
        &self,
        executor: &dyn Executor,
        from: u64,
        through: u64,
    ) -> Result<bool> {
        let value = |sequence: u64| Term::Value(Value::BigInt(i64::try_from(sequence).ok()));
        let before = Condition::Compare(Comparison::Eq, Term::Column(1), value(from));
        let target = Target {
            table: &TABLE,
            filter: Condition::both(Some(self.own()), Some(before)),
        };
        let set = vec![(1, value(through))];
        let affected = send(executor, Query::Update(&target, &set), self.call_site).await?;
        if affected > 0 {
            return Ok(true);
        }
        match self.read(executor).await? {
            Some(sequence) if sequence == through => Ok(false),
            Some(sequence) => Err(Error::new(
                ErrorKind::Closed,
                format!("the queue's mark in `entourage_write_behind` was moved from {from} to {sequence} by somebody else"),
            )
            .with_hint("two programs have copies of one journal: stop one of them, and start the other again")),
            None => Err(gone()),
        }
    }

    /// Removes the mark of a queue that nobody will go on with.
    pub(super) async fn remove(&self, executor: &dyn Executor) -> Result<()> {
        let target = Target {
            table: &TABLE,
            filter: Some(self.own()),
        };
        send(executor, Query::Delete(&target), self.call_site).await?;
        Ok(())
    }

    fn key(&self) -> Value {
        Value::Uuid(Some(self.journal))
    }

    fn own(&self) -> Condition {
        Condition::Compare(Comparison::Eq, Term::Column(0), Term::Value(self.key()))
    }
}

#[cold]
fn gone() -> Error {
    Error::new(
        ErrorKind::Closed,
        "the queue's mark in `entourage_write_behind` is gone",
    )
    .with_hint("put it back, or restart the program; without it changes may happen twice")
}

/// Sends a query that returns no rows; how many rows it changed.
async fn send(executor: &dyn Executor, query: Query<'_>, call_site: Site) -> Result<u64> {
    let statement = statement(executor, query, call_site)?;
    Ok(executor.run(&statement, &mut NoRows).await?.affected)
}

/// The statement for a query.
pub(super) fn statement(
    executor: &dyn Executor,
    query: Query<'_>,
    call_site: Site,
) -> Result<Statement> {
    let backend = Backend {
        dialect: executor.dialect(),
        capabilities: executor.capabilities(),
    };
    let (plan, args) =
        statement_cache::plan(query, backend).map_err(|error| error.at(call_site))?;
    Ok(Statement::new(plan, args, call_site))
}
