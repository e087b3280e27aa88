//! Notices between sessions: LISTEN and NOTIFY.
use std::fmt;

use async_trait::async_trait;
use sqlx::{
    Executor as _,
    postgres::{PgConnection, PgListener, PgPoolOptions},
};

use super::{errors, open};
use crate::{
    driver::{ConnectOptions, Notifications, Notifier, server::timed_connect},
    error::{Error, ErrorKind, Result},
};

/// Opens the connections that notify `channel` and listen to it; what is notified from now on is heard.
pub(in crate::driver) async fn notifications(
    options: &ConnectOptions,
    channel: &str,
) -> Result<(Box<dyn Notifier>, Box<dyn Notifications>)> {
    let mut connection = open::open(options).await?;
    // A notice is not worth a wait for the disk: after a crash there is nobody who has missed it.
    connection
        .execute("SET synchronous_commit = off")
        .await
        .map_err(errors::database)?;
    let listening = async {
        // What sqlx listens with wants a pool; it reconnects by itself, which would lose notices without a word.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(open::translate(options))
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(listener)
    };
    let listener = timed_connect(options, listening, errors::database).await?;
    Ok((
        Box::new(PostgresNotifier {
            connection,
            channel: channel.to_owned(),
        }),
        Box::new(PostgresNotifications {
            listener,
            is_lost: false,
        }),
    ))
}

#[derive(Debug)]
struct PostgresNotifier {
    connection: PgConnection,
    channel: String,
}

#[async_trait]
impl Notifier for PostgresNotifier {
    async fn notify(&mut self, payloads: Vec<String>) -> Result<()> {
        let notify = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload";
        sqlx::query(notify)
            .bind(&self.channel)
            .bind(payloads)
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(errors::database)
    }
}

struct PostgresNotifications {
    listener: PgListener,
    is_lost: bool,
}

#[async_trait]
impl Notifications for PostgresNotifications {
    async fn next(&mut self) -> Result<String> {
        if !self.is_lost {
            match self.listener.try_recv().await {
                Ok(Some(notification)) => return Ok(notification.payload().to_owned()),
                Ok(None) => self.is_lost = true,
                Err(error) => {
                    self.is_lost = true;
                    return Err(errors::database(error));
                }
            }
        }
        Err(Error::new(
            ErrorKind::Connection,
            "the connection that listens for notices was lost",
        ))
    }
}

impl fmt::Debug for PostgresNotifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresNotifications")
            .field("is_lost", &self.is_lost)
            .finish_non_exhaustive()
    }
}
