//! Random queries over the models, read off a tape of numbers: a shorter tape makes a simpler query, so that a failure
//! shrinks to something that can be read.
//!
//! The queries have types that every database accepts, so that their texts can be run.
use super::models::Models;
use crate::{
    dialect::Dialect,
    schema::{
        Condition, EntitySet, OrderTerm, RelationDef, SqlType, TableDef, Value,
        expression::{
            AggregateKind, Arithmetic, ByAddress, Comparison, Direction, Nulls, RelationTerm, Term,
        },
    },
    statement::{
        query::{
            Assignments, Batch, BatchUpdate, Conflict, Figure, Insert, Join, Keys, Level, Link,
            Lock, LockStrength, LockWait, Part, Scalar, Target,
        },
        render::Query,
    },
};

/// A query that owns what [`Query`] borrows.
#[derive(Debug, Clone)]
pub(super) enum Owned {
    Level(Level),
    Figure(Figure),
    Unified(Vec<Part>),
    Scalar(Scalar),
    Insert(Insert),
    /// With the rows' arguments.
    Batch(Batch, Vec<Value>),
    /// With the rows, each of the values of `by` and then of `columns`.
    BatchUpdate(BatchUpdate, Vec<Vec<Value>>),
    Update(Target, Assignments),
    Delete(Target),
}

impl Owned {
    pub(super) fn query(&self) -> Query<'_> {
        match self {
            Owned::Level(level) => Query::Level(level),
            Owned::Figure(figure) => Query::Figure(figure),
            Owned::Unified(parts) => Query::Unified(parts),
            Owned::Scalar(scalar) => Query::Scalar(scalar),
            Owned::Insert(insert) => Query::Insert(insert),
            Owned::Batch(batch, _) => Query::Batch(batch),
            Owned::BatchUpdate(update, _) => Query::BatchUpdate(update),
            Owned::Update(target, set) => Query::Update(target, set),
            Owned::Delete(target) => Query::Delete(target),
        }
    }

    /// All arguments, where the query lists `listed`.
    pub(super) fn arguments(&self, listed: Vec<Value>) -> Vec<Value> {
        match self {
            Owned::Batch(_, rows) => rows.iter().cloned().chain(listed).collect(),
            Owned::BatchUpdate(update, rows) => {
                let rows = update.arguments(rows.clone());
                listed.into_iter().chain(rows).collect()
            }
            _ => listed,
        }
    }
}

/// What a term is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Text,
}

impl Class {
    fn of(sql_type: SqlType) -> Option<Self> {
        match sql_type {
            SqlType::Int | SqlType::BigInt => Some(Class::Number),
            SqlType::Text => Some(Class::Text),
            _ => None,
        }
    }
}

/// Numbers in a row, 0 after the last one.
pub(super) struct Tape<'t> {
    numbers: &'t [u16],
    at: usize,
    dialect: Dialect,
}

impl<'t> Tape<'t> {
    pub(super) fn new(numbers: &'t [u16], dialect: Dialect) -> Self {
        Self {
            numbers,
            at: 0,
            dialect,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(number) % bound.max(1)
    }

    /// True once in `chances` times, and never on an empty tape.
    fn once_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 1
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn subset(&mut self, count: usize) -> Vec<usize> {
        let all = !self.once_in(3);
        let chosen: Vec<_> = (0..count).filter(|_| all || self.once_in(2)).collect();
        if chosen.is_empty() { vec![0] } else { chosen }
    }

    fn table(&mut self) -> &'static TableDef {
        self.pick(&Models::tables())
    }

    fn relation(&mut self, table: &'static TableDef) -> Option<&'static RelationDef> {
        let relations = (table.relations)();
        (!relations.is_empty()).then(|| self.pick(&relations))
    }

    fn some_relation(&mut self) -> &'static RelationDef {
        let relations: Vec<_> = Models::tables()
            .into_iter()
            .flat_map(|table| (table.relations)())
            .collect();
        self.pick(&relations)
    }

    pub(super) fn query(&mut self) -> Owned {
        match self.below(9) {
            0..=2 => Owned::Level(self.root()),
            3 => Owned::Level(self.linked()),
            4 => Owned::Unified(self.parts()),
            5 => Owned::Figure(self.figure()),
            6 => Owned::Scalar(self.scalar()),
            7 => Owned::Insert(self.insert()),
            _ => {
                let table = self.table();
                let target = Target {
                    table,
                    filter: self.write_filter(table),
                };
                if self.once_in(2) {
                    Owned::Delete(target)
                } else {
                    let set = self.assignments(table);
                    Owned::Update(target, set)
                }
            }
        }
    }

    /// What is given for a column of `sql_type`.
    fn value(&mut self, sql_type: SqlType) -> Value {
        let number = self.below(5) as i64;
        match sql_type {
            SqlType::Int => Value::Int(Some(number as i32)),
            SqlType::BigInt => Value::BigInt(Some(number)),
            SqlType::Text => Value::String(Some(format!("x{number}"))),
            SqlType::Decimal => Value::Decimal(Some(number.into())),
            SqlType::Uuid => Value::Uuid(Some(uuid::Uuid::from_u128(number as u128))),
            SqlType::Bytes => Value::Bytes(Some(vec![number as u8; number as usize])),
            SqlType::Timestamp => Value::ChronoDateTimeUtc(Some(
                chrono::DateTime::from_timestamp(number, 0).expect("a time near the epoch"),
            )),
            other => panic!("no model has a column of type {other:?}"),
        }
    }

    fn of_class(&mut self, class: Class) -> Value {
        self.value(match class {
            Class::Number => SqlType::BigInt,
            Class::Text => SqlType::Text,
        })
    }

    fn class(&mut self) -> Class {
        self.pick(&[Class::Number, Class::Text])
    }

    fn column(&mut self, table: &TableDef, class: Class) -> Option<usize> {
        let fitting: Vec<_> = (0..table.columns.len())
            .filter(|&column| Class::of(table.columns[column].sql_type) == Some(class))
            .collect();
        (!fitting.is_empty()).then(|| self.pick(&fitting))
    }

    fn term(&mut self, table: &'static TableDef, class: Class, depth: usize) -> Term {
        let simple = self.column(table, class);
        let simple = match simple {
            Some(column) => Term::Column(column),
            None => Term::Value(self.of_class(class)),
        };
        if depth == 0 {
            return simple;
        }
        match (self.below(8), class) {
            (1, _) => Term::Value(self.of_class(class)),
            (2, Class::Number) => {
                let operator = self.pick(&[Arithmetic::Add, Arithmetic::Sub, Arithmetic::Mul]);
                let left = self.term(table, class, depth - 1);
                let right = self.term(table, class, depth - 1);
                Term::Arithmetic(operator, Box::new(left), Box::new(right))
            }
            (2, Class::Text) => {
                let name = self.pick(&["LOWER", "UPPER"]);
                Term::Function(name, Box::new(self.term(table, class, depth - 1)))
            }
            (3, _) => match self.relation(table) {
                Some(relation) => self.aggregate_term(relation, class, depth - 1),
                None => simple,
            },
            (4, _) => {
                let to_one: Vec<_> = (table.relations)()
                    .into_iter()
                    .filter(|relation| relation.cardinality.is_to_one())
                    .collect();
                if to_one.is_empty() {
                    return simple;
                }
                let relation = self.pick(&to_one);
                let inner = self.term((relation.target)(), class, depth - 1);
                Term::Through(ByAddress(relation), Box::new(inner))
            }
            _ => simple,
        }
    }

    fn aggregate_term(
        &mut self,
        relation: &'static RelationDef,
        class: Class,
        depth: usize,
    ) -> Term {
        let target = (relation.target)();
        let column = self.column(target, class);
        let aggregate = match (class, column, self.below(4)) {
            (Class::Number, Some(column), 1) => AggregateKind::Sum(column),
            (_, Some(column), 2) => AggregateKind::Max(column),
            (Class::Text, Some(column), _) => AggregateKind::Min(column),
            (Class::Text, None, _) => return Term::Value(self.of_class(class)),
            (Class::Number, ..) => AggregateKind::Count,
        };
        let filter = self
            .once_in(2)
            .then(|| self.condition(target, depth.min(1)));
        Term::Aggregate(Box::new(RelationTerm {
            relation: ByAddress(relation),
            filter,
            aggregate,
        }))
    }

    fn filter(&mut self, table: &'static TableDef, depth: usize) -> Option<Condition> {
        self.once_in(2).then(|| self.condition(table, depth))
    }

    /// MySQL reads no table in a subquery that the statement writes.
    fn write_filter(&mut self, table: &'static TableDef) -> Option<Condition> {
        let depth = if self.dialect == Dialect::Mysql { 0 } else { 2 };
        self.filter(table, depth)
    }

    fn conditions(&mut self, table: &'static TableDef, depth: usize) -> Vec<Condition> {
        (0..self.below(4))
            .map(|_| self.condition(table, depth))
            .collect()
    }

    fn condition(&mut self, table: &'static TableDef, depth: usize) -> Condition {
        let class = self.class();
        let kinds = if depth == 0 { 7 } else { 11 };
        match self.below(kinds) {
            0 => {
                let comparison = self.pick(&[
                    Comparison::Eq,
                    Comparison::Ne,
                    Comparison::Lt,
                    Comparison::Le,
                    Comparison::Gt,
                    Comparison::Ge,
                ]);
                let left = self.term(table, class, depth);
                Condition::Compare(comparison, left, Term::Value(self.of_class(class)))
            }
            1 => {
                let column = self.below(table.columns.len());
                let sql_type = table.columns[column].sql_type;
                Condition::In {
                    term: Term::Column(column),
                    values: (0..self.below(6)).map(|_| self.value(sql_type)).collect(),
                    negated: self.once_in(2),
                }
            }
            2 => {
                let columns = table.primary_key.clone();
                let tuples = (0..self.below(5))
                    .map(|_| {
                        columns
                            .iter()
                            .map(|&column| self.value(table.columns[column].sql_type))
                            .collect()
                    })
                    .collect();
                Condition::TupleIn { columns, tuples }
            }
            3 => Condition::Like {
                term: self.term(table, Class::Text, depth),
                pattern: Value::String(Some(self.pick(&["A%", "_\\_%", ""]).to_owned())),
                negated: self.once_in(2),
                ignore_case: self.once_in(2),
            },
            4 => Condition::Between(
                self.term(table, class, depth),
                Term::Value(self.of_class(class)),
                self.term(table, class, depth),
            ),
            5 => {
                let column = self.below(table.columns.len());
                Condition::Null(Term::Column(column), self.once_in(2))
            }
            6 => {
                let left = self.term(table, class, depth);
                let right = self.term(table, class, depth);
                Condition::Compare(Comparison::Le, left, right)
            }
            7 => Condition::And(self.conditions(table, depth - 1)),
            8 => Condition::Or(self.conditions(table, depth - 1)),
            9 => Condition::Not(Box::new(self.condition(table, depth - 1))),
            _ => match self.relation(table) {
                Some(relation) => Condition::Exists {
                    relation: ByAddress(relation),
                    filter: self.filter((relation.target)(), depth - 1).map(Box::new),
                },
                None => Condition::Or(Vec::new()),
            },
        }
    }

    fn order(&mut self, table: &'static TableDef, depth: usize) -> Vec<OrderTerm> {
        (0..self.below(3))
            .map(|_| {
                let class = self.class();
                let term = match self.once_in(3) {
                    true => Term::Column(self.below(table.columns.len())),
                    false => self.term(table, class, depth),
                };
                // A bare number is the place of a column to some databases, a bare text a constant to none.
                let term = match term {
                    Term::Value(_) => Term::Column(0),
                    other => other,
                };
                OrderTerm {
                    term,
                    direction: self.pick(&[Direction::Asc, Direction::Desc]),
                    nulls: self.pick(&[Nulls::Smallest, Nulls::First, Nulls::Last]),
                }
            })
            .collect()
    }

    fn bound(&mut self) -> Option<u64> {
        self.once_in(3).then(|| self.below(4) as u64)
    }

    fn root(&mut self) -> Level {
        let table = self.table();
        let distinct = self.once_in(5);
        let mut level = Level {
            columns: self.subset(table.columns.len()),
            filter: self.filter(table, 2),
            order: self.order(table, 2),
            limit: self.bound(),
            offset: self.bound(),
            distinct,
            joins: self.joins(table, 2),
            ..Level::all(table)
        };
        if distinct {
            // An order by what is not selected has no meaning where equal rows are returned once.
            level.columns = (0..table.columns.len()).collect();
            level
                .order
                .retain(|order| matches!(order.term, Term::Column(_)));
        } else if level.joins.is_empty() && self.dialect != Dialect::Sqlite && self.once_in(4) {
            level.lock = Some(self.lock());
        }
        level
    }

    fn lock(&mut self) -> Lock {
        Lock {
            strength: LockStrength::Update,
            by_key: self.once_in(2),
            wait: self.pick(&[LockWait::Wait, LockWait::SkipLocked, LockWait::NoWait]),
        }
    }

    fn joins(&mut self, table: &'static TableDef, depth: usize) -> Vec<Join> {
        if depth == 0 {
            return Vec::new();
        }
        let wanted = self.below(8).saturating_sub(5);
        (0..wanted)
            .filter_map(|_| {
                let relation = self.relation(table)?;
                let target = (relation.target)();
                Some(Join {
                    relation: ByAddress(relation),
                    columns: self.subset(target.columns.len()),
                    filter: self.filter(target, 1),
                    order: self.order(target, 1),
                    limit: self.bound(),
                    offset: self.bound(),
                    joins: self.joins(target, depth - 1),
                })
            })
            .collect()
    }

    fn keys(&mut self, relation: &'static RelationDef) -> Keys {
        let source = (relation.source)();
        Keys::Values(
            (0..1 + self.below(4))
                .map(|_| {
                    relation
                        .from
                        .iter()
                        .map(|&column| self.value(source.columns[column].sql_type))
                        .collect()
                })
                .collect(),
        )
    }

    fn linked(&mut self) -> Level {
        let relation = self.some_relation();
        let keys = self.keys(relation);
        let mut level = self.linked_by(relation, keys);
        let limited = level.limit.is_some() || level.offset.is_some();
        if self.dialect != Dialect::Sqlite && level.joins.is_empty() && !limited && self.once_in(3)
        {
            level.lock = Some(self.lock());
        }
        level
    }

    fn linked_by(&mut self, relation: &'static RelationDef, keys: Keys) -> Level {
        let table = (relation.target)();
        Level {
            columns: self.subset(table.columns.len()),
            filter: self.filter(table, 2),
            order: self.order(table, 2),
            limit: self.bound(),
            offset: self.bound(),
            link: Some(Link {
                relation: ByAddress(relation),
                keys,
            }),
            joins: self.joins(table, 1),
            ..Level::all(table)
        }
    }

    fn figure(&mut self) -> Figure {
        let relation = self.some_relation();
        let keys = self.keys(relation);
        self.figure_by(relation, keys)
    }

    fn figure_by(&mut self, relation: &'static RelationDef, keys: Keys) -> Figure {
        let table = (relation.target)();
        Figure {
            link: Link {
                relation: ByAddress(relation),
                keys,
            },
            filter: self.filter(table, 1),
            aggregate: self.aggregate(table),
        }
    }

    fn aggregate(&mut self, table: &'static TableDef) -> AggregateKind {
        let class = self.class();
        match (self.below(6), self.column(table, class)) {
            (1, _) => AggregateKind::Exists,
            (2, Some(column)) if class == Class::Number => AggregateKind::Sum(column),
            (3, Some(column)) if class == Class::Number => AggregateKind::Avg(column),
            (4, Some(column)) => AggregateKind::Min(column),
            (5, Some(column)) => AggregateKind::Max(column),
            _ => AggregateKind::Count,
        }
    }

    /// A root and up to three levels below it or each other.
    fn parts(&mut self) -> Vec<Part> {
        let mut root = self.root();
        root.lock = None;
        root.columns = (0..root.table.columns.len()).collect();
        let mut parts = vec![Part::Rows(root)];
        for _ in 0..self.below(4) {
            let above = self.below(parts.len());
            let Part::Rows(level) = &parts[above] else {
                continue;
            };
            let start = level.link_width();
            let Some(relation) = self.relation(level.table) else {
                continue;
            };
            let keys = Keys::Level {
                level: above,
                ordinals: relation.from.iter().map(|&column| start + column).collect(),
            };
            parts.push(if self.once_in(4) {
                Part::Figure(self.figure_by(relation, keys))
            } else {
                let mut level = self.linked_by(relation, keys);
                level.columns = (0..level.table.columns.len()).collect();
                Part::Rows(level)
            });
        }
        parts
    }

    fn scalar(&mut self) -> Scalar {
        let table = self.table();
        let level = Level {
            filter: self.filter(table, 2),
            limit: self.bound(),
            offset: self.bound(),
            distinct: self.once_in(4),
            ..Level::all(table)
        };
        Scalar {
            aggregate: self.aggregate(table),
            level,
        }
    }

    fn assignments(&mut self, table: &'static TableDef) -> Assignments {
        let column = self.below(table.columns.len());
        let depth = if self.dialect == Dialect::Mysql { 0 } else { 1 };
        let sql_type = table.columns[column].sql_type;
        let term = match Class::of(sql_type) {
            Some(class) if sql_type != SqlType::Int => self.term(table, class, depth),
            _ => Term::Value(self.value(sql_type)),
        };
        let mut set = vec![(column, term)];
        if let Some(version) = table.version.filter(|&version| version != column) {
            let plus = Term::Arithmetic(
                Arithmetic::Add,
                Box::new(Term::Column(version)),
                Box::new(Term::Value(Value::BigInt(Some(1)))),
            );
            set.push((version, plus));
        }
        set
    }

    fn insert(&mut self) -> Insert {
        let table = self.table();
        let columns: Vec<_> = match self.once_in(5) {
            true => Vec::new(),
            false => (0..table.columns.len()).collect(),
        };
        let defaults = self.dialect != Dialect::Sqlite;
        let rows = (0..1 + self.below(3))
            .map(|_| {
                columns
                    .iter()
                    .map(|&column| {
                        let left_out =
                            defaults && table.generated() == Some(column) && self.once_in(3);
                        (!left_out).then(|| self.value(table.columns[column].sql_type))
                    })
                    .collect()
            })
            .collect();
        let conflict = (!columns.is_empty() && self.once_in(2)).then(|| {
            let mut conflict = Conflict {
                target: table.primary_key.clone(),
                update: Vec::new(),
                set: Vec::new(),
            };
            if self.once_in(2) {
                conflict.update = (0..table.columns.len())
                    .filter(|column| !table.primary_key.contains(column))
                    .filter(|&column| table.version != Some(column))
                    .collect();
                conflict.set = match table.version {
                    Some(version) => vec![(
                        version,
                        Term::Arithmetic(
                            Arithmetic::Add,
                            Box::new(Term::Column(version)),
                            Box::new(Term::Value(Value::BigInt(Some(1)))),
                        ),
                    )],
                    None => Vec::new(),
                };
            }
            conflict
        });
        Insert {
            table,
            columns,
            rows,
            conflict,
            returning: if self.once_in(2) {
                table.primary_key.clone()
            } else {
                Vec::new()
            },
        }
    }
}
