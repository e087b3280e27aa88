//! The order in which tables can be made: those pointed at first, and which foreign keys must wait.
use super::{
    Deferred,
    blueprint::{Blueprint, same_table},
    table,
};
use crate::dialect::Dialect;

/// One table to be made.
#[derive(Debug)]
pub struct Step {
    /// The table.
    pub blueprint: Blueprint,
    /// Positions of the foreign keys that point at a table made later.
    pub later: Vec<usize>,
}

impl Step {
    /// The foreign keys that have to be added once all tables are there.
    pub fn deferred(&self, dialect: Dialect) -> impl Iterator<Item = Deferred> + '_ {
        self.waiting(dialect).iter().map(|&at| Deferred {
            table: self.blueprint.table,
            foreign_key: self.blueprint.foreign_keys[at].clone(),
        })
    }

    /// The texts that make the table and its indexes, where they are missing.
    pub fn create(&self, dialect: Dialect) -> Vec<String> {
        table::create(&self.blueprint, self.waiting(dialect), dialect)
    }

    fn waiting(&self, dialect: Dialect) -> &[usize] {
        match dialect {
            // It cannot add a key later, and accepts one to a table that comes later.
            Dialect::Sqlite => &[],
            Dialect::Postgres | Dialect::Mysql => &self.later,
        }
    }
}

/// Sorts tables so that each comes after those it points at; otherwise the order given is kept. In a cycle the first
/// table goes ahead, and its keys into the cycle wait. A table that points at itself needs nothing.
pub fn by_dependency(mut remaining: Vec<Blueprint>) -> Vec<Step> {
    let mut steps = Vec::with_capacity(remaining.len());
    while !remaining.is_empty() {
        let free = (0..remaining.len()).find(|&at| waits_for(&remaining, at).next().is_none());
        let next = free.unwrap_or_else(|| first_in_a_cycle(&remaining));
        let later = waiting_keys(&remaining, next);
        let blueprint = remaining.remove(next);
        steps.push(Step { blueprint, later });
    }
    steps
}

/// Positions of the remaining tables, other than itself, that the table at `at` points at.
fn waits_for(remaining: &[Blueprint], at: usize) -> impl Iterator<Item = usize> + '_ {
    (0..remaining.len()).filter(move |&other| {
        other != at
            && remaining[at]
                .foreign_keys
                .iter()
                .any(|key| same_table(key.target, remaining[other].table))
    })
}

fn waiting_keys(remaining: &[Blueprint], at: usize) -> Vec<usize> {
    let waits =
        |target| waits_for(remaining, at).any(|other| same_table(remaining[other].table, target));
    let keys = &remaining[at].foreign_keys;
    (0..keys.len())
        .filter(|&key| waits(keys[key].target))
        .collect()
}

/// The first table that leads back to itself: each of those that remain waits for another, so that there is one.
fn first_in_a_cycle(remaining: &[Blueprint]) -> usize {
    let leads_back = |start: usize| {
        let mut reached: Vec<usize> = waits_for(remaining, start).collect();
        let mut at = 0;
        while let Some(&table) = reached.get(at) {
            for next in waits_for(remaining, table) {
                if !reached.contains(&next) {
                    reached.push(next);
                }
            }
            at += 1;
        }
        reached.contains(&start)
    };
    (0..remaining.len()).find(|&at| leads_back(at)).unwrap_or(0)
}
