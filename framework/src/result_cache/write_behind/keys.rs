//! Keys that the database makes, taken from it in blocks, so that a row has its key before the database sees it.
//!
//! At most one block is in hand at any time: when half of it is left, the other half is asked for, while the first is
//! handed out. What is in hand when the process ends is a gap among the keys, no more. A block is reserved by a task of
//! its own: no caller who goes away can stop it half-way.
mod counter;
mod stock;

use std::{
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use counter::Counter;
use stock::{Numbers, Stock};
use tokio::{sync::watch, time::Instant};

use super::complaint::closed;
use crate::{
    error::{Error, Result},
    executor::Executor,
    schema::TableDef,
};

/// How an attempt ended; `None` while it lasts.
type Ending = Option<Result<(), Arc<Error>>>;

/// The keys of one table.
#[derive(Debug)]
pub(super) struct Keys {
    executor: Arc<dyn Executor>,
    counter: Counter,
    /// How many are in hand at most.
    block: u32,
    /// How long nobody asks again after an attempt that failed, as long as there are keys.
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stock: Stock,
    /// The attempt that is under way.
    attempt: Option<watch::Receiver<Ending>>,
    not_before: Option<Instant>,
}

impl Keys {
    /// Checks that keys of `table` can be reserved in blocks, and reserves the first; `None` if the database makes none.
    pub(super) async fn open(
        executor: &Arc<dyn Executor>,
        table: &'static TableDef,
        block: u32,
        pause: Duration,
        call_site: &'static Location<'static>,
    ) -> Result<Option<Arc<Self>>> {
        let Some(column) = table.generated() else {
            return Ok(None);
        };
        let counter = Counter {
            table,
            column,
            call_site,
        };
        counter.check(&**executor).await?;
        let keys = Arc::new(Self {
            executor: Arc::clone(executor),
            counter,
            block,
            pause,
            state: Mutex::default(),
        });
        let attempt = keys.begin(&mut keys.lock());
        ended(attempt).await?;
        Ok(Some(keys))
    }

    /// A key that nobody has or will have. It waits for the database only if none is in hand.
    ///
    /// # Errors
    /// The database's, if none is in hand and none could be reserved.
    pub(super) async fn take(self: &Arc<Self>) -> Result<i64> {
        loop {
            let attempt = {
                let mut state = self.lock();
                if let Some(key) = self.pick(&mut state) {
                    return Ok(key);
                }
                match &state.attempt {
                    Some(attempt) => attempt.clone(),
                    None => self.begin(&mut state),
                }
            };
            ended(attempt).await?;
        }
    }

    /// The same without waiting; `None` if none is in hand.
    pub(super) fn in_hand(self: &Arc<Self>) -> Option<i64> {
        self.pick(&mut self.lock())
    }

    fn pick(self: &Arc<Self>, state: &mut State) -> Option<i64> {
        let key = state.stock.take()?;
        if state.stock.left() <= u64::from(self.block / 2) && state.attempt.is_none() {
            let rests = state.not_before.is_some_and(|until| Instant::now() < until);
            if !rests {
                self.begin(state);
            }
        }
        Some(key)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to fill the stock up to a block.
    fn begin(self: &Arc<Self>, state: &mut State) -> watch::Receiver<Ending> {
        let (told, attempt) = watch::channel(None);
        state.attempt = Some(attempt.clone());
        let left = u32::try_from(state.stock.left()).unwrap_or(u32::MAX);
        let count = self.block.saturating_sub(left).max(1);
        let attempt_of = Attempt {
            keys: Arc::clone(self),
            told,
            reserved: None,
        };
        tokio::spawn(attempt_of.run(count));
        attempt
    }
}

/// One attempt at a block. Its end is told whatever happens to its task.
struct Attempt {
    keys: Arc<Keys>,
    told: watch::Sender<Ending>,
    reserved: Option<Result<Numbers>>,
}

impl Attempt {
    async fn run(mut self, count: u32) {
        let keys = Arc::clone(&self.keys);
        self.reserved = Some(keys.counter.reserve(&*keys.executor, count).await);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut state = self.keys.lock();
        state.attempt = None;
        let ending = match self.reserved.take() {
            Some(Ok(numbers)) => {
                state.stock.put(numbers);
                state.not_before = None;
                Ok(())
            }
            failed => {
                state.not_before = Some(Instant::now() + self.keys.pause);
                let error = match failed {
                    Some(Err(error)) => error,
                    _ => closed(),
                };
                tracing::warn!(target: "entourage::write_behind", %error, "no keys could be reserved");
                Err(Arc::new(error.at(self.keys.counter.call_site)))
            }
        };
        drop(state);
        self.told.send_replace(Some(ending));
    }
}

/// Waits for the end of an attempt.
async fn ended(mut attempt: watch::Receiver<Ending>) -> Result<()> {
    let ending = attempt.wait_for(Option::is_some).await;
    match ending.as_deref() {
        Ok(Some(Ok(()))) => Ok(()),
        Ok(Some(Err(error))) => Err(Error::shared(error, None)),
        Ok(None) | Err(_) => Err(closed()),
    }
}
