//! Connection strings.
//!
//! | scheme | database |
//! |---|---|
//! | `sqlite://path`, `sqlite:path`, `sqlite::memory:` | SQLite |
//! | `postgres://`, `postgresql://` | PostgreSQL |
//! | `mysql://`, `mariadb://` | MySQL and MariaDB |
//!
//! | option | for | value |
//! |---|---|---|
//! | `mode` | SQLite | `ro`, `rw`, `rwc` (the default) or `memory` |
//! | `busy_timeout` | SQLite | milliseconds, or a number with `ms` or `s` |
//! | `sslmode` (`ssl-mode`) | servers | `disable`, `prefer`, `require`, `verify-ca`, `verify-full` |
//! | `sslrootcert` (`ssl-ca`) | servers | a file: authorities to be trusted, with `verify-ca` and `verify-full` |
//! | `sslcert`, `sslkey` (`ssl-cert`, `ssl-key`) | servers | files: the client's certificate and its key |
//! | `host`, `port`, `user`, `password`, `dbname` | servers | as in the authority; a `host` that begins with `/` is a socket |
//! | `socket` | servers | a unix socket (on PostgreSQL its directory) |
//! | `application_name` | PostgreSQL | text |
//! | `charset` | MySQL | a character set |
//! | `idle_in_transaction_session_timeout` | PostgreSQL | milliseconds, or a number with `ms` or `s` |
//! | `synchronous_commit` | PostgreSQL | `off`, `local`, `remote_write`, `on`, `remote_apply` |
//! | `sql_mode` | MySQL | modes with commas between them |
//! | `journal_mode` | SQLite | `wal`, `delete`, `truncate`, `persist`, `memory`, `off` |
//! | `synchronous` | SQLite | `off`, `normal`, `full`, `extra` |
//! | `cache_size`, `mmap_size` | SQLite | bytes |
//! | `statement_timeout`, `lock_timeout` | all | milliseconds, or a number with `ms` or `s` |
//! | `statement_mode` | PostgreSQL | `persistent` or `pooler` |
//! | `connect_timeout` | all | seconds, or a number with `ms` or `s` |
//! | `statement_cache_capacity` | all | a number |
//!
//! A URL's text never enters an error: it may hold a password.
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{
    options::{ConnectOptions, OpenMode, StatementMode},
    session::{JournalMode, SqlMode, Synchronous, SynchronousCommit},
    tls::TlsMode,
};
use crate::{
    dialect::Dialect,
    error::{Error, Result},
};

const SUPPORTED: &str = "supported are sqlite://path, sqlite::memory:, postgres://host/database and \
                         mysql://host/database (also postgresql:// and mariadb://)";

impl ConnectOptions {
    /// Options from a connection string; see the module's tables for schemes and options.
    ///
    /// # Errors
    /// A [`Configuration`](crate::ErrorKind::Configuration) error for an unknown scheme or option, a bad value, or a
    /// database whose driver is not compiled in. It never quotes the URL.
    pub fn parse(url: &str) -> Result<Self> {
        let options = parse(url)?;
        options.validate()?;
        Ok(options)
    }
}

impl std::str::FromStr for ConnectOptions {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        Self::parse(url)
    }
}

fn parse(url: &str) -> Result<ConnectOptions> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    match scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("sqlite") => sqlite(&url["sqlite:".len()..]),
        Some("postgres" | "postgresql") => server(Dialect::Postgres, url),
        Some("mysql" | "mariadb") => server(Dialect::Mysql, url),
        Some(scheme) if is_scheme(scheme) => Err(Error::configuration(format!(
            "`{scheme}` is not a database that entourage supports"
        ))
        .with_hint(SUPPORTED)),
        _ => Err(Error::configuration("the connection string has no scheme").with_hint(SUPPORTED)),
    }
}

/// Whether `text` looks like the scheme of a URL, and so may be shown.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn sqlite(rest: &str) -> Result<ConnectOptions> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = decode(path)?;
    let mut options = match path.as_str() {
        "" => {
            return Err(Error::configuration("the sqlite URL names no file")
                .with_hint("write sqlite://path or sqlite::memory:"));
        }
        ":memory:" => ConnectOptions::sqlite_in_memory(),
        path => ConnectOptions::sqlite(path),
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        options = match (&*name, &*value) {
            ("mode", "ro") => options.open_mode(OpenMode::ReadOnly),
            ("mode", "rw") => options.open_mode(OpenMode::ReadWrite),
            ("mode", "rwc") => options.open_mode(OpenMode::Create),
            ("mode", "memory") => options.in_memory(),
            ("mode", value) => return Err(bad("mode", value, "ro, rw, rwc or memory")),
            ("busy_timeout", value) => {
                options.busy_timeout(duration("busy_timeout", value, Duration::from_millis)?)
            }
            ("journal_mode", value) => {
                options.journal_mode(word("journal_mode", value, JournalMode::ALL)?)
            }
            ("synchronous", value) => {
                options.synchronous(word("synchronous", value, Synchronous::ALL)?)
            }
            ("cache_size", value) => options.cache_size(number("cache_size", value)?),
            ("mmap_size", value) => options.mmap_size(number("mmap_size", value)?),
            (name, value) => shared(options, name, value)?,
        };
    }
    Ok(options)
}

fn server(dialect: Dialect, url: &str) -> Result<ConnectOptions> {
    let url = Url::parse(url).map_err(|error| {
        Error::configuration(format!("the connection string is not a valid URL: {error}"))
            .with_hint("special characters in user and password must be percent-encoded")
    })?;
    let mut options = ConnectOptions::new(dialect);
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        options = host_or_socket(options, decode(host)?);
    }
    options.port = url.port();
    if !url.username().is_empty() {
        options = options.user(decode(url.username())?);
    }
    if let Some(password) = url.password() {
        options = options.password(decode(password)?);
    }
    let database = decode(url.path().trim_start_matches('/'))?;
    if !database.is_empty() {
        options = options.database(database);
    }
    for (name, value) in url.query_pairs() {
        options = server_option(options, &name, &value)?;
    }
    Ok(options)
}

fn server_option(options: ConnectOptions, name: &str, value: &str) -> Result<ConnectOptions> {
    Ok(match name {
        "host" => host_or_socket(options, value.to_owned()),
        "port" => options.port(number("port", value)?),
        "socket" => options.socket(value),
        "user" => options.user(value),
        "password" => options.password(value),
        "dbname" => options.database(value),
        "sslmode" | "ssl-mode" => options.tls(tls_mode(value)?),
        "sslrootcert" | "ssl-ca" => options.tls_root_certificate(value),
        "sslcert" | "ssl-cert" => {
            let mut options = options;
            options.tls.certificate = Some(value.into());
            options
        }
        "sslkey" | "ssl-key" => {
            let mut options = options;
            options.tls.key = Some(value.into());
            options
        }
        "application_name" => options.application_name(value),
        "charset" => options.charset(value),
        "idle_in_transaction_session_timeout" => options
            .idle_in_transaction_session_timeout(duration(name, value, Duration::from_millis)?),
        "synchronous_commit" => {
            options.synchronous_commit(word(name, value, SynchronousCommit::ALL)?)
        }
        "sql_mode" => {
            let modes = value.split(',').filter(|mode| !mode.is_empty());
            let modes: Result<Vec<_>> = modes
                .map(|mode| word(name, mode.trim(), SqlMode::ALL))
                .collect();
            options.sql_mode(modes?)
        }
        "statement_mode" => options.statement_mode(match value {
            "persistent" => StatementMode::Persistent,
            "pooler" => StatementMode::Pooler,
            value => return Err(bad("statement_mode", value, "persistent or pooler")),
        }),
        name => shared(options, name, value)?,
    })
}

fn shared(options: ConnectOptions, name: &str, value: &str) -> Result<ConnectOptions> {
    Ok(match name {
        "connect_timeout" => {
            options.connect_timeout(duration("connect_timeout", value, Duration::from_secs)?)
        }
        "statement_timeout" => {
            options.statement_timeout(duration(name, value, Duration::from_millis)?)
        }
        "lock_timeout" => options.lock_timeout(duration(name, value, Duration::from_millis)?),
        "statement_cache_capacity" => {
            options.statement_cache_capacity(number("statement_cache_capacity", value)?)
        }
        name => {
            return Err(Error::configuration(format!(
                "unknown option `{name}` in the connection string"
            ))
            .with_hint(match options.dialect() {
                Dialect::Sqlite => {
                    "known are mode, busy_timeout, journal_mode, synchronous, cache_size, mmap_size, \
                             statement_timeout, lock_timeout, connect_timeout, statement_cache_capacity"
                }
                Dialect::Postgres => {
                    "known are sslmode, sslrootcert, sslcert, sslkey, host, port, socket, user, password, dbname, \
                             application_name, statement_mode, idle_in_transaction_session_timeout, synchronous_commit, \
                             statement_timeout, lock_timeout, connect_timeout, statement_cache_capacity"
                }
                Dialect::Mysql => {
                    "known are sslmode, sslrootcert, sslcert, sslkey, host, port, socket, user, password, dbname, \
                             charset, sql_mode, statement_timeout, lock_timeout, connect_timeout, \
                             statement_cache_capacity"
                }
            }));
        }
    })
}

fn host_or_socket(options: ConnectOptions, host: String) -> ConnectOptions {
    if host.starts_with('/') {
        options.socket(host)
    } else {
        options.host(host)
    }
}

fn tls_mode(value: &str) -> Result<TlsMode> {
    // MySQL's own words beside PostgreSQL's.
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(TlsMode::Disable),
        "allow" | "prefer" | "preferred" => Ok(TlsMode::Prefer),
        "require" | "required" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" | "verify-identity" => Ok(TlsMode::VerifyFull),
        _ => Err(bad(
            "sslmode",
            value,
            "disable, prefer, require, verify-ca or verify-full",
        )),
    }
}

fn duration(name: &str, value: &str, bare: fn(u64) -> Duration) -> Result<Duration> {
    let (digits, unit): (&str, fn(u64) -> Duration) = match value.strip_suffix("ms") {
        Some(digits) => (digits, Duration::from_millis),
        None => match value.strip_suffix('s') {
            Some(digits) => (digits, Duration::from_secs),
            None => (value, bare),
        },
    };
    number(name, digits).map(unit)
}

/// One of some words, in any case.
fn word<T: Copy>(name: &str, value: &str, words: &[(&str, T)]) -> Result<T> {
    let known = words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(value));
    known.map(|(_, meant)| *meant).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        bad(name, value, &format!("one of {}", words.join(", ")))
    })
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T> {
    value.parse().map_err(|_| bad(name, value, "a number"))
}

fn bad(name: &str, value: &str, expected: &str) -> Error {
    Error::configuration(format!(
        "`{name}={value}` in the connection string: expected {expected}"
    ))
}

fn decode(text: &str) -> Result<String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(Error::configuration(
            "the connection string is not UTF-8 after percent-decoding",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(url: &str) -> String {
        parse(url)
            .and_then(|options| options.validate())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn sqlite_forms_are_understood() {
        let path = |url: &str| parse(url).unwrap().path;
        assert_eq!(path("sqlite://blog.db"), Some("blog.db".into()));
        assert_eq!(path("sqlite:blog.db"), Some("blog.db".into()));
        assert_eq!(
            path("sqlite:///var/my%20blog.db"),
            Some("/var/my blog.db".into())
        );
        assert_eq!(path("sqlite::memory:"), None);
        assert_eq!(path("sqlite://:memory:"), None);
        assert_eq!(path("sqlite://any?mode=memory"), None);
        let options = parse("sqlite://blog.db?mode=ro&busy_timeout=250").unwrap();
        assert_eq!(options.mode, Some(OpenMode::ReadOnly));
        assert_eq!(options.busy_timeout, Some(Duration::from_millis(250)));
        assert_eq!(
            parse("sqlite://blog.db?busy_timeout=2s")
                .unwrap()
                .busy_timeout,
            Some(Duration::from_secs(2))
        );
    }

    #[test]
    fn server_urls_are_understood_with_their_options() {
        let options = parse(
            "postgresql://ada:p%40ss@db.example:6432/blog?sslmode=verify-full&connect_timeout=3&application_name=web&statement_mode=pooler",
        )
        .unwrap();
        let expected = ConnectOptions::postgres("db.example")
            .port(6432)
            .user("ada")
            .password("p@ss")
            .database("blog")
            .tls(TlsMode::VerifyFull)
            .connect_timeout(Duration::from_secs(3))
            .application_name("web")
            .statement_mode(StatementMode::Pooler);
        assert_eq!(options, expected);
        let options = parse("mariadb://root@127.0.0.1/shop?charset=utf8mb4&ssl-mode=DISABLED");
        let expected = ConnectOptions::mysql("127.0.0.1")
            .user("root")
            .database("shop")
            .charset("utf8mb4")
            .tls(TlsMode::Disable);
        assert_eq!(options.unwrap(), expected);
    }

    #[test]
    fn settings_of_the_session_are_understood() {
        let options = parse(
            "postgres://db/blog?statement_timeout=5s&lock_timeout=250&synchronous_commit=Local\
             &idle_in_transaction_session_timeout=60s",
        );
        let expected = ConnectOptions::postgres("db")
            .database("blog")
            .statement_timeout(Duration::from_secs(5))
            .lock_timeout(Duration::from_millis(250))
            .synchronous_commit(SynchronousCommit::Local)
            .idle_in_transaction_session_timeout(Duration::from_secs(60));
        assert_eq!(options.unwrap(), expected);
        let options = parse("mysql://db?sql_mode=STRICT_ALL_TABLES,no_zero_date");
        let modes = [SqlMode::StrictAllTables, SqlMode::NoZeroDate];
        assert_eq!(
            options.unwrap(),
            ConnectOptions::mysql("db").sql_mode(modes)
        );
        let options = parse("sqlite:a.db?journal_mode=delete&synchronous=full&cache_size=1000");
        let expected = ConnectOptions::sqlite("a.db")
            .journal_mode(JournalMode::Delete)
            .synchronous(Synchronous::Full)
            .cache_size(1000);
        assert_eq!(options.unwrap(), expected);
        let message = message("mysql://db?sql_mode=ANSI_QUOTES");
        assert!(message.contains("`sql_mode=ANSI_QUOTES`"), "{message}");
        assert!(
            message.contains("one of STRICT_TRANS_TABLES, "),
            "{message}"
        );
    }

    #[test]
    fn unix_sockets_are_understood() {
        let socket = |url: &str| parse(url).unwrap().socket;
        for url in [
            "postgres:///blog?host=/run/postgresql&user=ada",
            "postgres://%2Frun%2Fpostgresql/blog",
            "mysql://root@localhost/shop?socket=/run/postgresql",
        ] {
            assert_eq!(socket(url), Some("/run/postgresql".into()), "{url}");
        }
    }

    #[test]
    fn what_is_not_supported_is_named_with_what_is() {
        for scheme in ["mongodb", "oracle", "mssql", "redis"] {
            let message = message(&format!("{scheme}://ada:sesame@host/db"));
            assert!(
                message.starts_with(&format!("`{scheme}` is not")),
                "{message}"
            );
            assert!(message.contains("sqlite://path"), "{message}");
            assert!(!message.contains("sesame"), "{message}");
        }
        assert!(message("blog.db").contains("no scheme"));
        assert!(message("").contains("no scheme"));
        assert!(message("sqlite://").contains("names no file"));
    }

    #[test]
    fn a_bad_url_is_explained_without_its_password() {
        for url in [
            "postgres://ada:ses/ame@host/db",
            "postgres://ada:sesame@host:port/db",
            "mysql://ada:sesame@host/db?charst=utf8",
            "postgres://ada:sesame@host/db?sslmode=maybe",
            "postgres://ada:sesame@host/db?connect_timeout=soon",
            "ada:sesame@host/db",
        ] {
            let message = message(url);
            assert!(!message.contains("ses"), "{url}: {message}");
        }
        assert!(message("postgres://host/db?charset=utf8").contains("`charset`"));
        assert!(message("mysql://host/db?statement_mode=pooler").contains("`statement_mode`"));
        assert!(message("postgres://host/db?statement_mode=x").contains("persistent or pooler"));
    }
}
