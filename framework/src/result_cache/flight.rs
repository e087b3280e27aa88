//! Loads under way: who asks for the same at the same time waits for the one who loads it.
//!
//! Only if no write began between the start of the load and the question: the answer might be older than that write.
//! That is what the stamp is for. A load that fails fails nobody else: the others load themselves, at once, as they would
//! without a cache. A loader that is cancelled is replaced by one of those who wait.
use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::error::Result;

/// The loads under way, by key.
#[derive(Debug)]
pub(super) struct Flights<K, S, V>(Mutex<HashMap<K, Flight<S, V>, foldhash::fast::RandomState>>);

#[derive(Debug)]
struct Flight<S, V> {
    stamp: S,
    landed: watch::Receiver<State<V>>,
}

#[derive(Debug, Clone)]
enum State<V> {
    Flying,
    Landed(V),
    Failed,
}

/// What was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Landing<V> {
    /// By the caller.
    Own(V),
    /// By somebody else meanwhile.
    Shared(V),
    /// By nobody: whoever did is gone. Try again.
    None,
}

impl<K, S, V> Default for Flights<K, S, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone, S: PartialEq + Clone, V: Clone> Flights<K, S, V> {
    /// The value of `key`: loaded now, or by whoever loads it already with the same `stamp`. After `patience` it is
    /// loaded all the same.
    pub(super) async fn load<F: Future<Output = Result<V>>>(
        &self,
        key: &K,
        stamp: S,
        patience: Duration,
        load: impl FnOnce() -> F,
    ) -> Result<Landing<V>> {
        match self.board(key, stamp) {
            Ok(lead) => {
                let result = load().await;
                lead.land(match &result {
                    Ok(value) => State::Landed(value.clone()),
                    Err(_) => State::Failed,
                });
                result.map(Landing::Own)
            }
            Err(mut landed) => {
                let landing = async {
                    let landed = landed.wait_for(|state| !matches!(state, State::Flying));
                    landed.await.map(|state| state.clone())
                };
                match tokio::time::timeout(patience, landing).await {
                    Ok(Ok(State::Landed(value))) => Ok(Landing::Shared(value)),
                    Ok(Err(_)) => Ok(Landing::None),
                    Ok(Ok(_)) | Err(_) => load().await.map(Landing::Own),
                }
            }
        }
    }

    /// The lead of a flight to `key`, or where the one under way tells how it ends.
    fn board(&self, key: &K, stamp: S) -> Result<Lead<'_, K, S, V>, watch::Receiver<State<V>>> {
        let mut flights = self.lock();
        if let Some(flight) = flights.get(key)
            && flight.stamp == stamp
            && flight.landed.has_changed().is_ok()
        {
            return Err(flight.landed.clone());
        }
        let (sender, landed) = watch::channel(State::Flying);
        flights.insert(key.clone(), Flight { stamp, landed });
        Ok(Lead {
            flights: self,
            key: key.clone(),
            sender,
        })
    }

    fn lock(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<K, Flight<S, V>, foldhash::fast::RandomState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one who loads. Dropped, those who wait try again.
struct Lead<'f, K: Hash + Eq, S, V> {
    flights: &'f Flights<K, S, V>,
    key: K,
    sender: watch::Sender<State<V>>,
}

impl<K: Hash + Eq, S, V> Lead<'_, K, S, V> {
    fn land(self, state: State<V>) {
        self.sender.send_replace(state);
    }
}

impl<K: Hash + Eq, S, V> Drop for Lead<'_, K, S, V> {
    fn drop(&mut self) {
        let flights = &self.flights.0;
        let mut flights = flights.lock().unwrap_or_else(PoisonError::into_inner);
        // A later flight with another stamp may have taken the place.
        let is_own = flights
            .get(&self.key)
            .is_some_and(|flight| self.sender.subscribe().same_channel(&flight.landed));
        if is_own {
            flights.remove(&self.key);
        }
    }
}
