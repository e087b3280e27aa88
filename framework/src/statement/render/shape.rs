//! What identifies a query's text, and its arguments in the text's order, in one walk.
use super::{
    Backend, Query,
    level::comes_first,
    list::{self, Form},
    unified::keeps_order,
};
use crate::{
    dialect::Dialect,
    schema::{
        Condition, OrderTerm, RelationDef, TableDef, Value,
        expression::{AggregateKind, Nulls, RelationTerm, Term},
    },
    statement::query::{
        Assignments, Batch, BatchForm, BatchUpdate, BatchUpdateForm, Conflict, Figure, Insert,
        Join, Keys, Level, Link, Part, Scalar, Target,
    },
};

/// One piece of a shape.
pub type ShapeToken = u64;

/// A query's shape: equal shapes have equal texts.
#[derive(Debug)]
pub struct Shape {
    /// The pieces of the shape; `None` if the text cannot be told from the query (it holds a raw expression).
    pub tokens: Option<Vec<ShapeToken>>,
    /// The arguments in the text's order, where there are tokens.
    pub args: Vec<Value>,
}

impl Shape {
    /// The shape of `query` on `backend`.
    pub fn of(query: Query<'_>, backend: Backend) -> Self {
        let mut walk = Walk {
            backend,
            tokens: Vec::with_capacity(32),
            args: Vec::new(),
            opaque: false,
        };
        walk.token(backend.dialect as u64 + 8 * u64::from(backend.capabilities.mariadb));
        match query {
            Query::Level(level) => walk.statement(1, |walk| walk.level(level)),
            Query::Figure(figure) => walk.statement(2, |walk| walk.figure(figure)),
            Query::Unified(parts) => {
                walk.statement(3, |walk| parts.iter().for_each(|part| walk.part(part)))
            }
            Query::Scalar(scalar) => walk.statement(4, |walk| walk.scalar(scalar)),
            Query::Insert(insert) => walk.statement(5, |walk| walk.insert(insert)),
            Query::Update(target, set) => walk.statement(6, |walk| walk.update(target, set)),
            Query::Delete(target) => walk.statement(7, |walk| walk.target(target)),
            Query::Batch(batch) => walk.statement(8, |walk| walk.batch(batch)),
            Query::BatchUpdate(update) => walk.statement(9, |walk| walk.batch_update(update)),
        }
        Shape {
            tokens: (!walk.opaque).then_some(walk.tokens),
            args: walk.args,
        }
    }
}

struct Walk {
    backend: Backend,
    tokens: Vec<ShapeToken>,
    args: Vec<Value>,
    opaque: bool,
}

impl Walk {
    fn statement(&mut self, kind: u64, body: impl FnOnce(&mut Self)) {
        self.token(kind);
        body(self);
    }

    fn token(&mut self, token: u64) {
        self.tokens.push(token);
    }

    fn table(&mut self, table: &'static TableDef) {
        self.token(std::ptr::from_ref(table).addr() as u64);
    }

    fn relation(&mut self, relation: &'static RelationDef) {
        self.token(std::ptr::from_ref(relation).addr() as u64);
    }

    fn columns(&mut self, columns: &[usize]) {
        self.token(columns.len() as u64);
        self.tokens
            .extend(columns.iter().map(|&column| column as u64));
    }

    /// A number in the text as an argument.
    fn bound(&mut self, bound: Option<u64>, value: fn(u64) -> Value) {
        self.token(u64::from(bound.is_some()));
        self.args.extend(bound.map(value));
    }

    fn level(&mut self, level: &Level) {
        self.table(level.table);
        self.columns(&level.columns);
        self.token(u64::from(level.distinct));
        self.token(level.lock.map_or(0, |lock| {
            1 + u64::from(lock.by_key) + 2 * (lock.strength as u64 * 4 + lock.wait as u64)
        }));
        self.token(level.joins.len() as u64);
        self.token(u64::from(level.link.is_some()));
        let per_parent = level.link.is_some() && (level.limit.is_some() || level.offset.is_some());
        let wrapped = level.link.is_none()
            && !level.joins.is_empty()
            && (level.distinct || level.multiplies())
            && (level.distinct || level.limit.is_some() || level.offset.is_some());
        if per_parent {
            // The window of the select list, the rows inside it, then the bounds outside.
            self.order(&level.order);
            if let Some(link) = &level.link {
                self.link(link);
            }
            self.filter(level.filter.as_ref());
            self.joins(level, false);
            self.window_bounds(level.limit, level.offset);
            self.joins(level, true);
        } else if wrapped {
            self.filter(level.filter.as_ref());
            self.order(&level.order);
            self.limits(level.limit, level.offset);
            self.joins(level, false);
            self.order(&level.order);
            self.joins(level, true);
        } else {
            // Joins come before WHERE in the text, their orders after the level's.
            let (first, second) = match &level.link {
                Some(link) if comes_first(link) => (Some(link), None),
                link => (None, link.as_ref()),
            };
            first.iter().for_each(|link| self.link(link));
            self.joins(level, false);
            second.iter().for_each(|link| self.link(link));
            self.filter(level.filter.as_ref());
            self.order(&level.order);
            self.joins(level, true);
            self.limits(level.limit, level.offset);
        }
    }

    fn joins(&mut self, level: &Level, orders: bool) {
        level.joins.iter().for_each(|join| self.join(join, orders));
    }

    fn join(&mut self, join: &Join, orders: bool) {
        if orders {
            if !join.relation.leads_to_unique_row() {
                self.order(&join.order);
            }
        } else {
            self.relation(join.relation.0);
            self.columns(&join.columns);
            self.token(join.joins.len() as u64);
            if join.is_limited() {
                self.order(&join.order);
                self.filter(join.filter.as_ref());
                self.window_bounds(join.limit, join.offset);
            } else {
                self.token(0);
                self.filter(join.filter.as_ref());
            }
        }
        join.joins.iter().for_each(|inner| self.join(inner, orders));
    }

    fn limits(&mut self, limit: Option<u64>, offset: Option<u64>) {
        let value = |number: u64| Value::BigUnsigned(Some(number));
        if limit.is_none() && offset.is_some() && self.backend.dialect != Dialect::Postgres {
            self.bound(Some(i64::MAX as u64), value);
        } else {
            self.bound(limit, value);
        }
        self.bound(offset, value);
    }

    fn window_bounds(&mut self, limit: Option<u64>, offset: Option<u64>) {
        self.bound(offset, super::level::value);
        self.bound(
            limit.map(|limit| limit.saturating_add(offset.unwrap_or(0))),
            super::level::value,
        );
    }

    fn link(&mut self, link: &Link) {
        self.relation(link.relation.0);
        match &link.keys {
            Keys::Values(rows) => {
                let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
                self.token(0);
                self.list(&rows);
            }
            Keys::Level { level, ordinals } => {
                self.token(1);
                self.token(*level as u64);
                self.columns(ordinals);
            }
        }
    }

    fn list(&mut self, rows: &[&[Value]]) {
        let form = list::form(self.backend, rows);
        self.token(match form {
            Form::Empty => 0,
            Form::Single => 1,
            Form::Array => 2,
            Form::Json => 3,
            Form::Padded(length) => 4 + length as u64,
        });
        if form == Form::Json {
            // Binary columns are decoded from hexadecimal in the text.
            for value in rows[0] {
                self.token(u64::from(matches!(value, Value::Uuid(_) | Value::Bytes(_))));
            }
        }
        let args = &mut self.args;
        list::arguments(form, rows, &mut |value| args.push(value));
    }

    fn filter(&mut self, filter: Option<&Condition>) {
        self.token(u64::from(filter.is_some()));
        if let Some(filter) = filter {
            self.condition(filter);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Compare(comparison, left, right) => {
                self.token(10 + *comparison as u64);
                self.term(left);
                self.term(right);
            }
            Condition::In {
                term,
                values,
                negated,
            } => {
                self.token(20 + u64::from(*negated));
                self.term(term);
                let rows: Vec<_> = values.iter().map(std::slice::from_ref).collect();
                self.list(&rows);
            }
            Condition::TupleIn { columns, tuples } => {
                self.token(22);
                self.columns(columns);
                let rows: Vec<_> = tuples.iter().map(Vec::as_slice).collect();
                self.list(&rows);
            }
            Condition::Like {
                term,
                pattern,
                negated,
                ignore_case,
            } => {
                self.token(24 + u64::from(*negated) + 2 * u64::from(*ignore_case));
                self.term(term);
                let fold = *ignore_case && self.backend.dialect != Dialect::Postgres;
                self.args.push(match pattern {
                    Value::String(Some(pattern)) if fold => {
                        Value::String(Some(pattern.to_lowercase()))
                    }
                    other => other.clone(),
                });
            }
            Condition::Between(term, low, high) => {
                self.token(30);
                [term, low, high]
                    .into_iter()
                    .for_each(|term| self.term(term));
            }
            Condition::Null(term, is_null) => {
                self.token(31 + u64::from(*is_null));
                self.term(term);
            }
            Condition::And(all) => self.chain(33, all),
            Condition::Or(any) => self.chain(34, any),
            Condition::Not(inner) => {
                self.token(35);
                self.condition(inner);
            }
            Condition::Exists { relation, filter } => {
                self.token(36);
                self.related(relation.0, filter.as_deref());
            }
            Condition::Raw(_) => self.opaque = true,
        }
    }

    fn chain(&mut self, token: u64, conditions: &[Condition]) {
        self.token(token);
        self.token(conditions.len() as u64);
        conditions
            .iter()
            .for_each(|condition| self.condition(condition));
    }

    fn related(&mut self, relation: &'static RelationDef, filter: Option<&Condition>) {
        self.relation(relation);
        self.token(u64::from(filter.is_some()));
        relation
            .filter
            .iter()
            .chain(filter)
            .for_each(|condition| self.condition(condition));
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Column(column) => {
                self.token(40);
                self.token(*column as u64);
            }
            Term::Value(value) => {
                self.token(41);
                self.args.push(value.clone());
            }
            Term::Arithmetic(operator, left, right) => {
                self.token(42 + *operator as u64);
                self.term(left);
                self.term(right);
            }
            Term::Function(name, inner) => {
                self.token(46);
                self.token(name.as_ptr().addr() as u64);
                self.token(name.len() as u64);
                self.term(inner);
            }
            Term::Aggregate(aggregate) => self.aggregate_term(aggregate),
            Term::Through(relation, inner) => {
                self.token(48);
                self.relation(relation.0);
                self.term(inner);
                relation
                    .filter
                    .iter()
                    .for_each(|condition| self.condition(condition));
                if relation.cardinality != crate::schema::Cardinality::BelongsTo {
                    self.order(&relation.order);
                    self.args.push(Value::BigUnsigned(Some(1)));
                }
            }
            Term::Raw(_) => self.opaque = true,
        }
    }

    fn aggregate_term(&mut self, term: &RelationTerm) {
        self.token(47);
        self.aggregate(term.aggregate);
        self.related(term.relation.0, term.filter.as_ref());
    }

    fn aggregate(&mut self, kind: AggregateKind) {
        let (token, column) = match kind {
            AggregateKind::Count => (0, 0),
            AggregateKind::Exists => (1, 0),
            AggregateKind::Sum(column) => (2, column),
            AggregateKind::Avg(column) => (3, column),
            AggregateKind::Min(column) => (4, column),
            AggregateKind::Max(column) => (5, column),
        };
        self.token(token);
        self.token(column as u64);
    }

    fn order(&mut self, order: &[OrderTerm]) {
        self.token(order.len() as u64);
        for term in order {
            self.token(term.direction as u64 * 4 + term.nulls as u64);
            // MySQL knows no NULLS FIRST: the term is written once more before itself.
            if self.backend.dialect == Dialect::Mysql
                && term.nulls != Nulls::Smallest
                && !matches!(term.term, Term::Column(_))
            {
                self.term(&term.term);
            }
            self.term(&term.term);
        }
    }

    fn figure(&mut self, figure: &Figure) {
        self.aggregate(figure.aggregate);
        self.link(&figure.link);
        self.filter(figure.filter.as_ref());
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Rows(level) => {
                self.token(50);
                let per_parent =
                    level.link.is_some() && (level.limit.is_some() || level.offset.is_some());
                if !level.order.is_empty() && !per_parent {
                    // The place in the order is a window in the select list, before everything else.
                    self.order(&level.order);
                }
                if per_parent || keeps_order(level) {
                    self.level(level);
                } else {
                    let unordered = Level {
                        order: Vec::new(),
                        ..level.clone()
                    };
                    self.level(&unordered);
                }
            }
            Part::Figure(figure) => {
                self.token(51);
                self.figure(figure);
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar) {
        self.aggregate(scalar.aggregate);
        let level = &scalar.level;
        if level.limit.is_none() && level.offset.is_none() && !level.distinct {
            self.table(level.table);
            if let Some(link) = &level.link {
                self.link(link);
            }
            self.filter(level.filter.as_ref());
        } else {
            self.token(1);
            self.level(level);
        }
    }

    fn insert(&mut self, insert: &Insert) {
        self.table(insert.table);
        self.columns(&insert.columns);
        self.columns(&insert.returning);
        self.token(insert.rows.len() as u64);
        for row in &insert.rows {
            for value in row {
                self.token(u64::from(value.is_some()));
                self.args.extend(value.clone());
            }
        }
        self.conflict(insert.conflict.as_ref());
    }

    fn batch(&mut self, batch: &Batch) {
        self.table(batch.table);
        self.columns(&batch.columns);
        self.token(match batch.form {
            BatchForm::Arrays => 0,
            BatchForm::Copy => 1,
            BatchForm::Values(rows) => 2 + rows as u64,
        });
        self.conflict(batch.conflict.as_ref());
    }

    fn batch_update(&mut self, update: &BatchUpdate) {
        self.table(update.table);
        self.columns(&update.by);
        self.columns(&update.columns);
        let (form, rows) = match update.form {
            BatchUpdateForm::Arrays => (0, 0),
            BatchUpdateForm::Values(rows) => (1, rows),
            BatchUpdateForm::Case(rows) => (2, rows),
        };
        self.token(form);
        self.token(rows as u64);
        self.assignments(&update.set);
    }

    fn conflict(&mut self, conflict: Option<&Conflict>) {
        if let Some(conflict) = conflict {
            self.columns(&conflict.target);
            self.columns(&conflict.update);
            self.assignments(&conflict.set);
        }
    }

    fn assignments(&mut self, set: &Assignments) {
        self.token(set.len() as u64);
        for (column, term) in set {
            self.token(*column as u64);
            self.term(term);
        }
    }

    fn target(&mut self, target: &Target) {
        self.table(target.table);
        self.filter(target.filter.as_ref());
    }

    fn update(&mut self, target: &Target, set: &Assignments) {
        self.table(target.table);
        self.assignments(set);
        self.filter(target.filter.as_ref());
    }
}
