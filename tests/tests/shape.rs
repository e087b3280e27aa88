//! Shapes: named graphs of the columns they ask for, equal by every strategy.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "the models are the test's own"
)]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
use entourage::{Database, prelude::*};

#[derive(Debug, Clone, Entity)]
#[entity(has_many(posts: Post, foreign_key = author_id), has_one(profile: Profile))]
pub struct User {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub name: String,
}

#[derive(Debug, Clone, Entity)]
#[entity(belongs_to(author: User), belongs_to(editor: User))]
pub struct Post {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub author_id: i64,
    pub editor_id: Option<i64>,
    pub title: String,
    pub likes: i64,
}

#[derive(Debug, Clone, Entity)]
pub struct Profile {
    #[entity(primary_key, generated)]
    pub id: i64,
    pub user_id: i64,
    pub bio: Option<String>,
}

/// Where only the entities' names are in scope, not the modules of their relations.
mod shapes {
    use entourage::prelude::*;

    use super::{Post, Profile, User};

    #[derive(Debug, Clone, PartialEq, Shape)]
    #[shape(entity = User)]
    pub struct AuthorCard {
        #[shape(column = id)]
        pub key: i64,
        #[shape(relation)]
        pub posts: Vec<PostCard>,
        #[shape(relation = posts, filter = Post::LIKES.gt(5), order_by = Post::ID.desc(), limit = 1)]
        pub best: Vec<PostCard>,
        #[shape(count = posts)]
        pub post_count: i64,
        #[shape(count = posts, filter = Post::LIKES.gt(5))]
        pub liked: i64,
        #[shape(sum(posts, Post::LIKES))]
        pub likes: Option<i64>,
        #[shape(exists = profile)]
        pub known: bool,
        #[shape(through = profile, column = Profile::BIO)]
        pub bio: Option<String>,
        pub name: String,
    }

    #[derive(Debug, Clone, PartialEq, Shape)]
    #[shape(entity = Post)]
    pub struct PostCard {
        pub title: String,
        #[shape(through = author, column = User::NAME)]
        pub author_name: String,
        #[shape(through = author, column = User::ID)]
        pub author_key: i64,
        #[shape(through = editor, column = User::NAME)]
        pub editor_name: Option<String>,
    }

    #[derive(Debug, Clone, Shape)]
    #[shape(entity = Post)]
    pub struct Byline {
        #[shape(relation)]
        pub author: User,
        #[shape(relation)]
        pub editor: Option<User>,
    }
}

use shapes::{AuthorCard, Byline, PostCard};

async fn library() -> Database {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    db.execute_script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
         CREATE TABLE profiles (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, bio TEXT);
         CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL, editor_id INTEGER,
             title TEXT NOT NULL, likes INTEGER NOT NULL);
         INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob'), (3, 'Cleo');
         INSERT INTO profiles VALUES (1, 1, 'Countess'), (2, 2, NULL);
         INSERT INTO posts VALUES (1, 1, 2, 'Notes', 3), (2, 1, NULL, 'Engine', 8), (3, 2, 1, 'Seas', 6)",
    )
    .await
    .unwrap();
    db
}

fn post(title: &str, author: (i64, &str), editor: Option<&str>) -> PostCard {
    PostCard {
        title: title.to_owned(),
        author_key: author.0,
        author_name: author.1.to_owned(),
        editor_name: editor.map(str::to_owned),
    }
}

fn cards() -> Vec<AuthorCard> {
    let notes = post("Notes", (1, "Ada"), Some("Bob"));
    let engine = post("Engine", (1, "Ada"), None);
    let seas = post("Seas", (2, "Bob"), Some("Ada"));
    let card = |key, name: &str, posts: &[&PostCard], best: &[&PostCard]| AuthorCard {
        key,
        name: name.to_owned(),
        posts: posts.iter().copied().cloned().collect(),
        best: best.iter().copied().cloned().collect(),
        post_count: i64::try_from(posts.len()).unwrap(),
        liked: i64::try_from(best.len()).unwrap(),
        likes: None,
        known: true,
        bio: None,
    };
    vec![
        AuthorCard {
            likes: Some(11),
            bio: Some("Countess".to_owned()),
            ..card(1, "Ada", &[&notes, &engine], &[&engine])
        },
        AuthorCard {
            likes: Some(6),
            ..card(2, "Bob", &[&seas], &[&seas])
        },
        AuthorCard {
            known: false,
            ..card(3, "Cleo", &[], &[])
        },
    ]
}

#[tokio::test]
async fn a_shape_is_the_same_by_every_strategy() {
    let db = library().await;
    let users = UserRepository::new(&db);
    for strategy in [
        Strategy::Auto,
        Strategy::Batched,
        Strategy::Unified,
        Strategy::Joined,
    ] {
        let query = users.shape::<AuthorCard>().order_by(User::ID.asc());
        assert_eq!(query.strategy(strategy).all().await.unwrap(), cards());
    }
}

#[tokio::test]
async fn a_shape_is_queried_like_entities() {
    let db = library().await;
    let users = UserRepository::new(&db);
    let bob = users.shape::<AuthorCard>().filter(User::NAME.eq("Bob"));
    assert_eq!(bob.one().await.unwrap(), cards()[1]);
    let last = users.shape::<AuthorCard>().order_by(User::ID.desc());
    assert_eq!(last.first().await.unwrap(), cards().pop());
    let two = users
        .shape::<AuthorCard>()
        .order_by(User::ID.asc())
        .limit(2);
    assert_eq!(two.all().await.unwrap(), cards()[..2]);
}

#[tokio::test]
async fn an_entity_is_a_shape_of_itself() {
    let db = library().await;
    let posts = PostRepository::new(&db);
    let bylines = posts.shape::<Byline>().order_by(Post::ID.asc());
    let bylines = bylines.all().await.unwrap();
    assert_eq!(bylines[0].author.name, "Ada");
    assert_eq!(bylines[0].editor.as_ref().map(|user| user.id), Some(2));
    assert!(bylines[1].editor.is_none());
}

#[test]
fn a_shape_is_awaited_on_any_thread() {
    fn is_send(_: impl Send) {}
    async fn load(users: UserRepository<'_>) -> Result<Vec<AuthorCard>> {
        users.shape::<AuthorCard>().all().await
    }
    is_send(load);
    fn future_is_send<'a, F: Future + Send>(_: fn(UserRepository<'a>) -> F) {}
    future_is_send(load);
}
