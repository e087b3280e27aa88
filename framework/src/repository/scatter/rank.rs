//! Texts in the order of the database.
use std::{collections::BTreeSet, ops::ControlFlow};

use super::order::Ranks;
use crate::{
    eager::engine::Load,
    error::{Error, Result},
    executor::Executor,
    repository::assemble,
    schema::{Cell, KeyPart, Row, TableDef},
    statement::{Statement, rank::rank},
};

/// The rank of each of these texts among values of `column`. What shards have in common is its collation.
pub(super) async fn ranks<'t>(
    executor: &dyn Executor,
    table: &'static TableDef,
    column: usize,
    texts: impl Iterator<Item = &'t KeyPart>,
    load: Load,
) -> Result<Ranks> {
    let text = |part: &'t KeyPart| match part {
        KeyPart::Text(text) => Some(&**text),
        _ => None,
    };
    let texts: BTreeSet<&str> = texts.filter_map(text).collect();
    let texts: Vec<&str> = texts.into_iter().collect();
    if texts.len() < 2 {
        return Ok(texts.into_iter().map(|text| (text.into(), 0)).collect());
    }
    let given = texts.iter().map(|&text| text.to_owned()).collect();
    let (plan, args) = rank(table, column, given, assemble::backend(executor))?;
    let mut statement = Statement::new(plan.into(), args, load.call_site);
    statement.load = Some(load.number);
    let mut ranks = Ranks::with_capacity(texts.len());
    let mut sink = |cells: &[Cell<'_>]| {
        let mut row = Row::new(cells);
        let (at, rank): (i64, i64) = (row.read()?, row.read()?);
        if let Some(text) = usize::try_from(at).ok().and_then(|at| texts.get(at)) {
            ranks.insert((*text).into(), rank.unsigned_abs());
        }
        Ok(ControlFlow::Continue(()))
    };
    executor.run(&statement, &mut sink).await?;
    match ranks.len() == texts.len() {
        true => Ok(ranks),
        false => Err(Error::decode(format!(
            "the database gave {} of {} texts a place",
            ranks.len(),
            texts.len()
        ))
        .with_table(table.name)),
    }
}
