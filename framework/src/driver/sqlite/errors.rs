//! What SQLite's errors say.
use rusqlite::ffi;

use crate::{
    dialect::Dialect,
    driver::failure::database_error,
    error::{DatabaseDetail, Error, ErrorKind},
};

/// The error for one of the library's.
pub(super) fn database(error: rusqlite::Error) -> Error {
    let (code, text) = match &error {
        rusqlite::Error::SqliteFailure(code, text) => (code.extended_code, text.clone()),
        rusqlite::Error::SqlInputError { error, msg, .. } => {
            (error.extended_code, Some(msg.clone()))
        }
        rusqlite::Error::MultipleStatement => {
            return Error::invalid_query("the text holds several statements")
                .with_hint("run them one by one, or all as a batch");
        }
        rusqlite::Error::ToSqlConversionFailure(cause) => {
            return Error::new(ErrorKind::Encode, cause.to_string()).with_source(error);
        }
        other => {
            let message = other.to_string();
            return Error::new(ErrorKind::Database, message).with_source(error);
        }
    };
    let text = text.unwrap_or_else(|| ffi::code_to_str(code).to_owned());
    let detail = DatabaseDetail {
        code: Some(meant(code, &text).to_string()),
        ..detail(&text)
    };
    database_error(Dialect::Sqlite, detail, &text, error)
}

/// SQLite does ON DELETE RESTRICT by an inner trigger, and gives that one's code.
fn meant(code: i32, text: &str) -> i32 {
    if code == ffi::SQLITE_CONSTRAINT_TRIGGER && text == "FOREIGN KEY constraint failed" {
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY
    } else {
        code
    }
}

/// Table, columns and constraint out of a message like `UNIQUE constraint failed: users.email, users.tenant`.
fn detail(text: &str) -> DatabaseDetail {
    let mut detail = DatabaseDetail::default();
    let Some((what, names)) = text.split_once(" constraint failed: ") else {
        return detail;
    };
    match what {
        "CHECK" => detail.constraint = Some(names.to_owned()),
        _ => match names
            .strip_prefix("index '")
            .and_then(|name| name.strip_suffix('\''))
        {
            Some(index) => detail.constraint = Some(index.to_owned()),
            None => {
                for name in names.split(", ") {
                    let (table, column) = name.split_once('.').unwrap_or(("", name));
                    if !table.is_empty() {
                        detail.table = Some(table.to_owned());
                    }
                    detail.columns.push(column.to_owned());
                }
            }
        },
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraint_messages_are_taken_apart() {
        let unique = detail("UNIQUE constraint failed: users.email, users.tenant");
        assert_eq!(unique.table.as_deref(), Some("users"));
        assert_eq!(unique.columns, ["email", "tenant"]);
        let not_null = detail("NOT NULL constraint failed: users.name");
        assert_eq!(not_null.columns, ["name"]);
        let check = detail("CHECK constraint failed: positive");
        assert_eq!(check.constraint.as_deref(), Some("positive"));
        let index = detail("UNIQUE constraint failed: index 'users_lower_email'");
        assert_eq!(index.constraint.as_deref(), Some("users_lower_email"));
        assert_eq!(
            detail("FOREIGN KEY constraint failed"),
            DatabaseDetail::default()
        );
    }
}
