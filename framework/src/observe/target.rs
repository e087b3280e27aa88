//! What statements are sent to, in OpenTelemetry's terms.

/// A database as events name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The product: `sqlite`, `postgresql`, `mysql` or `mariadb`; `db.system.name`. Empty if it is not known.
    pub system: &'static str,
    /// The database on the server, or the path of the file; `db.namespace`.
    pub namespace: Option<String>,
    /// The server's host name, address or socket; `server.address`. None for an embedded database.
    pub address: Option<String>,
    /// The server's port; `server.port`.
    pub port: Option<u16>,
}

impl Target {
    /// A database of which nothing is known: that of a connection that is lent.
    pub const UNKNOWN: Self = Self {
        system: "",
        namespace: None,
        address: None,
        port: None,
    };
}
