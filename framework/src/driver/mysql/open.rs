//! Opening a connection to a MySQL or MariaDB server.
use sqlx::{
    ConnectOptions as _, Executor as _, Row as _,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode},
};

use super::errors;
use crate::{
    dialect::Capabilities,
    driver::{
        options::{ConnectOptions, TlsMode},
        server::timed_connect,
    },
    error::Result,
};

/// Opens a connection and asks which product answers. sqlx sets the session's time zone to UTC, its character set to
/// utf8mb4, and `||` to concatenate.
pub(super) async fn open(options: &ConnectOptions) -> Result<(MySqlConnection, Capabilities)> {
    let sqlx_options = translate(options);
    let opening = async {
        let mut connection = sqlx_options.connect().await?;
        let capabilities = capabilities(&mut connection).await?;
        Ok((connection, capabilities))
    };
    timed_connect(options, opening, errors::database).await
}

async fn capabilities(connection: &mut MySqlConnection) -> Result<Capabilities, sqlx::Error> {
    let row = connection
        .fetch_one(sqlx::raw_sql("SELECT VERSION()"))
        .await?;
    let version: String = row.try_get(0)?;
    Ok(if version.contains("MariaDB") {
        Capabilities::MARIADB
    } else {
        Capabilities::MYSQL
    })
}

fn translate(options: &ConnectOptions) -> MySqlConnectOptions {
    let mut out = MySqlConnectOptions::new();
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
            TlsMode::Disable => MySqlSslMode::Disabled,
            TlsMode::Prefer => MySqlSslMode::Preferred,
            TlsMode::Require => MySqlSslMode::Required,
            TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
            TlsMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        });
    }
    if let Some(path) = &options.tls_root_certificate {
        out = out.ssl_ca(path);
    }
    if let Some(charset) = &options.charset {
        out = out.charset(charset);
    }
    if let Some(password) = &options.password {
        out = out.password(password);
    }
    out.statement_cache_capacity(options.get_statement_cache_capacity())
        .disable_statement_logging()
}
