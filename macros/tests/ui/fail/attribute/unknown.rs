//! An unknown attribute is answered with the nearest known one, and with nothing else: all names still exist.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(tabel = "people")]
struct User {
    #[entity(primary_key, generated)]
    id: i64,
    #[entity(lenght = 20)]
    name: String,
    #[entity(colour)]
    hair: String,
}

fn main() {
    let _ = (User::ID, User::NAME, NewUser::new(String::new(), String::new()), UserPatch::default());
    let _: Option<UserRepository<'_>> = None;
}
