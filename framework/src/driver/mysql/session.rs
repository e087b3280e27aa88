//! The settings of a session, as MySQL and MariaDB are sent them.
use std::time::Duration;

use crate::driver::{server::session::milliseconds, session::Session};

/// One statement for all that is set; none if nothing is.
pub(super) fn sql(session: &Session, mariadb: bool) -> Option<String> {
    let mut set = Vec::new();
    if let Some(time) = session.statement_timeout {
        set.push(match mariadb {
            true => format!("max_statement_time = {:.6}", time.as_secs_f64().max(1e-6)),
            false => format!("max_execution_time = {}", milliseconds(time)),
        });
    }
    if let Some(time) = session.lock_timeout {
        // Of rows, and of tables that somebody alters.
        set.push(format!("innodb_lock_wait_timeout = {}", seconds(time)));
        set.push(format!("lock_wait_timeout = {}", seconds(time)));
    }
    if let Some(modes) = &session.sql_mode {
        let mut names: Vec<&str> = modes.iter().map(|mode| mode.as_str()).collect();
        names.push("PIPES_AS_CONCAT");
        set.push(format!("sql_mode = '{}'", names.join(",")));
    }
    let set: Vec<String> = set.iter().map(|one| format!("SESSION {one}")).collect();
    (!set.is_empty()).then(|| format!("SET {}", set.join(", ")))
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u128 {
    time.as_millis().div_ceil(1000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{ConnectOptions, SqlMode};

    #[test]
    fn what_is_set_is_one_statement_in_the_words_of_the_product() {
        assert_eq!(sql(&Session::default(), true), None);
        let options = ConnectOptions::mysql("db")
            .statement_timeout(Duration::from_millis(250))
            .lock_timeout(Duration::from_millis(1500))
            .sql_mode([SqlMode::StrictAllTables, SqlMode::NoZeroDate]);
        options.validate().unwrap();
        let rest = "SESSION innodb_lock_wait_timeout = 2, SESSION lock_wait_timeout = 2, \
                    SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,PIPES_AS_CONCAT'";
        assert_eq!(
            sql(&options.session, true).unwrap(),
            format!("SET SESSION max_statement_time = 0.250000, {rest}")
        );
        assert_eq!(
            sql(&options.session, false).unwrap(),
            format!("SET SESSION max_execution_time = 250, {rest}")
        );
    }
}
