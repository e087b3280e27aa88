//! Finds N+1 queries among the statements of one scope: a pure function of what was recorded.
//!
//! A statement is suspect when it was sent from one call site several times with different arguments. Whether that is an
//! N+1 or a fan-out of a few fixed values the count alone cannot tell; two things can. A statement that looks rows up by
//! a key (or writes them one at a time) does what one statement could do for all keys. And a statement repeated exactly
//! as often as an earlier statement returned rows was repeated for those rows. What is neither is left alone:
//! `assert_constant_queries!` tells it apart by running twice.
//!
//! Not counted: BEGIN and its like, schema statements, the chunks of one eager load (they count once), repetitions with
//! equal arguments. Statements of tasks that ran side by side are put together, whatever their order.
use std::{
    collections::{HashMap, HashSet},
    fmt,
    panic::Location,
    time::Duration,
};

use super::{Ignored, Recorded};
use crate::{
    schema::{Cardinality, RelationDef},
    statement::{Fingerprint, StatementKind},
};

/// When a repetition is an N+1.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rules {
    /// From how many repetitions with different arguments on; 3 unless set.
    pub threshold: usize,
    /// From how much time in all on; zero unless set.
    pub min_time: Duration,
    /// What is never one.
    pub allowed: Vec<Ignored>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            threshold: 3,
            min_time: Duration::ZERO,
            allowed: Vec::new(),
        }
    }
}

impl Rules {
    /// From `threshold` repetitions on (at least 2).
    #[must_use]
    pub fn threshold(mut self, threshold: usize) -> Self {
        self.threshold = threshold.max(2);
        self
    }

    /// Only if the repetitions took `time` in all.
    #[must_use]
    pub fn min_time(mut self, time: Duration) -> Self {
        self.min_time = time;
        self
    }

    /// Never what `allowed` covers.
    #[must_use]
    pub fn allow(mut self, allowed: Ignored) -> Self {
        self.allowed.push(allowed);
        self
    }
}

/// A statement that was repeated where one would do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NPlusOne {
    /// The text without values.
    pub sql: String,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// What it does.
    pub kind: StatementKind,
    /// The main table.
    pub table: String,
    /// The line that sent it.
    pub call_site: &'static Location<'static>,
    /// How often, with different arguments.
    pub count: usize,
    /// How long the repetitions took in all.
    pub time: Duration,
    /// The statement that returned the rows it was repeated for, if it was recorded too.
    pub parents: Option<Parents>,
    /// The relations that load the same rows: `User::POSTS`. Empty where none is known.
    pub relations: Vec<&'static str>,
    /// The statements that took turns with it, one for each parent: by text and line.
    pub alternates_with: Vec<(String, &'static Location<'static>)>,
}

/// The statement whose rows were gone through one by one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Parents {
    /// The main table.
    pub table: String,
    /// The line that sent it.
    pub call_site: &'static Location<'static>,
    /// How many rows it returned.
    pub rows: u64,
}

impl NPlusOne {
    /// What to do, in one line: ``add `.with(User::POSTS)` to the query at src/handlers.rs:42: 51 statements become 2``.
    pub fn fix(&self) -> String {
        let become_ =
            |others: usize| format!("{} become {}", statements(self.count + others), others + 1);
        let read = self.kind == StatementKind::Select;
        if !read {
            return match self.kind {
                StatementKind::Insert | StatementKind::Copy => {
                    format!("insert the rows with `insert_many`: {}", become_(0))
                }
                StatementKind::Delete => format!(
                    "delete the rows by one filter, `.filter(..).delete()`: {}",
                    become_(0)
                ),
                _ => format!("write the rows with one statement: {}", become_(0)),
            };
        }
        let relations: Vec<_> = self
            .relations
            .iter()
            .map(|relation| format!("`.with({relation})`"))
            .collect();
        match (relations.join(" or "), &self.parents) {
            (relation, Some(parents)) if !relation.is_empty() => format!(
                "add {relation} to the query at {}: {}",
                place(parents.call_site),
                become_(1)
            ),
            (relation, None) if !relation.is_empty() => format!(
                "add {relation} to the query that loads the parents: {}",
                become_(0)
            ),
            _ => format!(
                "collect the keys and ask once, with `find_many` or `.in_list(..)`: {}",
                become_(0)
            ),
        }
    }
}

/// What was repeated, where, for which rows, and what to do.
impl fmt::Display for NPlusOne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "N+1: {} from {} with different arguments, in {:.1?}",
            statements(self.count),
            place(self.call_site),
            self.time
        )?;
        writeln!(f, "  {}", self.sql)?;
        for (sql, call_site) in &self.alternates_with {
            writeln!(f, "  in turns with {} {sql}", place(call_site))?;
        }
        if let Some(parents) = &self.parents {
            writeln!(
                f,
                "  for the {} rows of `{}` read at {}",
                parents.rows,
                parents.table,
                place(parents.call_site)
            )?;
        }
        write!(f, "  fix: {}", self.fix())
    }
}

fn statements(count: usize) -> String {
    match count {
        1 => "1 statement".to_owned(),
        _ => format!("{count} statements"),
    }
}

pub(super) fn place(location: &Location<'_>) -> String {
    format!("{}:{}", location.file(), location.line())
}

/// What makes two statements repetitions of each other.
type Site<'s> = (Fingerprint, &'static str, u32, u32, Option<&'s str>);

/// The repetitions of one statement at one site.
#[derive(Default)]
struct Group {
    /// Positions in the log, one for each set of arguments; the chunks of one load have one.
    positions: Vec<usize>,
    arguments: HashSet<u64>,
    loads: HashSet<u64>,
    time: Duration,
}

/// The N+1 queries among `statements`, in the order of their first statement.
pub fn find(statements: &[Recorded], rules: &Rules) -> Vec<NPlusOne> {
    // A stream ends after the statements that its rows were gone through with.
    let mut statements: Vec<&Recorded> = statements.iter().collect();
    statements.sort_by_key(|run| run.began);
    let statements = statements.as_slice();
    let mut groups: HashMap<Site<'_>, Group> = HashMap::new();
    for (position, run) in statements.iter().enumerate() {
        if run.counts() && !rules.allowed.iter().any(|allowed| allowed.covers(run)) {
            groups.entry(site(run)).or_default().add(position, run);
        }
    }
    let mut suspects: Vec<Group> = groups
        .into_values()
        .filter(|group| group.positions.len() >= rules.threshold && group.time >= rules.min_time)
        .filter(|group| is_n_plus_one(group, statements))
        .collect();
    suspects.sort_by_key(|group| group.positions[0]);
    sequences(&suspects)
        .into_iter()
        .map(|sequence| describe(&sequence, statements))
        .collect()
}

/// What is done on each of several shards is no repetition.
fn site(run: &Recorded) -> Site<'_> {
    let (at, shard) = (run.call_site, run.target.shard.as_deref());
    (run.fingerprint, at.file(), at.line(), at.column(), shard)
}

impl Group {
    fn add(&mut self, position: usize, run: &Recorded) {
        self.time += run.duration;
        if run.load.is_some_and(|load| !self.loads.insert(load)) {
            return;
        }
        if self.arguments.insert(run.args_hash) {
            self.positions.push(position);
        }
    }
}

/// A look-up or write by key, or a statement for each row of an earlier one.
fn is_n_plus_one(group: &Group, statements: &[&Recorded]) -> bool {
    let run = &statements[group.positions[0]];
    let by_key = match &run.plan.subject {
        Some(subject) => run.kind != StatementKind::Select || subject.is_by_key(),
        // Nobody knows what the user's own text looks for.
        None => true,
    };
    by_key || parents(group, statements).is_some()
}

/// The statement whose rows the group goes through: the last one before it that returned as many rows as the group has
/// statements, and leads to the group's table if any such does.
fn parents<'s>(group: &Group, statements: &[&'s Recorded]) -> Option<&'s Recorded> {
    let first = group.positions[0];
    let run = &statements[first];
    let count = group.positions.len() as u64;
    let candidates =
        || {
            statements[..first].iter().rev().copied().filter(|earlier| {
                earlier.kind == StatementKind::Select && site(earlier) != site(run)
            })
        };
    let related = candidates().find(|earlier| {
        // Some of the parents may share a key, or have none.
        earlier.rows >= count && !relations_between(earlier, run).is_empty()
    });
    related.or_else(|| candidates().find(|earlier| earlier.rows == count))
}

/// The relations from what `parent` read that load what `run` read.
fn relations_between(parent: &Recorded, run: &Recorded) -> Vec<&'static RelationDef> {
    let (Some(parent), Some(child)) = (&parent.plan.subject, &run.plan.subject) else {
        return Vec::new();
    };
    let leads = |relation: &&'static RelationDef| {
        relation.through.is_none()
            && (relation.target)().is(child.table)
            && is_same(&relation.to, &child.by)
    };
    let relations = (parent.table.relations)();
    plain_first(relations.into_iter().filter(leads).collect())
}

/// A relation with a filter of its own loads other rows; it is named only where there is no other.
fn plain_first(mut relations: Vec<&'static RelationDef>) -> Vec<&'static RelationDef> {
    if relations.iter().any(|relation| relation.filter.is_none()) {
        relations.retain(|relation| relation.filter.is_none());
    }
    relations
}

/// The relations that load what `run` read, from whatever its foreign keys point at.
fn relations_into(run: &Recorded) -> Vec<&'static RelationDef> {
    let Some(child) = &run.plan.subject else {
        return Vec::new();
    };
    let pointed_at = (child.table.relations)();
    let pointed_at = pointed_at.iter().filter(|relation| {
        relation.cardinality == Cardinality::BelongsTo && is_same(&relation.from, &child.by)
    });
    let back = pointed_at
        .flat_map(|relation| ((relation.target)().relations)())
        .filter(|back| {
            back.through.is_none()
                && (back.target)().is(child.table)
                && is_same(&back.to, &child.by)
        });
    plain_first(back.collect())
}

fn is_same(columns: &[usize], by: &[usize]) -> bool {
    columns.len() == by.len() && columns.iter().all(|column| by.contains(column))
}

/// Groups that took turns (A B A B ..) put together, each sequence under its first group.
fn sequences(groups: &[Group]) -> Vec<Vec<&Group>> {
    let mut sequences: Vec<Vec<&Group>> = Vec::new();
    for group in groups {
        let turns = sequences
            .iter_mut()
            .find(|sequence| sequence.last().is_some_and(|last| take_turns(last, group)));
        match turns {
            Some(sequence) => sequence.push(group),
            None => sequences.push(vec![group]),
        }
    }
    sequences
}

/// Whether one statement of `second` stands between each two of `first`.
fn take_turns(first: &Group, second: &Group) -> bool {
    first.positions.len() == second.positions.len()
        && first
            .positions
            .iter()
            .zip(&second.positions)
            .all(|(first, second)| first < second)
        && second
            .positions
            .iter()
            .zip(&first.positions[1..])
            .all(|(second, next)| second < next)
}

fn describe(sequence: &[&Group], statements: &[&Recorded]) -> NPlusOne {
    let group = sequence[0];
    let run = &statements[group.positions[0]];
    let parents = parents(group, statements);
    let mut relations = match parents {
        Some(parents) => relations_between(parents, run),
        None => Vec::new(),
    };
    if relations.is_empty() {
        relations = relations_into(run);
    }
    let alternates_with = sequence[1..].iter().map(|other| {
        let run = &statements[other.positions[0]];
        (run.normalized().to_owned(), run.call_site)
    });
    NPlusOne {
        sql: run.normalized().to_owned(),
        fingerprint: run.fingerprint,
        kind: run.kind,
        table: run.table().to_owned(),
        call_site: run.call_site,
        count: group.positions.len(),
        time: sequence.iter().map(|group| group.time).sum(),
        parents: parents.map(|parents| Parents {
            table: parents.table().to_owned(),
            call_site: parents.call_site,
            rows: parents.rows,
        }),
        relations: relations.iter().map(|relation| relation.path).collect(),
        alternates_with: alternates_with.collect(),
    }
}
