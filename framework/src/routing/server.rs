//! One server: its pool, and what is known of it.
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    Position,
    ban::{Ban, Change, Pauses},
    question::Answer,
};
use crate::{
    observe::{BanReason, Observers},
    pool::{Connect, Pool},
};

/// A server that holds the database.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) pool: Pool,
    /// Those of the handle, with this server as their target.
    pub(crate) observers: Arc<Observers>,
    /// Opens the connection by which it is asked how it does.
    pub(super) connect: Arc<dyn Connect>,
    pub(super) state: Mutex<State>,
    known: watch::Sender<Known>,
    /// Questions that readers had since the server was there.
    questions: AtomicU64,
    /// Readers that wait for it to get somewhere.
    waiting: AtomicUsize,
    /// Tells its scout that there is something to do.
    pub(super) wake: Notify,
    pub(super) counters: Counters,
}

/// What was found out.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ban: Ban,
    /// What it said last; nothing if it did not answer.
    pub(super) answer: Option<Answer>,
    /// Whether it has ever said that it takes no writes.
    pub(super) was_replica: bool,
    /// Whether it was found to be another product.
    pub(super) is_other: bool,
    pub(super) lag: Option<Duration>,
    pub(super) lag_bytes: Option<u64>,
    /// What a reader waited for in vain: nobody waits for it again before it is there.
    owes: Option<Position>,
}

/// What the server said of its position.
#[derive(Debug, Clone, Default)]
struct Known {
    /// How many questions this answers.
    answered: u64,
    /// The position; none if it could not be reached, or keeps no log.
    position: Option<Position>,
    /// Whether nobody asks any more.
    is_closed: bool,
}

impl Known {
    fn has_reached(&self, wanted: &Position) -> bool {
        let reached = |position: &Position| position.has_reached(wanted);
        self.position.as_ref().is_some_and(reached)
    }
}

/// Figures that grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) reads: AtomicU64,
    pub(super) waits: AtomicU64,
    pub(super) behind: AtomicU64,
    pub(super) checks: AtomicU64,
}

impl Server {
    pub(super) fn new(
        pool: Pool,
        observers: Arc<Observers>,
        connect: Arc<dyn Connect>,
        pauses: Pauses,
    ) -> Self {
        Self {
            pool,
            observers,
            connect,
            state: Mutex::new(State {
                ban: Ban::new(pauses),
                answer: None,
                was_replica: false,
                is_other: false,
                lag: None,
                lag_bytes: None,
                owes: None,
            }),
            known: watch::Sender::default(),
            questions: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            wake: Notify::new(),
            counters: Counters::default(),
        }
    }

    /// Whether it may be read from, as a replica.
    pub(super) fn is_usable(&self) -> bool {
        self.lock().ban.reason().is_none()
    }

    /// How far it is, as far as anybody knows.
    pub(super) fn position(&self) -> Option<Position> {
        self.known.borrow().position.clone()
    }

    /// Whether it is known to be at `wanted`.
    pub(super) fn has_reached(&self, wanted: &Position) -> bool {
        self.known.borrow().has_reached(wanted)
    }

    /// How far it is now: an answer to a question that is asked after this is called. `None` if none comes before
    /// `deadline`.
    pub(super) async fn ask(&self, deadline: Instant) -> Option<Position> {
        let mut known = self.known.subscribe();
        let number = self.questions.fetch_add(1, SeqCst) + 1;
        self.wake.notify_one();
        let answered = known.wait_for(|known| known.is_closed || known.answered >= number);
        let answered = tokio::time::timeout_at(deadline, answered).await;
        answered.ok()?.ok()?.position.clone()
    }

    /// Waits until it is at `wanted`, until `deadline`; whether it is.
    pub(super) async fn reaches(&self, wanted: &Position, deadline: Instant) -> bool {
        if self.has_reached(wanted) {
            return true;
        }
        if !self.may_be_waited_for() {
            return false;
        }
        self.counters.waits.fetch_add(1, Relaxed);
        let mut known = self.known.subscribe();
        let _waiting = Waiting::new(self);
        let moved = known.wait_for(|known| known.is_closed || known.has_reached(wanted));
        let is_there = match tokio::time::timeout_at(deadline, moved).await {
            // This is a lock for reading: looking a second time would wait for a scout who waits for this one.
            Ok(Ok(known)) => known.has_reached(wanted),
            _ => false,
        };
        if !is_there {
            self.counters.behind.fetch_add(1, Relaxed);
            self.lock().owes = Some(wanted.clone());
        }
        is_there
    }

    /// Whether nobody has waited in vain for what it still does not have.
    fn may_be_waited_for(&self) -> bool {
        let owes = self.lock().owes.clone();
        match owes {
            Some(owed) if !self.has_reached(&owed) => false,
            Some(_) => {
                self.lock().owes = None;
                true
            }
            None => true,
        }
    }

    /// What a reader wants to know: how many questions there are, and whether anybody waits for it to get on.
    pub(super) fn questions(&self) -> (u64, bool) {
        let number = self.questions.load(SeqCst);
        (number, self.waiting.load(SeqCst) > 0)
    }

    /// Whether a reader has waited for it in vain.
    pub(super) fn owes(&self) -> bool {
        self.lock().owes.is_some()
    }

    /// It has answered the first `number` questions.
    pub(super) fn tell(&self, number: u64, position: Option<Position>) {
        self.known.send_modify(|known| {
            known.answered = known.answered.max(number);
            known.position = position;
        });
    }

    /// Nobody asks it any more: who waits for an answer gets none.
    pub(super) fn close(&self) {
        self.known.send_modify(|known| known.is_closed = true);
    }

    /// Takes note that it failed.
    pub(super) fn failed(&self, now: Instant) -> Change {
        let mut state = self.lock();
        state.answer = None;
        let change = state.ban.failed(now);
        drop(state);
        self.wake.notify_one();
        change
    }

    /// Takes note of what it said.
    pub(super) fn answered(&self, unfit: Option<BanReason>, now: Instant) -> Change {
        self.lock().ban.answered(unfit, now)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader that waits.
struct Waiting<'s>(&'s Server);

impl<'s> Waiting<'s> {
    fn new(server: &'s Server) -> Self {
        server.waiting.fetch_add(1, SeqCst);
        server.wake.notify_one();
        Self(server)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dialect::Dialect,
        pool::{PoolOptions, Topology, fake::FakeServer},
    };

    async fn server() -> Server {
        let connect: Arc<dyn Connect> = Arc::new(FakeServer::new(Dialect::Postgres));
        let options = PoolOptions::new();
        let pool = Pool::open(Arc::clone(&connect), &options, Topology::Shared);
        let pauses = Pauses {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(1),
        };
        Server::new(pool.await.unwrap(), Arc::default(), connect, pauses)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_reader_that_gets_there_does_not_stand_in_the_scouts_way() {
        const ROUNDS: u64 = 20_000;
        let server = Arc::new(server().await);
        let scout = Arc::clone(&server);
        let told = std::thread::spawn(move || {
            while !scout.known.borrow().is_closed {
                let next = scout.position().map_or(1, |position| match position {
                    Position::Lsn(lsn) => lsn + 1,
                    other => panic!("{other:?}"),
                });
                scout.tell(0, Some(Position::Lsn(next)));
            }
        });
        let readers = (0..2).map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    let next = match server.position() {
                        Some(Position::Lsn(lsn)) => lsn + 1,
                        _ => 1,
                    };
                    let deadline = Instant::now() + Duration::from_secs(60);
                    assert!(server.reaches(&Position::Lsn(next), deadline).await);
                }
            })
        });
        for reader in readers.collect::<Vec<_>>() {
            let limit = Duration::from_secs(60);
            tokio::time::timeout(limit, reader)
                .await
                .expect("it hangs")
                .unwrap();
        }
        server.close();
        told.join().unwrap();
    }

    #[tokio::test]
    async fn what_was_waited_for_in_vain_is_not_waited_for_again() {
        let server = server().await;
        let soon = || Instant::now() + Duration::from_millis(1);
        let late = Instant::now() + Duration::from_secs(600);
        assert!(!server.reaches(&Position::Lsn(7), soon()).await);
        // This would take ten minutes.
        assert!(!server.reaches(&Position::Lsn(8), late).await);
        assert_eq!(server.counters.waits.load(Relaxed), 1);
        server.tell(0, Some(Position::Lsn(7)));
        assert!(!server.reaches(&Position::Lsn(8), soon()).await);
        assert_eq!(server.counters.behind.load(Relaxed), 2);
    }
}
