//! Diesel's structs and the nesting by `grouped_by`; shared with diesel-async.

use diesel::prelude::*;

use super::schema::{comments, notes, posts, users};
use crate::checksum::Checksum;
use crate::fixture::NewNote;

#[derive(Debug, Queryable, Selectable, Identifiable)]
#[diesel(table_name = users)]
pub(in crate::contender) struct User {
    id: i64,
    name: String,
    email: String,
    age: i64,
}

impl User {
    pub(in crate::contender) fn add_to(&self, checksum: &mut Checksum) {
        checksum.user(self.id, &self.name, &self.email, self.age);
    }
}

#[derive(Debug, Queryable, Selectable, Identifiable, Associations)]
#[diesel(table_name = posts, belongs_to(User))]
pub(in crate::contender) struct Post {
    id: i64,
    user_id: i64,
    title: String,
    views: i64,
}

impl Post {
    pub(in crate::contender) fn add_to(&self, checksum: &mut Checksum) {
        checksum.post(self.id, self.user_id, &self.title, self.views);
    }
}

#[derive(Debug, Queryable, Selectable, Identifiable, Associations)]
#[diesel(table_name = comments, belongs_to(Post))]
pub(in crate::contender) struct Comment {
    id: i64,
    post_id: i64,
    author: String,
    body: String,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = notes, treat_none_as_default_value = false)]
pub(in crate::contender) struct InsertableNote<'n> {
    author: &'n str,
    body: &'n str,
    score: i64,
}

pub(in crate::contender) fn insertable(notes: &[NewNote]) -> Vec<InsertableNote<'_>> {
    notes
        .iter()
        .map(|note| InsertableNote {
            author: &note.author,
            body: &note.body,
            score: note.score,
        })
        .collect()
}

/// Builds the tree a Diesel user holds and sums it up.
pub(in crate::contender) fn nest_comments(
    users: Vec<User>,
    posts: Vec<Post>,
    comments: Vec<Comment>,
) -> Checksum {
    let comments = comments.grouped_by(&posts);
    let posts = posts.into_iter().zip(comments).grouped_by(&users);
    let tree: Vec<(User, Vec<(Post, Vec<Comment>)>)> = users.into_iter().zip(posts).collect();
    let mut checksum = Checksum::default();
    for (user, posts) in &tree {
        user.add_to(&mut checksum);
        for (post, comments) in posts {
            post.add_to(&mut checksum);
            for comment in comments {
                checksum.comment(comment.id, comment.post_id, &comment.author, &comment.body);
            }
        }
    }
    checksum
}

/// The same, one level less.
pub(in crate::contender) fn nest_posts(users: Vec<User>, posts: Vec<Post>) -> Checksum {
    let posts = posts.grouped_by(&users);
    let tree: Vec<(User, Vec<Post>)> = users.into_iter().zip(posts).collect();
    let mut checksum = Checksum::default();
    for (user, posts) in &tree {
        user.add_to(&mut checksum);
        posts.iter().for_each(|post| post.add_to(&mut checksum));
    }
    checksum
}
