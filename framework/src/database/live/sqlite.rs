//! SQLite's catalog: its pragmas as table-valued functions.
use crate::schema::{TableDef, Value};

/// What is asked for: `wanted (at, name, namespace)`.
fn wanted(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let mut rows = Vec::with_capacity(tables.len());
    let mut args = Vec::with_capacity(2 * tables.len());
    for (at, table) in tables.iter().enumerate() {
        rows.push(format!("({at}, ?, ?)"));
        args.push(Value::String(Some(table.name.to_owned())));
        args.push(Value::String(table.schema.map(str::to_owned)));
    }
    let wanted = format!(
        "WITH wanted (at, name, namespace) AS (VALUES {})",
        rows.join(", ")
    );
    (wanted, args)
}

/// A lone `INTEGER PRIMARY KEY` is another name of the rowid, which is counted; it is never NULL, though nothing says so.
/// Hidden 1 are columns of virtual tables that are no data; 2 and 3 are computed ones.
pub(super) fn columns(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let (wanted, args) = wanted(tables);
    let sql = format!(
        "{wanted} SELECT wanted.at, coalesce((SELECT min(t.type = 'view') FROM pragma_table_list(wanted.name) AS t \
         WHERE t.schema = coalesce(wanted.namespace, t.schema)), 0), 0, c.name, c.type, \
         c.\"notnull\" = 0 AND c.pk = 0, \
         c.dflt_value IS NOT NULL OR c.hidden > 1 OR (c.pk = 1 AND upper(c.type) = 'INTEGER' \
         AND (SELECT max(k.pk) FROM pragma_table_xinfo(wanted.name, wanted.namespace) AS k) = 1) \
         FROM wanted JOIN pragma_table_xinfo(wanted.name, wanted.namespace) AS c \
         WHERE c.hidden <> 1 ORDER BY wanted.at, c.cid"
    );
    (sql, args)
}

/// The rowid is a primary key without an index, so that primary keys come from the columns.
pub(super) fn indexes(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let (wanted, args) = wanted(tables);
    let sql = format!(
        "{wanted} SELECT wanted.at, i.name, i.\"unique\", 0, i.origin <> 'c', i.partial, 1, 1, \
         c.name, 1, c.coll = 'BINARY', c.desc, coalesce(c.coll, ''), 0, c.seqno \
         FROM wanted JOIN pragma_index_list(wanted.name, wanted.namespace) AS i \
         JOIN pragma_index_xinfo(i.name, wanted.namespace) AS c ON c.key \
         WHERE i.origin <> 'pk' \
         UNION ALL SELECT wanted.at, '', 1, 1, 1, 0, 1, 1, c.name, 1, 1, 0, 'BINARY', 0, c.pk \
         FROM wanted JOIN pragma_table_xinfo(wanted.name, wanted.namespace) AS c WHERE c.pk > 0 \
         ORDER BY 1, 2, 15"
    );
    (sql, args)
}

pub(super) fn foreign_keys(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let (wanted, args) = wanted(tables);
    let sql = format!(
        "{wanted} SELECT wanted.at, CAST(f.id AS TEXT), f.\"from\", NULL, f.\"table\", f.\"to\", f.on_delete \
         FROM wanted JOIN pragma_foreign_key_list(wanted.name, wanted.namespace) AS f \
         ORDER BY wanted.at, f.id, f.seq"
    );
    (sql, args)
}
