//! Graph values: an entity with what was loaded beside it.
use std::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};

use crate::schema::{Entity, Relation, expression::Aggregate};

/// The entity `E` with the relations of the list `L`: `With<User, (Loaded<user::Posts, Vec<Post>>, ())>`.
///
/// Dereferences to the entity. [`get`](With::get) answers for the relations that were loaded and does not compile for
/// others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct With<E, L> {
    entity: E,
    relations: L,
}

/// One loaded relation or figure: `S` selects it, `T` is its value.
#[derive(Debug)]
pub struct Loaded<S, T> {
    value: T,
    selector: PhantomData<fn() -> S>,
}

impl<S, T> Loaded<S, T> {
    /// A loaded value.
    pub fn new(value: T) -> Self {
        Self {
            value,
            selector: PhantomData,
        }
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value, owned.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<S, T: Clone> Clone for Loaded<S, T> {
    fn clone(&self) -> Self {
        Self::new(self.value.clone())
    }
}

impl<S, T: PartialEq> PartialEq for Loaded<S, T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<S, T: Eq> Eq for Loaded<S, T> {}

/// The position of the head of a list; names an impl of [`LoadedIn`].
#[derive(Debug)]
pub enum Here {}

/// A position in the tail of a list; names an impl of [`LoadedIn`].
#[derive(Debug)]
pub struct There<I>(PhantomData<I>);

/// The relation or figure is among those loaded.
///
/// `Self` is the relation and not the list, so that the compiler reports a relation that is missing by its name. A
/// relation that reaches the end of the list asks for [`Unloaded`], whose error is the derive's.
pub trait LoadedIn<List, Index> {
    /// What was loaded.
    type Value;

    /// The value in the list.
    fn get(list: &List) -> &Self::Value;

    /// The value in the list, to change.
    fn get_mut(list: &mut List) -> &mut Self::Value;

    /// The value out of the list.
    fn take(list: List) -> Self::Value;
}

impl<S, T, Tail> LoadedIn<(Loaded<S, T>, Tail), Here> for S {
    type Value = T;

    fn get(list: &(Loaded<S, T>, Tail)) -> &T {
        &list.0.value
    }

    fn get_mut(list: &mut (Loaded<S, T>, Tail)) -> &mut T {
        &mut list.0.value
    }

    fn take(list: (Loaded<S, T>, Tail)) -> T {
        list.0.value
    }
}

impl<S: LoadedIn<Tail, I>, Head, Tail, I> LoadedIn<(Head, Tail), There<I>> for S {
    type Value = S::Value;

    fn get(list: &(Head, Tail)) -> &S::Value {
        S::get(&list.1)
    }

    fn get_mut(list: &mut (Head, Tail)) -> &mut S::Value {
        S::get_mut(&mut list.1)
    }

    fn take(list: (Head, Tail)) -> S::Value {
        S::take(list.1)
    }
}

/// What a relation answers at the end of a list: an implementation whose condition never holds. The condition is a trait
/// that the derive makes for the relation, because only its message can name the const that the user wrote.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a query loads",
    label = "not loaded by the query that produced this value",
    note = "use a relation const of the entity, such as `User::POSTS`, or a figure of one, such as `User::POSTS.count()`"
)]
pub trait Unloaded<I> {
    /// Of no known type, so that the compiler has nothing else to say of it.
    type Value;

    /// Never called: whoever could call it does not compile.
    fn unloaded() -> ! {
        unreachable!("an unloaded relation was read")
    }
}

/// What the condition of [`Unloaded`] is about.
#[derive(Debug)]
pub struct ThisQuery<I>(PhantomData<I>);

/// What the compiler says where a figure is read and was not loaded; nothing implements it.
#[diagnostic::on_unimplemented(
    message = "this figure of relation `{R}` was not loaded here; add `.with(..)` of it to the query",
    label = "not loaded by the query that produced this value"
)]
pub trait FiguresLoadedBy<R> {
    /// Of no known type.
    type Value;
}

impl<R, K, T, I> Unloaded<I> for Aggregate<R, K, T>
where
    ThisQuery<I>: FiguresLoadedBy<R>,
{
    type Value = <ThisQuery<I> as FiguresLoadedBy<R>>::Value;
}

impl<R: Unloaded<I>, I> LoadedIn<(), I> for R {
    type Value = R::Value;

    fn get(_: &()) -> &R::Value {
        R::unloaded()
    }

    fn get_mut(_: &mut ()) -> &mut R::Value {
        R::unloaded()
    }

    fn take(_: ()) -> R::Value {
        R::unloaded()
    }
}

/// The relation or figure starts from the entity `E`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{E}`",
    label = "belongs to another entity",
    note = "use a relation const of the entity itself, such as `{E}::POSTS`"
)]
pub trait Selects<E> {}

impl<R: Relation> Selects<R::From> for R {}

impl<R: Relation, K, T> Selects<R::From> for Aggregate<R, K, T> {}

impl<E, L> With<E, L> {
    /// An entity with its loaded relations.
    pub fn new(entity: E, relations: L) -> Self {
        Self { entity, relations }
    }

    /// What was loaded for a relation (`&Vec<Post>`, `&Option<Profile>`, `&User`) or a figure (`&i64`).
    pub fn get<S, I, T>(&self, _relation: S) -> &T
    where
        S: Selects<E> + LoadedIn<L, I, Value = T>,
    {
        S::get(&self.relations)
    }

    /// What was loaded for a relation, to change in memory; nothing is saved by it.
    pub fn get_mut<S, I, T>(&mut self, _relation: S) -> &mut T
    where
        S: Selects<E> + LoadedIn<L, I, Value = T>,
    {
        S::get_mut(&mut self.relations)
    }

    /// The entity and what was loaded for one relation, both owned; the other relations are dropped.
    pub fn take<S, I, T>(self, _relation: S) -> (E, T)
    where
        S: Selects<E> + LoadedIn<L, I, Value = T>,
    {
        (self.entity, S::take(self.relations))
    }

    /// The entity without its relations.
    pub fn into_entity(self) -> E {
        self.entity
    }

    /// The entity and the list of its relations.
    pub fn into_parts(self) -> (E, L) {
        (self.entity, self.relations)
    }
}

impl<E, L> Deref for With<E, L> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.entity
    }
}

impl<E, L> DerefMut for With<E, L> {
    fn deref_mut(&mut self) -> &mut E {
        &mut self.entity
    }
}

impl<E, L> AsRef<E> for With<E, L> {
    fn as_ref(&self) -> &E {
        &self.entity
    }
}

/// A graph that has loaded the relation `R`: for functions that need no more. `I` is inferred.
pub trait Loads<R: Relation, I> {
    /// What was loaded.
    type Value;

    /// What was loaded for the relation.
    fn loaded(&self, relation: R) -> &Self::Value;
}

impl<E: Entity, L, R: Relation<From = E> + LoadedIn<L, I>, I> Loads<R, I> for With<E, L> {
    type Value = R::Value;

    fn loaded(&self, relation: R) -> &R::Value {
        self.get(relation)
    }
}

/// The name of a relation or figure in serialised graphs.
pub trait Named {
    /// The key beside the entity's columns.
    fn name() -> &'static str;
}

impl<R: Relation> Named for R {
    fn name() -> &'static str {
        R::def().name
    }
}

/// A list of loaded relations as entries of a map.
pub trait SerializeRelations {
    /// Adds the entries, in the order in which the relations were asked for.
    ///
    /// # Errors
    /// The serializer's.
    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl SerializeRelations for () {
    fn entries<M: SerializeMap>(&self, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

impl<S: Named, T: Serialize, Tail: SerializeRelations> SerializeRelations for (Loaded<S, T>, Tail) {
    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.1.entries(map)?;
        map.serialize_entry(S::name(), &self.0.value)
    }
}

struct Relations<'a, L>(&'a L);

impl<L: SerializeRelations> Serialize for Relations<'_, L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.entries(&mut map)?;
        map.end()
    }
}

/// Both halves in one map; serde's own flattening does the work.
#[derive(Serialize)]
#[serde(bound = "E: Serialize, L: SerializeRelations")]
struct Flat<'a, E, L: SerializeRelations> {
    #[serde(flatten)]
    entity: &'a E,
    #[serde(flatten)]
    relations: Relations<'a, L>,
}

impl<E: Serialize, L: SerializeRelations> Serialize for With<E, L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Flat {
            entity: &self.entity,
            relations: Relations(&self.relations),
        }
        .serialize(serializer)
    }
}

/// A list of loaded relations out of the entries of a map.
pub trait DeserializeRelations: Sized {
    /// Takes the entries by name; other entries stay.
    ///
    /// # Errors
    /// What is wrong with an entry, or that it is missing.
    fn from_entries(
        entries: &mut serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, String>;
}

impl DeserializeRelations for () {
    fn from_entries(_: &mut serde_json::Map<String, serde_json::Value>) -> Result<Self, String> {
        Ok(())
    }
}

impl<S: Named, T: serde::de::DeserializeOwned, Tail: DeserializeRelations> DeserializeRelations
    for (Loaded<S, T>, Tail)
{
    fn from_entries(
        entries: &mut serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, String> {
        let name = S::name();
        let value = entries
            .remove(name)
            .ok_or_else(|| format!("missing relation `{name}`"))?;
        let value =
            serde_json::from_value(value).map_err(|error| format!("relation `{name}`: {error}"))?;
        Ok((Loaded::new(value), Tail::from_entries(entries)?))
    }
}

/// Reads what [`Serialize`] wrote, by way of a JSON value.
impl<'de, E: serde::de::DeserializeOwned, L: DeserializeRelations> Deserialize<'de> for With<E, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut entries = serde_json::Map::deserialize(deserializer)?;
        let relations = L::from_entries(&mut entries).map_err(serde::de::Error::custom)?;
        let entity = serde_json::from_value(serde_json::Value::Object(entries))
            .map_err(serde::de::Error::custom)?;
        Ok(Self { entity, relations })
    }
}
