//! The texts that were understood before.
//!
//! A text that comes a second time is prepared by name from then on; one put together anew for each call is not, so
//! that it does not drive others out of the connection's cache.
use std::{
    num::NonZeroUsize,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use hashlink::LruCache;

use crate::{
    dialect::Dialect,
    error::Result,
    statement::{Plan, raw::RawText},
};

/// How many texts are kept for each dialect.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(500).expect("the capacity is not zero");

type Texts = Mutex<LruCache<Box<str>, Arc<Known>>>;

static TEXTS: LazyLock<[Texts; 3]> =
    LazyLock::new(|| [(); 3].map(|()| Mutex::new(LruCache::new(CAPACITY.get()))));

/// A text, understood, with its plan.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) text: Arc<RawText>,
    pub(super) plan: Arc<Plan>,
}

/// What is known of `sql`.
pub(super) fn known(sql: &str, dialect: Dialect) -> Result<Arc<Known>> {
    let texts = &TEXTS[match dialect {
        Dialect::Sqlite => 0,
        Dialect::Postgres => 1,
        Dialect::Mysql => 2,
    }];
    let lock = || texts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(sql) {
        return Ok(Arc::clone(known));
    }
    let text = Arc::new(RawText::parse(sql, dialect)?);
    let known = |plan: Plan| {
        Arc::new(Known {
            text: Arc::clone(&text),
            plan: Arc::new(plan),
        })
    };
    lock().insert(sql.into(), known(text.plan(None)));
    Ok(known(text.plan(None).one_off()))
}
