//! Opening a connection to a MySQL or MariaDB server.
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode},
};

use super::{errors, packet::PacketLimit, session};
use crate::{
    dialect::Capabilities,
    driver::{
        options::ConnectOptions,
        server::{session::refused, timed_connect},
        tls::TlsMode,
    },
    error::Result,
};

/// A connection, and what its server told.
pub(super) struct Opened {
    pub(super) connection: MySqlConnection,
    pub(super) capabilities: Capabilities,
    pub(super) packet: PacketLimit,
}

/// Opens a connection, asks which product answers and how much it takes, and makes the connection's settings. sqlx sets the session's time zone to UTC, its character set to
/// utf8mb4, and `||` to concatenate.
pub(super) async fn open(options: &ConnectOptions) -> Result<Opened> {
    let sqlx_options = translate(options);
    let opening = async {
        let mut connection = sqlx_options.connect().await?;
        let (capabilities, packet) = ask(&mut connection).await?;
        let set = match session::sql(&options.session, capabilities.mariadb) {
            Some(sql) => connection
                .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
                .await
                .map(drop),
            None => Ok(()),
        };
        let opened = Opened {
            connection,
            capabilities,
            packet,
        };
        Ok((opened, set))
    };
    let (opened, set) = timed_connect(options, opening, errors::database).await?;
    set.map_err(|error| refused(options, errors::database(error)))?;
    Ok(opened)
}

async fn ask(connection: &mut MySqlConnection) -> Result<(Capabilities, PacketLimit), sqlx::Error> {
    // As text: the two products give the number different types.
    const QUESTION: &str = "SELECT VERSION(), CAST(@@max_allowed_packet AS CHAR)";
    let row = connection.fetch_one(sqlx::raw_sql(QUESTION)).await?;
    let version: String = row.try_get(0)?;
    let packet: String = row.try_get(1)?;
    let capabilities = match version.contains("MariaDB") {
        true => Capabilities::MARIADB,
        false => Capabilities::MYSQL,
    };
    let packet = packet.parse().map(PacketLimit::told).unwrap_or_default();
    Ok((capabilities, packet))
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
    if let Some(mode) = options.tls.mode {
        out = out.ssl_mode(match mode {
            TlsMode::Disable => MySqlSslMode::Disabled,
            TlsMode::Prefer => MySqlSslMode::Preferred,
            TlsMode::Require => MySqlSslMode::Required,
            TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
            TlsMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        });
    }
    if let Some(path) = &options.tls.authorities {
        out = out.ssl_ca(path);
    }
    if let Some(path) = &options.tls.certificate {
        out = out.ssl_client_cert(path);
    }
    if let Some(path) = &options.tls.key {
        out = out.ssl_client_key(path);
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
