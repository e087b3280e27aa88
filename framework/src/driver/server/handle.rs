//! A connection of our own, or one lent by the user.
use std::ops::{Deref, DerefMut};

use sqlx::Connection;

/// sqlx's connection, owned or borrowed.
pub(in crate::driver) enum Handle<'c, C> {
    Owned(C),
    Borrowed(&'c mut C),
}

impl<C: Connection> Handle<'_, C> {
    /// Says goodbye to the server, if the connection is ours.
    pub(in crate::driver) async fn close(self) {
        if let Handle::Owned(connection) = self {
            // The connection ends either way.
            let _ = connection.close().await;
        }
    }
}

impl<C> Deref for Handle<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        match self {
            Handle::Owned(connection) => connection,
            Handle::Borrowed(connection) => connection,
        }
    }
}

impl<C> DerefMut for Handle<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        match self {
            Handle::Owned(connection) => connection,
            Handle::Borrowed(connection) => connection,
        }
    }
}
