//! The newest requests, as many as there is room for.
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::record::RequestRecord;

/// What may be kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    pub(super) requests: usize,
    /// For each request.
    pub(super) statements: usize,
    pub(super) bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            requests: 200,
            statements: 500,
            bytes: 32 * 1024 * 1024,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Ring {
    state: Mutex<State>,
    /// Nanoseconds that the layer spent on what it recorded.
    spent: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Kept>,
    bytes: usize,
    last_id: u64,
    dropped: u64,
}

#[derive(Debug)]
struct Kept {
    request: Arc<RequestRecord>,
    bytes: usize,
}

/// What the ring holds.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    /// The newest first.
    pub(super) requests: Vec<Arc<RequestRecord>>,
    pub(super) last_id: u64,
    pub(super) oldest_id: Option<u64>,
    pub(super) kept: usize,
    pub(super) bytes: usize,
    /// Requests that had to go for newer ones.
    pub(super) dropped: u64,
    pub(super) spent: Duration,
}

impl Ring {
    /// Keeps `request` under a number of its own, and lets the oldest go that there is no room for.
    pub(super) fn push(&self, mut request: RequestRecord, caps: Caps) {
        let bytes = request.bytes();
        let mut state = self.lock();
        state.last_id += 1;
        request.id = state.last_id;
        state.bytes += bytes;
        state.requests.push_back(Kept {
            request: Arc::new(request),
            bytes,
        });
        while state.requests.len() > caps.requests || state.bytes > caps.bytes {
            let Some(oldest) = state.requests.pop_front() else {
                return;
            };
            state.bytes -= oldest.bytes;
            state.dropped += 1;
        }
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<RequestRecord>> {
        let state = self.lock();
        let at = state
            .requests
            .binary_search_by_key(&id, |kept| kept.request.id);
        at.ok().map(|at| Arc::clone(&state.requests[at].request))
    }

    /// The requests newer than `since`, and what is to be said of all.
    pub(super) fn since(&self, since: u64) -> Contents {
        let state = self.lock();
        let newest = state.requests.iter().rev();
        Contents {
            requests: newest
                .take_while(|kept| kept.request.id > since)
                .map(|kept| Arc::clone(&kept.request))
                .collect(),
            last_id: state.last_id,
            oldest_id: state.requests.front().map(|kept| kept.request.id),
            kept: state.requests.len(),
            bytes: state.bytes,
            dropped: state.dropped,
            spent: Duration::from_nanos(self.spent.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn add_spent(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.spent.fetch_add(nanos, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
