//! Chooses the server for a read, and keeps what is known of all of them.
mod news;

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt},
};
use tokio::{task::AbortHandle, time::Instant};

use super::{
    Consistency, Position, ReplicaFigures, ReplicaState, RoutingFigures, RoutingOptions, Session,
    ban::Pauses,
    choice,
    lag::Track,
    scout::Scout,
    server::Server,
    session::{Needed, Place},
    verdict::{self, Verdict},
};
use crate::{
    error::{self, Error},
    observe::{FallbackReason, Observers},
    pool::{CloseReport, Connect, Pool, random_fraction},
};

/// The servers of one database handle.
#[derive(Debug)]
pub(crate) struct Router {
    options: RoutingOptions,
    servers: Vec<Arc<Server>>,
    /// The number of the primary.
    primary: AtomicUsize,
    /// Counts up when another server becomes the primary.
    reign: AtomicU64,
    /// What everybody must see whose reading is kept for others: every write that is known of.
    all: Arc<Session>,
    track: Mutex<Track>,
    turn: AtomicUsize,
    fallbacks: AtomicU64,
    /// Whether it was told that no replica is left.
    is_alone: AtomicBool,
    tasks: OnceLock<Vec<AbortHandle>>,
}

/// A server to be, see [`Router::start`].
pub(crate) struct Candidate {
    pub(crate) pool: Pool,
    pub(crate) observers: Arc<Observers>,
    pub(crate) connect: Arc<dyn Connect>,
}

/// A read that looks for a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// What it belongs to.
    pub(crate) session: &'a Session,
    pub(crate) consistency: Consistency,
    /// Whether what is read is kept for others, so that it must see every write that is known of.
    pub(crate) is_kept: bool,
    /// Where the reads before it went that it goes together with.
    pub(crate) with: Option<usize>,
}

/// Where a read may not go again.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    servers: Vec<usize>,
    /// Only the primary can do it, for that reason.
    refused: Option<FallbackReason>,
}

/// What is to be done after a read failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Run it again, wherever [`Router::choose`] says.
    Again,
    /// Give its error to the caller.
    Fail,
}

impl Router {
    /// Begins to route over `servers`, of which the first is the primary. Each is asked once how it does before this
    /// returns; one that does not answer is asked again by and by.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) if the primary keeps no log by which a reader could know
    /// whether a replica has what was written, or if a replica is another product.
    pub(crate) async fn start(
        options: RoutingOptions,
        servers: Vec<Candidate>,
    ) -> error::Result<Arc<Self>> {
        let pauses = Pauses {
            first: options.first_ban,
            longest: options.longest_ban,
        };
        let server =
            |one: Candidate| Arc::new(Server::new(one.pool, one.observers, one.connect, pauses));
        let router = Arc::new(Self {
            options,
            servers: servers.into_iter().map(server).collect(),
            primary: AtomicUsize::new(0),
            reign: AtomicU64::new(0),
            all: Arc::default(),
            track: Mutex::default(),
            turn: AtomicUsize::new(0),
            fallbacks: AtomicU64::new(0),
            is_alone: AtomicBool::new(false),
            tasks: OnceLock::new(),
        });
        let mut scouts: Vec<Scout> = router.servers.iter().map(|_| Scout::default()).collect();
        // The primary first: what it says is what the others are measured by.
        if let Some((primary, replicas)) = scouts.split_first_mut() {
            primary.look(&router, 0).await;
            let look = async |(at, scout): (usize, &mut Scout)| scout.look(&router, at + 1).await;
            join_all(replicas.iter_mut().enumerate().map(look)).await;
        }
        router.check()?;
        let run = |(index, scout): (usize, Scout)| {
            tokio::spawn(scout.run(Arc::downgrade(&router), index)).abort_handle()
        };
        let tasks = scouts.into_iter().enumerate().map(run).collect();
        // Nobody else sets it.
        let _ = router.tasks.set(tasks);
        Ok(router)
    }

    /// Refuses servers that cannot be routed over.
    fn check(&self) -> error::Result<()> {
        let answer = self.servers[0].lock().answer.clone();
        let keeps_no_log = answer.is_some_and(|answer| answer.position.is_none());
        if keeps_no_log && self.options.consistency != Consistency::Eventual {
            return Err(Error::configuration(
                "the primary keeps no log of changes by which a reader could know what a replica has",
            )
            .with_hint(
                "turn the binary log on (`log_bin`), with GTIDs (`gtid_mode=ON` on MySQL); or read what may be old, by \
                 `RoutingOptions::consistency(Consistency::Eventual)`",
            ));
        }
        let other = |server: &&Arc<Server>| server.lock().is_other;
        let Some(other) = self.servers.iter().find(other) else {
            return Ok(());
        };
        let target = other.observers.target();
        let host = target.address.as_deref().unwrap_or_default();
        let port = target
            .port
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        Err(Error::configuration(format!(
            "{host}{port} cannot be a replica: one of MariaDB and MySQL is not the other"
        ))
        .with_hint("a replica is the same product as its primary"))
    }

    /// Monitors the pools of all servers; see [`Pool::monitor`].
    ///
    /// # Errors
    /// As [`Pool::monitor`].
    pub(crate) fn monitor(&self, period: Duration) -> error::Result<()> {
        self.servers
            .iter()
            .try_for_each(|server| server.pool.monitor(period))
    }

    pub(crate) fn options(&self) -> &RoutingOptions {
        &self.options
    }

    /// What the handle's reads belong to, and those that are kept for everybody.
    pub(crate) fn everything(&self) -> &Arc<Session> {
        &self.all
    }

    pub(crate) fn server(&self, index: usize) -> &Arc<Server> {
        &self.servers[index]
    }

    pub(crate) fn primary(&self) -> &Arc<Server> {
        &self.servers[self.primary_index()]
    }

    pub(crate) fn primary_index(&self) -> usize {
        self.primary.load(SeqCst)
    }

    fn replicas(&self) -> impl Iterator<Item = usize> {
        let primary = self.primary_index();
        (0..self.servers.len()).filter(move |&index| index != primary)
    }

    /// The server for a read.
    pub(crate) async fn choose(&self, asking: Asking<'_>, tried: &Tried) -> usize {
        let primary = self.primary_index();
        if asking.consistency == Consistency::Primary || asking.with == Some(primary) {
            return primary;
        }
        let chosen = match tried.refused {
            Some(reason) => Err(reason),
            None => self.choose_replica(asking, tried).await,
        };
        let session = asking.session;
        match chosen {
            Ok(replica) => {
                if asking.consistency == Consistency::Session {
                    session.read_at(Place::Replica(replica));
                }
                replica
            }
            Err(reason) => {
                if asking.consistency == Consistency::Session {
                    session.read_at(Place::Primary);
                }
                self.fell_back(reason);
                // Another one may have taken its place meanwhile.
                self.primary_index()
            }
        }
    }

    async fn choose_replica(
        &self,
        asking: Asking<'_>,
        tried: &Tried,
    ) -> Result<usize, FallbackReason> {
        let mut usable = self.order(tried);
        if let Some(with) = asking.with {
            // The others only if that one cannot.
            usable.sort_by_key(|&index| index != with);
        }
        if asking.consistency == Consistency::Session {
            match asking.session.place() {
                Place::Nowhere => {}
                Place::Replica(at) if usable.contains(&at) => usable = vec![at],
                // It has seen what others may not have yet.
                Place::Replica(_) | Place::Primary => asking.session.mark(),
            }
        } else if asking.with.is_some_and(|with| !usable.contains(&with)) {
            asking.session.mark();
        }
        let &first = usable.first().ok_or(FallbackReason::NoReplica)?;
        let deadline = Instant::now() + self.options.wait;
        let Some(wanted) = self.wanted(asking, deadline).await? else {
            return Ok(first);
        };
        if asking.with == Some(first) {
            usable.truncate(1);
        }
        if let Some(&there) = usable
            .iter()
            .find(|&&index| self.servers[index].has_reached(&wanted))
        {
            return Ok(there);
        }
        let mut waiting: FuturesUnordered<_> = usable
            .into_iter()
            .map(|index| {
                let reaches = self.servers[index].reaches(&wanted, deadline);
                async move { reaches.await.then_some(index) }
            })
            .collect();
        while let Some(reached) = waiting.next().await {
            if let Some(index) = reached {
                return Ok(index);
            }
        }
        Err(FallbackReason::Behind)
    }

    /// The replicas that may be read from, in the order in which they should.
    fn order(&self, tried: &Tried) -> Vec<usize> {
        let usable = self
            .replicas()
            .filter(|index| !tried.servers.contains(index) && self.servers[*index].is_usable())
            .collect();
        let turn = self.turn.fetch_add(1, Relaxed);
        let load = |index: usize| {
            let stats = self.servers[index].pool.stats();
            stats.in_use + stats.pending
        };
        choice::order(self.options.balance, usable, turn, random_fraction(), load)
    }

    /// What the server of a read must have; nothing in particular, if there is none.
    async fn wanted(
        &self,
        asking: Asking<'_>,
        deadline: Instant,
    ) -> Result<Option<Position>, FallbackReason> {
        let mut wanted = match asking.consistency {
            Consistency::Eventual => None,
            _ => self.needed(asking.session, deadline).await?,
        };
        if asking.is_kept
            && let Some(all) = self.needed(&self.all, deadline).await?
        {
            wanted = Some(match wanted {
                Some(wanted) => wanted.and(&all),
                None => all,
            });
        }
        Ok(wanted)
    }

    /// What readers of `session` must see.
    async fn needed(
        &self,
        session: &Session,
        deadline: Instant,
    ) -> Result<Option<Position>, FallbackReason> {
        let reign = self.reign.load(SeqCst);
        let marks = match session.needed(reign) {
            Needed::Known(token) => return Ok(token),
            Needed::Unknown(marks) => marks,
        };
        let asked = self.primary().ask(deadline).await;
        let position = asked.ok_or(FallbackReason::Unknown)?;
        if self.reign.load(SeqCst) != reign {
            return Err(FallbackReason::Unknown);
        }
        Ok(Some(session.covered(marks, &position, reign)))
    }

    /// A session of its own, which must see what `token` says.
    pub(crate) fn session(&self, token: Option<Position>) -> Session {
        Session::starting_at(token, self.reign.load(SeqCst))
    }

    /// A position that has everything that was written and read in `session`; none if that was nothing.
    ///
    /// Nobody knows it while neither the primary nor the replica that was read answers.
    pub(crate) async fn token(
        &self,
        session: &Session,
    ) -> Result<Option<Position>, FallbackReason> {
        let deadline = Instant::now() + self.options.check_timeout;
        let reign = self.reign.load(SeqCst);
        let known = session.needed(reign);
        match (session.place(), known) {
            (Place::Nowhere, Needed::Known(token)) => return Ok(token),
            (Place::Replica(at), Needed::Known(token)) => {
                if let Some(position) = self.servers[at].ask(deadline).await {
                    return Ok(Some(
                        token.map_or(position.clone(), |token| token.and(&position)),
                    ));
                }
            }
            (Place::Primary, _) => session.mark(),
            (_, Needed::Unknown(_)) => {}
        }
        session.mark();
        self.needed(session, deadline).await?;
        Ok(session.token())
    }

    /// A statement was run there.
    pub(crate) fn ran(&self, index: usize) {
        self.servers[index].counters.reads.fetch_add(1, Relaxed);
    }

    /// What is to be done after a read failed on the server number `index`. `is_used` if some of its rows were given
    /// away.
    pub(crate) fn failed(
        &self,
        index: usize,
        error: &Error,
        is_used: bool,
        tried: &mut Tried,
    ) -> Next {
        let server = &self.servers[index];
        if index == self.primary_index() {
            return Next::Fail;
        }
        let next = match is_used {
            true => Next::Fail,
            false => Next::Again,
        };
        match verdict::of(server.pool.dialect(), error) {
            Verdict::Ban => {
                let change = server.failed(Instant::now());
                self.changed(index, change, Some(error));
                tried.servers.push(index);
                next
            }
            Verdict::Elsewhere => {
                tried.servers.push(index);
                next
            }
            Verdict::Primary(reason) => {
                tried.refused = Some(reason);
                next
            }
            // Whoever waits for a connection of a server that is gone waits in vain.
            Verdict::Fails if error.is_timeout() && !server.is_usable() => {
                tried.servers.push(index);
                next
            }
            Verdict::Fails => Next::Fail,
        }
    }

    /// A write failed. If the primary takes none, or cannot be reached, another one is looked for.
    pub(crate) fn write_failed(&self, error: &Error) {
        let primary = self.primary();
        if verdict::is_read_only(primary.pool.dialect(), error) {
            // The name of the primary may lead elsewhere by now.
            primary.pool.retire();
        } else if !error.is_connection() {
            return;
        }
        self.servers
            .iter()
            .for_each(|server| server.wake.notify_one());
    }

    /// What is known of the servers.
    pub(crate) fn figures(&self) -> RoutingFigures {
        RoutingFigures {
            primary: self.target(self.primary_index()).clone(),
            replicas: self
                .replicas()
                .map(|index| self.figures_of(index))
                .collect(),
            fallbacks: self.fallbacks.load(Relaxed),
            promotions: self.reign.load(SeqCst),
        }
    }

    fn figures_of(&self, index: usize) -> ReplicaFigures {
        let server = &self.servers[index];
        let counters = &server.counters;
        let state = server.lock();
        ReplicaFigures {
            name: server.pool.name().to_owned(),
            target: server.observers.target().clone(),
            pool: server.pool.stats(),
            state: state
                .ban
                .reason()
                .map_or(ReplicaState::Up, ReplicaState::Banned),
            lag: state.lag,
            lag_bytes: state.lag_bytes,
            position: server.position(),
            reads: counters.reads.load(Relaxed),
            waits: counters.waits.load(Relaxed),
            behind: counters.behind.load(Relaxed),
            bans: state.ban.count,
            checks: counters.checks.load(Relaxed),
        }
    }

    /// Closes every server's pool; the primary's last.
    pub(crate) async fn close(&self) -> CloseReport {
        self.stop();
        self.servers.iter().for_each(|server| server.close());
        let closing = self.servers.iter().map(|server| server.pool.close());
        join_all(closing)
            .await
            .into_iter()
            .fold(CloseReport::default(), |all, one| all + one)
    }

    fn stop(&self) {
        self.tasks
            .get()
            .into_iter()
            .flatten()
            .for_each(AbortHandle::abort);
    }

    fn track(&self) -> std::sync::MutexGuard<'_, Track> {
        self.track.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.stop();
    }
}
