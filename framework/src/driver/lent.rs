//! Connections that the user lends us, transactions in progress included.
use async_trait::async_trait;

use super::Connection;
use crate::error::Result;

/// A connection of the user's own. sqlx counts what is open on it, so what we open goes through sqlx too.
#[async_trait]
pub(crate) trait Lent: Connection {
    /// Whether a transaction is open that sqlx knows of.
    fn in_transaction(&self) -> bool;

    /// Begins a transaction, or a savepoint in one.
    async fn begin(&mut self) -> Result<()>;

    /// Commits the transaction, or releases the innermost savepoint.
    async fn commit(&mut self) -> Result<()>;

    /// Rolls back the innermost of both.
    async fn rollback(&mut self) -> Result<()>;

    /// The same without waiting: it is sent before whatever is sent next.
    fn start_rollback(&mut self);
}
