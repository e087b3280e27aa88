//! The plans of look-ups by primary key: one for each entity and database, found by the entity alone.
//!
//! The query of such a look-up is always the same, so there is no need to build it, to walk it for its shape and to hash
//! that. An entity lives as long as the program, so the map is bounded by the program's text.
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock, atomic::Ordering},
};

use super::{PLANS, plan};
use crate::{
    dialect::Dialect,
    error::Result,
    schema::{TableDef, Value},
    statement::{
        Plan, nul,
        query::Level,
        render::{Backend, Query},
    },
};

/// The table by its address, and the product that the text is for.
type Finder = (usize, Dialect, bool);

type Finders = HashMap<Finder, Arc<Plan>, foldhash::fast::RandomState>;

static FINDERS: LazyLock<RwLock<Finders>> = LazyLock::new(RwLock::default);

/// The plan and the arguments for the row of `table` with this key. `level` is the query; it is asked for once.
///
/// # Errors
/// As [`plan`].
pub fn by_key(
    table: &'static TableDef,
    backend: Backend,
    key: Vec<Value>,
    level: impl FnOnce(Vec<Value>) -> Level,
) -> Result<(Arc<Plan>, Vec<Value>)> {
    let finder = (
        std::ptr::from_ref(table).addr(),
        backend.dialect,
        backend.capabilities.mariadb,
    );
    let finders = FINDERS.read().unwrap_or_else(PoisonError::into_inner);
    // A key that cannot be bound is refused with the query at hand.
    if let Some(plan) = finders
        .get(&finder)
        .filter(|_| !nul::is_refused(&key, backend.dialect))
    {
        PLANS.hits.fetch_add(1, Ordering::Relaxed);
        return Ok((Arc::clone(plan), key));
    }
    drop(finders);
    let level = level(key.clone());
    let (plan, args) = plan(Query::Level(&level), backend)?;
    // What the key alone does not answer is planned each time.
    if args == key {
        let mut finders = FINDERS.write().unwrap_or_else(PoisonError::into_inner);
        finders.insert(finder, Arc::clone(&plan));
    }
    Ok((plan, args))
}
