//! Queries as data: what a level of a graph selects, with which filter, order and links.
use crate::schema::{
    Condition, OrderTerm, RelationDef, TableDef, Value,
    expression::{AggregateKind, ByAddress, Term},
};

/// A lock on the rows that a query returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lock {
    /// How strong the lock is.
    pub strength: LockStrength,
    /// What happens where a row is locked already.
    pub wait: LockWait,
    /// Whether the rows are asked for by primary key, and must be locked in its order.
    pub by_key: bool,
}

/// How strong a row lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockStrength {
    /// `FOR UPDATE`
    Update,
    /// `FOR NO KEY UPDATE` (PostgreSQL)
    NoKeyUpdate,
    /// `FOR SHARE`, or `LOCK IN SHARE MODE`
    Share,
    /// `FOR KEY SHARE` (PostgreSQL)
    KeyShare,
}

/// What happens where a row is locked already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LockWait {
    /// Wait for it.
    #[default]
    Wait,
    /// Leave the row out.
    SkipLocked,
    /// Fail at once.
    NoWait,
}

/// The rows of one table, as one level of a graph selects them.
///
/// The columns returned are those of the link, then `columns`, then those of each join, depth first.
#[derive(Debug, Clone)]
pub struct Level {
    /// The table.
    pub table: &'static TableDef,
    /// Positions of the columns to return.
    pub columns: Vec<usize>,
    /// The rows wanted, including what the relation and soft deletion demand.
    pub filter: Option<Condition>,
    /// The order wanted; ties are broken by primary key if there is any order.
    pub order: Vec<OrderTerm>,
    /// At most so many rows (per parent, where the level is linked).
    pub limit: Option<u64>,
    /// Leave out so many rows first (per parent, where the level is linked).
    pub offset: Option<u64>,
    /// Equal rows once.
    pub distinct: bool,
    /// The parents whose rows are wanted; none at the root.
    pub link: Option<Link>,
    /// Related rows in the same rows.
    pub joins: Vec<Join>,
    /// A row lock.
    pub lock: Option<Lock>,
}

impl Level {
    /// All rows of `table` with all columns.
    pub fn all(table: &'static TableDef) -> Self {
        Self {
            table,
            columns: (0..table.columns.len()).collect(),
            filter: None,
            order: Vec::new(),
            limit: None,
            offset: None,
            distinct: false,
            link: None,
            joins: Vec::new(),
            lock: None,
        }
    }

    /// The columns that tell which parent a row belongs to: the row's own, where it has them.
    pub fn link_columns(&self) -> LinkColumns {
        let Some(link) = &self.link else {
            return LinkColumns::default();
        };
        let relation = link.relation.0;
        let own = || {
            let place = |column| self.columns.iter().position(|own| own == column);
            relation.to.iter().map(place).collect::<Option<Vec<_>>>()
        };
        match relation.through.is_none() && Link::is_exact(relation) {
            true => own().map(|ordinals| LinkColumns { ordinals, width: 0 }),
            false => None,
        }
        .unwrap_or_else(|| LinkColumns::first(relation.from.len()))
    }

    /// How many columns the link puts first.
    pub fn link_width(&self) -> usize {
        self.link_columns().width
    }

    /// How many columns are returned in all.
    pub fn width(&self) -> usize {
        self.link_width() + self.columns.len() + self.joins.iter().map(Join::width).sum::<usize>()
    }

    /// Whether a join can return one row several times.
    pub fn multiplies(&self) -> bool {
        self.joins.iter().any(Join::multiplies)
    }
}

/// Where the columns are that tell which parent a row belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkColumns {
    /// Their ordinals among all columns of the row.
    pub ordinals: Vec<usize>,
    /// How many columns come before the row's own.
    pub width: usize,
}

impl LinkColumns {
    /// The first `width` columns, which are there for the link alone.
    pub fn first(width: usize) -> Self {
        Self {
            ordinals: (0..width).collect(),
            width,
        }
    }
}

/// How a level is tied to its parents.
#[derive(Debug, Clone)]
pub struct Link {
    /// The relation from the parents.
    pub relation: ByAddress<RelationDef>,
    /// Which parents.
    pub keys: Keys,
}

impl Link {
    /// Whether the child's own columns tell which parent it belongs to. Otherwise (text, decimals: types that the
    /// database compares by rules of its own) the parents' table is joined and its key returned.
    pub fn is_exact(relation: &RelationDef) -> bool {
        let source = (relation.source)();
        relation
            .from
            .iter()
            .all(|&column| source.columns[column].sql_type.compares_exactly())
    }
}

/// Which parents a level is wanted for.
#[derive(Debug, Clone)]
pub enum Keys {
    /// Those with these values in the relation's `from` columns; no NULLs, no duplicates.
    Values(Vec<Vec<Value>>),
    /// Those of an earlier level of the same statement.
    Level {
        /// Number of the level.
        level: usize,
        /// Ordinals of the key columns in that level.
        ordinals: Vec<usize>,
    },
}

/// Rows of a relation joined into the parent's rows.
#[derive(Debug, Clone)]
pub struct Join {
    /// The relation from the parent.
    pub relation: ByAddress<RelationDef>,
    /// Positions of the target's columns to return.
    pub columns: Vec<usize>,
    /// The rows wanted.
    pub filter: Option<Condition>,
    /// The order wanted.
    pub order: Vec<OrderTerm>,
    /// At most so many rows per parent.
    pub limit: Option<u64>,
    /// Leave out so many rows per parent first.
    pub offset: Option<u64>,
    /// Joins from the target on.
    pub joins: Vec<Join>,
}

impl Join {
    /// How many columns the join and its joins return.
    pub fn width(&self) -> usize {
        self.columns.len() + self.joins.iter().map(Join::width).sum::<usize>()
    }

    fn multiplies(&self) -> bool {
        !self.relation.leads_to_unique_row() || self.joins.iter().any(Join::multiplies)
    }

    /// Whether rows are limited per parent, which takes a window.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some() || self.offset.is_some()
    }
}

/// A figure per parent over the rows of a relation: the link's columns, then the figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The parents.
    pub link: Link,
    /// The rows that count.
    pub filter: Option<Condition>,
    /// What is computed.
    pub aggregate: AggregateKind,
}

/// One level of a statement that loads a whole graph.
#[derive(Debug, Clone)]
pub enum Part {
    /// Rows.
    Rows(Level),
    /// A figure per parent.
    Figure(Figure),
}

/// A query that returns one figure: count, exists, sum.
#[derive(Debug, Clone)]
pub struct Scalar {
    /// The rows that count.
    pub level: Level,
    /// What is computed.
    pub aggregate: AggregateKind,
}

/// Rows to change or remove.
#[derive(Debug, Clone)]
pub struct Target {
    /// The table.
    pub table: &'static TableDef,
    /// The rows.
    pub filter: Option<Condition>,
}

/// Columns set to terms.
pub type Assignments = Vec<(usize, Term)>;

/// Rows to add.
#[derive(Debug, Clone)]
pub struct Insert {
    /// The table.
    pub table: &'static TableDef,
    /// Positions of the columns given.
    pub columns: Vec<usize>,
    /// The rows, each as long as `columns`. `None` is the column's default.
    pub rows: Vec<Vec<Option<Value>>>,
    /// What happens where a row exists.
    pub conflict: Option<Conflict>,
    /// Positions of the columns to return; empty for none.
    pub returning: Vec<usize>,
}

/// Rows to add whose values are not looked at: the text alone, for values that follow it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The table.
    pub table: &'static TableDef,
    /// Positions of the columns given.
    pub columns: Vec<usize>,
    /// How the rows travel.
    pub form: BatchForm,
    /// What happens where a row exists; never with [`BatchForm::Copy`].
    pub conflict: Option<Conflict>,
}

/// Rows to change, each to values of its own, which are not looked at: the text alone. Its arguments are those of `set`,
/// and then what [`BatchUpdate::arguments`] makes of the rows.
#[derive(Debug, Clone)]
pub struct BatchUpdate {
    /// The table.
    pub table: &'static TableDef,
    /// Positions of the columns that find a row; those of the key first.
    pub by: Vec<usize>,
    /// Positions of the columns that are changed.
    pub columns: Vec<usize>,
    /// Columns that are set alike in every row.
    pub set: Assignments,
    /// How the rows travel.
    pub form: BatchUpdateForm,
}

/// How the rows of a [`BatchUpdate`] travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchUpdateForm {
    /// `FROM` an `UNNEST` of one array argument a column, of any number of rows (PostgreSQL).
    Arrays,
    /// `FROM` the `VALUES` of so many rows (PostgreSQL, SQLite).
    Values(usize),
    /// A `CASE` for each column with a branch for each of so many rows (MySQL, MariaDB): values that are compared with
    /// a key are arguments there, which take the collation of what they are compared with, and no columns of a table.
    Case(usize),
}

impl BatchUpdate {
    /// The arguments for rows, each of the values of `by` and then of `columns`.
    pub fn arguments(&self, rows: Vec<Vec<Value>>) -> Vec<Value> {
        let (keys, by) = (self.table.primary_key.len(), self.by.len());
        match self.form {
            BatchUpdateForm::Values(_) => rows.into_iter().flatten().collect(),
            BatchUpdateForm::Arrays => {
                let mut columns: Vec<Vec<Value>> = vec![Vec::new(); by + self.columns.len()];
                for row in rows {
                    for (column, value) in columns.iter_mut().zip(row) {
                        column.push(value);
                    }
                }
                columns.into_iter().filter_map(array).collect()
            }
            BatchUpdateForm::Case(_) => {
                let mut arguments = Vec::new();
                for column in 0..self.columns.len() {
                    for row in &rows {
                        arguments.extend_from_slice(&row[..keys]);
                        arguments.push(row[by + column].clone());
                    }
                }
                arguments.extend(rows.into_iter().flat_map(|row| row.into_iter().take(by)));
                arguments
            }
        }
    }
}

/// The values as one argument; `None` if there are none.
pub fn array(values: Vec<Value>) -> Option<Value> {
    let element = values.first()?.array_type();
    Some(Value::Array(element, Some(Box::new(values))))
}

/// How the rows of a [`Batch`] travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchForm {
    /// `VALUES` of so many rows, with one argument a value.
    Values(usize),
    /// `UNNEST` of one array argument a column, of any number of rows (PostgreSQL).
    Arrays,
    /// `COPY .. FROM STDIN` in its binary form, of any number of rows (PostgreSQL).
    Copy,
}

/// What an insert does where a row with the same unique value exists.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// Positions of the unique columns.
    pub target: Vec<usize>,
    /// Positions of the columns to overwrite with the new row's values; empty to leave the old row as it is.
    pub update: Vec<usize>,
    /// Columns set to terms over the old row (a version counted up).
    pub set: Assignments,
}
