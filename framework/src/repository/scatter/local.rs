//! Related rows are loaded and looked for on the shard of their parents, so they have to be there.
use crate::{
    eager::spec::Spec,
    error::{Error, Result},
    schema::{Cardinality, Condition, OrderTerm, RelationDef, TableDef, expression::Term},
};

/// Refuses relations whose rows may be on other shards than those of `specs`' parents.
pub(in crate::repository) fn check_specs(specs: &[Spec]) -> Result<()> {
    check_below(specs, false)
}

/// `keyed` if an entity above has a shard key.
fn check_below(specs: &[Spec], keyed: bool) -> Result<()> {
    for spec in specs {
        match spec {
            Spec::Rows(rows) => {
                check_chain(rows.relation.0, keyed)?;
                let keyed = keyed || is_keyed(rows.relation.0);
                let filter = rows.options.full_filter(rows.relation.0);
                filter
                    .iter()
                    .try_for_each(|filter| condition(filter, keyed))?;
                let order = rows.options.full_order(rows.relation.0);
                order.iter().try_for_each(|by| term(&by.term, keyed))?;
                check_below(&rows.children, keyed)?;
            }
            Spec::Figure(figure) => {
                check_chain(figure.relation.0, keyed)?;
                let keyed = keyed || is_keyed(figure.relation.0);
                let filter = figure.full_filter();
                filter
                    .iter()
                    .try_for_each(|filter| condition(filter, keyed))?;
            }
            Spec::Nothing => {}
        }
    }
    Ok(())
}

/// An entity without shard key between two that have one: it lies where the row is that it belongs to, and the others that
/// it has may be anywhere.
fn check_chain(relation: &'static RelationDef, keyed: bool) -> Result<()> {
    let (source, target) = ((relation.source)(), (relation.target)());
    let between = relation.through.as_ref().map(|through| (through.table)());
    let has_key = |table: &TableDef| table.shard_key.is_some();
    let leaves = !has_key(source) && (has_key(target) || between.is_some_and(has_key));
    match keyed && leaves && relation.cardinality != Cardinality::BelongsTo {
        true => Err(apart(relation, source, target)),
        false => check_relation(relation),
    }
}

fn is_keyed(relation: &RelationDef) -> bool {
    (relation.source)().shard_key.is_some()
}

/// Refuses the same in a filter.
pub(in crate::repository) fn check_condition(filter: Option<&Condition>) -> Result<()> {
    filter.map_or(Ok(()), |filter| condition(filter, false))
}

/// Refuses the same in an order.
pub(super) fn check_order(order: &[OrderTerm]) -> Result<()> {
    order.iter().try_for_each(|by| check_term(&by.term))
}

/// Refuses the same in a term.
pub(super) fn check_term(of: &Term) -> Result<()> {
    term(of, false)
}

fn condition(condition: &Condition, keyed: bool) -> Result<()> {
    let terms = |terms: &[&Term]| terms.iter().try_for_each(|of| term(of, keyed));
    match condition {
        Condition::Compare(_, left, right) => terms(&[left, right]),
        Condition::Between(of, low, high) => terms(&[of, low, high]),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::Null(term, _) => {
            terms(&[term])
        }
        Condition::And(all) | Condition::Or(all) => {
            all.iter().try_for_each(|one| self::condition(one, keyed))
        }
        Condition::Not(negated) => self::condition(negated, keyed),
        Condition::Exists { relation, filter } => over(relation.0, filter.as_deref(), keyed),
        Condition::TupleIn { .. } | Condition::Raw(_) => Ok(()),
    }
}

fn term(of: &Term, keyed: bool) -> Result<()> {
    match of {
        Term::Arithmetic(_, left, right) => {
            term(left, keyed)?;
            term(right, keyed)
        }
        Term::Function(_, inner) => term(inner, keyed),
        Term::Aggregate(aggregate) => over(aggregate.relation.0, aggregate.filter.as_ref(), keyed),
        Term::Through(relation, inner) => {
            over(relation.0, None, keyed)?;
            term(inner, keyed || is_keyed(relation.0))
        }
        Term::Column(_) | Term::Value(_) | Term::Raw(_) => Ok(()),
    }
}

/// A relation that is followed in a filter or a term.
fn over(relation: &'static RelationDef, filter: Option<&Condition>, keyed: bool) -> Result<()> {
    check_chain(relation, keyed)?;
    let keyed = keyed || is_keyed(relation);
    let own = relation.filter.as_ref();
    own.into_iter()
        .chain(filter)
        .try_for_each(|filter| condition(filter, keyed))
}

/// Rows of an entity without shard key lie beside those that they belong to. Those of two that have one are together if
/// the relation says that the two keys are equal.
pub(in crate::repository) fn check_relation(relation: &'static RelationDef) -> Result<()> {
    let (source, target) = ((relation.source)(), (relation.target)());
    if let Some((keyless, homes)) = torn(source, target) {
        return Err(homeless(relation, keyless, homes));
    }
    let Some(through) = &relation.through else {
        return match are_equal((source, &relation.from), (target, &relation.to)) {
            true => Ok(()),
            false => Err(apart(relation, source, target)),
        };
    };
    let between = (through.table)();
    if !are_equal((source, &relation.from), (between, &through.from)) {
        return Err(apart(relation, source, between));
    }
    if !are_equal((between, &through.to), (target, &relation.to)) {
        return Err(apart(relation, between, target));
    }
    // Each of the two has one, and what is between them says nothing of either.
    match (source.shard_key, between.shard_key, target.shard_key) {
        (Some(_), None, Some(_)) => Err(apart(relation, source, target)),
        _ => Ok(()),
    }
}

/// Whether the shard keys of both sides are equal where these columns are; also where one has none.
fn are_equal(one: (&TableDef, &[usize]), other: (&TableDef, &[usize])) -> bool {
    match (one.0.shard_key, other.0.shard_key) {
        (Some(from), Some(to)) => one.1.iter().zip(other.1).any(|pair| pair == (&from, &to)),
        _ => true,
    }
}

/// The entity without a shard key between these two, if it belongs to several that have one: its rows lie beside those of
/// one of them, and nobody says which.
fn torn(
    source: &'static TableDef,
    target: &'static TableDef,
) -> Option<(&'static TableDef, Vec<&'static TableDef>)> {
    let keyless = match (source.shard_key, target.shard_key) {
        (None, Some(_)) => source,
        (Some(_), None) => target,
        _ => return None,
    };
    let mut homes: Vec<&'static TableDef> = Vec::new();
    for relation in (keyless.relations)() {
        let home = (relation.target)();
        let is_known = homes.iter().any(|known| known.is(home));
        if relation.cardinality == Cardinality::BelongsTo
            && relation.through.is_none()
            && home.shard_key.is_some()
            && !is_known
        {
            homes.push(home);
        }
    }
    (homes.len() > 1).then_some((keyless, homes))
}

#[cold]
fn homeless(relation: &RelationDef, keyless: &TableDef, homes: Vec<&TableDef>) -> Error {
    let homes: Vec<_> = homes
        .iter()
        .map(|home| format!("`{}`", home.name))
        .collect();
    Error::invalid_query(format!(
        "rows of `{}` may be on another shard: `{}` has no shard key, and belongs to {}, which have one each",
        relation.path,
        keyless.name,
        homes.join(" and ")
    ))
    .with_table(keyless.name)
    .with_hint("give it the shard key of those beside which its rows lie, as a column: `#[entity(shard_key)]`")
}

#[cold]
fn apart(relation: &RelationDef, source: &TableDef, target: &TableDef) -> Error {
    let key = |table: &TableDef| {
        let column = table
            .shard_key
            .map_or("its shard key", |column| table.columns[column].field);
        format!("`{}.{column}`", table.name)
    };
    Error::invalid_query(format!(
        "rows of `{}` may be on another shard: the relation does not say that {} is {}",
        relation.path,
        key(source),
        key(target)
    ))
    .with_table(target.name)
    .with_hint(
        "make the shard key a part of the foreign key, or load those rows by a call of their own, which asks the shards \
         that have them",
    )
}
