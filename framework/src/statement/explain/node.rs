//! One step of a plan.
use std::time::Duration;

/// What a step of a plan does, whatever the database calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeKind {
    /// Every row of a table is read.
    FullScan,
    /// Every entry of an index is read.
    IndexScan,
    /// The entries of an index that a condition names are read.
    IndexSearch,
    /// Rows are found by their primary key, or by a part or range of it. PostgreSQL does not tell it from another index: there
    /// it is one whose name ends with `_pkey`.
    PrimaryKey,
    /// Every row of a table is read to make an index of it that lives as long as the statement: SQLite, where one is missing.
    AutomaticIndex,
    /// Rows of a subquery, of a common table expression or of a temporary table are read.
    Derived,
    /// Rows are made by a function or a virtual table.
    Function,
    /// Rows of several inputs are put together by a condition.
    Join,
    /// Rows that do not fulfil a condition are left out.
    Filter,
    /// Rows are put in order.
    Sort,
    /// Rows are grouped, counted or told apart.
    Aggregate,
    /// Rows come one after the other from several inputs.
    Union,
    /// Only some rows are taken.
    Limit,
    /// Rows are kept aside to be read again.
    Materialize,
    /// A query within the query.
    Subquery,
    /// Rows that need no table, or that were read while planning.
    Constant,
    /// Rows are written.
    Write,
    /// Something else; [`PlanNode::operation`] says what.
    Other,
}

impl NodeKind {
    /// Whether all of a table or of an index is read, however few rows come of it.
    pub fn reads_all(self) -> bool {
        matches!(
            self,
            NodeKind::FullScan | NodeKind::IndexScan | NodeKind::AutomaticIndex
        )
    }
}

/// One step of a plan, with the steps that it gets its rows from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlanNode {
    /// What it does.
    pub kind: NodeKind,
    /// What the database calls it: `Bitmap Heap Scan`, `range`, `SEARCH posts USING INDEX posts_author_id (author_id=?)`.
    pub operation: String,
    /// The table that it reads or writes.
    pub table: Option<String>,
    /// What the table is called in the statement, if not by its name.
    pub alias: Option<String>,
    /// The index that it uses.
    pub index: Option<String>,
    /// Whether everything that is asked for is in the index, so that the table is not read. PostgreSQL may have to look at
    /// the table all the same, where rows were changed of late.
    pub covering: bool,
    /// The indexes that could have been used: told by MySQL and MariaDB.
    pub possible_indexes: Vec<String>,
    /// The condition by which it searches, joins or sorts. SQLite tells the columns only.
    pub condition: Option<String>,
    /// The condition that is asked of each row when it has been read. SQLite does not tell it.
    pub filter: Option<String>,
    /// How many rows the database expects, each time. SQLite does not tell.
    pub estimated_rows: Option<f64>,
    /// What the database expects it to cost, in units of its own. MariaDB tells it from version 11 on, SQLite never.
    pub estimated_cost: Option<f64>,
    /// What was measured; `None` where nothing was.
    pub measured: Option<Measured>,
    /// The steps that it gets its rows from, in the order of the database.
    pub children: Vec<PlanNode>,
}

/// What was measured of a step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Measured {
    /// How many rows it gave, on average each time.
    pub rows: f64,
    /// How many times it was run; 0 if never.
    pub loops: f64,
    /// How many rows were read and left out by [`PlanNode::filter`], on average each time.
    pub removed: Option<f64>,
    /// How long it took with the steps below it, all times together. MariaDB tells the time of the step alone.
    pub time: Option<Duration>,
    /// The pages that it read and wrote, where they are told: by PostgreSQL and MariaDB.
    pub buffers: Option<Buffers>,
}

impl Measured {
    /// How many rows it gave, all times together.
    pub fn total_rows(&self) -> f64 {
        self.rows * self.loops
    }
}

/// The pages that a step read and wrote, with the steps below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Buffers {
    /// Those that were in the database's own memory.
    pub hit: u64,
    /// Those that were read from outside of it.
    pub read: u64,
    /// Those that were written out.
    pub written: u64,
    /// Those of temporary files that were read.
    pub temp_read: u64,
    /// Those of temporary files that were written.
    pub temp_written: u64,
}

impl PlanNode {
    pub(super) fn new(kind: NodeKind, operation: impl Into<String>) -> Self {
        Self {
            kind,
            operation: operation.into(),
            table: None,
            alias: None,
            index: None,
            covering: false,
            possible_indexes: Vec::new(),
            condition: None,
            filter: None,
            estimated_rows: None,
            estimated_cost: None,
            measured: None,
            children: Vec::new(),
        }
    }

    /// This node and all below it, each before its children.
    pub fn nodes(&self) -> impl Iterator<Item = &PlanNode> {
        let mut ahead = vec![self];
        std::iter::from_fn(move || {
            let node = ahead.pop()?;
            ahead.extend(node.children.iter().rev());
            Some(node)
        })
    }

    /// Calls `each` with this node and all below it.
    pub(super) fn for_each(&mut self, each: &mut impl FnMut(&mut PlanNode)) {
        each(self);
        for child in &mut self.children {
            child.for_each(each);
        }
    }
}

/// A time that the database gives in milliseconds; none that has no meaning.
pub(super) fn millis(millis: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(millis / 1000.0).ok()
}
