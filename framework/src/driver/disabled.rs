//! Stands in for a driver whose feature is off.
use std::sync::Arc;

use super::{Connection, options::ConnectOptions};
use crate::{error::Result, statement_cache::StatementCounters};

/// Whether the driver is part of the build.
pub(super) const COMPILED: bool = false;

/// Says which feature to enable.
pub(super) async fn connect(
    options: &ConnectOptions,
    _: &Arc<StatementCounters>,
    _: bool,
) -> Result<Box<dyn Connection>> {
    Err(options.no_driver())
}
