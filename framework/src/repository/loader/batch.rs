//! Collecting what is asked for at one time, and one caller that works for all.
use std::{
    collections::HashMap,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::OnceCell, task::yield_now};

use super::source::Source;
use crate::{
    error::{Error, Result},
    executor::ExecutorHandle,
    schema::KeyPart,
};

/// How often the runtime is asked whether anybody else comes: enough for tasks that wait for each other a few times, and
/// an end to those that never stop asking.
const MAX_ROUNDS: usize = 32;

/// The batches of one kind of load.
pub(super) struct Batches<S: Source>(Mutex<State<S>>);

struct State<S: Source> {
    /// The batch that takes new keys.
    open: Option<Arc<Batch<S>>>,
    /// What was loaded before, if it is kept.
    kept: HashMap<KeyPart, S::Value>,
}

/// Keys that are loaded together.
struct Batch<S: Source> {
    wanted: Mutex<HashMap<KeyPart, Wanted<S>>>,
    loaded: OnceCell<Loaded<S>>,
}

struct Wanted<S: Source> {
    item: S::Item,
    waiting: usize,
}

/// The values of a batch, or why there are none. A lock instead of `Sync` values: each caller takes its own copy.
type Loaded<S> = Result<Mutex<HashMap<KeyPart, <S as Source>::Value>>, Arc<Error>>;

impl<S: Source> Default for Batches<S> {
    fn default() -> Self {
        Self(Mutex::new(State {
            open: None,
            kept: HashMap::new(),
        }))
    }
}

impl<S: Source> Batches<S> {
    /// The value of `key` if it is kept, else a place in the open batch.
    pub(super) fn join(
        self: Arc<Self>,
        key: KeyPart,
        item: S::Item,
        max_batch: usize,
        keep: bool,
    ) -> Result<S::Value, Ticket<S>> {
        let mut state = lock(&self.0);
        if let Some(value) = state.kept.get(&key) {
            return Ok(value.clone());
        }
        let fits = |batch: &Arc<Batch<S>>| {
            let wanted = lock(&batch.wanted);
            wanted.len() < max_batch || wanted.contains_key(&key)
        };
        let batch = match state.open.take().filter(fits) {
            Some(batch) => batch,
            None => Arc::new(Batch {
                wanted: Mutex::default(),
                loaded: OnceCell::new(),
            }),
        };
        lock(&batch.wanted)
            .entry(key.clone())
            .or_insert(Wanted { item, waiting: 0 })
            .waiting += 1;
        state.open = Some(Arc::clone(&batch));
        drop(state);
        Err(Ticket {
            batches: self,
            batch,
            key,
            max_batch,
            keep,
        })
    }
}

/// One caller's place in a batch. Dropped before the batch is sent, it takes its key out again.
pub(super) struct Ticket<S: Source> {
    batches: Arc<Batches<S>>,
    batch: Arc<Batch<S>>,
    key: KeyPart,
    max_batch: usize,
    keep: bool,
}

impl<S: Source> Ticket<S> {
    /// Waits for the batch. The first to come does its work; should its future be dropped, the next one does.
    pub(super) async fn value(
        self,
        executor: &ExecutorHandle<'static>,
        call_site: &'static Location<'static>,
    ) -> Result<Option<S::Value>> {
        let work = || self.work(executor, call_site);
        match self.batch.loaded.get_or_init(work).await {
            Ok(values) => Ok(lock(values).get(&self.key).cloned()),
            Err(error) => Err(Error::shared(error, None)),
        }
    }

    async fn work(
        &self,
        executor: &ExecutorHandle<'static>,
        call_site: &'static Location<'static>,
    ) -> Loaded<S> {
        self.collect().await;
        let items: Vec<_> = lock(&self.batch.wanted)
            .iter()
            .map(|(key, wanted)| (key.clone(), wanted.item.clone()))
            .collect();
        match S::load(&**executor, items, call_site).await {
            Ok(values) => {
                if self.keep {
                    let kept = values.iter().cloned();
                    lock(&self.batches.0).kept.extend(kept);
                }
                Ok(Mutex::new(values.into_iter().collect()))
            }
            Err(error) => Err(Arc::new(error)),
        }
    }

    /// Lets every other task go until none of them adds a key, then closes the batch.
    async fn collect(&self) {
        let mut before = 0;
        for _ in 0..MAX_ROUNDS {
            let now = lock(&self.batch.wanted).len();
            if now == before || now >= self.max_batch {
                break;
            }
            before = now;
            yield_now().await;
        }
        let mut state = lock(&self.batches.0);
        if state
            .open
            .as_ref()
            .is_some_and(|open| Arc::ptr_eq(open, &self.batch))
        {
            state.open = None;
        }
    }
}

impl<S: Source> Drop for Ticket<S> {
    fn drop(&mut self) {
        let mut wanted = lock(&self.batch.wanted);
        if let Some(own) = wanted.get_mut(&self.key) {
            own.waiting -= 1;
            if own.waiting == 0 {
                wanted.remove(&self.key);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
