//! What inserts and patches take, and sets of columns.
use std::fmt;

use crate::schema::{Column, ColumnValue, Entity, Value, Writable};

/// A row to be inserted; the derived `NewUser`.
pub trait NewEntity: Send {
    /// The entity it becomes.
    type Entity: Writable;

    /// One entry for each column of the table; `None` leaves the column to its default.
    fn into_values(self) -> Vec<Option<Value>>;

    /// The same row with a value for one more column: for columns that the derived struct leaves out, because the database
    /// or the framework makes their values. Rows that come from elsewhere keep theirs by it:
    ///
    /// ```
    /// # use entourage::{Database, prelude::*};
    /// # use chrono::{DateTime, Utc};
    /// # #[derive(Debug, Clone, Entity)]
    /// # pub struct User {
    /// #     #[entity(primary_key, generated)]
    /// #     pub id: i64,
    /// #     pub name: String,
    /// #     #[entity(created_at)]
    /// #     pub created_at: DateTime<Utc>,
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.create_schema::<User>().await?;
    /// # let old_users = [("Ada", DateTime::from_timestamp(0, 0).unwrap())];
    /// # let users = UserRepository::new(&db);
    /// let rows = old_users.map(|(name, joined)| {
    ///     NewUser { name: name.into() }.set(User::CREATED_AT, joined)
    /// });
    /// let imported = users.insert_many(rows).await?;
    /// # assert_eq!(imported[0].created_at.timestamp(), 0);
    /// # Ok(()) }
    /// ```
    ///
    /// A key that the database would make can be set as well. PostgreSQL's counter knows nothing of such a key: move it
    /// when the import is done, `SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users`.
    fn set<T: ColumnValue>(
        self,
        column: Column<Self::Entity, T>,
        value: impl Into<T>,
    ) -> NewWith<Self>
    where
        Self: Sized,
    {
        NewWith {
            new: self,
            set: vec![(column.position(), value.into().to_value())],
        }
    }
}

/// A row to be inserted with values for columns that its struct leaves out; made by [`NewEntity::set`].
#[derive(Clone)]
#[must_use = "a row is not inserted before a repository does it"]
pub struct NewWith<N> {
    new: N,
    set: Vec<(usize, Value)>,
}

impl<N: NewEntity> NewWith<N> {
    /// A value for one more column.
    pub fn set<T: ColumnValue>(
        mut self,
        column: Column<N::Entity, T>,
        value: impl Into<T>,
    ) -> Self {
        self.set.push((column.position(), value.into().to_value()));
        self
    }
}

/// Without the values, which may be sensitive.
impl<N: NewEntity + fmt::Debug> fmt::Debug for NewWith<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = &N::Entity::table().columns;
        let set: Vec<_> = self.set.iter().map(|(at, _)| columns[*at].field).collect();
        f.debug_struct("NewWith")
            .field("new", &self.new)
            .field("set", &set)
            .finish()
    }
}

impl<N: NewEntity> NewEntity for NewWith<N> {
    type Entity = N::Entity;

    fn into_values(self) -> Vec<Option<Value>> {
        let mut values = self.new.into_values();
        for (column, value) in self.set {
            values[column] = Some(value);
        }
        values
    }
}

/// Changes to a row; the derived `UserPatch`.
pub trait Patch: Send {
    /// The entity it changes.
    type Entity: Writable;

    /// The columns to change, by position, with their new values.
    fn into_changes(self) -> Vec<(usize, Value)>;
}

/// One column of `E`, or a tuple of them: `User::EMAIL`, `(Seat::ROW, Seat::NUMBER)`.
pub trait ColumnSet<E>: Send {
    /// The columns' positions.
    fn positions(self) -> Vec<usize>;
}

impl<E: Entity, T: ColumnValue> ColumnSet<E> for Column<E, T> {
    fn positions(self) -> Vec<usize> {
        vec![self.position()]
    }
}

macro_rules! column_sets {
    ($(($($name:ident $index:tt),+);)*) => {
        $(impl<Owner: Entity, $($name: ColumnValue),+> ColumnSet<Owner> for ($(Column<Owner, $name>,)+) {
            fn positions(self) -> Vec<usize> {
                vec![$(self.$index.position()),+]
            }
        })*
    };
}

column_sets! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}
