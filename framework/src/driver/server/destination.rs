//! Where a statement's rows go.
use std::ops::ControlFlow;

use crate::{
    driver::{RowSender, RowSink},
    error::Result,
    schema::Cell,
};

/// A sink that takes rows at once, or a sender that is waited for after each.
pub(in crate::driver) enum Destination<'a> {
    Sink(&'a mut dyn RowSink),
    Sender(Box<dyn RowSender>),
}

impl Destination<'_> {
    pub(in crate::driver) fn columns(
        &mut self,
        names: &mut dyn Iterator<Item = &str>,
    ) -> Result<()> {
        match self {
            Destination::Sink(sink) => sink.columns(names),
            Destination::Sender(_) => Ok(()),
        }
    }

    #[inline]
    pub(in crate::driver) fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        match self {
            Destination::Sink(sink) => sink.row(cells),
            Destination::Sender(sender) => sender.row(cells),
        }
    }

    #[inline]
    pub(in crate::driver) async fn ready(&mut self) -> ControlFlow<()> {
        match self {
            Destination::Sink(_) => ControlFlow::Continue(()),
            Destination::Sender(sender) => sender.sent().await,
        }
    }
}
