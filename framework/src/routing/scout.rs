//! The task of a server that asks it how it does, over a connection of its own: from time to time, and when a reader
//! wants to know. Readers only wait for what it finds out, so none of them leaves a statement half run, and many ask
//! once.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout};

use super::{Router, Server, question};
use crate::{
    driver::Connection,
    error::{Error, ErrorKind, Result},
    pool::Access,
};

/// How soon it asks again while a reader waits; it takes twice as long each time.
const SOON: Duration = Duration::from_millis(1);

/// How soon it asks again at most while a reader waits.
const NOT_SO_SOON: Duration = Duration::from_millis(10);

/// How soon it asks again when a reader has waited in vain.
const OWING: Duration = Duration::from_millis(50);

/// What is kept between two questions.
#[derive(Default)]
pub(super) struct Scout {
    connection: Option<Box<dyn Connection>>,
}

impl Scout {
    /// Asks the server number `index` until the router is gone.
    pub(super) async fn run(mut self, router: Weak<Router>, index: usize) {
        let mut step = SOON;
        loop {
            let Some(now) = router.upgrade() else {
                return;
            };
            self.look(&now, index).await;
            let server = Arc::clone(now.server(index));
            let (asked, pause) = (Instant::now(), now.pause(index));
            drop(now);
            let (_, waiting) = server.questions();
            let next = match waiting {
                true => asked + step,
                false if server.owes() => asked + pause.min(OWING),
                false => asked + pause,
            };
            step = match waiting {
                true => (step * 2).min(NOT_SO_SOON),
                false => SOON,
            };
            tokio::select! {
                () = sleep_until(next) => {}
                () = server.wake.notified() => {}
            }
        }
    }

    /// Asks once, and tells the router.
    pub(super) async fn look(&mut self, router: &Router, index: usize) {
        let server = router.server(index);
        let (number, _) = server.questions();
        let limit = router.options().check_timeout;
        let asked = timeout(limit, self.ask(server)).await;
        let result = asked.unwrap_or_else(|_| Err(no_answer(limit)));
        if result.is_err() {
            self.connection = None;
        }
        match result {
            Ok((answer, is_mariadb)) => router.answered(index, number, answer, is_mariadb),
            Err(error) => router.unanswered(index, number, &error),
        }
    }

    async fn ask(&mut self, server: &Server) -> Result<(question::Answer, bool)> {
        let connection = match &mut self.connection {
            Some(connection) if !connection.is_broken() => connection,
            connection => connection.insert(server.connect.connect(Access::Write).await?),
        };
        let answer = question::ask(&mut **connection).await?;
        Ok((answer, connection.capabilities().mariadb))
    }
}

fn no_answer(limit: Duration) -> Error {
    let message = format!("the server gave no answer about itself within {limit:?}");
    Error::new(ErrorKind::Connection, message)
}
