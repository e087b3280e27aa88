//! How often indexes were read, as far as the database counts.
use std::{collections::HashMap, panic::Location};

use super::{CatalogQuery, ask, mysql, position, postgres};
use crate::{
    dialect::Dialect,
    error::{ErrorKind, Result},
    executor::Executor,
    schema::{Row, TableDef},
};

/// What is known of the reads of one table.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::database) struct Usage {
    /// How often the table was read, whichever way; on MySQL and MariaDB, how many rows of it.
    pub(in crate::database) reads: u64,
    /// How often each index was read, by name. One that is not in it was never read.
    pub(in crate::database) indexes: HashMap<String, u64>,
    /// Since when is counted.
    pub(in crate::database) since: Option<String>,
}

const SQLITE: &str = "SQLite does not count how often an index is read";
const OFF: &str =
    "the server counts nothing; `userstat` (MariaDB) or `performance_schema` has to be on";

/// The usage of each table asked for, in order, or why there is none.
pub(in crate::database) async fn usage(
    executor: &dyn Executor,
    wanted: &[&'static TableDef],
    call_site: &'static Location<'static>,
) -> Result<Result<Vec<Usage>, String>> {
    let query: fn(&[&'static TableDef]) -> _ = match executor.dialect() {
        Dialect::Sqlite => return Ok(Err(SQLITE.to_owned())),
        Dialect::Postgres => postgres::usage,
        Dialect::Mysql => {
            let mariadb = executor.capabilities().mariadb;
            let switches = CatalogQuery {
                sql: mysql::switches(mariadb).to_owned(),
                args: Vec::new(),
                tables: CatalogQuery::of(wanted, mysql::indexes).tables,
            };
            let on = ask(executor, switches, call_site, UsageRow::read).await?;
            match on.first() {
                Some(row) if row.reads > 0 => mysql::user_statistics,
                Some(row) if row.table_reads > 0 => mysql::performance_schema,
                _ => return Ok(Err(OFF.to_owned())),
            }
        }
    };
    let rows = ask(
        executor,
        CatalogQuery::of(wanted, query),
        call_site,
        UsageRow::read,
    );
    let rows = match rows.await {
        Ok(rows) => rows,
        // Not everybody may read statistics.
        Err(error) if error.kind() == ErrorKind::Database => return Ok(Err(error.to_string())),
        Err(error) => return Err(error),
    };
    let mut tables = vec![Usage::default(); wanted.len()];
    for row in rows {
        let table = &mut tables[row.at];
        table.reads = row.table_reads;
        table.since = row.since;
        table
            .indexes
            .extend(row.index.map(|index| (index, row.reads)));
    }
    Ok(Ok(tables))
}

struct UsageRow {
    at: usize,
    index: Option<String>,
    reads: u64,
    table_reads: u64,
    since: Option<String>,
}

impl UsageRow {
    fn read(row: &mut Row<'_, '_>) -> Result<Self> {
        let at = position(row)?;
        let index = row.read()?;
        let mut number = || Ok(u64::try_from(row.read::<i64>()?).unwrap_or_default());
        let (reads, table_reads) = (number()?, number()?);
        Ok(Self {
            at,
            index,
            reads,
            table_reads,
            since: row.read()?,
        })
    }
}
