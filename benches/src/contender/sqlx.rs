//! sqlx by hand: three statements, decoded by ordinal without per-cell type checks, on one connection or through its pool.

use std::fmt;
use std::ops::{Deref, DerefMut};

use ::sqlx::pool::PoolConnection;
use ::sqlx::{Connection, Database, Pool};

use crate::Result;

pub mod postgres;
pub mod sqlite;

/// Where the statements run.
pub enum Sqlx<D: Database> {
    /// One connection, held.
    Connection(D::Connection),
    /// A pool of one, asked before every operation.
    Pool(Pool<D>),
}

impl<D: Database> fmt::Debug for Sqlx<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection(_) => "Sqlx::Connection",
            Self::Pool(_) => "Sqlx::Pool",
        })
    }
}

impl<D: Database> Sqlx<D> {
    /// Opens one connection.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn connection(options: &<D::Connection as Connection>::Options) -> Result<Self> {
        Ok(Self::Connection(
            D::Connection::connect_with(options).await?,
        ))
    }

    /// Opens a pool of one connection that trusts its connection to be alive.
    ///
    /// # Errors
    ///
    /// When its connection cannot be opened.
    pub async fn pool(options: <D::Connection as Connection>::Options) -> Result<Self> {
        let pool = ::sqlx::pool::PoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false);
        Ok(Self::Pool(pool.connect_with(options).await?))
    }

    async fn lease(&mut self) -> Result<Lease<'_, D>> {
        Ok(match self {
            Self::Connection(connection) => Lease::Held(connection),
            Self::Pool(pool) => Lease::Pooled(pool.acquire().await?),
        })
    }
}

/// A connection for the length of one operation.
enum Lease<'c, D: Database> {
    Held(&'c mut D::Connection),
    Pooled(PoolConnection<D>),
}

impl<D: Database> Deref for Lease<'_, D> {
    type Target = D::Connection;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Held(connection) => connection,
            Self::Pooled(connection) => connection,
        }
    }
}

impl<D: Database> DerefMut for Lease<'_, D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Held(connection) => connection,
            Self::Pooled(connection) => connection,
        }
    }
}
