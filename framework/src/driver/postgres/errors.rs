//! What PostgreSQL's errors say.
use sqlx::postgres::PgDatabaseError;

use super::pooler;
use crate::{
    dialect::Dialect,
    driver::{failure::database_error, server::driver_error},
    error::{DatabaseDetail, Error, ErrorKind},
};

/// The error for one of sqlx's.
pub(super) fn database(error: sqlx::Error) -> Error {
    let Some(told) = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
    else {
        return driver_error(error);
    };
    // The server takes a wrong number of arguments for a breach of protocol.
    if told.code() == "08P01" && told.message().starts_with("bind message supplies") {
        return Error::invalid_query(told.message().to_owned()).with_source(error);
    }
    if told.code() == "08P01" && told.message().contains("extra_float_digits") {
        // Only a pooler refuses it: `unsupported startup parameter`.
        return pooler::refusal(told.message()).with_source(error);
    }
    let mut columns: Vec<String> = told.column().map(str::to_owned).into_iter().collect();
    if columns.is_empty() {
        columns = told.detail().map(key_columns).unwrap_or_default();
    }
    let detail = DatabaseDetail {
        code: Some(told.code().to_owned()),
        constraint: told.constraint().map(str::to_owned),
        table: told.table().map(str::to_owned),
        columns,
    };
    let text = without_values(told.code(), told.message());
    database_error(Dialect::Postgres, detail, &text, error)
}

/// Whether a prepared statement no longer exists, or no longer fits the tables. The database has done nothing then.
pub(super) fn is_outdated(error: &Error) -> bool {
    match error.code() {
        Some("26000") => true,
        // Other features that are not supported have the same code. The message may be in any language.
        Some("0A000") => std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<sqlx::Error>())
            .and_then(sqlx::Error::as_database_error)
            .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
            .is_some_and(|told| told.routine() == Some("RevalidateCachedQuery")),
        _ => false,
    }
}

/// The error of a statement whose preparation is out of date where it cannot be prepared anew.
pub(super) fn outdated(error: Error) -> Error {
    let code = error.code().map(str::to_owned);
    let detail = DatabaseDetail {
        code,
        ..DatabaseDetail::default()
    };
    let message = format!("the statement was prepared before the schema changed: {error}");
    Error::new(ErrorKind::StatementOutdated, message)
        .with_detail(detail)
        .with_hint("run the transaction again, as `.transaction().retry(..)` does by itself: the statement is prepared anew then")
        .with_source(error)
}

/// The columns, and not the values, of `Key (email, tenant)=(..) already exists.`
fn key_columns(detail: &str) -> Vec<String> {
    let names = detail
        .split_once(")=(")
        .and_then(|(key, _)| key.split_once('('))
        .map(|(_, names)| names);
    match names {
        // An index over an expression has no columns to name.
        Some(names) if !names.contains('(') => names
            .split(", ")
            .map(|name| name.trim_matches('"').to_owned())
            .collect(),
        _ => Vec::new(),
    }
}

/// Messages of class 22 (data exceptions) quote the offending value.
fn without_values(code: &str, message: &str) -> String {
    if !code.starts_with("22") {
        return message.to_owned();
    }
    match (message.find('"'), message.rfind('"')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}\"..\"{}", &message[..start], &message[end + 1..])
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_gives_its_columns_and_keeps_its_values() {
        assert_eq!(
            key_columns("Key (email, \"Tenant\")=(ada@x.org, 3) already exists."),
            ["email", "Tenant"]
        );
        assert_eq!(
            key_columns("Key (author_id)=(9) is not present in table \"users\"."),
            ["author_id"]
        );
        assert!(key_columns("Key (lower(email))=(x) already exists.").is_empty());
        assert!(key_columns("Failing row contains (1, null).").is_empty());
    }

    #[test]
    fn data_exceptions_lose_their_values() {
        assert_eq!(
            without_values("22P02", "invalid input syntax for type integer: \"a\"b\""),
            "invalid input syntax for type integer: \"..\""
        );
        assert_eq!(
            without_values("42P01", "relation \"nowhere\" does not exist"),
            "relation \"nowhere\" does not exist"
        );
    }
}
