//! PostgreSQL: one function a source, which finds by the transition tables what a statement has changed.
//!
//! A function's statements each see what was committed before them at READ COMMITTED, so the buckets come first, in their
//! order. Taking one changes its row: above READ COMMITTED, where the function sees the moment at which the transaction
//! began, a bucket that somebody has taken since is a serialization failure.
use super::{BUCKETS, Kept, Moment, Trigger, literal, locks, of_row};
use crate::{
    dialect::Dialect,
    schema::{RowKeys, TableDef, Upkeep},
    statement::ddl::name,
};

pub(super) fn triggers(kept: &Kept, source: &Upkeep) -> Vec<Trigger> {
    let mut triggers: Vec<_> = Moment::ALL
        .iter()
        .map(|&moment| mending(kept, source, moment))
        .collect();
    triggers.push(emptying(kept, source));
    triggers
}

/// The trigger of one kind of statement, with its function.
fn mending(kept: &Kept, source: &Upkeep, moment: Moment) -> Trigger {
    let name = kept.trigger_name(source.table, &moment.sql().to_lowercase());
    let tables: Vec<_> = moment
        .rows()
        .iter()
        .map(|row| format!("{row} TABLE AS {}", transition(row)))
        .collect();
    let keys = keys(kept, source, moment);
    let key = kept.key();
    let (named, columns, select) = (kept.named(), kept.columns(), &kept.select);
    let of =
        |alias: &str| -> Vec<String> { key.iter().map(|key| format!("{alias}.{key}")).collect() };
    let equal = |one: &str, other: &str| {
        let (one, other) = (of(one), of(other));
        let pairs = one.iter().zip(&other);
        let pairs: Vec<_> = pairs
            .map(|(one, other)| format!("{one} = {other}"))
            .collect();
        pairs.join(" AND ")
    };
    let others = kept.others();
    let sets: Vec<_> = others
        .iter()
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let then = match sets.is_empty() {
        true => "NOTHING".to_owned(),
        false => format!("UPDATE SET {}", sets.join(", ")),
    };
    let conflict = key.join(", ");
    let lock = match &source.keys {
        RowKeys::Columns(_) => taking(kept.table, &bucket(kept, &keys)),
        RowKeys::Query(_) => taking(kept.table, &all_buckets()),
    };
    // A statement that has written nothing mends nothing.
    let lock = format!(
        "IF NOT EXISTS (SELECT 1 FROM {}) THEN RETURN NULL; END IF;\n{lock};",
        transition(moment.rows()[0])
    );
    let delete = format!(
        "DELETE FROM {named} AS kept USING ({keys}) AS changed WHERE {};",
        equal("kept", "changed")
    );
    // Each key is looked up by itself, so that it reaches the inside of a query that groups: OFFSET keeps it there.
    let insert = format!(
        "INSERT INTO {named} ({columns}) SELECT taken.* FROM ({keys}) AS changed CROSS JOIN LATERAL (SELECT * FROM ({select}) AS fresh WHERE {} OFFSET 0) AS taken ON CONFLICT ({conflict}) DO {then};",
        equal("fresh", "changed")
    );
    made(
        kept,
        source.table,
        name,
        &format!(
            "AFTER {} ON {} REFERENCING {} FOR EACH STATEMENT",
            moment.sql(),
            name::table(source.table, kept.dialect),
            tables.join(" ")
        ),
        &[lock, delete, insert],
    )
}

/// The trigger of TRUNCATE, which tells of no rows.
fn emptying(kept: &Kept, source: &Upkeep) -> Trigger {
    let (named, columns, select) = (kept.named(), kept.columns(), &kept.select);
    let lock = lock_all(kept.table);
    made(
        kept,
        source.table,
        kept.trigger_name(source.table, "truncate"),
        &format!(
            "AFTER TRUNCATE ON {} FOR EACH STATEMENT",
            name::table(source.table, kept.dialect)
        ),
        &[
            format!("{lock};"),
            format!("DELETE FROM {named};"),
            format!("INSERT INTO {named} ({columns}) {select};"),
        ],
    )
}

fn made(
    kept: &Kept,
    source: &'static TableDef,
    name: String,
    when: &str,
    body: &[String],
) -> Trigger {
    let quoted = kept.dialect.quote(&name);
    let function = match kept.table.schema {
        Some(schema) => format!("{}.{quoted}", kept.dialect.quote(schema)),
        None => quoted.clone(),
    };
    let body = body.join("\n");
    let tag = tag(&body);
    Trigger {
        create: vec![
            format!(
                "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS {tag}\n#variable_conflict use_column\nBEGIN\n{body}\nRETURN NULL;\nEND\n{tag}"
            ),
            format!("CREATE TRIGGER {quoted} {when} EXECUTE FUNCTION {function}()"),
        ],
        // The trigger goes with its function.
        drop: format!("DROP FUNCTION IF EXISTS {function}() CASCADE"),
        source,
        name,
    }
}

/// A dollar quote that the body does not end.
fn tag(body: &str) -> String {
    let mut tag = "$upkeep$".to_owned();
    while body.contains(&tag) {
        tag.insert(1, '_');
    }
    tag
}

/// The keys of the rows of the view that a statement may have changed, under the names of the view's key.
fn keys(kept: &Kept, source: &Upkeep, moment: Moment) -> String {
    let each: Vec<_> = moment
        .rows()
        .iter()
        .map(|row| {
            let transition = transition(row);
            match &source.keys {
                RowKeys::Columns(columns) => {
                    let columns = kept.source_columns(source.table, columns, transition);
                    format!("SELECT {} FROM {transition}", columns.join(", "))
                }
                RowKeys::Query(query) => format!(
                    "SELECT led.* FROM {transition} CROSS JOIN LATERAL (\n{}\n) AS led",
                    of_row(query, transition)
                ),
            }
        })
        .collect();
    // UNION leaves each once.
    let union = match each.as_slice() {
        [one] => format!("SELECT DISTINCT * FROM ({one}) AS one"),
        several => several.join(" UNION "),
    };
    let key = kept.key().join(", ");
    format!("SELECT * FROM ({union}) AS of_rows({key})")
}

fn transition(row: &str) -> &'static str {
    match row {
        "OLD" => "rows_before",
        _ => "rows_after",
    }
}

/// The buckets of the keys that a query gives.
fn bucket(kept: &Kept, keys: &str) -> String {
    let key = kept.key();
    let hashed: Vec<_> = kept
        .hashed
        .iter()
        .map(|&at| format!("changed.{}::text", key[at]))
        .collect();
    let bucket = match hashed.is_empty() {
        true => "0".to_owned(),
        // It need not be the same on other servers or versions: it counts while transactions run.
        false => format!(
            "hashtext(concat_ws(',', {})) & {}",
            hashed.join(", "),
            BUCKETS - 1
        ),
    };
    format!("SELECT DISTINCT {bucket} AS bucket FROM ({keys}) AS changed")
}

fn all_buckets() -> String {
    format!("SELECT generate_series(0, {}) AS bucket", BUCKETS - 1)
}

/// The statement that takes buckets, in their order; it makes those that nobody has taken yet.
fn taking(table: &TableDef, buckets: &str) -> String {
    let (locks, view) = (locks(table, Dialect::Postgres), literal(table));
    format!(
        "INSERT INTO {locks} AS held (view_name, bucket, turns) SELECT {view}, wanted.bucket, 1 FROM ({buckets}) AS wanted ORDER BY wanted.bucket ON CONFLICT (view_name, bucket) DO UPDATE SET turns = held.turns + 1"
    )
}

pub(super) fn lock_all(table: &TableDef) -> String {
    taking(table, &all_buckets())
}

/// The table of buckets. Its rows change in place: there is room in the page for their next versions.
pub(super) fn buckets(table: &TableDef) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (view_name VARCHAR(255) NOT NULL, bucket INT NOT NULL, turns BIGINT NOT NULL, PRIMARY KEY (view_name, bucket)) WITH (fillfactor = 50)",
        locks(table, Dialect::Postgres)
    )
}
