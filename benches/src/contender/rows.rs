//! The tree the hand-written contenders build, and the few lines by which everyone attaches children by hand.

use std::collections::HashMap;

use crate::checksum::Checksum;

/// A row of `users` with its posts.
#[derive(Debug)]
pub struct User {
    /// Primary key.
    pub id: i64,
    /// Text.
    pub name: String,
    /// Text.
    pub email: String,
    /// Number.
    pub age: i64,
    /// Children.
    pub posts: Vec<Post>,
}

/// A row of `posts` with its comments.
#[derive(Debug)]
pub struct Post {
    /// Primary key.
    pub id: i64,
    /// Foreign key.
    pub user_id: i64,
    /// Text.
    pub title: String,
    /// Number.
    pub views: i64,
    /// Children.
    pub comments: Vec<Comment>,
}

/// A row of `comments`.
#[derive(Debug)]
pub struct Comment {
    /// Primary key.
    pub id: i64,
    /// Foreign key.
    pub post_id: i64,
    /// Text.
    pub author: String,
    /// Text.
    pub body: String,
}

/// Gives each comment to its post.
pub fn attach_comments(posts: &mut [Post], comments: impl IntoIterator<Item = Comment>) {
    let positions = positions(posts.iter().map(|post| post.id));
    for comment in comments {
        if let Some(&position) = positions.get(&comment.post_id) {
            posts[position].comments.push(comment);
        }
    }
}

/// Gives each post to its user.
pub fn attach_posts(users: &mut [User], posts: impl IntoIterator<Item = Post>) {
    let positions = positions(users.iter().map(|user| user.id));
    for post in posts {
        if let Some(&position) = positions.get(&post.user_id) {
            users[position].posts.push(post);
        }
    }
}

fn positions(keys: impl ExactSizeIterator<Item = i64>) -> HashMap<i64, usize> {
    let mut positions = HashMap::with_capacity(keys.len());
    positions.extend(keys.zip(0..));
    positions
}

/// The checksum of whole trees.
#[must_use]
pub fn checksum(users: &[User]) -> Checksum {
    let mut checksum = Checksum::default();
    for user in users {
        add_user(&mut checksum, user);
        for post in &user.posts {
            add_post(&mut checksum, post);
            for comment in &post.comments {
                checksum.comment(comment.id, comment.post_id, &comment.author, &comment.body);
            }
        }
    }
    checksum
}

/// Adds a user without its posts.
pub fn add_user(checksum: &mut Checksum, user: &User) {
    checksum.user(user.id, &user.name, &user.email, user.age);
}

/// Adds a post without its comments.
pub fn add_post(checksum: &mut Checksum, post: &Post) {
    checksum.post(post.id, post.user_id, &post.title, post.views);
}
