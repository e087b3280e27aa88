//! Where a statement's rows go.
use std::ops::ControlFlow;

use crate::{
    driver::{RowSender, RowSink},
    error::Result,
    schema::Cell,
};

/// A sink that takes rows at once, or a sender that is waited for after each.
pub(in crate::driver) struct Destination<'a> {
    rows: Rows<'a>,
    used: bool,
}

enum Rows<'a> {
    Sink(&'a mut dyn RowSink),
    Sender(Box<dyn RowSender>),
}

impl<'a> Destination<'a> {
    pub(in crate::driver) fn sink(sink: &'a mut dyn RowSink) -> Self {
        Self {
            rows: Rows::Sink(sink),
            used: false,
        }
    }

    pub(in crate::driver) fn sender(sender: Box<dyn RowSender>) -> Self {
        Self {
            rows: Rows::Sender(sender),
            used: false,
        }
    }

    /// Whether it has seen anything of the statement's rows, so that the statement cannot be run again.
    pub(in crate::driver) fn is_used(&self) -> bool {
        self.used
    }

    pub(in crate::driver) fn columns(
        &mut self,
        names: &mut dyn Iterator<Item = &str>,
    ) -> Result<()> {
        self.used = true;
        match &mut self.rows {
            Rows::Sink(sink) => sink.columns(names),
            Rows::Sender(_) => Ok(()),
        }
    }

    #[inline]
    pub(in crate::driver) fn pick(&mut self, first: &Cell<'_>) -> Result<Option<&[usize]>> {
        match &mut self.rows {
            Rows::Sink(sink) => sink.pick(first),
            Rows::Sender(_) => Ok(None),
        }
    }

    #[inline]
    pub(in crate::driver) fn row(&mut self, cells: &[Cell<'_>]) -> Result<ControlFlow<()>> {
        match &mut self.rows {
            Rows::Sink(sink) => sink.row(cells),
            Rows::Sender(sender) => sender.row(cells),
        }
    }

    #[inline]
    pub(in crate::driver) async fn ready(&mut self) -> ControlFlow<()> {
        match &mut self.rows {
            Rows::Sink(_) => ControlFlow::Continue(()),
            Rows::Sender(sender) => sender.sent().await,
        }
    }
}
