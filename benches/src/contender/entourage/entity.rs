//! The tables as entities.

#![allow(
    unreachable_pub,
    missing_docs,
    reason = "the generated items are as visible as their struct, and nobody outside sees it"
)]

use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(table = "users")]
#[entity(has_many(posts: Post, foreign_key = user_id))]
pub struct User {
    #[entity(primary_key)]
    pub id: i64,
    pub name: String,
    pub email: String,
    pub age: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "posts")]
#[entity(belongs_to(user: User))]
#[entity(has_many(comments: Comment))]
pub struct Post {
    #[entity(primary_key)]
    pub id: i64,
    #[entity(index)]
    pub user_id: i64,
    pub title: String,
    pub views: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "comments")]
#[entity(belongs_to(post: Post))]
pub struct Comment {
    #[entity(primary_key)]
    pub id: i64,
    #[entity(index)]
    pub post_id: i64,
    pub author: String,
    pub body: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "notes")]
pub struct Note {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub author: String,
    pub body: String,
    pub score: i64,
}
