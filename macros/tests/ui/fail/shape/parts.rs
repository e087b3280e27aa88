//! A part of a shape is a shape of the same entity, an embedded struct the one that is there, and arguments are given.
use entourage::prelude::*;

#[derive(Debug, Clone, Embedded)]
pub struct Address {
    pub city: String,
}

#[derive(Debug, Clone, Embedded)]
pub struct Size {
    pub width: i64,
}

#[derive(Debug, Clone, Entity)]
pub struct User {
    #[entity(primary_key)]
    pub id: i64,
    pub name: String,
    #[entity(embedded)]
    pub home: Address,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct NoPart {
    #[shape(flatten)]
    part: String,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct OtherStruct {
    #[shape(embedded)]
    home: Size,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User, args = i64)]
struct Choosy {
    name: String,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct WithoutArguments {
    #[shape(flatten)]
    part: Choosy,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
struct Misplaced {
    #[shape(args = 3)]
    name: String,
}

fn main() {
    let _ = |users: UserRepository<'static>| users.shape::<Choosy>();
}
