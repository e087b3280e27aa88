//! Which of the database's types hold the values of which of ours.
//!
//! A type fits if every value of the column can be read and every value of the field is one that the column may hold;
//! how many digits or characters there is room for is not looked at. A wider integer than the field's does not fit: a
//! value could come that cannot be read. SQLite has one integer type, so any fits there.
use crate::{dialect::Dialect, schema::SqlType};

/// Whether a column whose type the catalog calls `live` holds the values of `wanted`.
pub(super) fn fits(dialect: Dialect, wanted: SqlType, live: &str) -> bool {
    let live = live.trim().to_ascii_lowercase();
    match dialect {
        Dialect::Sqlite => sqlite(wanted, &live),
        Dialect::Postgres => postgres(wanted, &live),
        Dialect::Mysql => mysql(wanted, &live),
    }
}

/// By affinity: sqlite.org/datatype3.html, 3.1. A column without a type, or of type ANY, takes everything as it is.
fn sqlite(wanted: SqlType, live: &str) -> bool {
    if live.is_empty() || live == "any" {
        return true;
    }
    let has = |part: &str| live.contains(part);
    let integer = has("int");
    let text = !integer && (has("char") || has("clob") || has("text"));
    let blob = !integer && !text && has("blob");
    let real = !integer && !text && !blob && (has("real") || has("floa") || has("doub"));
    let numeric = !(integer || text || blob || real);
    match wanted {
        SqlType::Bool | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => integer || numeric,
        SqlType::Float | SqlType::Double | SqlType::Decimal => real || numeric,
        SqlType::Text | SqlType::Enum(_) => text,
        // The text of JSON that is one number must stay text, too.
        SqlType::Json | SqlType::Array(_) => text,
        // Text that looks like a date is no number, and stays what it is.
        SqlType::Date | SqlType::Time | SqlType::DateTime | SqlType::Timestamp => {
            text || numeric && (has("date") || has("time"))
        }
        SqlType::Bytes | SqlType::Uuid => blob,
    }
}

fn postgres(wanted: SqlType, live: &str) -> bool {
    let fitting: &[&str] = match wanted {
        SqlType::Bool => &["bool"],
        SqlType::SmallInt => &["int2"],
        SqlType::Int => &["int4", "int2"],
        SqlType::BigInt => &["int8", "int4", "int2"],
        SqlType::Float => &["float4"],
        SqlType::Double => &["float8", "float4"],
        SqlType::Decimal => &["numeric"],
        SqlType::Text | SqlType::Enum(_) => &["text", "varchar", "bpchar", "citext"],
        SqlType::Bytes => &["bytea"],
        SqlType::Date => &["date"],
        SqlType::Time => &["time"],
        SqlType::DateTime => &["timestamp"],
        SqlType::Timestamp => &["timestamptz"],
        SqlType::Uuid => &["uuid"],
        SqlType::Json => &["jsonb", "json"],
        SqlType::Array(element) => {
            return live
                .strip_prefix('_')
                .is_some_and(|live| postgres(*element, live));
        }
    };
    fitting.contains(&live)
}

fn mysql(wanted: SqlType, live: &str) -> bool {
    let name = live.split(['(', ' ']).next().unwrap_or(live);
    let fitting: &[&str] = match wanted {
        SqlType::Bool => &["tinyint"],
        SqlType::SmallInt => &["smallint", "tinyint"],
        SqlType::Int => &["int", "mediumint", "smallint", "tinyint"],
        SqlType::BigInt => &["bigint", "int", "mediumint", "smallint", "tinyint"],
        SqlType::Float => &["float"],
        SqlType::Double => &["double", "float"],
        SqlType::Decimal => &["decimal"],
        SqlType::Text => &[
            "varchar",
            "char",
            "text",
            "longtext",
            "mediumtext",
            "tinytext",
        ],
        SqlType::Enum(_) => &[
            "varchar",
            "char",
            "enum",
            "text",
            "longtext",
            "mediumtext",
            "tinytext",
        ],
        SqlType::Bytes => &[
            "varbinary",
            "binary",
            "blob",
            "longblob",
            "mediumblob",
            "tinyblob",
        ],
        SqlType::Date => &["date"],
        SqlType::Time => &["time"],
        SqlType::DateTime | SqlType::Timestamp => &["datetime", "timestamp"],
        SqlType::Uuid => return live == "binary(16)" || live == "uuid",
        // MariaDB's JSON is LONGTEXT with a check.
        SqlType::Json | SqlType::Array(_) => &["json", "longtext"],
    };
    fitting.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [SqlType; 17] = [
        SqlType::Bool,
        SqlType::SmallInt,
        SqlType::Int,
        SqlType::BigInt,
        SqlType::Float,
        SqlType::Double,
        SqlType::Decimal,
        SqlType::Text,
        SqlType::Bytes,
        SqlType::Date,
        SqlType::Time,
        SqlType::DateTime,
        SqlType::Timestamp,
        SqlType::Uuid,
        SqlType::Json,
        SqlType::Enum(&["a"]),
        SqlType::Array(&SqlType::Int),
    ];

    #[test]
    fn on_sqlite_what_we_create_fits() {
        for wanted in TYPES {
            let name = Dialect::Sqlite.type_name(wanted, None);
            assert!(fits(Dialect::Sqlite, wanted, &name), "{wanted:?} {name}");
        }
    }

    #[test]
    fn on_mysql_what_we_create_fits() {
        for wanted in TYPES {
            let name = Dialect::Mysql.type_name(wanted, None);
            // The catalog's own word for it.
            let name = if name == "boolean" {
                "tinyint(1)"
            } else {
                &name
            };
            assert!(fits(Dialect::Mysql, wanted, name), "{wanted:?} {name}");
        }
    }

    #[test]
    fn other_spellings_of_a_family_fit() {
        for (dialect, wanted, live) in [
            (Dialect::Sqlite, SqlType::Text, "NVARCHAR(160)"),
            (Dialect::Sqlite, SqlType::BigInt, "int unsigned"),
            (Dialect::Sqlite, SqlType::DateTime, "DATETIME"),
            (Dialect::Sqlite, SqlType::Decimal, "NUMERIC(10,2)"),
            (Dialect::Postgres, SqlType::Text, "varchar"),
            (Dialect::Postgres, SqlType::BigInt, "int4"),
            (Dialect::Postgres, SqlType::Array(&SqlType::Int), "_int4"),
            (Dialect::Mysql, SqlType::BigInt, "int(10) unsigned"),
            (Dialect::Mysql, SqlType::Enum(&["a"]), "enum('a')"),
        ] {
            assert!(fits(dialect, wanted, live), "{wanted:?} {live}");
        }
    }

    #[test]
    fn what_would_lose_or_refuse_values_does_not_fit() {
        for (dialect, wanted, live) in [
            // The famous one: it has numeric affinity.
            (Dialect::Sqlite, SqlType::Text, "STRING"),
            (Dialect::Sqlite, SqlType::Timestamp, "INTEGER"),
            (Dialect::Sqlite, SqlType::Uuid, "TEXT"),
            (Dialect::Postgres, SqlType::Int, "int8"),
            (Dialect::Postgres, SqlType::Timestamp, "timestamp"),
            (Dialect::Postgres, SqlType::Text, "mood"),
            (Dialect::Postgres, SqlType::Array(&SqlType::Int), "_text"),
            (Dialect::Mysql, SqlType::Uuid, "char(36)"),
            (Dialect::Mysql, SqlType::Bool, "bit(1)"),
        ] {
            assert!(!fits(dialect, wanted, live), "{wanted:?} {live}");
        }
    }
}
