//! One entity, or a tuple of several: what the schema is created of and checked against.
use super::{entity::Entity, table::TableDef};

/// Entities whose tables are created or checked together: `User`, `(User, Post)`, up to sixteen in a tuple, and tuples
/// of tuples for more.
///
/// ```
/// # use entourage::prelude::*;
/// # #[derive(Clone, Debug, Entity)]
/// # #[entity(table = "users")]
/// # struct User { #[entity(primary_key)] id: i64 }
/// # #[derive(Clone, Debug, Entity)]
/// # #[entity(table = "posts")]
/// # struct Post { #[entity(primary_key)] id: i64 }
/// use entourage::schema::EntitySet;
///
/// type Blog = (User, Post);
/// assert_eq!(Blog::tables().len(), 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity, nor a tuple of entities",
    label = "expected an entity or a tuple of up to sixteen",
    note = "derive `Entity` or `View` for it; put more than sixteen entities into tuples of tuples: `((A, B), (C, D))`"
)]
pub trait EntitySet {
    /// The entities' tables, in the order given.
    fn tables() -> Vec<&'static TableDef>;
}

impl<E: Entity> EntitySet for E {
    fn tables() -> Vec<&'static TableDef> {
        vec![E::table()]
    }
}

macro_rules! tuples {
    ($(($($name:ident)+))*) => {
        $(impl<$($name: EntitySet),+> EntitySet for ($($name,)+) {
            fn tables() -> Vec<&'static TableDef> {
                let mut tables = Vec::new();
                $(tables.extend($name::tables());)+
                tables
            }
        })*
    };
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
    (A B C D E F G H I J K)
    (A B C D E F G H I J K L)
    (A B C D E F G H I J K L M)
    (A B C D E F G H I J K L M N)
    (A B C D E F G H I J K L M N O)
    (A B C D E F G H I J K L M N O P)
}
