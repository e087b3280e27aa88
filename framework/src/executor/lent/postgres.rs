//! PostgreSQL connections and transactions of sqlx as executors.
use super::LentExecutor;
use crate::{
    driver::postgres::{UserConnection, UserTransaction, borrowed},
    executor::{ExecutorHandle, IntoExecutor},
};

impl<'a> IntoExecutor<'a> for &'a mut UserConnection {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::shared(LentExecutor::new(borrowed(self)))
    }
}

impl<'a> IntoExecutor<'a> for &'a mut UserTransaction<'_> {
    fn into_executor(self) -> ExecutorHandle<'a> {
        (&mut **self).into_executor()
    }
}
