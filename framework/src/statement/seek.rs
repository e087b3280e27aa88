//! What a query looks for in each table: the columns that an index would have to begin with. For those that judge
//! indexes, who need not read the text then.
//!
//! Noted is what holds for every plan of one shape. A pattern of LIKE is an argument, and whether an index helps depends
//! on how it begins; so LIKE seeks nothing. Nor do functions of columns, NOT, `<>`, raw expressions, and OR between
//! different columns.
mod bounds;
#[cfg(test)]
mod tests;

use std::fmt;

use super::{
    query::{BatchUpdate, Figure, Join, Keys, Level, Link, Part, Target},
    render::Query,
};
use crate::{
    dialect::Dialect,
    schema::{
        Condition, OrderTerm, RelationDef, TableDef, ThroughDef,
        expression::{Direction, Nulls, Term},
    },
};
use bounds::Bounds;

/// What a query looks for in one table. Columns are positions in it, each in one of the lists at most, but for `order`.
#[derive(Clone)]
pub struct Seek {
    /// The table, as the query's entity describes it.
    pub table: &'static TableDef,
    /// Columns equal to one value, or to a column of the row at the other end of a relation.
    pub equal: Vec<usize>,
    /// Columns equal to one of several values.
    pub among: Vec<usize>,
    /// Columns that must be NULL: those of rows that are not soft-deleted, above all. An index with such a column between
    /// others serves as well as one without.
    pub null: Vec<usize>,
    /// Columns between bounds.
    pub range: Vec<usize>,
    /// The order of the first rows, if only those are wanted, and if an index can give it: without the columns that are
    /// equal, and without the primary key that breaks ties.
    pub order: Vec<(usize, Direction)>,
}

impl Seek {
    /// What `query` looks for, in each table by itself. Rows that are read whole are none.
    pub fn of(query: Query<'_>, dialect: Dialect) -> Vec<Seek> {
        let mut walk = Walk {
            dialect,
            seeks: Vec::new(),
        };
        match query {
            Query::Level(level) => walk.level(level),
            Query::Scalar(scalar) => walk.scalar(&scalar.level),
            Query::Figure(figure) => walk.figure(figure),
            Query::Unified(parts) => parts.iter().for_each(|part| match part {
                Part::Rows(level) => walk.level(level),
                Part::Figure(figure) => walk.figure(figure),
            }),
            Query::Update(target, set) => {
                set.iter().for_each(|(_, term)| walk.term(term));
                walk.target(target);
            }
            Query::Delete(target) => walk.target(target),
            Query::BatchUpdate(update) => walk.batch_update(update),
            Query::Insert(_) | Query::Batch(_) => {}
        }
        walk.seeks
    }

    /// Whether the column is equal to one value or to one of several.
    pub fn is_equal(&self, column: usize) -> bool {
        self.equal.contains(&column) || self.among.contains(&column)
    }

    fn is_nothing(&self) -> bool {
        let Self {
            equal,
            among,
            range,
            order,
            ..
        } = self;
        equal.is_empty() && among.is_empty() && range.is_empty() && order.is_empty()
    }
}

impl PartialEq for Seek {
    fn eq(&self, other: &Self) -> bool {
        self.table.is(other.table)
            && self.equal == other.equal
            && self.among == other.among
            && self.null == other.null
            && self.range == other.range
            && self.order == other.order
    }
}

/// `posts: author_id =, likes between, first by id desc`
impl fmt::Display for Seek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |column: usize| self.table.columns[column].name;
        let mut parts: Vec<String> = Vec::new();
        let kinds = [
            (&self.equal, "="),
            (&self.among, "in"),
            (&self.null, "is null"),
            (&self.range, "between"),
        ];
        for (columns, word) in kinds {
            parts.extend(
                columns
                    .iter()
                    .map(|&column| format!("{} {word}", name(column))),
            );
        }
        for &(column, direction) in &self.order {
            let word = match direction {
                Direction::Asc => "asc",
                Direction::Desc => "desc",
            };
            parts.push(format!("first by {} {word}", name(column)));
        }
        write!(f, "{}: {}", self.table.name, parts.join(", "))
    }
}

impl fmt::Debug for Seek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seek({self})")
    }
}

struct Walk {
    dialect: Dialect,
    seeks: Vec<Seek>,
}

impl Walk {
    fn note(&mut self, table: &'static TableDef, bounds: Bounds, order: Vec<(usize, Direction)>) {
        let seek = bounds.into_seek(table, order);
        if !seek.is_nothing() && !self.seeks.contains(&seek) {
            self.seeks.push(seek);
        }
    }

    fn level(&mut self, level: &Level) {
        self.rows(level, true);
        level.joins.iter().for_each(|join| self.join(join));
    }

    /// Nothing is joined to rows that are counted, and there is no order unless it says which ones.
    fn scalar(&mut self, level: &Level) {
        let is_some = level.limit.is_some() || level.offset.is_some() || level.distinct;
        self.rows(level, is_some);
    }

    fn rows(&mut self, level: &Level, is_ordered: bool) {
        let mut bounds = self.bounds(level.filter.as_ref());
        if let Some(link) = &level.link {
            bounds.and(self.link(link));
        }
        if is_ordered {
            level.order.iter().for_each(|order| self.term(&order.term));
        }
        // An offset without a limit has the text of both on some databases.
        let is_some = level.limit.is_some() || level.offset.is_some();
        let order = match &level.link {
            None if is_some => self.order(&level.order, level.table, &bounds),
            // Of each parent the first rows: no index gives those of several.
            _ => Vec::new(),
        };
        self.note(level.table, bounds, order);
    }

    fn figure(&mut self, figure: &Figure) {
        let mut bounds = self.bounds(figure.filter.as_ref());
        bounds.and(self.link(&figure.link));
        let table = (figure.link.relation.target)();
        self.note(table, bounds, Vec::new());
    }

    fn target(&mut self, target: &Target) {
        let bounds = self.bounds(target.filter.as_ref());
        self.note(target.table, bounds, Vec::new());
    }

    fn batch_update(&mut self, update: &BatchUpdate) {
        update.set.iter().for_each(|(_, term)| self.term(term));
        self.note(update.table, Bounds::among(&update.by), Vec::new());
    }

    /// Notes what is looked for on the way; the answer is what is looked for in the relation's target.
    fn link(&mut self, link: &Link) -> Bounds {
        let relation = link.relation.0;
        let one = matches!(&link.keys, Keys::Values(keys) if keys.len() == 1);
        let of = |columns: &[usize]| match one {
            true => Bounds::equal(columns),
            false => Bounds::among(columns),
        };
        // The parents are looked for by their keys, and the rows by the parents.
        let by_parents = !Link::is_exact(relation);
        if by_parents && matches!(link.keys, Keys::Values(_)) {
            self.note((relation.source)(), of(&relation.from), Vec::new());
        }
        match &relation.through {
            None => of(&relation.to),
            Some(through) => {
                let table = (through.table)();
                let mut between = of(&through.from);
                between.and(Bounds::alive(table));
                self.note(table, between, Vec::new());
                Bounds::equal(&relation.to)
            }
        }
    }

    fn join(&mut self, join: &Join) {
        let relation = join.relation.0;
        let target = (relation.target)();
        let mut bounds = self.bounds(join.filter.as_ref());
        if join.is_limited() || !relation.leads_to_unique_row() {
            join.order.iter().for_each(|order| self.term(&order.term));
        }
        // Rows that are numbered for each parent are read whole.
        if !join.is_limited() {
            if let Some(through) = &relation.through {
                self.between(through);
            }
            bounds.and(Bounds::equal(&relation.to));
        }
        self.note(target, bounds, Vec::new());
        join.joins.iter().for_each(|inner| self.join(inner));
    }

    /// The rows of a relation, for each row that a condition or a term is asked of.
    fn related(&mut self, relation: &'static RelationDef, filter: Option<&Condition>) {
        let target = (relation.target)();
        if let Some(through) = &relation.through {
            self.between(through);
        }
        let mut bounds = Bounds::equal(&relation.to);
        bounds.and(Bounds::alive(target));
        for filter in relation.filter.iter().chain(filter) {
            let filter = self.bounds(Some(filter));
            bounds.and(filter);
        }
        self.note(target, bounds, Vec::new());
    }

    fn between(&mut self, through: &ThroughDef) {
        let table = (through.table)();
        let mut bounds = Bounds::equal(&through.from);
        bounds.and(Bounds::alive(table));
        self.note(table, bounds, Vec::new());
    }

    /// The bounds of the filter; what its relations look for is noted.
    fn bounds(&mut self, filter: Option<&Condition>) -> Bounds {
        match filter {
            None => Bounds::default(),
            Some(filter) => {
                self.relations(filter);
                Bounds::of(filter)
            }
        }
    }

    fn relations(&mut self, condition: &Condition) {
        match condition {
            Condition::Compare(_, left, right) => {
                [left, right].into_iter().for_each(|term| self.term(term));
            }
            Condition::Between(term, low, high) => {
                [term, low, high]
                    .into_iter()
                    .for_each(|term| self.term(term));
            }
            Condition::In { term, .. }
            | Condition::Like { term, .. }
            | Condition::Null(term, _) => self.term(term),
            Condition::And(all) | Condition::Or(all) => {
                all.iter().for_each(|inner| self.relations(inner));
            }
            Condition::Not(inner) => self.relations(inner),
            Condition::Exists { relation, filter } => self.related(relation.0, filter.as_deref()),
            Condition::TupleIn { .. } | Condition::Raw(_) => {}
        }
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Arithmetic(_, left, right) => {
                [left, right].into_iter().for_each(|term| self.term(term));
            }
            Term::Function(_, inner) => self.term(inner),
            Term::Aggregate(aggregate) => {
                self.related(aggregate.relation.0, aggregate.filter.as_ref());
            }
            Term::Through(relation, inner) => {
                self.related(relation.0, None);
                self.term(inner);
            }
            Term::Column(_) | Term::Value(_) | Term::Raw(_) => {}
        }
    }

    /// The order, as far as an index gives it: all of it, or none.
    fn order(
        &self,
        terms: &[OrderTerm],
        table: &'static TableDef,
        bounds: &Bounds,
    ) -> Vec<(usize, Direction)> {
        let mut order = Vec::new();
        for term in terms {
            let Term::Column(column) = term.term else {
                return Vec::new();
            };
            // PostgreSQL's indexes have NULL as the largest, unless they are told otherwise.
            let native = term.nulls == Nulls::Smallest && self.dialect != Dialect::Postgres;
            if table.columns[column].nullable && !native {
                return Vec::new();
            }
            // What is ordered by already, its rows' order is known of.
            let is_known = order.iter().any(|&(known, _)| known == column);
            if !bounds.is_one(column) && !is_known {
                order.push((column, term.direction));
            }
        }
        // What is equal to one of several values is in the order of none of the rest.
        if bounds.is_among() {
            return Vec::new();
        }
        let is_key = |(column, _): &(usize, Direction)| table.primary_key.contains(column);
        let own = order.iter().rposition(|term| !is_key(term));
        // By the key alone it is the key's own order.
        order.truncate(own.map_or(order.len(), |own| own + 1));
        order
    }
}
