//! Rules about cached entities.
use crate::{
    diagnostics::Diagnostics,
    model::{Cache, Entity, Kind},
};

pub(super) fn all(entity: &Entity, cache: &Cache, errors: &Diagnostics) {
    a_cache_has_a_time_to_live(cache, errors);
    a_row_is_not_idle_longer_than_it_lives(cache, errors);
    a_cache_has_one_capacity(cache, errors);
    a_cached_row_has_a_key_that_compares_exactly(entity, cache, errors);
}

fn a_cache_has_a_time_to_live(cache: &Cache, errors: &Diagnostics) {
    if !cache.has_ttl {
        errors.error(
            cache.span,
            "say how long a row may be kept, which is how late a change made elsewhere may be seen: `cache(ttl = \"60s\")`",
        );
    }
}

fn a_row_is_not_idle_longer_than_it_lives(cache: &Cache, errors: &Diagnostics) {
    if let (Some(ttl), Some(tti), Some(span)) = (cache.ttl, cache.tti, cache.tti_span)
        && tti >= ttl
    {
        errors.error(
            span,
            "`tti`, the time a row is kept unread, must be shorter than `ttl`; leave it out, or make it shorter",
        );
    }
}

fn a_cache_has_one_capacity(cache: &Cache, errors: &Diagnostics) {
    if let Some(span) = cache.twice {
        errors.error(
            span,
            "a cache has one capacity: keep either `capacity` (rows) or `max_bytes`",
        );
    }
}

fn a_cached_row_has_a_key_that_compares_exactly(
    entity: &Entity,
    cache: &Cache,
    errors: &Diagnostics,
) {
    for field in entity.primary_key() {
        if matches!(field.kind(), Kind::Text | Kind::Time) {
            let name = &field.ident;
            errors.error(
                cache.span,
                format_args!(
                    "rows are not cached by the key `{name}`: the database compares its type by rules of its own (collation, rounding), so two spellings could be one row; cache queries with `.cached(ttl)`, or give the entity a key of integers, UUIDs or bytes"
                ),
            );
        }
    }
}
