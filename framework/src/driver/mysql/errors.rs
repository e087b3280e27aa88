//! What MySQL's and MariaDB's errors say.
use sqlx::mysql::MySqlDatabaseError;

use crate::{
    dialect::Dialect,
    driver::{failure::database_error, server::driver_error},
    error::{DatabaseDetail, Error},
};

/// The error for one of sqlx's. Its code is the server's number: the SQLSTATE says far less.
pub(super) fn database(error: sqlx::Error) -> Error {
    let Some(told) = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
    else {
        return driver_error(error);
    };
    let detail = DatabaseDetail {
        code: Some(told.number().to_string()),
        ..detail(told.number(), told.message())
    };
    let text = without_values(told.message());
    database_error(Dialect::Mysql, detail, &text, error)
}

/// Whether a prepared statement no longer exists (1243), or the tables changed under it again and again (1615). The
/// server has done nothing then.
pub(super) fn is_outdated(error: &Error) -> bool {
    matches!(error.code(), Some("1243" | "1615"))
}

/// Table, columns and constraint out of the message.
fn detail(number: u16, message: &str) -> DatabaseDetail {
    let mut detail = DatabaseDetail::default();
    match number {
        // Duplicate entry '..' for key 'users.email' (MySQL), 'email' (MariaDB)
        1022 | 1062 | 1169 | 1586 => {
            let key = message
                .rsplit_once("for key '")
                .map(|(_, key)| key.trim_end_matches('\''));
            let (table, name) = match key.map(|key| key.split_once('.').ok_or(key)) {
                Some(Ok((table, name))) => (Some(table), Some(name)),
                Some(Err(name)) => (None, Some(name)),
                None => (None, None),
            };
            detail.table = table.map(str::to_owned);
            detail.constraint = name.map(str::to_owned);
        }
        // Column 'email' cannot be null; Field 'email' doesn't have a default value
        1048 | 1364 => detail.columns.extend(between(message, "'", "'")),
        // .. fails (`db`.`posts`, CONSTRAINT `posts_author` FOREIGN KEY (`author_id`) REFERENCES ..)
        1216 | 1217 | 1451 | 1452 => {
            detail.constraint = between(message, "CONSTRAINT `", "`");
            detail.table = between(message, "`.`", "`");
            if let Some(columns) = between(message, "FOREIGN KEY (", ")") {
                let names = columns.split(", ").map(|name| name.trim_matches('`'));
                detail.columns = names.map(str::to_owned).collect();
            }
        }
        // Check constraint 'adult' is violated. (MySQL)
        3819 => detail.constraint = between(message, "'", "'"),
        // CONSTRAINT `adult` failed for `db`.`users` (MariaDB)
        4025 => {
            detail.constraint = between(message, "CONSTRAINT `", "`");
            detail.table = between(message, "`.`", "`");
        }
        _ => {}
    }
    detail
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = text.split_once(start)?;
    let (found, _) = rest.split_once(end)?;
    Some(found.to_owned())
}

/// `Incorrect integer value: 'x' for column ..` and its like quote the offending value.
fn without_values(message: &str) -> String {
    let Some((before, rest)) = message.split_once("value: '") else {
        return message.to_owned();
    };
    let after = rest.rfind("' for ").map_or("", |end| &rest[end + 1..]);
    format!("{before}value: '..'{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn duplicate_keys_are_named_without_the_entry() {
        let mysql = detail(1062, "Duplicate entry 'for key 'x'' for key 'users.email'");
        assert_eq!(mysql.table.as_deref(), Some("users"));
        assert_eq!(mysql.constraint.as_deref(), Some("email"));
        let mariadb = detail(1062, "Duplicate entry '7' for key 'PRIMARY'");
        assert_eq!(mariadb.constraint.as_deref(), Some("PRIMARY"));
    }

    #[test]
    fn only_what_preparing_anew_mends_is_outdated() {
        let error = |code: &str| {
            let detail = DatabaseDetail {
                code: Some(code.to_owned()),
                ..DatabaseDetail::default()
            };
            Error::new(ErrorKind::Database, "told").with_detail(detail)
        };
        assert!(is_outdated(&error("1243")) && is_outdated(&error("1615")));
        assert!(!is_outdated(&error("1213")) && !is_outdated(&error("1146")));
        assert!(!is_outdated(&Error::new(ErrorKind::Connection, "lost")));
    }

    #[test]
    fn foreign_keys_and_checks_are_taken_apart() {
        let message = "Cannot add or update a child row: a foreign key constraint fails (`shop`.`posts`, \
                       CONSTRAINT `posts_author` FOREIGN KEY (`author_id`, `tenant`) REFERENCES `users` (`id`))";
        let foreign = detail(1452, message);
        assert_eq!(foreign.constraint.as_deref(), Some("posts_author"));
        assert_eq!(foreign.table.as_deref(), Some("posts"));
        assert_eq!(foreign.columns, ["author_id", "tenant"]);
        let mysql = detail(3819, "Check constraint 'adult' is violated.");
        let mariadb = detail(4025, "CONSTRAINT `adult` failed for `shop`.`users`");
        assert_eq!(mysql.constraint, mariadb.constraint);
        assert_eq!(
            detail(1048, "Column 'email' cannot be null").columns,
            ["email"]
        );
    }

    #[test]
    fn values_are_taken_out() {
        assert_eq!(
            without_values("Incorrect integer value: 'a' for b' for column `t`.`n` at row 1"),
            "Incorrect integer value: '..' for column `t`.`n` at row 1"
        );
        assert_eq!(
            without_values("Truncated incorrect DOUBLE value: 'secret'"),
            "Truncated incorrect DOUBLE value: '..'"
        );
        assert_eq!(without_values("Unknown column 'n'"), "Unknown column 'n'");
    }
}
