//! Transactions on a connection of the user's own, by sqlx's own count of what is open.
//!
//! sqlx does not name the trait for them; its core does.
use sqlx::{Database, Error};
use sqlx_core::transaction::TransactionManager;

/// Begins a transaction, or a savepoint in one.
pub(in crate::driver) async fn begin<DB: Database>(
    connection: &mut DB::Connection,
) -> Result<(), Error> {
    DB::TransactionManager::begin(connection, None).await
}

/// Commits the transaction, or releases the innermost savepoint.
pub(in crate::driver) async fn commit<DB: Database>(
    connection: &mut DB::Connection,
) -> Result<(), Error> {
    DB::TransactionManager::commit(connection).await
}

/// Rolls back the innermost of both.
pub(in crate::driver) async fn rollback<DB: Database>(
    connection: &mut DB::Connection,
) -> Result<(), Error> {
    DB::TransactionManager::rollback(connection).await
}

/// The same without waiting: sqlx sends it before whatever is sent next.
pub(in crate::driver) fn start_rollback<DB: Database>(connection: &mut DB::Connection) {
    DB::TransactionManager::start_rollback(connection);
}
