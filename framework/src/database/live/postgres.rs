//! PostgreSQL's catalog. A table without a schema's name is looked up along the search path, as statements do.
use crate::{
    dialect::Dialect,
    schema::{TableDef, Value},
    statement::ddl,
};

/// What is asked for: `wanted (at, id)`, without tables that are not there.
fn wanted(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let mut rows = Vec::with_capacity(tables.len());
    let mut args = Vec::with_capacity(tables.len());
    for (at, table) in tables.iter().enumerate() {
        rows.push(format!("({at}, CAST(${} AS text))", at + 1));
        let name = ddl::table_name(table, Dialect::Postgres);
        args.push(Value::String(Some(name)));
    }
    let wanted = format!(
        "WITH wanted AS (SELECT named.at, c.oid AS id, c.relkind AS kind \
         FROM (VALUES {}) AS named (at, name) \
         JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass(named.name) \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f'))",
        rows.join(", ")
    );
    (wanted, args)
}

/// A domain counts as the type it is made of.
pub(super) fn columns(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let (wanted, args) = wanted(tables);
    let sql = format!(
        "{wanted} SELECT wanted.at, wanted.kind IN ('v', 'm', 'f'), wanted.kind = 'm', c.attname::text, \
         coalesce(base.typname, t.typname)::text, NOT c.attnotnull, c.atthasdef OR c.attidentity <> '' \
         FROM wanted JOIN pg_catalog.pg_attribute AS c ON c.attrelid = wanted.id \
         JOIN pg_catalog.pg_type AS t ON t.oid = c.atttypid \
         LEFT JOIN pg_catalog.pg_type AS base ON base.oid = t.typbasetype \
         WHERE c.attnum > 0 AND NOT c.attisdropped ORDER BY wanted.at, c.attnum"
    );
    (sql, args)
}

/// A foreign key that refers to a unique index needs it as a constraint does, and so do replication, clustering, and the
/// index of the partitioned table. One that is not complete is left out while somebody makes it, and if it is a partitioned
/// table's, which waits for those of its partitions. What is told of a part beside its direction are its operators, its collation, where
/// NULLs are, and what the index promises of them and until when. (NULLS NOT DISTINCT has a column since PostgreSQL 15.)
pub(super) fn indexes(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let (wanted, args) = wanted(tables);
    let sql = format!(
        "{wanted} SELECT wanted.at, named.relname::text, i.indisunique, i.indisprimary, \
         EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid) \
         OR i.indisreplident OR i.indisclustered \
         OR EXISTS (SELECT 1 FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = i.indexrelid), \
         i.indpred IS NOT NULL, m.amname = 'btree', i.indisvalid, c.attname::text, TRUE, \
         coalesce(o.opcdefault AND i.indcollation[part.seq::int - 1] = c.attcollation \
         AND i.indoption[part.seq::int - 1] IN (0, 3), FALSE), \
         coalesce(i.indoption[part.seq::int - 1] & 1, 0) = 1, \
         concat_ws(' ', i.indclass[part.seq::int - 1], i.indcollation[part.seq::int - 1], \
         i.indoption[part.seq::int - 1] & 2, i.indisunique AND NOT i.indimmediate, \
         strpos(pg_catalog.pg_get_indexdef(i.indexrelid), 'NULLS NOT DISTINCT') > 0), part.seq > i.indnkeyatts \
         FROM wanted JOIN pg_catalog.pg_index AS i ON i.indrelid = wanted.id \
         JOIN pg_catalog.pg_class AS named ON named.oid = i.indexrelid \
         JOIN pg_catalog.pg_am AS m ON m.oid = named.relam \
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS part (attnum, seq) \
         LEFT JOIN pg_catalog.pg_attribute AS c ON c.attrelid = wanted.id AND c.attnum = part.attnum \
         LEFT JOIN pg_catalog.pg_opclass AS o ON o.oid = i.indclass[part.seq::int - 1] \
         WHERE i.indisvalid OR (named.relkind = 'i' AND NOT EXISTS \
         (SELECT 1 FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)) \
         ORDER BY wanted.at, named.relname, part.seq"
    );
    (sql, args)
}

pub(super) fn foreign_keys(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let (wanted, args) = wanted(tables);
    let sql = format!(
        "{wanted} SELECT wanted.at, k.conname::text, c.attname::text, n.nspname::text, target.relname::text, \
         pointed.attname::text, CASE k.confdeltype WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' \
         WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END \
         FROM wanted JOIN pg_catalog.pg_constraint AS k ON k.conrelid = wanted.id AND k.contype = 'f' \
         JOIN pg_catalog.pg_class AS target ON target.oid = k.confrelid \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = target.relnamespace \
         CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS part (source, target, seq) \
         JOIN pg_catalog.pg_attribute AS c ON c.attrelid = k.conrelid AND c.attnum = part.source \
         JOIN pg_catalog.pg_attribute AS pointed ON pointed.attrelid = k.confrelid AND pointed.attnum = part.target \
         ORDER BY wanted.at, k.conname, part.seq"
    );
    (sql, args)
}

/// An index of a partitioned table has no statistics of its own.
pub(super) fn usage(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let (wanted, args) = wanted(tables);
    let sql = format!(
        "{wanted} SELECT wanted.at, s.indexrelname::text, s.idx_scan, \
         coalesce(t.seq_scan, 0) + coalesce(t.idx_scan, 0), \
         to_char(d.stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"') \
         FROM wanted JOIN pg_catalog.pg_stat_user_indexes AS s ON s.relid = wanted.id \
         JOIN pg_catalog.pg_stat_user_tables AS t ON t.relid = wanted.id \
         LEFT JOIN pg_catalog.pg_stat_database AS d ON d.datname = current_database() \
         ORDER BY wanted.at, s.indexrelname"
    );
    (sql, args)
}
