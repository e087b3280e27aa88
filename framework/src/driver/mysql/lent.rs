//! A MySQL connection of the user's own.
use async_trait::async_trait;
use sqlx::{Connection as _, MySql};

use super::MysqlConnection;
use crate::{
    driver::{lent::Lent, server::transactions},
    error::Result,
};

/// sqlx's connection.
pub(crate) type UserConnection = sqlx::MySqlConnection;

/// sqlx's transaction.
pub(crate) type UserTransaction<'c> = sqlx::Transaction<'c, MySql>;

#[async_trait]
impl Lent for MysqlConnection<'_> {
    fn in_transaction(&self) -> bool {
        self.handle.is_in_transaction()
    }

    async fn begin(&mut self) -> Result<()> {
        self.broken = true;
        let begun = transactions::begin::<MySql>(&mut self.handle).await;
        self.settle(begun)
    }

    async fn commit(&mut self) -> Result<()> {
        self.broken = true;
        let committed = transactions::commit::<MySql>(&mut self.handle).await;
        self.settle(committed)
    }

    async fn rollback(&mut self) -> Result<()> {
        self.broken = true;
        let rolled_back = transactions::rollback::<MySql>(&mut self.handle).await;
        self.settle(rolled_back)
    }

    fn start_rollback(&mut self) {
        transactions::start_rollback::<MySql>(&mut self.handle);
    }
}
