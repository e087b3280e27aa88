//! What the settings of a session have in common on servers.
use std::time::Duration;

use crate::{driver::ConnectOptions, error::Error};

/// Whole milliseconds, rounded up: zero would mean something else.
pub(in crate::driver) fn milliseconds(time: Duration) -> u128 {
    time.as_micros().div_ceil(1000).max(1)
}

/// The error for settings that the server does not take.
pub(in crate::driver) fn refused(options: &ConnectOptions, error: Error) -> Error {
    if error.is_connection() {
        return error;
    }
    Error::configuration(format!(
        "{options} refuses a setting of the connection: {error}"
    ))
    .with_source(error)
}
