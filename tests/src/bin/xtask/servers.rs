//! Finds or starts the servers the tests need, one of each kind.

use std::fmt;
use std::io;

use entourage_tests::setup::browser::Browser;
use entourage_tests::setup::server::PrivateServer;
use entourage_tests::setup::{MYSQL_URL, POSTGRES_URL, REDIS_URL, Skip, databases_are_required};

use crate::debian;

/// A kind of server the tests can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Postgres,
    Mariadb,
    Redis,
    /// Started by the tests themselves, each in front of a database of its own.
    Pgbouncer,
    /// No server of data, but found and installed like one: the tests of pages look at them with it.
    Browser,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Postgres,
        Self::Mariadb,
        Self::Redis,
        Self::Pgbouncer,
        Self::Browser,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mariadb => "MariaDB",
            Self::Redis => "Redis",
            Self::Pgbouncer => "PgBouncer",
            Self::Browser => "Chromium",
        }
    }

    /// The variable that offers a server, if the tests can use one of another's.
    const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some(POSTGRES_URL),
            Self::Mariadb => Some(MYSQL_URL),
            Self::Redis => Some(REDIS_URL),
            Self::Pgbouncer | Self::Browser => None,
        }
    }

    const fn package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Mariadb => "mariadb-server",
            Self::Redis => "redis-server",
            Self::Pgbouncer => "pgbouncer",
            Self::Browser => "chromium-driver",
        }
    }

    async fn start(self) -> Result<Found, Skip> {
        let server = match self {
            Self::Postgres => PrivateServer::postgres(&[]).await,
            Self::Mariadb => PrivateServer::mariadb(&[]).await,
            Self::Redis => PrivateServer::redis(&[]).await,
            Self::Pgbouncer if PrivateServer::has_pgbouncer() => return Ok(Found::Installed),
            Self::Pgbouncer => Err(Skip::new("no PgBouncer is installed (pgbouncer)")),
            Self::Browser if Browser::is_installed() => return Ok(Found::Installed),
            Self::Browser => Err(Skip::new("no browser is installed (chromedriver)")),
        };
        server.map(Found::Private)
    }
}

/// How one kind of server was come by.
#[derive(Debug)]
enum Found {
    Offered,
    Private(PrivateServer),
    Installed,
    Missing(Skip),
}

/// The servers of one run. Dropping them stops those that are ours.
#[derive(Debug)]
pub(crate) struct Servers {
    found: Vec<(Kind, Found)>,
}

impl Servers {
    /// Finds, starts or installs every kind; what cannot be had is missing, not an error.
    async fn find() -> Self {
        let mut found = Vec::new();
        for kind in Kind::ALL {
            found.push((kind, find(kind).await));
        }
        let missing: Vec<Kind> = found
            .iter()
            .filter(|(_, found)| found.is_missing())
            .map(|(kind, _)| *kind)
            .collect();
        if !missing.is_empty() && debian::can_install() {
            match debian::install(
                &missing
                    .iter()
                    .map(|kind| kind.package())
                    .collect::<Vec<_>>(),
            ) {
                Ok(()) => {
                    for (kind, found) in found.iter_mut().filter(|(_, found)| found.is_missing()) {
                        *found = find(*kind).await;
                    }
                }
                Err(message) => eprintln!("xtask: {message}"),
            }
        }
        Self { found }
    }

    /// As [`Servers::find`], and says what was found.
    ///
    /// # Errors
    ///
    /// When a server is missing where none may be.
    pub(crate) async fn find_or_explain() -> Result<Self, String> {
        let servers = Self::find().await;
        eprintln!("{servers}");
        let missing = servers.found.iter().any(|(_, found)| found.is_missing());
        if missing && databases_are_required() {
            return Err(
                "a database is missing, and REQUIRE_DATABASES forbids to skip its tests".to_owned(),
            );
        }
        Ok(servers)
    }

    /// The variables that offer our own servers to the tests. Those offered by the environment are in it already.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.found.iter().filter_map(|(kind, found)| match found {
            Found::Private(server) => Some((kind.variable()?, server.url())),
            Found::Offered | Found::Installed | Found::Missing(_) => None,
        })
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, found)) in self.found.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match found {
                // The URL itself may hold a password.
                Found::Offered => write!(
                    f,
                    "xtask: {}: the server of {}",
                    kind.name(),
                    kind.variable().unwrap_or_default()
                )?,
                Found::Installed => write!(f, "xtask: {}: installed", kind.name())?,
                Found::Private(server) => write!(
                    f,
                    "xtask: {}: a private server at {}",
                    kind.name(),
                    server.url()
                )?,
                Found::Missing(skip) => write!(
                    f,
                    "xtask: {}: MISSING, its tests will be SKIPPED: {skip}; install `{}`{}",
                    kind.name(),
                    kind.package(),
                    kind.variable()
                        .map(|variable| format!(" or set {variable}"))
                        .unwrap_or_default(),
                )?,
            }
        }
        Ok(())
    }
}

impl Found {
    const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

async fn find(kind: Kind) -> Found {
    if kind.variable().and_then(std::env::var_os).is_some() {
        return Found::Offered;
    }
    kind.start().await.unwrap_or_else(Found::Missing)
}

/// Holds the servers open until standard input ends.
pub(crate) async fn hold() -> Result<(), String> {
    let servers = Servers::find_or_explain().await?;
    for (variable, url) in servers.variables() {
        println!("export {variable}={url}");
    }
    eprintln!("xtask: holding the servers open; end with Ctrl-D or Ctrl-C");
    let ended = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await;
    ended
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("cannot read standard input: {error}"))?;
    Ok(())
}
