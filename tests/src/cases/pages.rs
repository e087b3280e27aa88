//! Keyset pages.

use entourage::{Database, prelude::*};

use super::counted::counted;
use crate::models::{blog::*, shop::Product, shop::ProductRepository};

async fn fill(db: &Database) -> Vec<i64> {
    let seeded = seed(db).await.unwrap();
    let posts = (0..20).map(|number| NewPost {
        rating: (number % 4 != 0).then_some(number % 3),
        ..post(&seeded[0], "page", number % 2)
    });
    PostRepository::new(db).insert_many(posts).await.unwrap();
    let all = PostRepository::new(db)
        .order_by(Post::ID.asc())
        .all()
        .await
        .unwrap();
    all.into_iter().map(|post| post.id).collect()
}

async fn walk(db: &Database, order: impl IntoOrder<Post> + Clone) {
    let all = fill(db).await;
    let query = || {
        PostRepository::new(db)
            .order_by(order.clone())
            .with(Post::AUTHOR)
            .with(Post::COMMENTS.batched())
    };
    let expected: Vec<i64> = query()
        .all()
        .await
        .unwrap()
        .iter()
        .map(|post| post.id)
        .collect();
    assert_eq!(expected.len(), all.len());
    let (mut forwards, mut page) = (Vec::new(), Page::first(5));
    loop {
        let got = counted(db, 2, query().strategy(Strategy::Auto).page(page)).await;
        assert!(got.items.len() <= 5);
        assert_eq!(got.previous.is_none(), forwards.is_empty());
        forwards.extend(got.items.iter().map(|post| post.id));
        match got.next {
            Some(next) => page = Page::after(next.to_string().parse().unwrap()).size(5),
            None => break,
        }
    }
    assert_eq!(forwards, expected);
    let (mut backwards, mut page) = (Vec::new(), Page::last(5));
    loop {
        let got = query().page(page).await.unwrap();
        for post in &got.items {
            assert_eq!(post.get(Post::AUTHOR).id, post.author_id);
        }
        backwards.splice(0..0, got.items.iter().map(|post| post.id));
        match got.previous {
            Some(previous) => page = Page::before(previous).size(5),
            None => break,
        }
    }
    assert_eq!(backwards, expected);
}

pub async fn pages_meet_without_gaps_in_both_directions(db: &Database) {
    walk(db, (Post::LIKES.desc(), Post::TITLE.asc())).await;
}

pub async fn pages_pass_over_nulls(db: &Database) {
    walk(db, (Post::RATING.desc(), Post::LIKES.asc())).await;
    let posts = PostRepository::new(db);
    for order in [
        Post::RATING.asc(),
        Post::RATING.asc().nulls_last(),
        Post::RATING.desc().nulls_first(),
    ] {
        let query = || posts.order_by(order.clone());
        let expected: Vec<_> = query().all().await.unwrap();
        let first = query().page(Page::first(9)).await.unwrap();
        let rest = query()
            .page(Page::after(first.next.clone().unwrap()))
            .await
            .unwrap();
        let back = query()
            .page(Page::before(rest.previous.clone().unwrap()))
            .await
            .unwrap();
        assert_eq!(first.items, back.items);
        assert_eq!([first.items, rest.items].concat(), expected);
    }
}

pub async fn a_cursor_of_another_order_is_refused(db: &Database) {
    fill(db).await;
    let posts = PostRepository::new(db);
    let page = posts
        .order_by(Post::LIKES.asc())
        .page(Page::first(2))
        .await
        .unwrap();
    let next = page.next.unwrap();
    let other = posts
        .order_by((Post::TITLE.asc(), Post::LIKES.asc()))
        .page(Page::after(next.clone()));
    assert_eq!(other.await.unwrap_err().kind(), ErrorKind::InvalidQuery);
    let by_document = ProductRepository::new(db)
        .order_by(Product::DETAILS.asc())
        .page(Page::first(2));
    let refused = by_document.await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    assert!(refused.to_string().contains("`details`"), "{refused}");
    let limited = posts
        .order_by(Post::LIKES.asc())
        .limit(3)
        .page(Page::after(next));
    assert_eq!(limited.await.unwrap_err().kind(), ErrorKind::InvalidQuery);
    assert!("nonsense".parse::<Cursor>().is_err());
    assert!("é1".parse::<Cursor>().is_err());
}
