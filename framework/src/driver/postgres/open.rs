//! Opening a connection to a PostgreSQL server.
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _,
    postgres::{PgConnectOptions, PgConnection, PgSslMode},
};

use super::{errors, session};
use crate::{
    driver::{
        options::{ConnectOptions, StatementMode},
        server::{session::refused, timed_connect},
        tls::TlsMode,
    },
    error::Result,
};

/// Opens a connection and makes its settings. sqlx sets the session's time zone to UTC and its encoding to UTF-8.
pub(super) async fn open(options: &ConnectOptions) -> Result<PgConnection> {
    let sqlx_options = translate(options);
    let opening = async {
        let mut connection = sqlx_options.connect().await?;
        let set = match session::sql(&options.session) {
            Some(sql) => connection
                .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
                .await
                .map(drop),
            None => Ok(()),
        };
        Ok((connection, set))
    };
    let (connection, set) = timed_connect(options, opening, errors::database).await?;
    set.map_err(|error| refused(options, errors::database(error)))?;
    Ok(connection)
}

/// What is not set comes from the `PG*` environment variables, as with libpq.
pub(super) fn translate(options: &ConnectOptions) -> PgConnectOptions {
    let mut out = PgConnectOptions::new_without_pgpass();
    if let Some(host) = &options.host {
        out = out.host(host);
    }
    if let Some(port) = options.port {
        out = out.port(port);
    }
    if let Some(socket) = &options.socket {
        out = out.socket(socket);
    }
    if let Some(user) = &options.user {
        out = out.username(user);
    }
    if let Some(database) = &options.database {
        out = out.database(database);
    }
    if let Some(mode) = options.tls.mode {
        out = out.ssl_mode(match mode {
            TlsMode::Disable => PgSslMode::Disable,
            TlsMode::Prefer => PgSslMode::Prefer,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::VerifyCa => PgSslMode::VerifyCa,
            TlsMode::VerifyFull => PgSslMode::VerifyFull,
        });
    }
    if let Some(path) = &options.tls.authorities {
        out = out.ssl_root_cert(path);
    }
    if let Some(path) = &options.tls.certificate {
        out = out.ssl_client_cert(path);
    }
    if let Some(path) = &options.tls.key {
        out = out.ssl_client_key(path);
    }
    if let Some(name) = &options.application_name {
        out = out.application_name(name);
    }
    if let Some(password) = &options.password {
        out = out.password(password);
    }
    if options.get_statement_mode() == StatementMode::Pooler {
        // PgBouncer refuses a setting that it does not keep track of. It has no effect on what is sent in binary.
        out = out.extra_float_digits(None);
    }
    out.statement_cache_capacity(options.get_statement_cache_capacity())
        .disable_statement_logging()
}

/// Whether `sql` leaves a transaction open, by its first word; none if it says nothing of transactions.
pub(super) fn begins(sql: &str) -> Option<bool> {
    let mut words = sql
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let is =
        |word: &str, others: &[&str]| others.iter().any(|other| word.eq_ignore_ascii_case(other));
    let first = words.next()?;
    if is(first, &["BEGIN", "START"]) {
        return Some(true);
    }
    let whole = !words
        .next()
        .is_some_and(|word| is(word, &["TO", "PREPARED"]));
    (is(first, &["COMMIT", "END", "ROLLBACK", "ABORT"]) && whole).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::begins;

    #[test]
    fn a_text_tells_whether_it_leaves_a_transaction_open() {
        for sql in [
            "BEGIN",
            "begin isolation level serializable",
            "START TRANSACTION",
        ] {
            assert_eq!(begins(sql), Some(true), "{sql}");
        }
        for sql in ["COMMIT", "rollback;", "END"] {
            assert_eq!(begins(sql), Some(false), "{sql}");
        }
        for sql in [
            "ROLLBACK TO SAVEPOINT a; RELEASE SAVEPOINT a",
            "SAVEPOINT a",
            "SELECT 1",
            "",
        ] {
            assert_eq!(begins(sql), None, "{sql}");
        }
    }
}
