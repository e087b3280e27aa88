//! What it takes to open a connection.
//!
//! [`ConnectOptions`] comes from a URL or from its setters; both go through the same check, which refuses an option that
//! the database does not have instead of ignoring it. The password is shown by neither `Debug` nor `Display`.
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    mysql, postgres,
    session::Session,
    sqlite,
    tls::{Tls, TlsMode},
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
};

/// How an SQLite file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading only.
    ReadOnly,
    /// For reading and writing; the file must exist.
    ReadWrite,
    /// For reading and writing; the file is made if it does not exist.
    Create,
}

/// How statements are sent to PostgreSQL; see the [guide](crate::statement_cache#behind-a-pooler).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementMode {
    /// Prepared by name and kept with the connection, which is a session of the server's: directly, or through a pooler
    /// that lends its servers for a whole session.
    Persistent,
    /// Un-named, and inside a transaction each: behind a pooler that lends its servers for one transaction, such as
    /// PgBouncer with `pool_mode = transaction`. Nothing relies on what belongs to a session.
    Pooler,
}

/// The options of one connection.
///
/// ```
/// use entourage::driver::ConnectOptions;
///
/// let options = ConnectOptions::parse("sqlite://blog.db?mode=rwc")?;
/// assert_eq!(options.to_string(), "sqlite://blog.db");
/// let options = ConnectOptions::sqlite_in_memory().statement_cache_capacity(100);
/// assert!(options.is_in_memory());
/// # Ok::<(), entourage::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    pub(super) dialect: Dialect,
    pub(super) path: Option<PathBuf>,
    pub(super) mode: Option<OpenMode>,
    pub(super) busy_timeout: Option<Duration>,
    pub(super) inline: bool,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) socket: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    pub(super) tls: Tls,
    pub(super) application_name: Option<String>,
    pub(super) charset: Option<String>,
    pub(super) session: Session,
    pub(super) statement_mode: Option<StatementMode>,
    connect_timeout: Option<Duration>,
    statement_cache_capacity: Option<usize>,
}

impl ConnectOptions {
    /// An SQLite file. It is made if it does not exist, see [`ConnectOptions::open_mode`].
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self {
            path: Some(path.as_ref().to_owned()),
            ..Self::new(Dialect::Sqlite)
        }
    }

    /// An SQLite database in memory. Each connection has one of its own, and it ends with its connection.
    pub fn sqlite_in_memory() -> Self {
        Self::new(Dialect::Sqlite)
    }

    /// A PostgreSQL server. What is not set comes from the `PG*` environment variables, as with libpq.
    pub fn postgres(host: impl Into<String>) -> Self {
        Self::new(Dialect::Postgres).host(host)
    }

    /// A MySQL or MariaDB server.
    pub fn mysql(host: impl Into<String>) -> Self {
        Self::new(Dialect::Mysql).host(host)
    }

    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            path: None,
            mode: None,
            busy_timeout: None,
            inline: false,
            host: None,
            port: None,
            socket: None,
            user: None,
            password: None,
            database: None,
            tls: Tls::default(),
            application_name: None,
            charset: None,
            session: Session::default(),
            statement_mode: None,
            connect_timeout: None,
            statement_cache_capacity: None,
        }
    }

    /// The same options for a database in memory.
    pub(super) fn in_memory(mut self) -> Self {
        self.path = None;
        self
    }

    /// The dialect that the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the database lives in the memory of one connection: it must have one connection only, and keep it.
    pub fn is_in_memory(&self) -> bool {
        self.dialect == Dialect::Sqlite && self.path.is_none()
    }

    /// The name of the database on its server, or the path of the file.
    pub fn database_name(&self) -> Option<&str> {
        match &self.path {
            Some(path) => path.to_str(),
            None => self.database.as_deref(),
        }
    }

    /// The host that is connected to, if it is not the driver's default.
    pub fn host_name(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The port that is connected to, if it is not the driver's default.
    pub fn get_port(&self) -> Option<u16> {
        self.port
    }

    /// How an SQLite file is opened.
    pub fn get_open_mode(&self) -> OpenMode {
        self.mode.unwrap_or(OpenMode::Create)
    }

    /// How long opening a connection may take.
    pub fn get_connect_timeout(&self) -> Duration {
        self.connect_timeout.unwrap_or(Duration::from_secs(10))
    }

    /// How many prepared statements a connection keeps.
    pub fn get_statement_cache_capacity(&self) -> usize {
        self.statement_cache_capacity.unwrap_or(500)
    }

    /// How statements are sent.
    pub fn get_statement_mode(&self) -> StatementMode {
        self.statement_mode.unwrap_or(StatementMode::Persistent)
    }

    /// How statements are sent to PostgreSQL.
    ///
    /// Unless set it is [`StatementMode::Persistent`], and a database handle looks at its start whether a pooler is in
    /// between. Set to `Persistent`, it does not look.
    #[must_use]
    pub fn statement_mode(mut self, mode: StatementMode) -> Self {
        self.statement_mode = Some(mode);
        self
    }

    /// How an SQLite file is opened; [`OpenMode::Create`] unless set.
    #[must_use]
    pub fn open_mode(mut self, mode: OpenMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// How long an SQLite statement waits for another connection's lock; 5 seconds unless set.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = Some(timeout);
        self
    }

    /// Runs every SQLite statement on the caller's task to its end, without `tokio::task::block_in_place`.
    ///
    /// Needed inside a `tokio::task::LocalSet` on a multi-thread runtime, where `block_in_place` panics; anywhere else
    /// long scans would hold up the other tasks of their thread.
    #[must_use]
    pub fn stay_inline(mut self) -> Self {
        self.inline = true;
        self
    }

    /// The server's host name or address.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The server's port; the database's usual one unless set.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The server's unix socket: the directory of it on PostgreSQL, the socket itself on MySQL.
    #[must_use]
    pub fn socket(mut self, path: impl AsRef<Path>) -> Self {
        self.socket = Some(path.as_ref().to_owned());
        self
    }

    /// The user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The user's password.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The database on the server.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// Encryption and the check of the server; [`TlsMode::Prefer`] unless set.
    #[must_use]
    pub fn tls(mut self, mode: TlsMode) -> Self {
        self.tls.mode = Some(mode);
        self
    }

    /// A file with the certificates (PEM) of authorities to be trusted beside the built-in ones, with
    /// [`TlsMode::VerifyCa`] or [`TlsMode::VerifyFull`].
    #[must_use]
    pub fn tls_root_certificate(mut self, path: impl AsRef<Path>) -> Self {
        self.tls.authorities = Some(path.as_ref().to_owned());
        self
    }

    /// Files with the certificate that is shown to the server, and its key: both PEM, the key without a password.
    #[must_use]
    pub fn tls_client_certificate(
        mut self,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Self {
        self.tls.certificate = Some(certificate.as_ref().to_owned());
        self.tls.key = Some(key.as_ref().to_owned());
        self
    }

    /// The name that PostgreSQL shows in `pg_stat_activity`.
    #[must_use]
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = Some(name.into());
        self
    }

    /// The character set of a MySQL connection; `utf8mb4` unless set.
    #[must_use]
    pub fn charset(mut self, charset: impl Into<String>) -> Self {
        self.charset = Some(charset.into());
        self
    }

    /// How long opening a connection may take; 10 seconds unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// How many prepared statements a connection keeps; 500 unless set.
    #[must_use]
    pub fn statement_cache_capacity(mut self, capacity: usize) -> Self {
        self.statement_cache_capacity = Some(capacity);
        self
    }

    /// Refuses options that the database does not have, and databases whose driver is not compiled in.
    pub(super) fn validate(&self) -> Result<()> {
        use Dialect::{Mysql, Postgres, Sqlite};
        let servers: &[Dialect] = &[Postgres, Mysql];
        let options: [(&str, bool, &[Dialect]); 14] = [
            ("path", self.path.is_some(), &[Sqlite]),
            ("open_mode", self.mode.is_some(), &[Sqlite]),
            ("busy_timeout", self.busy_timeout.is_some(), &[Sqlite]),
            ("stay_inline", self.inline, &[Sqlite]),
            ("host", self.host.is_some(), servers),
            ("port", self.port.is_some(), servers),
            ("socket", self.socket.is_some(), servers),
            ("user", self.user.is_some(), servers),
            ("password", self.password.is_some(), servers),
            ("database", self.database.is_some(), servers),
            ("tls", self.tls != Tls::default(), servers),
            (
                "application_name",
                self.application_name.is_some(),
                &[Postgres],
            ),
            ("charset", self.charset.is_some(), &[Mysql]),
            ("statement_mode", self.statement_mode.is_some(), &[Postgres]),
        ];
        let name = product(self.dialect);
        for (option, is_set, dialects) in options {
            if is_set && !dialects.contains(&self.dialect) {
                return Err(Error::configuration(format!(
                    "`{option}` is not an option of a connection to {name}"
                )));
            }
        }
        self.validate_session()?;
        // It becomes part of a SET NAMES.
        let word = |text: &String| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !self.charset.iter().all(word) {
            return Err(Error::configuration(
                "`charset` is not the name of a character set",
            ));
        }
        if self.statement_cache_capacity == Some(0) {
            return Err(
                Error::configuration("`statement_cache_capacity` must be at least 1")
                    .with_hint("a plan marked as one-off is not kept at any capacity"),
            );
        }
        let compiled = match self.dialect {
            Sqlite => sqlite::COMPILED,
            Postgres => postgres::COMPILED,
            Mysql => mysql::COMPILED,
        };
        if !compiled {
            return Err(self.no_driver());
        }
        self.tls.validate()
    }

    /// Says which feature brings the driver.
    pub(super) fn no_driver(&self) -> Error {
        let feature = match self.dialect {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
            Dialect::Mysql => "mysql",
        };
        let name = product(self.dialect);
        Error::configuration(format!("the driver for {name} is not compiled in"))
            .with_hint(format!("enable the feature `{feature}` of entourage"))
    }
}

/// The product's name in prose.
pub(super) fn product(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
        Dialect::Mysql => "MySQL or MariaDB",
    }
}

/// The URL without the password and without options.
impl fmt::Display for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dialect == Dialect::Sqlite {
            return match &self.path {
                Some(path) => write!(f, "sqlite://{}", path.display()),
                None => f.write_str("sqlite::memory:"),
            };
        }
        let scheme = match self.dialect {
            Dialect::Mysql => "mysql",
            _ => "postgres",
        };
        write!(f, "{scheme}://")?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            f.write_str(if self.password.is_some() {
                ":***@"
            } else {
                "@"
            })?;
        }
        match (&self.socket, &self.host) {
            (Some(socket), _) => write!(f, "{}", socket.display())?,
            (None, host) => f.write_str(host.as_deref().unwrap_or("localhost"))?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if let Some(database) = &self.database {
            write!(f, "/{database}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("url", &format_args!("{self}"))
            .field("mode", &self.mode)
            .field("busy_timeout", &self.busy_timeout)
            .field("tls", &self.tls.mode)
            .field("application_name", &self.application_name)
            .field("charset", &self.charset)
            .field("session", &self.session)
            .field("statement_mode", &self.statement_mode)
            .field("connect_timeout", &self.get_connect_timeout())
            .field(
                "statement_cache_capacity",
                &self.get_statement_cache_capacity(),
            )
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        let options = ConnectOptions::postgres("db")
            .user("ada")
            .password("sesame")
            .database("blog");
        assert_eq!(options.to_string(), "postgres://ada:***@db/blog");
        assert!(!format!("{options:?}").contains("sesame"));
    }

    #[test]
    fn an_option_of_another_database_is_refused_by_name() {
        let error = ConnectOptions::sqlite_in_memory()
            .host("db")
            .validate()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`host` is not an option of a connection to SQLite"
        );
        let error = ConnectOptions::mysql("db")
            .application_name("x")
            .validate()
            .unwrap_err();
        assert!(error.to_string().contains("application_name"), "{error}");
    }
}
