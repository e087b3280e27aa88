//! Single loads that become one statement.

use entourage::{Database, repository::Loader};
use futures_util::future::try_join_all;

use super::counted::counted;
use crate::models::blog::*;

pub async fn rows_loaded_at_one_time_are_one_statement(db: &Database) {
    let users = seed(db).await.unwrap();
    let loader = Loader::new(db.clone());
    let ids = [users[2].id, users[0].id, -1, users[0].id];
    let found = try_join_all(ids.map(|id| loader.load::<User>(id)));
    let found = counted(db, 1, found).await;
    let expected = [Some(&users[2]), Some(&users[0]), None, Some(&users[0])];
    assert_eq!(found, expected.map(Option::<&User>::cloned));
}

pub async fn relations_of_every_kind_are_loaded_at_one_time(db: &Database) {
    let users = seed(db).await.unwrap();
    let loader = Loader::new(db.clone());
    let posts = try_join_all(users.iter().map(|user| loader.related(User::POSTS, user)));
    let posts = counted(db, 1, posts).await;
    assert_eq!(posts.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 0]);
    let profiles = try_join_all(users.iter().map(|user| loader.related(User::PROFILE, user)));
    let profiles = counted(db, 1, profiles).await;
    assert_eq!(
        profiles.iter().filter(|profile| profile.is_some()).count(),
        1
    );
    let groups = try_join_all(users.iter().map(|user| loader.related(User::GROUPS, user)));
    let groups = counted(db, 1, groups).await;
    assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 0]);
    let posts: Vec<_> = posts.into_iter().flatten().collect();
    let authors = try_join_all(posts.iter().map(|post| loader.related(Post::AUTHOR, post)));
    let authors = counted(db, 1, authors).await;
    for (post, author) in posts.iter().zip(authors) {
        assert_eq!(post.author_id, author.id);
    }
}

pub async fn rows_with_text_keys_are_loaded_at_one_time(db: &Database) {
    let users = seed(db).await.unwrap();
    let tags = ["a", "b"].map(|slug| NewTag::new(slug.to_owned(), slug.to_uppercase()));
    TagRepository::new(db).insert_many(tags).await.unwrap();
    let loader = Loader::new(db.clone());
    let posts = loader.related(User::POSTS, &users[0]).await.unwrap();
    let repository = PostRepository::new(db);
    for post in &posts {
        let link = repository.link(Post::TAGS, post.id, ["a".to_owned(), "b".to_owned()]);
        link.await.unwrap();
    }
    let slugs = ["b", "a", "nothing"].map(|slug| loader.load::<Tag>(slug.to_owned()));
    let found = counted(db, 1, try_join_all(slugs)).await;
    let labels: Vec<_> = found.into_iter().flatten().map(|tag| tag.label).collect();
    assert_eq!(labels, ["B", "A"]);
    let tags = try_join_all(posts.iter().map(|post| loader.related(Post::TAGS, post)));
    let tags = counted(db, 1, tags).await;
    assert!(tags.iter().all(|tags| tags.len() == 2));
}

pub async fn a_loader_reads_inside_its_transaction(db: &Database) {
    let users = seed(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    UserRepository::new(&tx).delete(users[2].id).await.unwrap();
    let loader = Loader::new(tx.clone());
    let found = try_join_all([users[0].id, users[2].id].map(|id| loader.load::<User>(id)));
    let found = found.await.unwrap();
    assert_eq!(found, [Some(users[0].clone()), None]);
    drop(loader);
    tx.rollback().await.unwrap();
}
