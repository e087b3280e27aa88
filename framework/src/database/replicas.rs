//! Handles on a database that has replicas: sessions, the primary alone, and what is known of the servers.
use std::sync::Arc;

use super::{
    Database,
    builder::{Dial, target},
    route::Route,
};
use crate::{
    dialect::Dialect,
    driver::ConnectOptions,
    error::{Error, ErrorKind, Result},
    observe::{Observers, Role, Target},
    pool::{Pool, PoolOptions},
    routing::{Candidate, Consistency, Position, Router, RoutingFigures, RoutingOptions, Session},
    statement_cache::StatementCounters,
};

/// Refuses replicas that cannot be any.
pub(super) fn check(
    replicas: Vec<Result<ConnectOptions>>,
    primary: &ConnectOptions,
    routing: &RoutingOptions,
) -> Result<Vec<ConnectOptions>> {
    routing.validate()?;
    let replicas: Vec<ConnectOptions> = replicas.into_iter().collect::<Result<_>>()?;
    for replica in &replicas {
        let (own, other) = (primary.dialect(), replica.dialect());
        if own == Dialect::Sqlite || other == Dialect::Sqlite {
            return Err(Error::configuration(format!(
                "{replica} cannot be a replica of {primary}: SQLite has none"
            ))
            .with_hint(
                "leave `.replica(..)` out: a file has readers of its own beside its writer already, as many as \
                 `PoolOptions::max_connections` says",
            ));
        }
        if own != other {
            return Err(Error::configuration(format!(
                "{replica} cannot be a replica of {primary}: it is another product"
            ))
            .with_hint("a replica follows its primary, so both have one kind of URL"));
        }
    }
    Ok(replicas)
}

/// The replicas of a handle to be.
pub(super) struct Replicas {
    pub(super) options: Vec<ConnectOptions>,
    pub(super) pool: PoolOptions,
    pub(super) routing: RoutingOptions,
}

impl Replicas {
    /// Begins to route over the primary, which `dial` leads to, and the replicas; nothing if there are none.
    pub(super) async fn join(
        self,
        dial: Arc<Dial>,
        primary: &Pool,
        observers: &Arc<Observers>,
        counters: &Arc<StatementCounters>,
    ) -> Result<Option<Arc<Router>>> {
        if self.options.is_empty() {
            return Ok(None);
        }
        let mut servers = vec![Candidate {
            pool: primary.clone(),
            observers: Arc::clone(observers),
            connect: dial,
        }];
        for (at, options) in self.options.into_iter().enumerate() {
            let name = format!("{}-replica-{}", self.pool.get_name(), at + 1);
            let own = Arc::new(observers.of_server(Target {
                system: observers.target().system,
                shard: observers.target().shard.clone(),
                role: Role::Replica,
                ..target(&options)
            }));
            let connect = Dial::new(options, counters);
            let pool = self.pool.clone().name(name);
            let pool = Pool::unopened(connect.clone(), &pool, Arc::clone(&own), primary)?;
            servers.push(Candidate {
                pool,
                observers: own,
                connect,
            });
        }
        Router::start(self.routing, servers).await.map(Some)
    }
}

impl Database {
    /// A handle all of whose reads go to the primary. Writes through either handle are seen by both.
    ///
    /// Without replicas it is the same handle.
    #[must_use]
    pub fn primary(&self) -> Self {
        self.consistency(Consistency::Primary)
    }

    /// A handle whose reads may miss as much as `consistency` says. Writes through either handle are seen by both, as far
    /// as that goes.
    ///
    /// Without replicas it is the same handle.
    #[must_use]
    pub fn consistency(&self, consistency: Consistency) -> Self {
        let session = self.route.as_ref().map(|route| Arc::clone(&route.session));
        self.routed(session, consistency)
    }

    /// A handle for one request or one user: it sees its own writes, and never less than it has seen before, but does
    /// not wait for the writes of others. See [`Consistency::Session`].
    ///
    /// Without replicas it is the same handle.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> entourage::Result<()> {
    /// # use entourage::Database;
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// let session = db.session();
    /// session.execute_script("CREATE TABLE notes (id INTEGER PRIMARY KEY)").await?;
    /// // The answer to the request carries it, in a cookie for instance; the next request goes on from there.
    /// let token = session.token().await?;
    /// let next = db.session_from(&token)?;
    /// # let _ = next;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn session(&self) -> Self {
        self.session_after(None)
    }

    /// A session that goes on from the [`token`](Database::token) of another one, maybe in another process: it sees what
    /// that one had written and read.
    ///
    /// A token is not secret, but whoever makes one up can have a session wait for what will never be, and read from the
    /// primary: sign it where that matters. The result cache does not look at it; see the guide of
    /// [`routing`](crate::routing).
    ///
    /// # Errors
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for text that is no token of this kind of database.
    pub fn session_from(&self, token: &str) -> Result<Self> {
        const LONGEST: usize = 4_096;
        if token.len() > LONGEST {
            let message = format!("a token of {} bytes is none of ours", token.len());
            return Err(Error::invalid_query(message)
                .with_hint("pass on the text of `Database::token` unchanged"));
        }
        let token: Option<Position> = match token {
            "" => None,
            token => Some(token.parse()?),
        };
        Ok(self.session_after(token))
    }

    /// What this handle has written and read, as text, for [`session_from`](Database::session_from). It asks the primary
    /// how far it is, if something was written since it was asked last. Without replicas it is empty.
    ///
    /// # Errors
    /// [`Connection`](ErrorKind::Connection) if no server answers that knows, within
    /// [`check_timeout`](RoutingOptions::check_timeout).
    ///
    /// # Cancellation
    /// Dropped, it leaves nothing behind: the question is asked by a task of its own.
    pub async fn token(&self) -> Result<String> {
        let Some(route) = &self.route else {
            return Ok(String::new());
        };
        let token = route.router.token(&route.session).await;
        let token = token.map_err(|_| {
            let message = "the primary does not say how far it is, so there is no token";
            Error::new(ErrorKind::Connection, message).with_hint(
                "ask again, or answer without a token: a session that begins without one may miss what this one wrote",
            )
        })?;
        Ok(token.as_ref().map(Position::to_string).unwrap_or_default())
    }

    /// What is known of its servers: who is read from, how far behind they are, how often reads went to the primary all
    /// the same. `None` without replicas.
    pub fn replicas(&self) -> Option<RoutingFigures> {
        self.route.as_ref().map(|route| route.router.figures())
    }

    fn session_after(&self, token: Option<Position>) -> Self {
        let session = |route: &Arc<Route>| Arc::new(route.router.session(token));
        let session = self.route.as_ref().map(session);
        self.routed(session, Consistency::Session)
    }

    fn routed(&self, session: Option<Arc<Session>>, consistency: Consistency) -> Self {
        let (Some(route), Some(session)) = (&self.route, session) else {
            return self.clone();
        };
        let listener = Arc::clone(&self.inner.listener);
        let doubt = self.inner.cache.doubt();
        Self {
            inner: Arc::clone(&self.inner),
            route: Some(Arc::new(route.with(session, consistency, listener, doubt))),
            seat: self.seat.clone(),
        }
    }
}

#[cfg(test)]
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tests {
    use super::*;

    fn refused(primary: &str, replica: &str) -> String {
        let parse = ConnectOptions::parse;
        let routing = RoutingOptions::new();
        let refused = check(vec![parse(replica)], &parse(primary).unwrap(), &routing);
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    }

    #[test]
    fn what_cannot_follow_the_primary_is_refused_with_the_way_out() {
        let file = refused("sqlite://a.db", "sqlite://b.db");
        assert!(file.contains("SQLite has none"), "{file}");
        assert!(file.contains("leave `.replica(..)` out"), "{file}");
        let other = refused("postgres://a@one/blog", "mysql://a@two/blog");
        assert!(other.contains("it is another product"), "{other}");
        refused("postgres://a@one/blog", "sqlite://b.db");
        refused("postgres://a@one/blog", "nonsense");
    }
}
