//! What a reader must see: a mark for every write that has ended, and a position that covers the marks.
//!
//! A write only leaves a mark, which costs one addition. The next read that has to know asks the primary how far it is:
//! whatever has left a mark before it was asked is covered by the answer. A write that ends while it is asked leaves a
//! mark that is not.
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::Position;

/// The reads and writes that belong together: those of a database handle, or of one of its sessions.
#[derive(Debug, Default)]
pub(crate) struct Session {
    marks: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// How many marks the token covers.
    covered: u64,
    /// The reign of the primary that the token is of.
    reign: u64,
    token: Option<Position>,
    /// Until when a write may happen of which nobody knows how it ended.
    doubt_until: Option<Instant>,
    /// Where it was last read.
    at: Place,
}

/// Where a session was last read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Nowhere,
    /// On the primary.
    Primary,
    /// On the replica of that number.
    Replica(usize),
}

/// What a reader must see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Needed {
    /// What the token says; nothing in particular, if there is none.
    Known(Option<Position>),
    /// What the primary has now; it is to be told by [`Session::covered`] with this number.
    Unknown(u64),
}

impl Session {
    /// A session that begins with a token.
    pub(super) fn starting_at(token: Option<Position>, reign: u64) -> Self {
        let session = Self::default();
        let mut seen = session.lock();
        (seen.token, seen.reign) = (token, reign);
        drop(seen);
        session
    }

    /// A write has ended. To be called before anybody is told so.
    pub(crate) fn mark(&self) {
        self.marks.fetch_add(1, SeqCst);
    }

    /// A write has ended of which nobody knows how: it may still happen for as long as `doubt`.
    pub(crate) fn mark_doubtful(&self, doubt: Duration) {
        let now = Instant::now();
        let mut seen = self.lock();
        seen.doubt_until = seen.doubt_until.max(now.checked_add(doubt));
        drop(seen);
        self.mark();
    }

    /// What a reader must see now, while the primary is in its `reign`th reign.
    pub(super) fn needed(&self, reign: u64) -> Needed {
        let marks = self.marks.load(SeqCst);
        let mut seen = self.lock();
        if seen.reign != reign {
            // What the old primary had counted says nothing of the new one's log.
            seen.token = None;
            return Needed::Unknown(marks);
        }
        match seen.covered >= marks {
            true => Needed::Known(seen.token.clone()),
            false => Needed::Unknown(marks),
        }
    }

    /// The primary was at `position` after `marks` had been counted. What a reader must see, then.
    pub(super) fn covered(&self, marks: u64, position: &Position, reign: u64) -> Position {
        let now = Instant::now();
        let mut seen = self.lock();
        let token = match seen.token.take() {
            Some(token) if seen.reign == reign => token.and(position),
            _ => position.clone(),
        };
        seen.reign = reign;
        seen.token = Some(token.clone());
        match seen.doubt_until {
            Some(until) if now < until => {}
            _ => {
                seen.doubt_until = None;
                seen.covered = seen.covered.max(marks);
            }
        }
        token
    }

    /// The token, whatever it covers.
    pub(super) fn token(&self) -> Option<Position> {
        self.lock().token.clone()
    }

    pub(super) fn place(&self) -> Place {
        self.lock().at
    }

    /// It was read there.
    pub(super) fn read_at(&self, at: Place) {
        self.lock().at = at;
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lsn: u64) -> Position {
        Position::Lsn(lsn)
    }

    fn must_ask(session: &Session) -> u64 {
        match session.needed(0) {
            Needed::Unknown(marks) => marks,
            known => panic!("{known:?}"),
        }
    }

    #[test]
    fn a_session_that_wrote_nothing_need_not_see_anything() {
        assert_eq!(Session::default().needed(0), Needed::Known(None));
        let later = Session::starting_at(Some(at(7)), 0);
        assert_eq!(later.needed(0), Needed::Known(Some(at(7))));
    }

    #[test]
    fn a_write_is_covered_by_what_the_primary_says_after_it() {
        let session = Session::default();
        session.mark();
        let marks = must_ask(&session);
        assert_eq!(session.covered(marks, &at(10), 0), at(10));
        assert_eq!(session.needed(0), Needed::Known(Some(at(10))));
    }

    #[test]
    fn a_write_that_ends_while_the_primary_is_asked_is_not_covered() {
        let session = Session::default();
        session.mark();
        let marks = must_ask(&session);
        session.mark();
        session.covered(marks, &at(10), 0);
        let marks = must_ask(&session);
        // An answer that was on its way for long takes nothing back.
        session.covered(marks, &at(30), 0);
        session.covered(1, &at(20), 0);
        assert_eq!(session.needed(0), Needed::Known(Some(at(30))));
    }

    #[test]
    fn a_new_primary_is_asked_anew() {
        let session = Session::starting_at(Some(at(70)), 0);
        assert_eq!(session.needed(1), Needed::Unknown(0));
        assert_eq!(session.covered(0, &at(50), 1), at(50));
        assert_eq!(session.needed(1), Needed::Known(Some(at(50))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_of_which_nobody_knows_is_not_covered_before_it_cannot_happen_any_more() {
        let session = Session::default();
        session.mark_doubtful(Duration::from_secs(5));
        for second in 1..=5 {
            let marks = must_ask(&session);
            session.covered(marks, &at(second), 0);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let marks = must_ask(&session);
        session.covered(marks, &at(6), 0);
        assert_eq!(session.needed(0), Needed::Known(Some(at(6))));
    }
}
