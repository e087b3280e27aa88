//! Finding out whether a pooler stands between us and the server, and lends its servers for one transaction.
//!
//! Whatever passes bytes on (a forwarded port, a unix socket, a load balancer) hands the server our start-up packet, so
//! that the server knows a setting of ours as the client's own. A pooler has started its servers before and does not;
//! then, and only then, it is asked with a second connection: two connections never share a server, and none ever
//! changes its own, unless the servers are lent for less than a session.
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};

use super::{errors, open};
use crate::{
    driver::{options::ConnectOptions, server::timed_connect},
    error::{Error, Result},
};

/// Where the value comes from that sqlx sends when it connects.
const SOURCE: &str = "SELECT source FROM pg_catalog.pg_settings WHERE name = 'extra_float_digits'";

/// The server process, told apart from those of other machines and times.
const IDENTITY: &str = "SELECT pid::text || ' ' || backend_start::text FROM pg_catalog.pg_stat_activity \
                        WHERE pid = pg_catalog.pg_backend_pid()";

/// How often both connections are asked.
const ROUNDS: usize = 4;

const HINT: &str = "add `statement_mode=pooler` to the URL, or connect to the database itself; \
                    `statement_mode=persistent` if it lends its servers for whole sessions";

/// What stands between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Nothing that speaks the protocol.
    Nothing,
    /// A pooler that was not seen to change servers: it lends them for whole sessions, or had no reason yet.
    Something,
    /// A pooler that lends its servers for less than a session.
    Pooler,
}

/// Refuses a pooler that would mix up the answers of prepared statements, and warns of one that may.
///
/// # Errors
/// [`Configuration`](crate::ErrorKind::Configuration) if servers are lent for less than a session; a connection error.
pub(super) async fn look(options: &ConnectOptions, connection: &mut PgConnection) -> Result<()> {
    match between(options, connection).await? {
        Between::Nothing => Ok(()),
        Between::Something => {
            tracing::warn!(
                target: "entourage",
                "{options} looks like a pooler; if it lends its servers for one transaction, prepared statements get \
                 each other's rows there: {HINT}"
            );
            Ok(())
        }
        Between::Pooler => {
            let message = format!(
                "{options} is a pooler that lends its servers for less than a session: prepared statements would \
                 get each other's rows there"
            );
            Err(Error::configuration(message).with_hint(HINT))
        }
    }
}

async fn between(options: &ConnectOptions, connection: &mut PgConnection) -> Result<Between> {
    if ask(connection, SOURCE).await.as_deref() == Some("client") {
        return Ok(Between::Nothing);
    }
    let again = open::translate(options);
    let mut second = timed_connect(options, again.connect(), errors::database).await?;
    let comparing = async { Ok(changes(connection, &mut second).await) };
    let changes = timed_connect(options, comparing, errors::database).await?;
    // Whether or not the server is told, it is over.
    let _ = second.close().await;
    Ok(match changes {
        Some(true) => Between::Pooler,
        Some(false) | None => Between::Something,
    })
}

/// Whether the servers behind two connections change or are the same. None if they do not tell.
async fn changes(one: &mut PgConnection, two: &mut PgConnection) -> Option<bool> {
    let first = (ask(one, IDENTITY).await?, ask(two, IDENTITY).await?);
    for _ in 0..ROUNDS {
        let next = (ask(one, IDENTITY).await?, ask(two, IDENTITY).await?);
        if next != first || next.0 == next.1 {
            return Some(true);
        }
    }
    Some(false)
}

/// The error for a pooler that refuses what sqlx sends at the start.
pub(super) fn refusal(message: &str) -> Error {
    Error::configuration(format!("a pooler answers there: {message}")).with_hint(HINT)
}

/// One text by the simple protocol, which needs no preparation. None if the server does not tell.
async fn ask(connection: &mut PgConnection, sql: &'static str) -> Option<String> {
    let row = connection.fetch_optional(sqlx::raw_sql(sql)).await.ok()??;
    row.try_get(0).ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::{dialect::Dialect, driver::tests::Scene};

    async fn seen(options: &ConnectOptions) -> Between {
        let mut connection = open::open(options).await.expect("the server answers");
        let seen = between(options, &mut connection).await.expect("it tells");
        connection.close().await.expect("it says goodbye");
        seen
    }

    /// Passes on whatever comes, to any number of connections.
    async fn forward(host: String, port: u16) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let host = host.clone();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect((host, port)).await?;
                    tokio::io::copy_bidirectional(&mut near, &mut far).await
                });
            }
        });
        own
    }

    #[tokio::test]
    async fn a_server_is_not_taken_for_a_pooler() {
        let Some(scene) = Scene::new(Dialect::Postgres).await else {
            return;
        };
        let options = scene.options.clone();
        assert_eq!(seen(&options).await, Between::Nothing);
        let host = options.host.clone().unwrap_or_else(|| "localhost".into());
        let port = forward(host, options.port.unwrap_or(5432)).await;
        let forwarded = options.clone().host("127.0.0.1").port(port);
        assert_eq!(seen(&forwarded).await, Between::Nothing);

        // The second question has no false alarm either.
        let mut one = open::open(&options).await.expect("the server answers");
        let mut two = open::open(&forwarded).await.expect("the server answers");
        assert_eq!(changes(&mut one, &mut two).await, Some(false));
        drop((one, two));
        scene.end().await;
    }
}
