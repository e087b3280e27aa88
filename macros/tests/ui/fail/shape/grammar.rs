//! A shape names its entity, and each field is one thing.
use entourage::prelude::*;

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: User), has_many(replies: Post, foreign_key = author_id))]
pub struct Post {
    #[entity(primary_key)]
    pub id: i64,
    pub author_id: i64,
}

#[derive(Debug, Clone, Entity)]
pub struct User {
    #[entity(primary_key)]
    pub id: i64,
    pub name: String,
}

#[derive(Debug, Clone, Shape)]
struct OfNothing {
    id: i64,
}

#[derive(Debug, Clone, Shape)]
#[shape(entity = Post, table = "posts")]
struct Mixed {
    #[shape(limit = 3, rename = "x")]
    id: i64,
    #[shape(relation, count = replies, column = id)]
    replies: Vec<Post>,
    #[shape(through = author)]
    author: String,
    #[shape(through = author, column = name)]
    author_name: String,
    #[shape(sum = likes, colum = x)]
    likes: i64,
    #[shape(max(replies))]
    last: Option<i64>,
    #[shape(count = replies, order_by = Post::ID.asc())]
    reply_count: i64,
}

#[derive(Debug, Clone, Shape)]
enum NoStruct {
    A,
}

fn main() {
    let _ = |posts: PostRepository<'static>| posts.shape::<Mixed>();
}
