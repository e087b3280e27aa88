//! What a file that defines or queries entities needs: `use entourage::prelude::*;`.
pub use crate::{
    DbEnum, DbNewtype, Embedded, Entity, Error, ErrorKind, Graph, Result, Shape, View, args,
    eager::{Include, RelationQuery, Shape as _, Strategy, Tree, With},
    repository::{Cursor, NewEntity, Page, PageOf, Patch, Query, RawSql, Repository},
    schema::{
        Column, Entity as _, Filter, Relation, View as _, Writable,
        expression::{IntoOrder, RelationFilters, escape_like},
        value::Json,
    },
};
