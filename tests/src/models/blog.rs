//! Users who write posts: generated keys, every kind of relation, versions.

use chrono::{DateTime, Utc};
use entourage::{Database, prelude::*};

use super::create;

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "users")]
#[entity(has_many(posts: Post, foreign_key = author_id))]
#[entity(has_many(popular_posts: Post, foreign_key = author_id, filter = Post::LIKES.ge(10), order_by = Post::LIKES.desc()))]
#[entity(has_one(profile: Profile))]
#[entity(many_to_many(groups: Group, through = Membership))]
pub struct User {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(unique, length = 100)]
    pub email: String,
    pub name: String,
    pub age: Option<i32>,
    #[entity(default = "0")]
    pub visits: i64,
    #[entity(version)]
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "posts")]
#[entity(belongs_to(author: User))]
#[entity(belongs_to(editor: User))]
#[entity(has_many(comments: Comment))]
#[entity(many_to_many(tags: Tag, through = PostTag, to_key = tag_slug))]
pub struct Post {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(index)]
    pub author_id: i64,
    pub editor_id: Option<i64>,
    pub title: String,
    pub likes: i32,
    pub rating: Option<i32>,
    pub published_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "comments")]
#[entity(belongs_to(post: Post))]
pub struct Comment {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub post_id: i64,
    pub body: String,
    pub likes: i32,
}

/// No index says that a user has one profile at most.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "profiles")]
#[entity(belongs_to(user: User))]
pub struct Profile {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub user_id: i64,
    pub bio: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "groups")]
#[entity(many_to_many(members: User, through = Membership))]
pub struct Group {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "memberships")]
#[entity(belongs_to(user: User))]
#[entity(belongs_to(group: Group))]
pub struct Membership {
    #[entity(primary_key)]
    pub user_id: i64,
    #[entity(primary_key)]
    pub group_id: i64,
    #[entity(default = "'member'", length = 20)]
    pub role: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "tags")]
pub struct Tag {
    #[entity(primary_key, length = 50)]
    pub slug: String,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "post_tags")]
#[entity(belongs_to(tag: Tag, foreign_key = tag_slug))]
pub struct PostTag {
    #[entity(primary_key)]
    pub post_id: i64,
    #[entity(primary_key, length = 50)]
    pub tag_slug: String,
}

/// Its user may be gone.
#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "notes")]
#[entity(belongs_to(user: User))]
#[entity(belongs_to(possible_user: User, foreign_key = user_id, optional))]
pub struct Note {
    #[entity(primary_key)]
    pub id: i64,
    pub user_id: i64,
}

/// The tables of this file but for [`Note`]'s.
pub async fn create_blog(db: &Database) {
    let tables = [
        User::table(),
        Post::table(),
        Comment::table(),
        Profile::table(),
        Group::table(),
        Membership::table(),
        Tag::table(),
        PostTag::table(),
    ];
    create(db, &tables).await;
}

/// A user with this name and an address made of it.
pub fn user(name: &str) -> NewUser {
    NewUser::new(
        format!("{}@example.org", name.to_lowercase()),
        name.to_owned(),
    )
}

/// A post with this title.
pub fn post(author: &User, title: &str, likes: i32) -> NewPost {
    NewPost::new(author.id, title.to_owned(), likes)
}

/// Ada with three posts of two comments each, Bea with one post, Cleo with none; Ada and Bea in one group, Ada in two.
pub async fn seed(db: &Database) -> Result<Vec<User>> {
    create_blog(db).await;
    let users = UserRepository::new(db)
        .insert_many([user("Ada"), user("Bea"), user("Cleo")])
        .await?;
    let posts = PostRepository::new(db)
        .insert_many([
            NewPost {
                editor_id: Some(users[1].id),
                rating: Some(3),
                ..post(&users[0], "Engines", 30)
            },
            post(&users[1], "Gardens", 5),
            NewPost {
                rating: Some(1),
                ..post(&users[0], "Numbers", 10)
            },
            post(&users[0], "Looms", 20),
        ])
        .await?;
    let comments = posts
        .iter()
        .filter(|post| post.author_id == users[0].id)
        .flat_map(|post| {
            [1, 2]
                .map(|number| NewComment::new(post.id, format!("{} {number}", post.title), number))
        });
    CommentRepository::new(db).insert_many(comments).await?;
    ProfileRepository::new(db)
        .insert(NewProfile::new(
            users[0].id,
            "wrote the first program".to_owned(),
        ))
        .await?;
    let groups = GroupRepository::new(db)
        .insert_many(["Readers", "Writers"].map(|name| NewGroup::new(name.to_owned())))
        .await?;
    let users_repository = UserRepository::new(db);
    users_repository
        .link(User::GROUPS, users[0].id, [groups[0].id, groups[1].id])
        .await?;
    users_repository
        .link(User::GROUPS, users[1].id, [groups[1].id])
        .await?;
    Ok(users)
}
