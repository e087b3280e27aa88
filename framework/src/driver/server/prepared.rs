//! Which statements a connection has prepared by name.
use std::sync::Arc;

use hashlink::LruCache;

/// A mirror of sqlx's own cache, which does not tell: the same capacity, the same order of use.
///
/// A lent connection's capacity is not known, and neither is what it has prepared already: nothing is told of those.
pub(in crate::driver) struct PreparedNames(Option<LruCache<Arc<str>, ()>>);

impl PreparedNames {
    pub(in crate::driver) fn with_capacity(capacity: usize) -> Self {
        Self(Some(LruCache::new(capacity)))
    }

    pub(in crate::driver) fn unknown() -> Self {
        Self(None)
    }

    /// Whether `sql` is prepared, as far as that is known; this counts as a use of it.
    pub(in crate::driver) fn contains(&mut self, sql: &str) -> Option<bool> {
        self.0.as_mut().map(|names| names.get(sql).is_some())
    }

    /// Notes that `sql` is prepared now.
    pub(in crate::driver) fn insert(&mut self, sql: &Arc<str>) {
        if let Some(names) = &mut self.0 {
            names.insert(Arc::clone(sql), ());
        }
    }

    pub(in crate::driver) fn clear(&mut self) {
        if let Some(names) = &mut self.0 {
            names.clear();
        }
    }
}
