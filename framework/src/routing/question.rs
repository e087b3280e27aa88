//! What a server is asked, in its own words, and what its answer means. The texts and the reading of answers are pure.
use std::{ops::ControlFlow, panic::Location, sync::Arc};

use super::Position;
use crate::{
    dialect::{Capabilities, Dialect},
    driver::Connection,
    error::{Error, Result},
    schema::Cell,
    statement::{Plan, Statement, StatementKind},
};

/// How a server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Whether it takes writes.
    pub(super) is_writable: bool,
    /// How far it has written, or applied; none if it keeps no log that tells.
    pub(super) position: Option<Position>,
    /// PostgreSQL: how many promotions there were in the history that it is of.
    pub(super) timeline: Option<i64>,
}

impl Answer {
    /// Whether a replica that says this follows a primary that says `primary`, as far as their logs tell. A server that
    /// follows a former primary may count as far as the new one, but it counts something else.
    pub(super) fn follows(&self, primary: &Self) -> bool {
        match (&self.position, &primary.position) {
            (Some(Position::Lsn(_)), Some(Position::Lsn(_))) => self.timeline >= primary.timeline,
            (Some(Position::Gtids(own)), Some(Position::Gtids(primary))) => own.is_of(primary),
            // Each server's transactions are counted for themselves.
            (Some(Position::GtidSet(_)), Some(Position::GtidSet(_))) => true,
            _ => false,
        }
    }
}

/// The one question: whether the server takes writes, how far it has written if it does, how far it has applied if
/// not, and (PostgreSQL) the size of a page of its log and its timeline. NULL for a position says that it keeps no log that tells.
fn text(dialect: Dialect, is_mariadb: bool) -> &'static str {
    match (dialect, is_mariadb) {
        (Dialect::Mysql, true) => {
            "SELECT CAST(@@global.read_only AS SIGNED), \
             IF(@@global.log_bin, CAST(@@global.gtid_binlog_pos AS CHAR), NULL), \
             CAST(@@global.gtid_slave_pos AS CHAR)"
        }
        (Dialect::Mysql, false) => {
            "SELECT CAST(@@global.read_only AS SIGNED), \
             IF(@@global.gtid_mode LIKE 'ON%', CAST(@@global.gtid_executed AS CHAR), NULL), \
             IF(@@global.gtid_mode LIKE 'ON%', CAST(@@global.gtid_executed AS CHAR), NULL)"
        }
        (Dialect::Postgres | Dialect::Sqlite, _) => {
            "SELECT pg_catalog.pg_is_in_recovery()::int4, \
             CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_current_wal_insert_lsn()::text END, \
             CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()::text END, \
             pg_catalog.current_setting('wal_block_size')::int8, \
             CASE WHEN pg_catalog.pg_is_in_recovery() \
             THEN (SELECT GREATEST(c.timeline_id, r.min_recovery_end_timeline, w.received_tli)::int8 \
             FROM pg_catalog.pg_control_checkpoint() c CROSS JOIN pg_catalog.pg_control_recovery() r \
             LEFT JOIN pg_catalog.pg_stat_wal_receiver w ON TRUE) \
             ELSE ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8))\
             ::bit(32)::int8 END"
        }
    }
}

/// Reads a row of the answer.
fn read(cells: &[Cell<'_>], dialect: Dialect, is_mariadb: bool) -> Result<Answer> {
    let is_writable = number(cells, 0) == Some(0);
    let position = match is_writable {
        true => string(cells, 1),
        false => string(cells, 2),
    };
    let position = match (position, dialect, is_mariadb) {
        (None, ..) => None,
        (Some(text), Dialect::Mysql, true) => Some(Position::Gtids(text.parse()?)),
        (Some(text), Dialect::Mysql, false) => Some(Position::GtidSet(text.parse()?)),
        (Some(text), ..) => match text.parse()? {
            Position::Lsn(lsn) if is_writable => {
                let page = number(cells, 3).and_then(|page| u64::try_from(page).ok());
                Some(Position::Lsn(end_of_record(lsn, page.unwrap_or(0))))
            }
            position => Some(position),
        },
    };
    Ok(Answer {
        is_writable,
        position,
        timeline: number(cells, 4),
    })
}

/// The size of the header of a page of PostgreSQL's log.
const PAGE_HEADER: u64 = 24;

/// Where the last record ends. Where a page is full, the server says where the next record will begin, behind the header
/// of a page that has nothing on it yet; a replica does not get there before there is one.
fn end_of_record(lsn: u64, page: u64) -> u64 {
    match page > PAGE_HEADER && lsn % page == PAGE_HEADER {
        true => lsn - PAGE_HEADER,
        false => lsn,
    }
}

/// Asks the server at the other end of `connection`.
pub(super) async fn ask(connection: &mut dyn Connection) -> Result<Answer> {
    let (dialect, capabilities) = (connection.dialect(), connection.capabilities());
    let plan = Plan::new(
        text(dialect, capabilities.mariadb),
        StatementKind::Schema,
        Vec::new(),
    );
    let statement = Statement::new(Arc::new(plan), Vec::new(), Location::caller());
    let mut answer = Err(Error::decode("the server gave no answer about itself"));
    let mut sink = |cells: &[Cell<'_>]| {
        answer = read(cells, dialect, capabilities.mariadb);
        Ok(ControlFlow::Continue(()))
    };
    send(connection, capabilities, &statement, &mut sink).await?;
    answer
}

/// Behind a pooler a statement is in a transaction.
async fn send(
    connection: &mut dyn Connection,
    capabilities: Capabilities,
    statement: &Statement,
    sink: &mut dyn crate::driver::RowSink,
) -> Result<()> {
    if capabilities.session_state {
        return connection.run(statement, sink).await.map(drop);
    }
    connection.batch("BEGIN").await?;
    connection.run(statement, sink).await?;
    connection.batch("COMMIT").await
}

fn number(cells: &[Cell<'_>], at: usize) -> Option<i64> {
    match cells.get(at) {
        Some(Cell::Int(number)) => Some(*number),
        _ => None,
    }
}

fn string<'c>(cells: &'c [Cell<'_>], at: usize) -> Option<&'c str> {
    match cells.get(at) {
        Some(Cell::Text(text)) => Some(text),
        Some(Cell::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::Gtids;

    #[test]
    fn each_product_is_asked_in_its_own_words() {
        assert!(text(Dialect::Postgres, false).contains("pg_last_wal_replay_lsn()"));
        assert!(text(Dialect::Mysql, true).contains("gtid_slave_pos"));
        let mysql = text(Dialect::Mysql, false);
        assert!(mysql.contains("gtid_executed") && !mysql.contains("gtid_slave_pos"));
    }

    #[test]
    fn answers_are_read_by_product() {
        let cells = [
            Cell::Int(0),
            Cell::Text("0/1234"),
            Cell::Null,
            Cell::Int(8192),
        ];
        let primary = read(&cells, Dialect::Postgres, false).unwrap();
        assert!(primary.is_writable);
        assert_eq!(primary.position, Some(Position::Lsn(0x1234)));
        let cells = [Cell::Int(1), Cell::Text(""), Cell::Text("0-1-7")];
        let replica = read(&cells, Dialect::Mysql, true).unwrap();
        assert!(!replica.is_writable);
        assert_eq!(replica.position, "0-1-7".parse().ok());
        // One that keeps no log says nothing; one that has written nothing yet is at the beginning.
        let cells = [Cell::Int(0), Cell::Null, Cell::Text("")];
        assert_eq!(read(&cells, Dialect::Mysql, true).unwrap().position, None);
        let cells = [Cell::Int(0), Cell::Text(""), Cell::Text("")];
        let begun = read(&cells, Dialect::Mysql, true).unwrap().position;
        assert_eq!(begun, Some(Position::Gtids(Gtids::default())));
        let cells = [Cell::Int(1), Cell::Text(""), Cell::Bytes(b"nonsense")];
        assert!(read(&cells, Dialect::Mysql, false).is_err());
    }

    #[test]
    fn who_follows_a_former_primary_does_not_follow_the_new_one() {
        let at = |position: &str, timeline| Answer {
            is_writable: false,
            position: position.parse().ok(),
            timeline,
        };
        let new = at("0/500", Some(2));
        assert!(at("0/400", Some(2)).follows(&new));
        assert!(!at("0/900", Some(1)).follows(&new) && !at("0/900", None).follows(&new));
        let new = at("0-2-101,7-1-3", None);
        assert!(at("0-2-99,7-1-9", None).follows(&new));
        assert!(!at("0-1-105,7-1-3", None).follows(&new) && !at("7-1-3", None).follows(&new));
    }

    #[test]
    fn a_page_that_is_only_begun_is_not_waited_for() {
        let page = 8192;
        assert_eq!(end_of_record(3 * page + 24, page), 3 * page);
        for lsn in [3 * page, 3 * page + 40, 3 * page + 25, 24 + page / 2] {
            assert_eq!(end_of_record(lsn, page), lsn);
        }
        assert_eq!(end_of_record(3 * page + 24, 0), 3 * page + 24);
    }
}
