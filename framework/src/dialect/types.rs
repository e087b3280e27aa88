//! How each dialect spells the SQL types.
use super::Dialect;
use crate::schema::SqlType;

impl Dialect {
    /// The type's name in DDL and casts; `length` is the length of a text in characters (of binary
    /// data in bytes, MySQL only), where there is one.
    pub fn type_name(self, sql_type: SqlType, length: Option<u32>) -> String {
        match self {
            Dialect::Sqlite => sqlite(sql_type).to_owned(),
            Dialect::Postgres => postgres(sql_type, length),
            Dialect::Mysql => mysql(sql_type, length),
        }
    }
}

/// Names that give a column the right affinity: sqlite.org/datatype3.html.
fn sqlite(sql_type: SqlType) -> &'static str {
    match sql_type {
        SqlType::Bool => "BOOLEAN",
        SqlType::SmallInt | SqlType::Int | SqlType::BigInt => "INTEGER",
        SqlType::Float | SqlType::Double => "REAL",
        SqlType::Decimal => "NUMERIC",
        SqlType::Text | SqlType::Enum(_) | SqlType::Json | SqlType::Array(_) => "TEXT",
        SqlType::Date | SqlType::Time | SqlType::DateTime | SqlType::Timestamp => "TEXT",
        SqlType::Bytes | SqlType::Uuid => "BLOB",
    }
}

fn postgres(sql_type: SqlType, length: Option<u32>) -> String {
    match (sql_type, length) {
        (SqlType::Array(element), _) => format!("{}[]", postgres(*element, None)),
        (SqlType::Text, Some(length)) => format!("varchar({length})"),
        _ => match sql_type {
            SqlType::Bool => "boolean",
            SqlType::SmallInt => "smallint",
            SqlType::Int => "integer",
            SqlType::BigInt => "bigint",
            SqlType::Float => "real",
            SqlType::Double => "double precision",
            SqlType::Decimal => "numeric",
            SqlType::Text | SqlType::Enum(_) | SqlType::Array(_) => "text",
            SqlType::Bytes => "bytea",
            SqlType::Date => "date",
            SqlType::Time => "time",
            SqlType::DateTime => "timestamp",
            SqlType::Timestamp => "timestamptz",
            SqlType::Uuid => "uuid",
            SqlType::Json => "jsonb",
        }
        .to_owned(),
    }
}

fn mysql(sql_type: SqlType, length: Option<u32>) -> String {
    match (sql_type, length) {
        (SqlType::Text, Some(length)) => format!("varchar({length})"),
        (SqlType::Bytes, Some(length)) => format!("varbinary({length})"),
        (SqlType::Enum(labels), _) => {
            let longest = labels
                .iter()
                .map(|label| label.chars().count())
                .max()
                .unwrap_or(1);
            format!("varchar({})", longest.max(1))
        }
        _ => match sql_type {
            SqlType::Bool => "boolean",
            SqlType::SmallInt => "smallint",
            SqlType::Int => "int",
            SqlType::BigInt => "bigint",
            SqlType::Float => "float",
            SqlType::Double => "double",
            SqlType::Decimal => "decimal(38, 10)",
            SqlType::Text | SqlType::Enum(_) => "longtext",
            SqlType::Bytes => "longblob",
            SqlType::Date => "date",
            SqlType::Time => "time(6)",
            SqlType::DateTime | SqlType::Timestamp => "datetime(6)",
            SqlType::Uuid => "binary(16)",
            SqlType::Json | SqlType::Array(_) => "json",
        }
        .to_owned(),
    }
}
