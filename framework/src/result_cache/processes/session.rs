//! The task that keeps the connection to the others, speaks and listens.
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, Weak, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::{
    Parcel, Processes,
    link::{Link, Listener, Speaker, Times},
    lost,
    notice::{Notice, Step, gone_along},
    pause,
};
use crate::{
    error::{Error, ErrorKind},
    executor::written::{PendingWrites, Settled},
    result_cache::{Inner, stats::count},
};

/// How many notices are told at once at most.
const BATCH: usize = 64;

/// How long nobody tries to connect at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Connects, speaks and listens for as long as there is a cache.
pub(super) struct Session {
    cache: Weak<Inner>,
    link: Box<dyn Link>,
    times: Times,
    inbox: mpsc::UnboundedReceiver<Parcel>,
}

/// Why a connection came to its end.
enum End {
    Lost(Error),
    /// The cache is gone.
    Left,
}

impl Session {
    pub(super) fn new(
        cache: Weak<Inner>,
        link: Box<dyn Link>,
        times: Times,
        inbox: mpsc::UnboundedReceiver<Parcel>,
    ) -> Self {
        Self {
            cache,
            link,
            times,
            inbox,
        }
    }

    /// `first` is told when the first attempt to connect has ended. The cache is closed when this begins, and open while
    /// there is a connection.
    pub(super) async fn run(mut self, first: oneshot::Sender<()>) {
        let mut first = Some(first);
        let mut attempt = 0;
        loop {
            let connecting = timeout(self.times.silence(), self.link.connect());
            let connected = connecting.await.unwrap_or_else(|_| Err(silent()));
            let error = match connected {
                Ok((speaker, listener)) => match self.meet(speaker.into()).await {
                    Ok(()) => {
                        attempt = 0;
                        drop(first.take());
                        match self.talk(listener).await {
                            End::Lost(error) => error,
                            End::Left => return,
                        }
                    }
                    Err(End::Lost(error)) => error,
                    Err(End::Left) => return,
                },
                Err(error) => error,
            };
            drop(first.take());
            tell_of(&error, attempt);
            if self.cache.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(pause(attempt, LONGEST_PAUSE)).await;
            attempt += 1;
        }
    }

    /// Begins to speak. If others were not told of something, they are to forget everything.
    async fn meet(&mut self, speaker: Arc<dyn Speaker>) -> Result<(), End> {
        let cache = self.cache.upgrade().ok_or(End::Left)?;
        let processes = cache.processes.get().ok_or(End::Left)?;
        // Whoever writes from now on tells it; who did before has left a mark.
        *processes.lock_speaker() = Some(Arc::clone(&speaker));
        if processes.missed.swap(false, Relaxed) {
            let mut notice = Notice::anything();
            notice.from = processes.id;
            notice.write = processes.next.fetch_add(1, Relaxed);
            let told = self.tell(&*speaker, &[notice], cache.options.doubt).await;
            if let Err(error) = told {
                processes.missed.store(true, Relaxed);
                self.part(processes);
                return Err(End::Lost(error));
            }
        }
        cache.connected(true);
        Ok(())
    }

    /// Speaks and listens until the connection is lost.
    async fn talk(&mut self, mut listener: Box<dyn Listener>) -> End {
        let Some((speaker, doubt)) = self.cache.upgrade().and_then(|cache| {
            let speaker = cache.processes.get()?.speaker()?;
            Some((speaker, cache.options.doubt))
        }) else {
            return End::Left;
        };
        let heard = std::sync::Mutex::new(Instant::now());
        let end = {
            let mut hearing = Hearing {
                cache: self.cache.clone(),
                doubt,
                pending: HashMap::new(),
                check: Instant::now(),
                heard: &heard,
            };
            let listening = hearing.listen(&mut *listener, self.times);
            let speaking = speak(
                &*speaker,
                &mut self.inbox,
                &self.cache,
                self.times,
                doubt,
                &heard,
            );
            tokio::select! {
                end = listening => end,
                end = speaking => end,
            }
        };
        if let Some(cache) = self.cache.upgrade()
            && let Some(processes) = cache.processes.get()
        {
            lost(processes);
            self.part(processes);
            cache.connected(false);
        }
        end
    }

    /// Nobody can be told any more. What is in the queue was not.
    fn part(&mut self, processes: &Processes) {
        *processes.lock_speaker() = None;
        while self.inbox.try_recv().is_ok() {
            processes.missed.store(true, Relaxed);
        }
    }

    async fn tell(
        &self,
        speaker: &dyn Speaker,
        notices: &[Notice],
        doubt: Duration,
    ) -> Result<(), Error> {
        let telling = timeout(self.times.timeout, speaker.tell(notices, doubt));
        telling.await.unwrap_or_else(|_| Err(silent()))
    }
}

/// Tells what is in the queue, and when nothing was heard for a while, tests whether oneself is.
async fn speak(
    speaker: &dyn Speaker,
    inbox: &mut mpsc::UnboundedReceiver<Parcel>,
    cache: &Weak<Inner>,
    times: Times,
    doubt: Duration,
    heard: &std::sync::Mutex<Instant>,
) -> End {
    let mut parcels = Vec::new();
    loop {
        let last = *heard.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (last + times.heartbeat).max(Instant::now() + times.heartbeat / 4);
        let mut notices: Vec<Notice> = tokio::select! {
            count = inbox.recv_many(&mut parcels, BATCH) => match count {
                0 => return End::Left,
                _ => parcels.iter().map(|parcel| parcel.notice.clone()).collect(),
            },
            () = tokio::time::sleep_until(next) => vec![Notice::new(Step::Alive)],
        };
        let told = match cache.upgrade() {
            None => return End::Left,
            Some(cache) => match cache.processes.get() {
                None => return End::Left,
                Some(processes) => {
                    notices
                        .iter_mut()
                        .for_each(|notice| notice.from = processes.id);
                    // Until the server has it, it may have missed somebody.
                    processes.missed.store(true, Relaxed);
                    let told = timeout(times.timeout, speaker.tell(&notices, doubt)).await;
                    let told = told.unwrap_or_else(|_| Err(silent()));
                    if told.is_ok() {
                        processes.missed.store(false, Relaxed);
                        let figure = &processes.figures.told;
                        figure.fetch_add(parcels.len() as u64, Relaxed);
                    }
                    told
                }
            },
        };
        match told {
            Ok(()) => parcels.drain(..).for_each(|parcel| {
                // Who does not wait any more need not be told.
                let _ = parcel.done.send(());
            }),
            Err(error) => return End::Lost(error),
        }
    }
}

/// What was heard of others.
struct Hearing<'h> {
    cache: Weak<Inner>,
    doubt: Duration,
    /// Writes of others that have not ended, and since when.
    pending: HashMap<(u64, u64), (Instant, Box<dyn PendingWrites>)>,
    /// When the oldest of them may be too late.
    check: Instant,
    heard: &'h std::sync::Mutex<Instant>,
}

impl Hearing<'_> {
    async fn listen(&mut self, listener: &mut dyn Listener, times: Times) -> End {
        loop {
            let last = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            let text = tokio::select! {
                text = listener.next() => text,
                () = tokio::time::sleep_until(last + times.silence()) => {
                    return End::Lost(silent());
                }
                () = tokio::time::sleep_until(self.check), if !self.pending.is_empty() => {
                    self.give_up();
                    continue;
                }
            };
            let text = match text {
                Ok(text) => text,
                Err(error) => return End::Lost(error),
            };
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            let Some(cache) = self.cache.upgrade() else {
                return End::Left;
            };
            self.hear(&cache, &Notice::read(&text));
        }
    }

    fn hear(&mut self, cache: &Arc<Inner>, notice: &Notice) {
        let Some(processes) = cache.processes.get() else {
            return;
        };
        if notice.from == processes.id {
            return;
        }
        let id = (notice.from, notice.write);
        let settled = match notice.step {
            Step::Alive => return,
            Step::Begin => {
                count(&processes.figures.heard);
                let (begun, now) = (cache.heard_of(notice), Instant::now());
                if self.pending.is_empty() {
                    self.check = now + self.doubt;
                }
                self.pending.insert(id, (now, begun));
                return;
            }
            Step::End => Settled::TakenBack,
            Step::Doubt => Settled::Unknown,
        };
        count(&processes.figures.heard);
        // Whether or not its beginning was heard, it drops what is kept now.
        let begun = self.pending.remove(&id);
        drop(cache.heard_of(notice).end(settled));
        if let Some((_, begun)) = begun {
            drop(begun.end(settled));
        }
        // Tables that only this process knows to depend on others.
        let along = gone_along(notice, |name| cache.tables.dependents(name));
        if !along.is_empty() {
            let mut telling = Notice::about(&along, |_| Vec::new()).at(notice.step);
            telling.write = processes.next.fetch_add(1, Relaxed);
            drop(processes.tell(telling));
        }
    }

    /// Writes that have not ended in time are writes of which nobody knows how they ended.
    fn give_up(&mut self) {
        let now = Instant::now();
        let doubt = self.doubt;
        let late =
            |_: &(u64, u64), (since, _): &mut (Instant, _)| now.duration_since(*since) >= doubt;
        for (_, (_, pending)) in self.pending.extract_if(late) {
            drop(pending.end(Settled::Unknown));
        }
        let oldest = self.pending.values().map(|(since, _)| *since).min();
        self.check = oldest.unwrap_or(now) + doubt;
    }
}

/// Once for each time that the connection is lost.
fn tell_of(error: &Error, attempt: u32) {
    const TEXT: &str =
        "the cache has no connection to other processes: rows are read from the database";
    match attempt {
        0 => tracing::warn!(target: "entourage::cache", error = %error, "{TEXT}"),
        _ => tracing::debug!(target: "entourage::cache", error = %error, attempt, "{TEXT}"),
    }
}

#[cold]
fn silent() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the server between the processes does not answer",
    )
}
