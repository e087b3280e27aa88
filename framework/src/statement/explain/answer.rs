//! What a database answers, row by row, and what is made of it.
use std::collections::{HashMap, HashSet};

use super::{
    escape, mask, mysql, mysql_tree,
    node::{NodeKind, PlanNode},
    plan::QueryPlan,
    postgres,
    question::{Form, Question},
    sources::sources,
    sqlite,
};
use crate::{dialect::Dialect, schema::Cell, statement::Statement};

/// The rows of an answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    lines: Vec<String>,
    /// SQLite's steps, each with the number of its own and of the one above it.
    steps: Vec<sqlite::Step>,
    depths: HashMap<i64, usize>,
}

/// What a parser makes of an answer.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) roots: Vec<PlanNode>,
    pub(super) planning: Option<std::time::Duration>,
    pub(super) execution: Option<std::time::Duration>,
}

impl Answer {
    /// Takes a row.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) {
        // SQLite tells each step with the number of the one above it.
        if let [Cell::Int(id), Cell::Int(parent), _, Cell::Text(text)] = cells {
            let depth = self.depths.get(parent).map_or(0, |depth| depth + 1);
            self.depths.insert(*id, depth);
            self.lines.push(format!("{}{text}", "  ".repeat(depth)));
            self.steps.push(sqlite::Step {
                id: *id,
                parent: *parent,
                detail: (*text).to_owned(),
            });
            return;
        }
        self.lines.push(match cells.first() {
            Some(Cell::Text(line)) => (*line).to_owned(),
            Some(Cell::Json(json) | Cell::Bytes(json)) => {
                String::from_utf8_lossy(json).into_owned()
            }
            _ => String::new(),
        });
    }

    /// What it says about `statement`.
    pub(crate) fn plan(
        self,
        statement: &Statement,
        dialect: Dialect,
        question: Question,
    ) -> QueryPlan {
        let may_show = statement
            .plan
            .subject
            .as_ref()
            .is_some_and(|subject| !subject.sensitive);
        let mut text = self.lines.join("\n");
        if dialect == Dialect::Mysql {
            text = escape::repaired(text);
        }
        if !may_show {
            text = mask::plan(&text, dialect);
        }
        // What is understood is what may be shown.
        let parsed = match (dialect, question.form) {
            (Dialect::Sqlite, _) => Parsed {
                roots: sqlite::parse(self.steps),
                ..Parsed::default()
            },
            (_, Form::Text) => Parsed::default(),
            (Dialect::Postgres, _) => postgres::parse(&text),
            (Dialect::Mysql, _) => match serde_json::from_str(&text) {
                Ok(json) => mysql::parse(&json),
                Err(_) => mysql_tree::parse(&text),
            },
        };
        let Parsed {
            mut roots,
            planning,
            execution,
        } = parsed;
        name_tables(&mut roots, statement, dialect);
        let rows = match roots.as_slice() {
            // MariaDB tells nothing of what comes behind the tables.
            [root] if dialect == Dialect::Postgres || root.table.is_some() => root.measured,
            _ => None,
        };
        QueryPlan {
            sql: statement.plan.normalized(dialect).to_owned(),
            call_site: statement.call_site,
            command: question.command,
            dialect,
            shard: None,
            text,
            planning,
            execution,
            rows: rows.map(|measured| measured.total_rows().round() as u64),
            roots,
        }
    }
}

/// SQLite and MySQL call tables as the statement does: by their aliases. The text knows whose they are.
fn name_tables(roots: &mut [PlanNode], statement: &Statement, dialect: Dialect) {
    let sources = sources(statement.sql(), dialect);
    let tables: HashMap<&str, &str> = sources
        .iter()
        .map(|source| (source.name.as_str(), source.table.as_str()))
        .collect();
    let known: HashSet<&str> = tables.values().copied().collect();
    for root in roots {
        root.for_each(&mut |node| {
            let Some(name) = node.table.as_deref() else {
                return;
            };
            let is_temporary = node.kind == NodeKind::Derived;
            match tables.get(name) {
                Some(table) if *table != name && !known.contains(name) && !is_temporary => {
                    node.alias = node.table.take();
                    node.table = Some((*table).to_owned());
                }
                _ => {}
            }
        });
    }
}
