//! How a graph is loaded: which relations are joined, batched or unified. Pure: decided without a database.
//!
//! The rule of [`Strategy::Auto`] and its reasons:
//!
//! - A to-one relation that leads to a unique row, with no limit of its own, is joined: it adds no row and saves a
//!   statement.
//! - On PostgreSQL all other relations of a query go into one statement with the root (unified): measured 1.3 to 2
//!   times faster than a statement per relation, and one round trip instead of one per level. Rows already in hand
//!   are batched by their keys.
//! - On SQLite, MySQL and MariaDB they are batched, one statement per relation: without round trips to save, a
//!   statement by keys reads each row once, where a union pays for its width.
//!
//! - A to-one relation that leads to a cached entity by its primary key is batched: what the cache holds is not fetched.
//!
//! - Relations of locked rows are batched, whatever the strategy, and so are relations whose own rows are locked: they are
//!   read when the lock is held, and a lock beside a join or a union would be refused or fall on more rows.
//!
//! Two to-many relations are joined in one statement only if the user forces it, with a warning.
use super::spec::{FigureSpec, RowsSpec, Spec, Strategy};
use crate::{
    dialect::Dialect,
    schema::{
        Condition, OrderTerm, RelationDef, SqlType, TableDef,
        expression::{ByAddress, Direction, Nulls, Term},
    },
    statement::query::{Join, Level, Link, Lock},
};

/// One level of a plan: what is selected, and how the levels below are loaded.
#[derive(Debug, Clone)]
pub struct Node {
    /// The relation from the parent; none at the root.
    pub relation: Option<ByAddress<RelationDef>>,
    /// The table.
    pub table: &'static TableDef,
    /// Positions of the columns to select.
    pub columns: Vec<usize>,
    /// How many of them the store reads; the others are keys.
    pub visible: usize,
    /// Ordinals of the primary key, where rows are told apart or sorted by it; else empty.
    pub key: Vec<usize>,
    /// Whether rows are sorted by an integer key after loading, because the statement leaves their order open.
    pub sort_by_key: bool,
    /// Whether the node is joined to its parent.
    pub joined: bool,
    /// Whether one row may come several times, because a join multiplies rows.
    pub repeats: bool,
    /// The rows wanted.
    pub filter: Option<Condition>,
    /// The order wanted.
    pub order: Vec<OrderTerm>,
    /// At most so many rows (per parent).
    pub limit: Option<u64>,
    /// Without so many rows (per parent).
    pub offset: Option<u64>,
    /// Equal rows once (root only).
    pub distinct: bool,
    /// Whether its rows may come from the result cache: asked for by primary key alone, with no level in their statement.
    pub kept: bool,
    /// A row lock.
    pub lock: Option<Lock>,
    /// The levels below, in the order of the specs.
    pub children: Vec<Child>,
}

/// How a level below is loaded. `keys` are the ordinals of the relation's key columns in the parent's columns.
#[derive(Debug, Clone)]
pub enum Child {
    /// In the parent's rows.
    Joined(Box<Node>),
    /// In the parent's statement, as a level of its own.
    Unified(Box<Node>, Vec<usize>),
    /// In a statement of its own.
    Batched(Box<Node>, Vec<usize>),
    /// A figure, in the parent's statement if the flag says so.
    Figure(FigureSpec, Vec<usize>, bool),
    /// Nothing.
    Nothing,
}

/// What the planner knows beside the specs.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The dialect.
    pub dialect: Dialect,
    /// The query's own strategy.
    pub strategy: Strategy,
    /// Whether the root's rows are in hand already.
    pub in_hand: bool,
    /// The lock on the root's rows, and on those of the relations that are to be locked with them.
    pub lock: Option<Lock>,
    /// Whether the rows just above are locked: then relations are batched, whatever the strategy.
    pub locked: bool,
    /// Whether there is a result cache to be asked for rows.
    pub cached: bool,
}

/// The root of a query.
#[derive(Debug, Clone)]
pub struct Root {
    /// What is selected at the root.
    pub level: Level,
    /// What is loaded beside it.
    pub children: Vec<Spec>,
}

/// The plan for a query, and what the user should be warned of.
pub fn plan(root: Root, context: Context) -> (Node, Vec<String>) {
    let mut warnings = Vec::new();
    let Level {
        table,
        columns,
        filter,
        order,
        limit,
        offset,
        distinct,
        lock,
        ..
    } = root.level;
    let visible = columns.len();
    let mut node = Node {
        relation: None,
        table,
        columns,
        visible,
        key: Vec::new(),
        sort_by_key: false,
        joined: false,
        repeats: false,
        filter,
        order,
        limit,
        offset,
        distinct,
        kept: false,
        lock,
        children: Vec::new(),
    };
    let in_one = match context.strategy {
        _ if context.locked => false,
        Strategy::Unified => true,
        Strategy::Auto => context.dialect == Dialect::Postgres && !context.in_hand,
        Strategy::Batched | Strategy::Joined => false,
    };
    add_children(&mut node, root.children, context, in_one, &mut warnings);
    settle(&mut node, context.in_hand);
    (node, warnings)
}

fn add_children(
    node: &mut Node,
    specs: Vec<Spec>,
    context: Context,
    in_one: bool,
    warnings: &mut Vec<String>,
) {
    let mut joined_many = 0;
    for spec in specs {
        let child = match spec {
            Spec::Nothing => Child::Nothing,
            Spec::Figure(figure) => {
                let keys = ordinals(node, &figure.relation.from);
                Child::Figure(figure, keys, in_one && !context.in_hand)
            }
            Spec::Rows(rows) => {
                let strategy = strategy(&rows, context, in_one);
                if strategy == Strategy::Joined && !rows.relation.leads_to_unique_row() {
                    joined_many += 1;
                }
                let relation = rows.relation;
                let keys = if strategy == Strategy::Joined {
                    Vec::new()
                } else {
                    ordinals(node, &relation.from)
                };
                let locked = context.locks(&rows);
                // Rows of a statement of their own are the head of that statement; levels below may share it.
                let below = match context.strategy {
                    _ if locked => false,
                    _ if strategy == Strategy::Unified => true,
                    Strategy::Auto => context.dialect == Dialect::Postgres,
                    Strategy::Unified => true,
                    Strategy::Batched | Strategy::Joined => false,
                };
                let kept = context.keeps(&rows, strategy);
                let inner = Context {
                    // Nothing is in the statement of rows that may need none.
                    in_hand: kept || (context.in_hand && strategy == Strategy::Joined),
                    locked: locked || (context.locked && strategy == Strategy::Joined),
                    ..context
                };
                let child = rows_node(rows, strategy == Strategy::Joined, inner, below, warnings);
                match strategy {
                    Strategy::Joined => Child::Joined(Box::new(child)),
                    Strategy::Unified => Child::Unified(Box::new(child), keys),
                    Strategy::Batched | Strategy::Auto => Child::Batched(Box::new(child), keys),
                }
            }
        };
        node.children.push(child);
    }
    if joined_many > 1 {
        warnings.push(format!(
            "{joined_many} to-many relations of `{}` are joined in one statement, which multiplies rows; load all but one of them `.batched()`",
            node.table.entity
        ));
    }
}

impl Context {
    /// Whether these related rows are locked.
    fn locks(self, rows: &RowsSpec) -> bool {
        self.lock.is_some() && rows.options.locked
    }

    /// Whether these related rows may come from the result cache.
    fn keeps(self, rows: &RowsSpec, strategy: Strategy) -> bool {
        self.cached && strategy == Strategy::Batched && may_be_kept(rows) && !self.locks(rows)
    }
}

/// The strategy for one relation: its own, else the query's, else the measured rule.
fn strategy(rows: &RowsSpec, context: Context, in_one: bool) -> Strategy {
    if context.in_hand || context.locked || context.locks(rows) {
        return Strategy::Batched;
    }
    let wanted = match (rows.options.strategy, context.strategy) {
        (Strategy::Auto, of_query) => of_query,
        (own, _) => own,
    };
    match wanted {
        Strategy::Auto if context.cached && may_be_kept(rows) => Strategy::Batched,
        Strategy::Auto if joins_for_free(rows) => Strategy::Joined,
        Strategy::Auto | Strategy::Unified if in_one => Strategy::Unified,
        Strategy::Unified => Strategy::Unified,
        Strategy::Auto => Strategy::Batched,
        explicit => explicit,
    }
}

/// Whether the rows are those of a cached entity by primary key, and all of them.
fn may_be_kept(rows: &RowsSpec) -> bool {
    let (relation, options, table) = (rows.relation, &rows.options, rows.table());
    table.cache.is_some()
        && relation.through.is_none()
        && relation.to == table.primary_key
        && relation.filter.is_none()
        && options.filter.is_none()
        && options.limit.is_none()
        && options.offset.is_none()
        && !options.with_deleted
}

fn joins_for_free(rows: &RowsSpec) -> bool {
    let options = &rows.options;
    let multiplies_below = rows.children.iter().any(|child| match child {
        Spec::Rows(rows) => {
            rows.options.strategy == Strategy::Joined && !rows.relation.leads_to_unique_row()
        }
        _ => false,
    });
    rows.relation.leads_to_unique_row()
        && options.limit.is_none()
        && options.offset.is_none()
        && !multiplies_below
}

fn rows_node(
    rows: RowsSpec,
    joined: bool,
    context: Context,
    in_one: bool,
    warnings: &mut Vec<String>,
) -> Node {
    let table = rows.table();
    let visible = rows.columns.len();
    let kept = !joined && context.cached && context.in_hand && may_be_kept(&rows);
    let lock = context.lock.filter(|_| rows.options.locked);
    let mut node = Node {
        relation: Some(rows.relation),
        table,
        columns: rows.columns,
        visible,
        key: Vec::new(),
        sort_by_key: false,
        joined,
        repeats: false,
        filter: rows.options.full_filter(rows.relation.0),
        order: rows.options.full_order(rows.relation.0),
        limit: rows.options.limit,
        offset: rows.options.offset,
        distinct: false,
        kept,
        lock: lock.map(|lock| lock_of(lock, rows.relation.0)),
        children: Vec::new(),
    };
    if joined {
        node.key = ordinals_of(&mut node.columns, &table.primary_key);
    } else if lock.is_some() {
        // The order in which the rows are locked: the same for everybody.
        if node.order.is_empty() {
            node.order = table
                .primary_key
                .iter()
                .map(|&key| ascending(key))
                .collect();
        }
    } else if node.order.is_empty()
        && !rows.relation.cardinality.is_to_one()
        && node.limit.is_none()
        && node.offset.is_none()
    {
        match table.primary_key.as_slice() {
            [key] if is_integer(table.columns[*key].sql_type) => {
                node.key = ordinals_of(&mut node.columns, &table.primary_key);
                node.sort_by_key = true;
            }
            keys => node.order = keys.iter().map(|&key| ascending(key)).collect(),
        }
    }
    add_children(&mut node, rows.children, context, in_one, warnings);
    node
}

/// The query's lock on the rows of a relation.
fn lock_of(lock: Lock, relation: &RelationDef) -> Lock {
    let target = (relation.target)();
    Lock {
        by_key: relation.through.is_none()
            && relation.to == target.primary_key
            && Link::is_exact(relation),
        ..lock
    }
}

fn ascending(column: usize) -> OrderTerm {
    OrderTerm {
        term: Term::Column(column),
        direction: Direction::Asc,
        nulls: Nulls::Smallest,
    }
}

fn is_integer(sql_type: SqlType) -> bool {
    matches!(sql_type, SqlType::SmallInt | SqlType::Int | SqlType::BigInt)
}

/// The ordinals of `wanted` in the node's columns; columns that are missing are selected too.
fn ordinals(node: &mut Node, wanted: &[usize]) -> Vec<usize> {
    ordinals_of(&mut node.columns, wanted)
}

/// The ordinals of `wanted` in `columns`; columns that are missing are added.
pub fn ordinals_of(columns: &mut Vec<usize>, wanted: &[usize]) -> Vec<usize> {
    wanted
        .iter()
        .map(|column| {
            columns
                .iter()
                .position(|known| known == column)
                .unwrap_or_else(|| {
                    columns.push(*column);
                    columns.len() - 1
                })
        })
        .collect()
}

/// Where a join multiplies rows, every node of the statement tells its rows apart by primary key, and a join's order
/// must be total.
fn settle(node: &mut Node, in_hand: bool) {
    if !in_hand && joins(node).iter().any(|join| multiplies(join)) {
        repeat(node);
    }
    for child in &mut node.children {
        match child {
            Child::Unified(node, _) | Child::Batched(node, _) => settle(node, false),
            // Joined nodes are settled with the statement they are in, those below them on their own.
            Child::Joined(node) => settle_below(node),
            Child::Figure(..) | Child::Nothing => {}
        }
    }
}

fn settle_below(node: &mut Node) {
    for child in &mut node.children {
        match child {
            Child::Unified(node, _) | Child::Batched(node, _) => settle(node, false),
            Child::Joined(node) => settle_below(node),
            Child::Figure(..) | Child::Nothing => {}
        }
    }
}

fn joins(node: &Node) -> Vec<&Node> {
    node.children
        .iter()
        .filter_map(|child| match child {
            Child::Joined(node) => Some(node.as_ref()),
            _ => None,
        })
        .collect()
}

fn multiplies(node: &Node) -> bool {
    node.relation
        .is_some_and(|relation| !relation.leads_to_unique_row())
        || joins(node).iter().any(|join| multiplies(join))
}

fn repeat(node: &mut Node) {
    node.repeats = true;
    node.key = ordinals_of(&mut node.columns, &node.table.primary_key);
    for child in &mut node.children {
        if let Child::Joined(node) = child {
            repeat(node);
        }
    }
}

impl Node {
    /// The level to be rendered, with the joins below it; `link` ties it to its parents.
    pub fn level(&self, link: Option<Link>) -> Level {
        Level {
            table: self.table,
            columns: self.columns.clone(),
            filter: self.filter.clone(),
            order: self.order.clone(),
            limit: self.limit,
            offset: self.offset,
            distinct: self.distinct,
            link,
            joins: self.joins(),
            lock: self.lock,
        }
    }

    fn joins(&self) -> Vec<Join> {
        self.children
            .iter()
            .filter_map(|child| match child {
                Child::Joined(node) => Some(Join {
                    relation: node.relation?,
                    columns: node.columns.clone(),
                    filter: node.filter.clone(),
                    order: node.order.clone(),
                    limit: node.limit,
                    offset: node.offset,
                    joins: node.joins(),
                }),
                _ => None,
            })
            .collect()
    }

    /// How many columns the node and its joins take.
    pub fn width(&self) -> usize {
        self.columns.len() + joins(self).iter().map(|join| join.width()).sum::<usize>()
    }
}
