//! What happens in the result cache.

/// Something that happened in the result cache. No statement was sent for it; statements tell of themselves.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CacheEvent<'a> {
    /// The table of the entity, or the main table of the query; empty where all are meant.
    pub table: &'a str,
    /// Whether it is about the result of a query, and not about a row.
    pub is_query: bool,
    /// What it was.
    pub kind: CacheEventKind,
}

impl<'a> CacheEvent<'a> {
    pub(crate) fn new(table: &'a str, is_query: bool, kind: CacheEventKind) -> Self {
        Self {
            table,
            is_query,
            kind,
        }
    }
}

/// What happened in the result cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheEventKind {
    /// Answered from the cache.
    Hit,
    /// Loaded, because nothing was kept.
    Miss,
    /// Answered by a load that somebody else had begun.
    Coalesced,
    /// Loaded and not kept, because the row was being written.
    Bypass,
    /// Something kept or loaded had become old by a write, and was dropped.
    StaleDrop,
    /// Something was dropped because there was no room or its time was over; how many since the last such event.
    Evict(u64),
    /// A write or the program dropped what was kept.
    Invalidate,
    /// The cache is connected to the other processes that use the database.
    Connected,
    /// That connection was lost: until the next one nothing is kept.
    Disconnected,
}

impl CacheEventKind {
    /// The kind in lower case, as metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Coalesced => "coalesced",
            Self::Bypass => "bypass",
            Self::StaleDrop => "stale_drop",
            Self::Evict(_) => "evict",
            Self::Invalidate => "invalidate",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
        }
    }
}
