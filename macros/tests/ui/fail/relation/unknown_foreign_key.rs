//! A foreign key is a field of the entity that holds it.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, foreign_key = autor_id))]
#[entity(has_many(comments: Post))]
struct User {
    #[entity(primary_key)]
    id: i64,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: User, foreign_key = autor_id))]
#[entity(belongs_to(editor: User))]
struct Post {
    #[entity(primary_key)]
    id: i64,
    author_id: i64,
}

fn main() {
    let _ = (Post::AUTHOR, Post::EDITOR);
}
