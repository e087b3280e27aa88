//! How a database is asked for a plan.
use std::sync::Arc;

use super::super::{
    Plan, Statement, StatementKind,
    token::{Token, Tokens},
};
use crate::dialect::{Capabilities, Dialect};

/// Whether the statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The database only says how it would.
    Plan,
    /// It is run and measured.
    Analyze,
}

/// In which form the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One that can be understood: as a tree.
    Tree,
    /// One that is read by people. Only PostgreSQL has another one for them.
    Text,
}

/// What a database is asked about a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    /// The words before the statement.
    pub(crate) command: &'static str,
    pub(crate) form: Form,
}

impl Question {
    /// The question as the database takes it; `None` if it has none: SQLite measures no steps.
    pub(crate) fn of(
        dialect: Dialect,
        capabilities: Capabilities,
        how: How,
        form: Form,
    ) -> Option<Self> {
        let command = match (dialect, how, form) {
            (Dialect::Sqlite, How::Plan, _) => "EXPLAIN QUERY PLAN",
            (Dialect::Sqlite, How::Analyze, _) => return None,
            (Dialect::Postgres, How::Plan, Form::Tree) => "EXPLAIN (FORMAT JSON)",
            (Dialect::Postgres, How::Plan, Form::Text) => "EXPLAIN",
            (Dialect::Postgres, How::Analyze, Form::Tree) => {
                "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
            }
            (Dialect::Postgres, How::Analyze, Form::Text) => "EXPLAIN (ANALYZE, BUFFERS)",
            (Dialect::Mysql, How::Plan, _) => "EXPLAIN FORMAT=JSON",
            (Dialect::Mysql, How::Analyze, _) if capabilities.mariadb => "ANALYZE FORMAT=JSON",
            // Its answer is a tree of lines; the JSON form of it goes into a variable only.
            (Dialect::Mysql, How::Analyze, _) => "EXPLAIN ANALYZE",
        };
        Some(Self { command, form })
    }

    /// The statement that asks it about `statement`.
    pub(crate) fn about(self, statement: &Statement) -> Statement {
        let sql = match self.command {
            // MySQL reads a row of which there is one at most while it plans, and would wait for its lock.
            "EXPLAIN FORMAT=JSON" => without_lock(statement.sql()),
            _ => statement.sql(),
        };
        let sql = format!("{} {sql}", self.command);
        // Whoever writes is planned for where it is run.
        let kind = match statement.plan.kind.is_read() {
            true => StatementKind::Explain,
            false => StatementKind::Schema,
        };
        let plan = Plan::new(sql, kind, statement.plan.tables.clone()).one_off();
        Statement::new(Arc::new(plan), statement.args.clone(), statement.call_site)
    }
}

/// A text of MySQL's without the lock at its end.
fn without_lock(sql: &str) -> &str {
    let of_names = |tail: &str| {
        let is_name = |char: char| char.is_alphanumeric() || "_$`., ".contains(char);
        tail.chars().all(is_name)
    };
    [" FOR UPDATE", " FOR SHARE", " LOCK IN SHARE MODE"]
        .iter()
        .filter_map(|words| sql.rfind(words))
        .find(|&at| of_names(&sql[at..]))
        .map_or(sql, |at| &sql[..at])
}

/// Whether `EXPLAIN` before `sql` is what it looks like. Before `ANALYZE` it is another command.
pub(crate) fn is_explainable(sql: &str, dialect: Dialect) -> bool {
    const VERBS: [&str; 9] = [
        "SELECT", "WITH", "VALUES", "TABLE", "INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE",
    ];
    Tokens::new(sql, dialect)
        .map_while(Result::ok)
        .find(|token| *token != Token::Sign('('))
        .is_some_and(|verb| verb.is_any(&VERBS))
}

#[cfg(test)]
mod tests {
    use super::without_lock;

    #[test]
    fn a_lock_at_the_end_is_left_out() {
        let select = "SELECT * FROM t WHERE a = ?";
        for lock in [
            " FOR UPDATE",
            " FOR UPDATE OF `t`, `u` SKIP LOCKED",
            " FOR SHARE NOWAIT",
            " LOCK IN SHARE MODE",
        ] {
            assert_eq!(without_lock(&format!("{select}{lock}")), select);
        }
        let value = "SELECT * FROM t WHERE a = ' FOR UPDATE'";
        assert_eq!(without_lock(value), value);
    }
}
