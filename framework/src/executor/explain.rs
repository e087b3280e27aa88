//! Asks a database how it runs a statement. Everybody who wants a plan asks here.
use std::ops::ControlFlow;

use super::{
    Executor,
    sharding::{Role, Sharding},
};
use crate::{
    error::Result,
    schema::Cell,
    statement::{
        Statement,
        explain::{Answer, QueryPlan, Question},
    },
};

/// What the database of `executor` answers to `question` about `statement`.
///
/// # Errors
/// The database's, a connection error.
pub(crate) async fn ask(
    executor: &dyn Executor,
    statement: &Statement,
    question: Question,
) -> Result<QueryPlan> {
    let mut answer = Answer::default();
    let mut sink = |cells: &[Cell<'_>]| {
        answer.row(cells);
        Ok(ControlFlow::Continue(()))
    };
    executor.run(&question.about(statement), &mut sink).await?;
    let mut plan = answer.plan(statement, executor.dialect(), question);
    if let Some(Sharding(Role::On(seat))) = executor.sharding() {
        plan.shard = Some(seat.placement.name(seat.at));
    }
    Ok(plan)
}
