//! Opening a connection to a PostgreSQL server.
use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgConnection, PgSslMode},
};

use super::errors;
use crate::{
    driver::{
        options::{ConnectOptions, TlsMode},
        server::timed_connect,
    },
    error::Result,
};

/// Opens a connection. sqlx sets the session's time zone to UTC and its encoding to UTF-8.
pub(super) async fn open(options: &ConnectOptions) -> Result<PgConnection> {
    let sqlx_options = translate(options);
    timed_connect(options, sqlx_options.connect(), errors::database).await
}

/// What is not set comes from the `PG*` environment variables, as with libpq.
fn translate(options: &ConnectOptions) -> PgConnectOptions {
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
    if let Some(mode) = options.tls {
        out = out.ssl_mode(match mode {
            TlsMode::Disable => PgSslMode::Disable,
            TlsMode::Prefer => PgSslMode::Prefer,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::VerifyCa => PgSslMode::VerifyCa,
            TlsMode::VerifyFull => PgSslMode::VerifyFull,
        });
    }
    if let Some(path) = &options.tls_root_certificate {
        out = out.ssl_root_cert(path);
    }
    if let Some(name) = &options.application_name {
        out = out.application_name(name);
    }
    if let Some(password) = &options.password {
        out = out.password(password);
    }
    out.statement_cache_capacity(options.get_statement_cache_capacity())
        .disable_statement_logging()
}
