//! Stands in for notices where the PostgreSQL driver is off.
use super::{Notifications, Notifier, options::ConnectOptions};
use crate::error::Result;

/// Says which feature to enable.
pub(super) async fn notifications(
    options: &ConnectOptions,
    _: &str,
) -> Result<(Box<dyn Notifier>, Box<dyn Notifications>)> {
    Err(options.no_driver())
}
