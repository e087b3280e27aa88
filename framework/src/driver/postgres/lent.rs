//! A PostgreSQL connection of the user's own.
use async_trait::async_trait;
use sqlx::{Connection as _, Postgres};

use super::PostgresConnection;
use crate::{
    driver::{lent::Lent, server::transactions},
    error::Result,
};

/// sqlx's connection.
pub(crate) type UserConnection = sqlx::PgConnection;

/// sqlx's transaction.
pub(crate) type UserTransaction<'c> = sqlx::Transaction<'c, Postgres>;

#[async_trait]
impl Lent for PostgresConnection<'_> {
    fn in_transaction(&self) -> bool {
        self.handle.is_in_transaction()
    }

    async fn begin(&mut self) -> Result<()> {
        self.broken = true;
        let begun = transactions::begin::<Postgres>(&mut self.handle).await;
        self.settle(begun)
    }

    async fn commit(&mut self) -> Result<()> {
        self.broken = true;
        let committed = transactions::commit::<Postgres>(&mut self.handle).await;
        self.settle(committed)
    }

    async fn rollback(&mut self) -> Result<()> {
        self.broken = true;
        let rolled_back = transactions::rollback::<Postgres>(&mut self.handle).await;
        self.settle(rolled_back)
    }

    fn start_rollback(&mut self) {
        transactions::start_rollback::<Postgres>(&mut self.handle);
    }
}
