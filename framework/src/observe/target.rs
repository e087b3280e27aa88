//! What statements are sent to, in OpenTelemetry's terms.
use std::sync::Arc;

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
    /// What the server is among those of the handle; `entourage.role`.
    pub role: Role,
    /// The shard that it holds, if rows are spread over several databases; `entourage.shard`.
    pub shard: Option<Arc<str>>,
}

/// What a server is among those that hold the same database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The one that is written to; the only one, where there are no replicas.
    #[default]
    Primary,
    /// One that follows the primary and is only read.
    Replica,
}

impl Role {
    /// The role in lower case, as metrics and spans name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        }
    }
}

impl Target {
    /// A database of which nothing is known: that of a connection that is lent.
    pub const UNKNOWN: Self = Self {
        system: "",
        namespace: None,
        address: None,
        port: None,
        role: Role::Primary,
        shard: None,
    };

    /// The same server in another role.
    #[must_use]
    pub(crate) fn as_role(&self, role: Role) -> Self {
        Self {
            role,
            ..self.clone()
        }
    }
}
