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
        "{wanted} SELECT wanted.at, wanted.kind IN ('v', 'm', 'f'), c.attname::text, \
         coalesce(base.typname, t.typname)::text, NOT c.attnotnull, c.atthasdef OR c.attidentity <> '' \
         FROM wanted JOIN pg_catalog.pg_attribute AS c ON c.attrelid = wanted.id \
         JOIN pg_catalog.pg_type AS t ON t.oid = c.atttypid \
         LEFT JOIN pg_catalog.pg_type AS base ON base.oid = t.typbasetype \
         WHERE c.attnum > 0 AND NOT c.attisdropped ORDER BY wanted.at, c.attnum"
    );
    (sql, args)
}

pub(super) fn indexes(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    let (wanted, args) = wanted(tables);
    let sql = format!(
        "{wanted} SELECT wanted.at, named.relname::text, i.indisunique, i.indisprimary, c.attname::text \
         FROM wanted JOIN pg_catalog.pg_index AS i ON i.indrelid = wanted.id \
         JOIN pg_catalog.pg_class AS named ON named.oid = i.indexrelid \
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS part (attnum, seq) \
         LEFT JOIN pg_catalog.pg_attribute AS c ON c.attrelid = wanted.id AND c.attnum = part.attnum \
         WHERE i.indpred IS NULL AND i.indisvalid AND part.seq <= i.indnkeyatts \
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
