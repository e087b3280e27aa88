//! What a rendered query is about: for those that judge statements (is it a row by key?) and that show them (may its
//! arguments be seen?).
use std::fmt;

use super::{
    query::{
        Assignments, Batch, BatchForm, BatchUpdate, Conflict, Figure, Insert, Join, Keys, Level,
        Link, Part, Target,
    },
    render::Query,
};
use crate::schema::{
    Condition, OrderTerm, RelationDef, TableDef,
    expression::{Comparison, RelationTerm, Term},
};

/// What a query is about.
#[derive(Clone)]
pub struct Subject {
    /// The table whose rows are read or written.
    pub table: &'static TableDef,
    /// Positions of the columns that are compared for equality with arguments, all of which must hold; in order,
    /// without duplicates.
    pub by: Vec<usize>,
    /// How many rows an insert adds; 0 where its text does not say, and for anything else.
    pub rows: usize,
    /// Whether an argument may be the value of a column marked `sensitive`. When in doubt, yes.
    pub sensitive: bool,
}

impl Subject {
    /// What `query` is about.
    pub fn of(query: Query<'_>) -> Self {
        match query {
            Query::Level(level) => Self::of_level(level),
            Query::Scalar(scalar) => Self::of_level(&scalar.level),
            Query::Figure(figure) => Self::of_figure(figure),
            Query::Unified(parts) => Self::of_parts(parts),
            Query::Insert(insert) => Self::of_insert(insert),
            Query::Batch(batch) => Self::of_batch(batch),
            Query::BatchUpdate(update) => Self::of_batch_update(update),
            Query::Update(target, set) => Self {
                sensitive: assigns(set, target.table) || filters(&target.filter, target.table),
                ..Self::of_target(target)
            },
            Query::Delete(target) => Self::of_target(target),
        }
    }

    /// Whether the query looks for rows by a key: by all columns of the primary key, of a unique index, or of a foreign
    /// key of this table or into it.
    pub fn is_by_key(&self) -> bool {
        let covered =
            |key: &[usize]| !key.is_empty() && key.iter().all(|column| self.by.contains(column));
        self.table.is_unique(&self.by)
            || (self.table.relations)()
                .iter()
                .any(|relation| covered(&relation.from))
    }

    fn of_level(level: &Level) -> Self {
        let mut by = equalities(level.filter.as_ref());
        let mut sensitive = filters(&level.filter, level.table)
            || orders(&level.order, level.table)
            || level.joins.iter().any(join_shows);
        if let Some(link) = &level.link {
            let (columns, shown) = of_link(link);
            by.extend(columns);
            sensitive |= shown;
        }
        Self::new(level.table, by, sensitive)
    }

    fn of_figure(figure: &Figure) -> Self {
        let target = (figure.link.relation.target)();
        let (columns, shown) = of_link(&figure.link);
        Self::new(target, columns, shown || filters(&figure.filter, target))
    }

    fn of_parts(parts: &[Part]) -> Self {
        let mut subjects = parts.iter().map(|part| match part {
            Part::Rows(level) => Self::of_level(level),
            Part::Figure(figure) => Self::of_figure(figure),
        });
        let first = subjects.next().expect("a unified query has a first level");
        let sensitive = first.sensitive || subjects.any(|subject| subject.sensitive);
        Self { sensitive, ..first }
    }

    fn of_insert(insert: &Insert) -> Self {
        Self {
            rows: insert.rows.len(),
            ..Self::of_new_rows(insert.table, &insert.columns, insert.conflict.as_ref())
        }
    }

    fn of_batch(batch: &Batch) -> Self {
        Self {
            rows: match batch.form {
                BatchForm::Values(rows) => rows,
                BatchForm::Arrays | BatchForm::Copy => 0,
            },
            ..Self::of_new_rows(batch.table, &batch.columns, batch.conflict.as_ref())
        }
    }

    fn of_batch_update(update: &BatchUpdate) -> Self {
        let table = update.table;
        let mut columns = update.by.iter().chain(&update.columns);
        let sensitive = columns.any(|&column| hides(table, column)) || assigns(&update.set, table);
        Self::new(table, update.by.clone(), sensitive)
    }

    fn of_new_rows(
        table: &'static TableDef,
        columns: &[usize],
        conflict: Option<&Conflict>,
    ) -> Self {
        let mut set = conflict.iter().flat_map(|conflict| &conflict.set);
        let sensitive = columns.iter().any(|&column| hides(table, column))
            || set.any(|(column, term)| hides(table, *column) || shows(term, table));
        Self::new(table, Vec::new(), sensitive)
    }

    fn of_target(target: &Target) -> Self {
        let sensitive = filters(&target.filter, target.table);
        Self::new(target.table, equalities(target.filter.as_ref()), sensitive)
    }

    fn new(table: &'static TableDef, mut by: Vec<usize>, sensitive: bool) -> Self {
        by.sort_unstable();
        by.dedup();
        Self {
            table,
            by,
            rows: 0,
            sensitive,
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by: Vec<_> = self
            .by
            .iter()
            .map(|&column| self.table.columns[column].name)
            .collect();
        f.debug_struct("Subject")
            .field("table", &self.table.name)
            .field("by", &by)
            .field("sensitive", &self.sensitive)
            .finish()
    }
}

/// The columns of the root that `filter` compares with arguments.
fn equalities(filter: Option<&Condition>) -> Vec<usize> {
    match filter {
        Some(Condition::Compare(Comparison::Eq, left, right)) => match (left, right) {
            (Term::Column(column), Term::Value(_)) | (Term::Value(_), Term::Column(column)) => {
                vec![*column]
            }
            _ => Vec::new(),
        },
        Some(Condition::In {
            term: Term::Column(column),
            negated: false,
            ..
        }) => vec![*column],
        Some(Condition::TupleIn { columns, .. }) => columns.clone(),
        Some(Condition::And(all)) => all
            .iter()
            .flat_map(|condition| equalities(Some(condition)))
            .collect(),
        _ => Vec::new(),
    }
}

fn of_link(link: &Link) -> (Vec<usize>, bool) {
    let relation = link.relation;
    let shown = matches!(link.keys, Keys::Values(_))
        && relation
            .from
            .iter()
            .any(|&column| hides((relation.source)(), column));
    let columns = match relation.through {
        None => relation.to.clone(),
        Some(_) => Vec::new(),
    };
    (columns, shown || relation_shows(&relation))
}

fn hides(table: &TableDef, column: usize) -> bool {
    table.columns[column].sensitive
}

fn hides_any(table: &TableDef) -> bool {
    table.columns.iter().any(|column| column.sensitive)
}

fn filters(filter: &Option<Condition>, table: &TableDef) -> bool {
    filter
        .as_ref()
        .is_some_and(|filter| mentions(filter, table))
}

fn assigns(set: &Assignments, table: &TableDef) -> bool {
    set.iter()
        .any(|(column, term)| hides(table, *column) || shows(term, table))
}

fn orders(order: &[OrderTerm], table: &TableDef) -> bool {
    order.iter().any(|order| shows(&order.term, table))
}

fn join_shows(join: &Join) -> bool {
    let target = (join.relation.target)();
    filters(&join.filter, target)
        || orders(&join.order, target)
        || relation_shows(&join.relation)
        || join.joins.iter().any(join_shows)
}

/// Whether a relation's own filter or order mentions a sensitive column.
fn relation_shows(relation: &RelationDef) -> bool {
    let target = (relation.target)();
    filters(&relation.filter, target) || orders(&relation.order, target)
}

/// Whether `condition` over rows of `table` mentions a sensitive column.
fn mentions(condition: &Condition, table: &TableDef) -> bool {
    match condition {
        Condition::Compare(_, left, right) => shows(left, table) || shows(right, table),
        Condition::Between(term, low, high) => {
            [term, low, high].iter().any(|term| shows(term, table))
        }
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::Null(term, _) => {
            shows(term, table)
        }
        Condition::TupleIn { columns, .. } => columns.iter().any(|&column| hides(table, column)),
        Condition::And(all) | Condition::Or(all) => {
            all.iter().any(|condition| mentions(condition, table))
        }
        Condition::Not(inner) => mentions(inner, table),
        Condition::Exists { relation, filter } => {
            let target = (relation.target)();
            let inner = filter.as_deref();
            relation_shows(relation) || inner.is_some_and(|filter| mentions(filter, target))
        }
        Condition::Raw(_) => hides_any(table),
    }
}

fn shows(term: &Term, table: &TableDef) -> bool {
    match term {
        Term::Column(column) => hides(table, *column),
        Term::Value(_) => false,
        Term::Arithmetic(_, left, right) => shows(left, table) || shows(right, table),
        Term::Function(_, inner) => shows(inner, table),
        Term::Aggregate(aggregate) => {
            let RelationTerm {
                relation, filter, ..
            } = &**aggregate;
            relation_shows(relation) || filters(filter, (relation.target)())
        }
        Term::Through(relation, inner) => {
            relation_shows(relation) || shows(inner, (relation.target)())
        }
        Term::Raw(_) => hides_any(table),
    }
}
