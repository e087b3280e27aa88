//! Figures over the rows of a query.

use entourage::Database;

use super::counted::counted;
use crate::models::{blog::*, shop::*};

pub async fn rows_are_counted_and_summed(db: &Database) {
    seed(db).await.unwrap();
    let posts = PostRepository::new(db);
    assert_eq!(counted(db, 1, posts.query().count()).await, 4);
    assert_eq!(
        counted(db, 1, posts.filter(Post::LIKES.gt(9)).count()).await,
        3
    );
    assert!(counted(db, 1, posts.query().exists()).await);
    assert!(!counted(db, 1, posts.filter(Post::LIKES.gt(99)).exists()).await);
    assert_eq!(
        counted(db, 1, posts.query().sum(Post::LIKES)).await,
        Some(65)
    );
    assert_eq!(posts.query().avg(Post::LIKES).await.unwrap(), Some(16.25));
    assert_eq!(
        posts.query().min(Post::TITLE).await.unwrap().as_deref(),
        Some("Engines")
    );
    assert_eq!(posts.query().max(Post::RATING).await.unwrap(), Some(3));
    let none = || posts.filter(Post::LIKES.gt(99));
    assert_eq!(none().sum(Post::LIKES).await.unwrap(), None);
    assert_eq!(none().max(Post::TITLE).await.unwrap(), None);
    create_shop(db).await;
    let products = ProductRepository::new(db);
    products
        .insert_many([product(1, "chair"), product(1, "table")])
        .await
        .unwrap();
    let sum = products.query().sum(Product::PRICE).await.unwrap().unwrap();
    assert_eq!(sum, rust_decimal::Decimal::new(1998, 2));
    products.delete((1, "chair".to_owned())).await.unwrap();
    assert_eq!(products.query().count().await.unwrap(), 1);
}

pub async fn equal_rows_come_once(db: &Database) {
    seed(db).await.unwrap();
    let users = UserRepository::new(db)
        .query()
        .distinct()
        .order_by(User::NAME.asc());
    assert_eq!(users.clone().all().await.unwrap().len(), 3);
    assert_eq!(users.clone().count().await.unwrap(), 3);
    for strategy in super::counted::STRATEGIES {
        let loaded = users
            .clone()
            .strategy(strategy)
            .with(User::POSTS)
            .limit(2)
            .all()
            .await
            .unwrap();
        let seen: Vec<_> = loaded
            .iter()
            .map(|user| user.get(User::POSTS).len())
            .collect();
        assert_eq!(seen, [3, 1], "{strategy:?}");
    }
}

pub async fn limits_apply_before_figures(db: &Database) {
    seed(db).await.unwrap();
    let posts = PostRepository::new(db);
    assert_eq!(posts.query().limit(2).count().await.unwrap(), 2);
    assert_eq!(posts.query().offset(3).count().await.unwrap(), 1);
    let best = posts
        .order_by(Post::LIKES.desc())
        .limit(2)
        .sum(Post::LIKES)
        .await
        .unwrap();
    assert_eq!(best, Some(50));
}
