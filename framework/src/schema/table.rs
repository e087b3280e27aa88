//! The description of one entity's table: plain data, built once per entity and read by every layer above.
use super::{
    cached::CacheDef,
    entity::Entity,
    key::KeyPart,
    relation::RelationDef,
    value::{SqlType, Value},
    view::ViewDef,
};

/// A value that a column gets when an insert leaves it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// None: an insert must give the value.
    None,
    /// The database counts: auto-increment or identity.
    Generated,
    /// An SQL expression in the column's DEFAULT clause.
    Sql(&'static str),
    /// A value made by the client before the insert: a UUID v7.
    ClientUuid,
}

/// One column of a table.
#[derive(Debug, Clone)]
pub struct ColumnDef {
    /// The column's name in SQL.
    pub name: &'static str,
    /// The field's name in Rust; `address.street` for a column of an embedded struct.
    pub field: &'static str,
    /// The SQL type.
    pub sql_type: SqlType,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// What an insert that leaves the column out gets.
    pub default: Default,
    /// A length in characters for text, where the user gave one.
    pub length: Option<u32>,
    /// Whether the value must never be shown in logs.
    pub sensitive: bool,
}

/// A unique constraint or a plain index over columns (by position in the table).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDef {
    /// The columns in order.
    pub columns: Vec<usize>,
    /// Whether the index is unique.
    pub unique: bool,
}

/// One table as its entity sees it.
///
/// Compared by identity: there is one `TableDef` per entity type.
#[derive(Debug)]
pub struct TableDef {
    /// The entity's name in Rust, for messages.
    pub entity: &'static str,
    /// The table's name in SQL.
    pub name: &'static str,
    /// The schema (PostgreSQL) or database (MySQL) the table is in, if named.
    pub schema: Option<&'static str>,
    /// The columns, in the order in which the entity reads and writes them.
    pub columns: Vec<ColumnDef>,
    /// Positions of the primary key's columns.
    pub primary_key: Vec<usize>,
    /// Unique constraints and indexes beside the primary key.
    pub indexes: Vec<IndexDef>,
    /// Position of the optimistic lock's column.
    pub version: Option<usize>,
    /// Position of the column that takes the time of the insert.
    pub created_at: Option<usize>,
    /// Position of the column that takes the time of every write.
    pub updated_at: Option<usize>,
    /// Position of the column that marks a row as deleted.
    pub deleted_at: Option<usize>,
    /// Position of the column that says on which shard a row is, where its rows are spread over several databases.
    pub shard_key: Option<usize>,
    /// How its rows are kept in the result cache, if they are.
    pub cache: Option<CacheDef>,
    /// The query behind it, if it is a view.
    pub view: Option<&'static ViewDef>,
    /// The entity's relations. A function, because relations point at tables in cycles.
    pub relations: fn() -> Vec<&'static RelationDef>,
}

impl TableDef {
    /// The position of the column whose SQL name or Rust field is `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.name == name || column.field == name)
    }

    /// The identity of the table's form, the same in every process: what was written down of rows in one form is not read
    /// as another.
    pub(crate) fn fingerprint(&self) -> u64 {
        // FNV-1a: a hash for files must never change, and this one is four lines.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take = |text: &str| {
            for byte in text.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        take(self.schema.unwrap_or_default());
        take(self.name);
        for column in &self.columns {
            take(column.name);
            take(&format!("{:?}", column.sql_type));
        }
        take(&format!("{:?} {:?}", self.primary_key, self.version));
        hash
    }

    /// Whether `self` and `other` describe the same entity.
    pub fn is(&self, other: &TableDef) -> bool {
        std::ptr::eq(self, other)
    }

    /// Whether no two rows can agree in `columns`: they hold the primary key or a unique index.
    pub fn is_unique(&self, columns: &[usize]) -> bool {
        let covered = |unique: &[usize]| {
            !unique.is_empty() && unique.iter().all(|column| columns.contains(column))
        };
        covered(&self.primary_key)
            || self
                .indexes
                .iter()
                .any(|index| index.unique && covered(&index.columns))
    }

    /// The position of the database-generated key column, if there is one.
    pub fn generated(&self) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.default == Default::Generated)
    }
}

/// The values of `columns` in `entity`.
pub fn values_of<E: Entity>(entity: &E, columns: &[usize]) -> Vec<Value> {
    columns.iter().map(|&column| entity.value(column)).collect()
}

/// The hashable key made of `columns` in `entity`; `None` if any part is NULL.
pub fn key_of<E: Entity>(entity: &E, columns: &[usize]) -> Option<KeyPart> {
    KeyPart::from_values(columns.iter().map(|&column| entity.value(column)))
}
