//! MySQL and MariaDB: a trigger before each row that takes the buckets, and one after it that mends.
//!
//! The buckets come before the row is inserted: after it, the query's own locks on the source (at REPEATABLE READ an
//! INSERT .. SELECT reads with locks, and what is newest) would wait for another writer's row, and that one for the
//! bucket. A row that is updated or deleted is locked already by then, and such two may deadlock. A key that the database
//! has yet to make is nobody else's; its writer shares one bucket more, which those take who take all. A row is deleted only
//! if the query has none, for to delete a row that is not there locks the gap in which others insert.
//!
//! At READ COMMITTED the query reads by a view of the moment at which its statement first read. One that waits for a bucket
//! after that, for its second row, misses what was committed meanwhile: the guide says so.
use super::{BUCKETS, Kept, Moment, Trigger, literal, locks};
use crate::{
    dialect::Dialect,
    schema::{ColumnDefault, RowKeys, TableDef, Upkeep},
};

pub(super) fn triggers(kept: &Kept, source: &Upkeep) -> Vec<Trigger> {
    let mut triggers = Vec::new();
    for moment in Moment::ALL {
        let suffix = moment.sql().to_lowercase();
        let lock = lock(kept, source, moment);
        let name = kept.trigger_name(source.table, &format!("before_{suffix}"));
        triggers.push(made(source.table, name, "BEFORE", moment, &lock));
        let mends: Vec<_> = moment
            .rows()
            .iter()
            .map(|row| mend(kept, source, moment, row))
            .collect();
        let mends = mends.join("\n");
        let name = kept.trigger_name(source.table, &suffix);
        triggers.push(made(source.table, name, "AFTER", moment, &mends));
    }
    triggers
}

fn made(
    source: &'static TableDef,
    name: String,
    when: &str,
    moment: Moment,
    body: &str,
) -> Trigger {
    let quoted = in_schema(source, &name);
    let on = in_schema(source, source.name);
    let event = moment.sql();
    Trigger {
        create: vec![format!(
            "CREATE TRIGGER {quoted} {when} {event} ON {on} FOR EACH ROW BEGIN\n{body}\nEND"
        )],
        drop: format!("DROP TRIGGER IF EXISTS {quoted}"),
        source,
        name,
    }
}

/// Takes the buckets of the rows of the view in which the row shows and will show.
fn lock(kept: &Kept, source: &Upkeep, moment: Moment) -> String {
    let take = match &source.keys {
        RowKeys::Query(_) => taking(kept, "", BUCKETS + 1, "FOR UPDATE"),
        RowKeys::Columns(columns) => {
            let of = |row: &&str| bucket(kept, &kept.source_columns(source.table, columns, row));
            let buckets: Vec<_> = moment.rows().iter().map(of).collect();
            let own = format!(" AND bucket IN ({})", buckets.join(", "));
            let own = taking(kept, &own, 1, "FOR UPDATE");
            match generated(source, moment) {
                Some(column) => {
                    let shared = format!(" AND bucket = {BUCKETS}");
                    let shared = taking(kept, &shared, 1, "LOCK IN SHARE MODE");
                    format!("IF NEW.{column} > 0 THEN\n{own}\nELSE\n{shared}\nEND IF;")
                }
                None => own,
            }
        }
    };
    format!("DECLARE held INT;\n{take}")
}

/// The column of the source that the database makes when a row is inserted, if it is one that leads to the view: 0 before.
fn generated(source: &Upkeep, moment: Moment) -> Option<String> {
    let RowKeys::Columns(columns) = &source.keys else {
        return None;
    };
    let made = columns.iter().find(|&&column| {
        moment == Moment::Insert && source.table.columns[column].default == ColumnDefault::Generated
    });
    made.map(|&column| Dialect::Mysql.quote(source.table.columns[column].name))
}

/// Takes the view's buckets of a condition, of which there are `least` or more: without them nobody would wait for
/// anybody.
fn taking(kept: &Kept, condition: &str, least: u32, how: &str) -> String {
    let (locks, view) = (locks(kept.table, Dialect::Mysql), literal(kept.table));
    format!(
        "SELECT COUNT(*) INTO held FROM {locks} WHERE view_name = {view}{condition} {how};\n\
         IF held < {least} THEN\n\
         SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'entourage_view_locks lacks rows of this view: db.create_view adds them';\n\
         END IF;"
    )
}

fn bucket(kept: &Kept, key: &[String]) -> String {
    let hashed: Vec<_> = kept.hashed.iter().map(|&at| key[at].clone()).collect();
    match hashed.is_empty() {
        true => "0".to_owned(),
        false => format!("CRC32(CONCAT_WS(',', {})) % {BUCKETS}", hashed.join(", ")),
    }
}

/// Takes the rows of the view anew in which `row` shows, and those out that the query has no longer.
fn mend(kept: &Kept, source: &Upkeep, moment: Moment, row: &str) -> String {
    let (named, columns, select) = (kept.named(), kept.columns(), &kept.select);
    let taken = kept.matches(source, "kept", row);
    let gone = kept.matches(source, &named, row);
    let key = kept.key();
    let others = kept.others();
    // A view of its key alone has nothing to change.
    let changed = if others.is_empty() { &key } else { &others };
    let sets: Vec<_> = changed
        .iter()
        .map(|column| format!("{column} = VALUES({column})"))
        .collect();
    let sets = sets.join(", ");
    let same: Vec<_> = key
        .iter()
        .map(|key| format!("kept.{key} = {named}.{key}"))
        .collect();
    let same = same.join(" AND ");
    let insert = format!(
        "INSERT INTO {named} ({columns}) SELECT * FROM ({select}) AS kept WHERE {taken} ON DUPLICATE KEY UPDATE {sets};"
    );
    let delete = format!(
        "DELETE FROM {named} WHERE {gone} AND NOT EXISTS (SELECT 1 FROM ({select}) AS kept WHERE {same});"
    );
    let RowKeys::Columns(positions) = &source.keys else {
        return format!("{insert}\n{delete}");
    };
    // Of a key that is made just now the view has no row.
    if generated(source, moment).is_some() {
        return insert;
    }
    // One key has one row at most, and no row was written if the query has none.
    let mend = format!("{insert}\nIF ROW_COUNT() = 0 THEN\n{delete}\nEND IF;");
    if moment != Moment::Update || row != "NEW" {
        return mend;
    }
    // What the new row leads to is often what the old one has led to already.
    let old = kept.source_columns(source.table, positions, "OLD");
    let new = kept.source_columns(source.table, positions, "NEW");
    let same: Vec<_> = old
        .iter()
        .zip(&new)
        .map(|(old, new)| format!("{old} <=> {new}"))
        .collect();
    format!("IF NOT ({}) THEN\n{mend}\nEND IF;", same.join(" AND "))
}

/// The table of buckets, with those of this view.
pub(super) fn buckets(table: &TableDef) -> Vec<String> {
    let (locks, view) = (locks(table, Dialect::Mysql), literal(table));
    let numbers: Vec<_> = (0..=BUCKETS)
        .map(|bucket| format!("({view}, {bucket})"))
        .collect();
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {locks} (view_name VARCHAR(255) NOT NULL, bucket INT NOT NULL, PRIMARY KEY (view_name, bucket)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        ),
        format!(
            "INSERT IGNORE INTO {locks} (view_name, bucket) VALUES {}",
            numbers.join(", ")
        ),
    ]
}

pub(super) fn lock_all(table: &TableDef) -> String {
    let (locks, view) = (locks(table, Dialect::Mysql), literal(table));
    format!("SELECT COUNT(*) FROM {locks} WHERE view_name = {view} FOR UPDATE")
}

fn in_schema(table: &TableDef, name: &str) -> String {
    let quote = |name| Dialect::Mysql.quote(name);
    match table.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(name)),
        None => quote(name),
    }
}
