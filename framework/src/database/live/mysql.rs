//! MySQL's and MariaDB's catalog. One branch for each table, with constants: for these the information schema opens one
//! table, where a join would open all of them.
use crate::schema::{TableDef, Value};

/// `select` for each table, in the order of the columns at `order`. In `select`, `{at}` is the table's position, and
/// `{alias.schema.name}` a condition on those two columns of `alias`.
fn each(
    tables: &[&'static TableDef],
    select: &str,
    conditions: &[(&str, &str)],
    order: &str,
) -> (String, Vec<Value>) {
    let mut branches = Vec::with_capacity(tables.len());
    let mut args = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let mut branch = format!("SELECT {at}, {select}");
        for (index, (schema, name)) in conditions.iter().enumerate() {
            let word = if index == 0 { "WHERE" } else { "AND" };
            let database = match table.schema {
                Some(schema) => {
                    args.push(Value::String(Some(schema.to_owned())));
                    "?"
                }
                None => "DATABASE()",
            };
            args.push(Value::String(Some(table.name.to_owned())));
            branch.push_str(&format!(" {word} {schema} = {database} AND {name} = ?"));
        }
        branches.push(branch);
    }
    let sql = format!("{} ORDER BY {order}", branches.join(" UNION ALL "));
    (sql, args)
}

/// MariaDB writes the default of a column that may be NULL as the word.
pub(super) fn columns(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    each(
        tables,
        "t.table_type LIKE '%VIEW', 0, CAST(c.column_name AS CHAR), CAST(c.column_type AS CHAR), \
         c.is_nullable = 'YES', (c.column_default IS NOT NULL AND c.column_default <> 'NULL') \
         OR c.extra LIKE '%auto_increment%' OR c.extra LIKE '%GENERATED%', c.ordinal_position \
         FROM information_schema.columns AS c JOIN information_schema.tables AS t \
         ON t.table_schema = c.table_schema AND t.table_name = c.table_name",
        &[
            ("c.table_schema", "c.table_name"),
            ("t.table_schema", "t.table_name"),
        ],
        "1, 8",
    )
}

/// A unique index is a constraint as well as an index; two of them over the same columns are one too many.
pub(super) fn indexes(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    each(
        tables,
        "CAST(i.index_name AS CHAR), i.non_unique = 0, i.index_name = 'PRIMARY', i.index_name = 'PRIMARY', 0, \
         i.index_type = 'BTREE', 1, CAST(i.column_name AS CHAR), i.sub_part IS NULL, i.sub_part IS NULL, \
         coalesce(i.collation = 'D', 0), coalesce(CAST(i.sub_part AS CHAR), ''), 0, i.seq_in_index FROM information_schema.statistics AS i",
        &[("i.table_schema", "i.table_name")],
        "1, 2, 15",
    )
}

pub(super) fn foreign_keys(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    each(
        tables,
        "CAST(k.constraint_name AS CHAR), CAST(k.column_name AS CHAR), \
         CAST(k.referenced_table_schema AS CHAR), CAST(k.referenced_table_name AS CHAR), \
         CAST(k.referenced_column_name AS CHAR), CAST(r.delete_rule AS CHAR), k.ordinal_position \
         FROM information_schema.key_column_usage AS k JOIN information_schema.referential_constraints AS r \
         ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name",
        &[
            ("k.table_schema", "k.table_name"),
            ("r.constraint_schema", "r.table_name"),
        ],
        "1, 2, 8",
    )
}

/// Whether MariaDB's user statistics are on, and whether the performance schema is.
pub(super) fn switches(mariadb: bool) -> &'static str {
    match mariadb {
        true => "SELECT 0, NULL, @@userstat, @@performance_schema, NULL",
        false => "SELECT 0, NULL, 0, @@performance_schema, NULL",
    }
}

/// An index that was not read is not in it.
pub(super) fn user_statistics(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    each(
        tables,
        "CAST(i.index_name AS CHAR), CAST(coalesce(i.rows_read, 0) AS SIGNED), CAST(t.rows_read AS SIGNED), \
         NULL FROM information_schema.table_statistics AS t LEFT JOIN information_schema.index_statistics AS i \
         ON i.table_schema = t.table_schema AND i.table_name = t.table_name",
        &[("t.table_schema", "t.table_name")],
        "1, 2",
    )
}

/// A row without an index is about reads without one.
pub(super) fn performance_schema(tables: &[&'static TableDef]) -> (String, Vec<Value>) {
    each(
        tables,
        "CAST(i.index_name AS CHAR), CAST(i.count_read AS SIGNED), CAST(t.count_read AS SIGNED), NULL \
         FROM performance_schema.table_io_waits_summary_by_index_usage AS i \
         JOIN performance_schema.table_io_waits_summary_by_table AS t \
         ON t.object_schema = i.object_schema AND t.object_name = i.object_name",
        &[("i.object_schema", "i.object_name")],
        "1, 2",
    )
}
