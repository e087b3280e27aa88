//! What a repository holds of its executor.
use std::{ops::Deref, sync::Arc};

use super::Executor;

/// An executor, borrowed or shared: what repositories hold. Cheap to clone; made by [`IntoExecutor`].
#[derive(Debug, Clone)]
pub struct ExecutorHandle<'a>(Held<'a>);

#[derive(Debug, Clone)]
enum Held<'a> {
    Borrowed(&'a dyn Executor),
    Shared(Arc<dyn Executor + 'a>),
}

impl<'a> ExecutorHandle<'a> {
    /// A handle on an executor that lives elsewhere.
    pub fn borrowed(executor: &'a dyn Executor) -> Self {
        Self(Held::Borrowed(executor))
    }

    /// A handle that keeps its executor alive.
    pub fn shared(executor: impl Executor + 'a) -> Self {
        Self(Held::Shared(Arc::new(executor)))
    }
}

impl<'a> Deref for ExecutorHandle<'a> {
    type Target = dyn Executor + 'a;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Held::Borrowed(executor) => *executor,
            Held::Shared(executor) => executor.as_ref(),
        }
    }
}

/// What a repository can be made on: a database handle, a transaction, another handle, or a borrowed sqlx connection.
#[diagnostic::on_unimplemented(
    message = "a repository cannot be made on `{Self}`",
    label = "expected `&Database`, `&Transaction` or `&mut` of a sqlx connection or transaction",
    note = "borrow it: `Repository::new(&db)`"
)]
pub trait IntoExecutor<'a> {
    /// The handle that the repository keeps.
    fn into_executor(self) -> ExecutorHandle<'a>;
}

impl<'a> IntoExecutor<'a> for ExecutorHandle<'a> {
    fn into_executor(self) -> ExecutorHandle<'a> {
        self
    }
}

impl<'a> IntoExecutor<'a> for &'a ExecutorHandle<'_> {
    fn into_executor(self) -> ExecutorHandle<'a> {
        self.clone()
    }
}

impl<'a> IntoExecutor<'a> for &'a dyn Executor {
    fn into_executor(self) -> ExecutorHandle<'a> {
        ExecutorHandle::borrowed(self)
    }
}
