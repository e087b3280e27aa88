//! Keyset pages: stable under writes, forwards and backwards, as fast at the end as at the beginning.
mod cursor;
pub(super) mod keyset;

use std::panic::Location;

pub use cursor::Cursor;
use serde::{Deserialize, Serialize};

use self::keyset::Keyset;
use super::{query::Parts, scatter::gather};
use crate::{
    eager::IncludeList,
    error::{Error, Result},
    executor::ExecutorHandle,
    schema::{Condition, Entity},
    statement::next_load,
};

/// How many rows a page has if nothing is said.
const DEFAULT_SIZE: u64 = 50;

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    size: u64,
    from: From,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Start,
    End,
    After(Cursor),
    Before(Cursor),
}

impl Page {
    /// The first page, of `size` rows.
    pub fn first(size: u64) -> Self {
        Self {
            size,
            from: From::Start,
        }
    }

    /// The last page, of `size` rows.
    pub fn last(size: u64) -> Self {
        Self {
            size,
            from: From::End,
        }
    }

    /// The page after a cursor, [`PageOf::next`]; 50 rows unless [`size`](Page::size) says otherwise.
    pub fn after(cursor: Cursor) -> Self {
        Self {
            size: DEFAULT_SIZE,
            from: From::After(cursor),
        }
    }

    /// The page before a cursor, [`PageOf::previous`].
    pub fn before(cursor: Cursor) -> Self {
        Self {
            size: DEFAULT_SIZE,
            from: From::Before(cursor),
        }
    }

    /// Pages of this many rows.
    #[must_use]
    pub fn size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }

    fn is_backwards(&self) -> bool {
        matches!(self.from, From::End | From::Before(_))
    }
}

/// One page of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOf<T> {
    /// The rows, in the query's order also when paging backwards.
    pub items: Vec<T>,
    /// Where the next page begins; `None` if this was the last.
    pub next: Option<Cursor>,
    /// Where the page before ends; `None` if this was the first.
    pub previous: Option<Cursor>,
}

/// Loads a page of the rows that `parts` ask for.
pub(super) async fn load<E: Entity, I: IncludeList<E>>(
    executor: &ExecutorHandle<'_>,
    mut parts: Parts,
    includes: &I,
    page: Page,
    call_site: &'static Location<'static>,
) -> Result<PageOf<I::Output>> {
    if parts.limit.is_some() || parts.offset.is_some() {
        return Err(
            Error::invalid_query("a page takes no limit or offset beside its size")
                .with_hint("use `Page::first(n)` alone"),
        );
    }
    if page.size == 0 {
        return Err(Error::invalid_query("a page has at least one row")
            .with_hint("use `Page::first(n)` with n > 0"));
    }
    let keyset = Keyset::new(E::table(), std::mem::take(&mut parts.order), "a page")?;
    let backwards = page.is_backwards();
    if let From::After(cursor) | From::Before(cursor) = &page.from {
        let beyond = keyset.beyond(&cursor.values(&keyset)?, backwards);
        parts.filter = Condition::both(parts.filter, Some(beyond));
    }
    parts.order = keyset.order(backwards);
    parts.limit = Some(page.size.saturating_add(1));
    let load = parts.how().load(next_load(), call_site);
    let source = parts.source::<E>(&**executor, call_site)?;
    gather::check(&**executor, includes)?;
    let loading = gather::placed::<E, I>(&source, &keyset, backwards, &parts, includes, load);
    let (mut items, mut places) = loading.await?;
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = items.len() > size;
    items.truncate(size);
    places.truncate(size);
    if backwards {
        items.reverse();
        places.reverse();
    }
    let (first, last) = (
        places.first().map(|place| Cursor::of(place)),
        places.last().map(|place| Cursor::of(place)),
    );
    let (has_next, has_previous) = match page.from {
        From::Start => (more, false),
        From::End => (false, more),
        From::After(_) => (more, true),
        From::Before(_) => (true, more),
    };
    Ok(PageOf {
        items,
        next: last.filter(|_| has_next),
        previous: first.filter(|_| has_previous),
    })
}
