//! The settings of a session, as PostgreSQL is sent them.
use crate::driver::{server::session::milliseconds, session::Session};

/// One text for all that is set; none if nothing is.
pub(super) fn sql(session: &Session) -> Option<String> {
    let mut sql = Vec::new();
    for (name, time) in [
        ("statement_timeout", session.statement_timeout),
        ("lock_timeout", session.lock_timeout),
        (
            "idle_in_transaction_session_timeout",
            session.idle_in_transaction_session_timeout,
        ),
    ] {
        sql.extend(time.map(|time| format!("SET {name} = {}", milliseconds(time))));
    }
    let commit = session.synchronous_commit;
    sql.extend(commit.map(|mode| format!("SET synchronous_commit = {}", mode.as_str())));
    (!sql.is_empty()).then(|| sql.join("; "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::driver::{ConnectOptions, SynchronousCommit};

    #[test]
    fn what_is_set_is_one_text() {
        assert_eq!(sql(&Session::default()), None);
        let options = ConnectOptions::postgres("db")
            .statement_timeout(Duration::from_secs(5))
            .lock_timeout(Duration::from_micros(1500))
            .idle_in_transaction_session_timeout(Duration::from_secs(60))
            .synchronous_commit(SynchronousCommit::RemoteWrite);
        options.validate().unwrap();
        assert_eq!(
            sql(&options.session).unwrap(),
            "SET statement_timeout = 5000; SET lock_timeout = 2; \
             SET idle_in_transaction_session_timeout = 60000; SET synchronous_commit = remote_write"
        );
    }
}
