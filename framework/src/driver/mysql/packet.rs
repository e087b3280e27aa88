//! The largest statement that the server takes.
//!
//! A server that gets more than its `max_allowed_packet` ends the connection in the middle, and the caller is told of a
//! lost connection. So it is asked once, and a statement that is larger is refused here, with both sizes.
use crate::{
    error::{Error, ErrorKind, Result},
    schema::Value,
    statement::Statement,
};

/// What surrounds a statement's arguments in its packet, at most, for each of them and once.
const PER_ARGUMENT: usize = 16;
const AROUND: usize = 64;

/// The server's limit; none for a connection that was not asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PacketLimit(Option<usize>);

impl PacketLimit {
    /// The limit that the server told.
    pub(super) fn told(bytes: u64) -> Self {
        Self(usize::try_from(bytes).ok())
    }

    /// Refuses a statement whose text or arguments are too large. The two are sent apart.
    pub(super) fn check(self, statement: &Statement) -> Result<()> {
        let Some(limit) = self.0 else {
            return Ok(());
        };
        let arguments: usize = statement.args.iter().map(size).sum();
        Self::within(
            statement.sql().len() + AROUND,
            limit,
            "the statement's text takes",
        )?;
        Self::within(arguments + AROUND, limit, "the statement's arguments take")
    }

    /// The same for a text without arguments.
    pub(super) fn check_text(self, sql: &str) -> Result<()> {
        match self.0 {
            Some(limit) => Self::within(sql.len() + AROUND, limit, "the text takes"),
            None => Ok(()),
        }
    }

    fn within(size: usize, limit: usize, what: &str) -> Result<()> {
        if size <= limit {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Encode,
            format!("{what} {size} bytes, but the server takes {limit} at most"),
        )
        .with_hint("raise the server's `max_allowed_packet`, or send less at a time"))
    }
}

/// What an argument takes, never less than it is.
fn size(value: &Value) -> usize {
    PER_ARGUMENT
        + match value {
            Value::String(Some(text)) => text.len(),
            Value::Bytes(Some(bytes)) => bytes.len(),
            Value::Json(Some(json)) => json.to_string().len(),
            Value::Array(_, Some(values)) => values.iter().map(size).sum(),
            Value::Decimal(_) => 32,
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use std::{panic::Location, sync::Arc};

    use super::*;
    use crate::statement::{Plan, StatementKind};

    fn statement(args: Vec<Value>) -> Statement {
        let plan = Plan::new(
            "INSERT INTO t VALUES (?)",
            StatementKind::Insert,
            vec!["t".into()],
        );
        Statement::new(Arc::new(plan), args, Location::caller())
    }

    #[test]
    fn what_is_too_large_is_refused_with_both_sizes() {
        let limit = PacketLimit::told(1024);
        limit
            .check(&statement(vec!["a".repeat(900).into()]))
            .unwrap();
        let error = limit
            .check(&statement(vec!["a".repeat(1000).into()]))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        let text = error.to_string();
        let start = "the statement's arguments take 1080 bytes, but the server takes 1024 at most";
        assert!(text.starts_with(start), "{text}");
        assert!(limit.check_text(&"-".repeat(2000)).is_err());
    }

    #[test]
    fn a_connection_that_was_not_asked_refuses_nothing() {
        let limit = PacketLimit::default();
        limit
            .check(&statement(vec![vec![0_u8; 1 << 20].into()]))
            .unwrap();
    }
}
