//! Entities with every kind of key and relation that rendering tells apart.
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::prelude::*;

/// A text key that others point at.
#[derive(Debug, Clone, Entity)]
#[entity(table = "countries", has_many(users: User, foreign_key = country_code))]
pub(super) struct Country {
    #[entity(primary_key, length = 2)]
    pub(super) code: String,
    pub(super) name: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "users")]
#[entity(belongs_to(country: Country, foreign_key = country_code))]
#[entity(has_many(posts: Post, foreign_key = author_id))]
#[entity(has_many(
    published: Post,
    foreign_key = author_id,
    filter = Post::PUBLISHED_AT.is_not_null().and(Post::TITLE.ne("")),
    order_by = Post::PUBLISHED_AT.desc().nulls_last()
))]
#[entity(has_one(profile: Profile))]
#[entity(has_one(latest: Post, foreign_key = author_id, order_by = Post::ID.desc()))]
#[entity(has_many(tokens: Token, foreign_key = user_id))]
#[entity(many_to_many(groups: Group, through = Membership, to_key = group_code))]
pub(super) struct User {
    #[entity(primary_key, generated)]
    pub(super) id: i64,
    #[entity(unique, length = 80)]
    pub(super) email: String,
    #[entity(length = 80)]
    pub(super) name: String,
    pub(super) country_code: Option<String>,
    #[entity(version)]
    pub(super) version: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "profiles", belongs_to(user: User))]
pub(super) struct Profile {
    #[entity(primary_key)]
    pub(super) user_id: i64,
    pub(super) bio: Option<String>,
}

/// Soft deletion.
#[derive(Debug, Clone, Entity)]
#[entity(table = "posts")]
#[entity(belongs_to(author: User, foreign_key = author_id))]
#[entity(has_many(comments: Comment))]
pub(super) struct Post {
    #[entity(primary_key, generated)]
    pub(super) id: i64,
    #[entity(index)]
    pub(super) author_id: i64,
    pub(super) title: String,
    pub(super) likes: i32,
    pub(super) published_at: Option<DateTime<Utc>>,
    #[entity(deleted_at)]
    pub(super) deleted_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "comments")]
#[entity(belongs_to(post: Post), belongs_to(author: User, foreign_key = author_id))]
pub(super) struct Comment {
    #[entity(primary_key, generated)]
    pub(super) id: i64,
    #[entity(index)]
    pub(super) post_id: i64,
    #[entity(index)]
    pub(super) author_id: Option<i64>,
    pub(super) body: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "groups")]
#[entity(many_to_many(members: User, through = Membership, from_key = group_code, to_key = user_id))]
pub(super) struct Group {
    #[entity(primary_key, length = 20)]
    pub(super) code: String,
    pub(super) title: String,
}

/// A table in between with a payload and soft deletion.
#[derive(Debug, Clone, Entity)]
#[entity(table = "memberships")]
#[entity(belongs_to(user: User), belongs_to(group: Group, foreign_key = group_code))]
pub(super) struct Membership {
    #[entity(primary_key)]
    pub(super) user_id: i64,
    #[entity(primary_key, length = 20)]
    pub(super) group_code: String,
    pub(super) role: String,
    #[entity(deleted_at)]
    pub(super) left_at: Option<DateTime<Utc>>,
}

/// A reference to itself.
#[derive(Debug, Clone, Entity)]
#[entity(table = "employees")]
#[entity(belongs_to(manager: Employee, foreign_key = manager_id))]
#[entity(has_many(reports: Employee, foreign_key = manager_id))]
pub(super) struct Employee {
    #[entity(primary_key, generated)]
    pub(super) id: i64,
    #[entity(index)]
    pub(super) manager_id: Option<i64>,
    pub(super) name: String,
    pub(super) salary: Decimal,
}

/// A composite key.
#[derive(Debug, Clone, Entity)]
#[entity(table = "plots", has_many(leases: Lease, foreign_key = (tenant, plot)))]
pub(super) struct Plot {
    #[entity(primary_key)]
    pub(super) tenant: i32,
    #[entity(primary_key)]
    pub(super) number: i32,
    pub(super) label: Option<String>,
}

/// A composite foreign key, one half of which may be NULL.
#[derive(Debug, Clone, Entity)]
#[entity(table = "leases", belongs_to(leased: Plot, foreign_key = (tenant, plot), optional))]
pub(super) struct Lease {
    #[entity(primary_key, generated)]
    pub(super) id: i64,
    pub(super) tenant: i32,
    pub(super) plot: Option<i32>,
    pub(super) holder: String,
}

/// Binary keys and values.
#[derive(Debug, Clone, Entity)]
#[entity(table = "tokens", belongs_to(user: User))]
pub(super) struct Token {
    #[entity(primary_key, generated)]
    pub(super) id: Uuid,
    pub(super) user_id: i64,
    pub(super) secret: Vec<u8>,
    pub(super) expires_at: DateTime<Utc>,
}

/// All of them.
pub(super) type Models = (
    Country,
    User,
    Profile,
    Post,
    Comment,
    Group,
    Membership,
    Employee,
    Plot,
    Lease,
    Token,
);
