//! What servers say of themselves, and what comes of it: bans, returns, another primary.
use std::{
    sync::atomic::Ordering::{Relaxed, SeqCst},
    time::Duration,
};

use tokio::time::Instant;

use super::Router;
use crate::{
    error::Error,
    observe::{BanReason, Event, FallbackReason, Role, RoutingEvent, RoutingEventKind, Target},
    routing::{Position, ban::Change, question::Answer},
};

/// What the routing tells `tracing`.
const TARGET: &str = "entourage::routing";

impl Router {
    /// When the scout of a server asks again.
    pub(in crate::routing) fn pause(&self, index: usize) -> Duration {
        let state = self.servers[index].lock();
        let every = self.options.check_every;
        match (state.ban.until(), state.ban.reason()) {
            (Some(until), Some(BanReason::Unreachable)) => until
                .saturating_duration_since(Instant::now())
                .max(Duration::from_millis(1)),
            _ => every,
        }
    }

    /// A server has answered the first `number` questions.
    pub(in crate::routing) fn answered(
        &self,
        index: usize,
        number: u64,
        answer: Answer,
        is_mariadb: bool,
    ) {
        let server = &self.servers[index];
        server.counters.checks.fetch_add(1, Relaxed);
        let now = Instant::now();
        let is_other = server.pool.capabilities().mariadb != is_mariadb;
        let mut state = server.lock();
        state.was_replica |= !answer.is_writable;
        state.is_other = is_other;
        state.answer = Some(answer.clone());
        drop(state);
        if index == self.primary_index() {
            self.primary_answered(index, &answer, now);
        } else {
            self.replica_answered(index, &answer, is_other, now);
        }
        server.tell(number, answer.position);
        self.consider();
    }

    fn primary_answered(&self, index: usize, answer: &Answer, now: Instant) {
        if let (true, Some(position)) = (answer.is_writable, &answer.position) {
            self.track().saw(position, now);
        }
        let change = self.servers[index].answered(None, now);
        if let Change::Recovered(_) = change {
            let target = self.servers[index].observers.target();
            tracing::info!(target: TARGET, address = target.address, port = target.port, "the primary answers again");
        }
        let up = RoutingEventKind::Checked {
            up: true,
            lag: None,
            lag_bytes: None,
        };
        self.emit(index, up);
    }

    fn replica_answered(&self, index: usize, answer: &Answer, is_other: bool, now: Instant) {
        let mut track = self.track();
        let lag = answer
            .position
            .as_ref()
            .and_then(|here| track.lag(here, now));
        let lag_bytes = answer
            .position
            .as_ref()
            .and_then(|here| here.bytes_behind(track.latest()?));
        let everywhere = |was: &Position| {
            self.replicas()
                .all(|index| match self.servers[index].is_usable() {
                    true => self.servers[index].has_reached(was),
                    false => true,
                })
        };
        track.forget(everywhere);
        drop(track);
        let too_far = |lag: Duration| self.options.max_lag.is_some_and(|most| lag > most);
        let unfit = match answer.is_writable {
            _ if is_other => Some(BanReason::OtherProduct),
            true => Some(BanReason::NotAReplica),
            false if !self.follows(answer) => Some(BanReason::Astray),
            false => lag.is_some_and(too_far).then_some(BanReason::Lagging),
        };
        let server = &self.servers[index];
        let change = server.answered(unfit, now);
        let mut state = server.lock();
        (state.lag, state.lag_bytes) = (lag, lag_bytes);
        let up = state.ban.reason().is_none();
        drop(state);
        self.changed(index, change, None);
        self.emit(index, RoutingEventKind::Checked { up, lag, lag_bytes });
    }

    /// Whether a replica that says this follows the primary. Nobody doubts it before a promotion.
    fn follows(&self, answer: &Answer) -> bool {
        if self.reign.load(SeqCst) == 0 {
            return true;
        }
        let primary = self.primary().lock().answer.clone();
        primary.is_some_and(|primary| primary.is_writable && answer.follows(&primary))
    }

    /// A server has not answered the first `number` questions.
    pub(in crate::routing) fn unanswered(&self, index: usize, number: u64, error: &Error) {
        let server = &self.servers[index];
        server.counters.checks.fetch_add(1, Relaxed);
        let mut state = server.lock();
        (state.lag, state.lag_bytes, state.answer) = (None, None, None);
        let change = state.ban.failed(Instant::now());
        drop(state);
        if index == self.primary_index() {
            if let Change::Banned(_) = change {
                let target = server.observers.target();
                tracing::warn!(target: TARGET, address = target.address, port = target.port, %error, "the primary does not answer");
            }
        } else {
            self.changed(index, change, Some(error));
        }
        let down = RoutingEventKind::Checked {
            up: false,
            lag: None,
            lag_bytes: None,
        };
        self.emit(index, down);
        // What it said before is true of a replica even now: it never forgets.
        let position = match index == self.primary_index() {
            true => None,
            false => server.position(),
        };
        server.tell(number, position);
        self.consider();
    }

    /// Tells what became of a replica.
    pub(super) fn changed(&self, index: usize, change: Change, error: Option<&Error>) {
        let target = self.servers[index].observers.target();
        let (address, port) = (target.address.as_deref(), target.port);
        match change {
            Change::None => return,
            Change::Banned(reason) => {
                let told = error.map(ToString::to_string);
                tracing::warn!(target: TARGET, address, port, error = told, "a replica is not read from: {reason}");
                let error = told.as_deref();
                self.emit(index, RoutingEventKind::Banned { reason, error });
            }
            Change::Recovered(after) => {
                tracing::info!(target: TARGET, address, port, ?after, "a replica is read from again");
                self.emit(index, RoutingEventKind::Recovered { after });
            }
        }
        let alone = !self.replicas().any(|index| self.servers[index].is_usable());
        if self.is_alone.swap(alone, SeqCst) != alone && alone {
            tracing::warn!(target: TARGET, "no replica can be read from: the primary serves all reads");
            self.emit(self.primary_index(), RoutingEventKind::Alone);
        }
    }

    pub(super) fn fell_back(&self, reason: FallbackReason) {
        self.fallbacks.fetch_add(1, Relaxed);
        let primary = self.primary_index();
        self.emit(primary, RoutingEventKind::FellBack { reason });
    }

    /// Makes another server the primary, if the primary is gone or has become a replica, and exactly one takes writes.
    fn consider(&self) {
        if !self.options.promotion {
            return;
        }
        let old = self.primary_index();
        // One that does not answer may only be replaced by one that is known to have followed it.
        let is_replica = match &self.servers[old].lock().answer {
            Some(answer) if answer.is_writable => return,
            answer => answer.is_some(),
        };
        let takes_writes = |index: &usize| {
            let state = self.servers[*index].lock();
            state
                .answer
                .as_ref()
                .is_some_and(|answer| answer.is_writable)
                && !state.is_other
        };
        let writable: Vec<usize> = self.replicas().filter(takes_writes).collect();
        let &[new] = writable.as_slice() else {
            return;
        };
        if !is_replica && !self.servers[new].lock().was_replica {
            return;
        }
        if self
            .primary
            .compare_exchange(old, new, SeqCst, SeqCst)
            .is_ok()
        {
            self.promoted(old, new);
        }
    }

    fn promoted(&self, old: usize, new: usize) {
        self.reign.fetch_add(1, SeqCst);
        self.track().clear();
        self.servers[old].observers.set_role(Role::Replica);
        self.servers[new].observers.set_role(Role::Primary);
        let now = Instant::now();
        let _ = self.servers[new].answered(None, now);
        let (from, to) = (self.target(old), self.target(new));
        tracing::warn!(
            target: TARGET,
            old_address = from.address,
            old_port = from.port,
            address = to.address,
            port = to.port,
            "another server has become the primary"
        );
        self.emit(new, RoutingEventKind::Promoted { from });
        // Nobody is read from before he says that he follows the new one.
        for index in self.replicas() {
            let change = self.servers[index].failed(now);
            self.changed(index, change, None);
        }
        self.servers
            .iter()
            .for_each(|server| server.wake.notify_one());
    }

    pub(super) fn target(&self, index: usize) -> &Target {
        self.servers[index].observers.target()
    }

    pub(super) fn emit(&self, index: usize, kind: RoutingEventKind<'_>) {
        let observers = &self.servers[index].observers;
        if observers.is_listening() {
            let event = RoutingEvent::new(observers.target(), kind);
            observers.emit(&Event::Routing(event));
        }
    }
}
