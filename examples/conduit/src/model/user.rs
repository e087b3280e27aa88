//! Users, and who follows whom.
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entourage::{Database, prelude::*};

use super::article::{Article, Favorite};
use crate::{auth::Passwords, error::Error, input::Checks};

/// Somebody with an account.
#[derive(Debug, Clone, Entity)]
#[entity(table = "users")]
#[entity(many_to_many(favorites: Article, through = Favorite))]
#[entity(many_to_many(followed: User, through = Follow, from_key = follower_id, to_key = followed_id))]
#[entity(has_many(followers: Follow, foreign_key = followed_id))]
pub struct User {
    /// The key.
    #[entity(primary_key, generated)]
    pub id: i64,
    /// The name that others see.
    #[entity(unique, length = 100)]
    pub username: String,
    /// In lower case.
    #[entity(unique, length = 200)]
    pub email: String,
    /// What argon2 made of the password.
    #[entity(sensitive)]
    pub password_hash: String,
    /// What the user says of themselves.
    pub bio: String,
    /// The address of a picture; empty if there is none.
    pub image: String,
    /// When the account was made.
    #[entity(created_at)]
    pub created_at: DateTime<Utc>,
}

/// One user follows another.
#[derive(Debug, Clone, Entity)]
#[entity(table = "follows")]
#[entity(belongs_to(follower: User, on_delete = cascade), belongs_to(followed: User, on_delete = cascade))]
pub struct Follow {
    /// Who follows.
    #[entity(primary_key)]
    pub follower_id: i64,
    /// Who is followed.
    #[entity(primary_key, index)]
    pub followed_id: i64,
}

/// What others see of a user: neither address nor password is read for it.
#[derive(Debug, Clone, Shape)]
#[shape(entity = User)]
pub struct Person {
    /// The key.
    pub id: i64,
    /// The name.
    pub username: String,
    /// What they say of themselves.
    pub bio: String,
    /// The address of a picture.
    pub image: String,
}

/// A new account as it was asked for.
#[derive(Debug, Default, Clone)]
pub struct Registration {
    /// The name.
    pub username: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// The password, in the clear.
    pub password: Option<String>,
}

/// Changes to an account; what is `None` stays.
#[derive(Debug, Default, Clone)]
pub struct Changes {
    /// The name.
    pub username: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// The password, in the clear.
    pub password: Option<String>,
    /// What the user says of themselves.
    pub bio: Option<String>,
    /// The address of a picture.
    pub image: Option<String>,
}

const LONGEST_NAME: usize = 100;
const LONGEST_EMAIL: usize = 200;
const LONGEST_PASSWORD: usize = 200;
const LONGEST_BIO: usize = 5_000;
const LONGEST_IMAGE: usize = 2_000;

/// Makes an account.
///
/// # Errors
/// 422 for missing or overlong values, 409 for a name or address that is taken.
pub async fn register(
    db: &Database,
    passwords: &Passwords,
    asked: Registration,
) -> Result<User, Error> {
    let mut checks = Checks::default();
    let username = checks.required("username", asked.username, LONGEST_NAME);
    let email = checks.email(asked.email, LONGEST_EMAIL);
    let password = checks.required("password", asked.password, LONGEST_PASSWORD);
    checks.finish()?;
    let new = NewUser {
        username,
        email,
        password_hash: passwords.hash(password).await?,
        bio: String::new(),
        image: String::new(),
    };
    UserRepository::new(db).insert(new).await.map_err(taken)
}

/// The user with this address and password.
///
/// # Errors
/// 422 for missing values, 401 if they do not belong together. An unknown address takes as long as a wrong password.
pub async fn login(
    db: &Database,
    passwords: &Passwords,
    email: Option<String>,
    password: Option<String>,
) -> Result<User, Error> {
    let mut checks = Checks::default();
    let email = checks.email(email, LONGEST_EMAIL);
    let password = checks.required("password", password, LONGEST_PASSWORD);
    checks.finish()?;
    let user = UserRepository::new(db).find_by_email(email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let matches = passwords.verify(password, hash).await?;
    user.filter(|_| matches)
        .ok_or_else(|| Error::unauthorized("credentials", "are invalid"))
}

/// The user behind a token.
///
/// # Errors
/// 401 if there is none any more.
pub async fn current(db: &Database, id: i64) -> Result<User, Error> {
    let user = UserRepository::new(db).find(id).await?;
    user.ok_or_else(|| Error::unauthorized("token", "is of no user"))
}

/// Changes an account.
///
/// # Errors
/// 422 for empty or overlong values, 409 for a name or address that is taken, 401 if the account is gone.
pub async fn change(
    db: &Database,
    passwords: &Passwords,
    id: i64,
    changes: Changes,
) -> Result<User, Error> {
    let mut checks = Checks::default();
    let username = checks.given("username", changes.username, LONGEST_NAME);
    let email = changes
        .email
        .map(|email| checks.email(Some(email), LONGEST_EMAIL));
    let password = checks.given("password", changes.password, LONGEST_PASSWORD);
    let bio = checks.free("bio", changes.bio, LONGEST_BIO);
    let image = checks.free("image", changes.image, LONGEST_IMAGE);
    checks.finish()?;
    let password_hash = match password {
        Some(password) => Some(passwords.hash(password).await?),
        None => None,
    };
    let patch = UserPatch {
        username,
        email,
        password_hash,
        bio,
        image,
    };
    let changed = UserRepository::new(db).patch(id, patch).await;
    changed.map_err(|error| match error.is_not_found() {
        true => Error::unauthorized("token", "is of no user"),
        false => taken(error),
    })
}

/// What others see of the user of this name.
///
/// # Errors
/// 404 if there is none.
pub async fn person(db: &Database, username: &str) -> Result<Person, Error> {
    let people = UserRepository::new(db).shape::<Person>();
    Ok(people.filter(User::USERNAME.eq(username)).one().await?)
}

/// Lets `viewer` follow a user, or no longer. Twice is as good as once.
///
/// # Errors
/// 404 if there is no such user, 422 for oneself.
pub async fn follow(
    db: &Database,
    viewer: i64,
    username: &str,
    follows: bool,
) -> Result<Person, Error> {
    let person = person(db, username).await?;
    if person.id == viewer {
        return Err(Error::invalid("username", "is your own"));
    }
    let users = UserRepository::new(db);
    if follows {
        users.link(User::FOLLOWED, viewer, [person.id]).await?;
    } else {
        users.unlink(User::FOLLOWED, viewer, [person.id]).await?;
    }
    Ok(person)
}

/// Which of these users `viewer` follows. Nobody follows nobody: without a viewer nothing is asked.
///
/// # Errors
/// The database's.
pub async fn followed_of(
    db: &Database,
    viewer: Option<i64>,
    users: impl IntoIterator<Item = i64>,
) -> Result<HashSet<i64>, Error> {
    let users: HashSet<i64> = users.into_iter().collect();
    let Some(viewer) = viewer.filter(|_| !users.is_empty()) else {
        return Ok(HashSet::new());
    };
    let theirs = Follow::FOLLOWER_ID
        .eq(viewer)
        .and(Follow::FOLLOWED_ID.in_list(users));
    let follows = FollowRepository::new(db).filter(theirs).all().await?;
    Ok(follows.iter().map(|follow| follow.followed_id).collect())
}

/// A unique column says 409, with its name.
fn taken(error: entourage::Error) -> Error {
    if !error.is_unique_violation() {
        return error.into();
    }
    match error.columns() {
        [column] if column == "email" => Error::conflict("email", "has already been taken"),
        _ => Error::conflict("username", "has already been taken"),
    }
}
