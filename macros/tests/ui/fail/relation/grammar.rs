//! A relation has a name, a target, and the settings of its kind.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts))]
#[entity(belongs_to())]
#[entity(has_one = profile)]
#[entity(many_to_many(groups: User))]
#[entity(many_to_many(friends: User, through = User))]
#[entity(has_many(fans: User, foreign_key = fan_of, through = User, optional))]
#[entity(belongs_to(fan: User, foreign_key = fan_of, on_delete = cascad))]
#[entity(belongs_to(idol: User, foreign_key = fan_of, on_delete = set_null, foreignkey = id))]
struct User {
    #[entity(primary_key)]
    id: i64,
    fan_of: i64,
}

fn main() {}
