//! Shapes: named graphs of some columns, queried like entities.

use std::pin::pin;

use entourage::{
    Database, dialect::Dialect, prelude::*, statement::StatementKind,
    testing::assert_no_n_plus_one, transaction::IsolationLevel,
};
use futures_util::{StreamExt, TryStreamExt};

use super::counted::counted;
use crate::models::{blog::*, shop::*};

/// Neither the key nor what the tests order by.
#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = Post)]
struct PostCard {
    title: String,
    #[shape(through = author, column = User::NAME)]
    author_name: String,
    #[shape(relation, order_by = Comment::ID.asc())]
    comments: Vec<CommentCard>,
    #[shape(count = comments)]
    comment_count: i64,
}

#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = Comment)]
struct CommentCard {
    body: String,
}

/// Columns alone.
#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = Post)]
struct Headline {
    title: String,
    #[shape(column = published_at)]
    date: Option<chrono::DateTime<chrono::Utc>>,
}

/// Several shapes of one row, which share columns and relations, beside fields of its own.
#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = Post)]
struct Spread {
    #[shape(flatten)]
    card: PostCard,
    #[shape(column = id)]
    key: i64,
    #[shape(flatten)]
    headline: Headline,
    #[shape(exists = comments)]
    discussed: bool,
    #[shape(relation, limit = 1, order_by = Comment::ID.desc())]
    comments: Vec<Comment>,
    #[shape(flatten)]
    post: Post,
}

#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = User)]
struct Author {
    #[shape(flatten)]
    user: User,
    #[shape(relation, order_by = Post::ID.asc())]
    posts: Vec<Spread>,
}

#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = Product)]
struct Parcel {
    sku: String,
    #[shape(embedded)]
    size: Size,
    version: i32,
    #[shape(embedded = parcel)]
    packed: Option<Size>,
    #[shape(embedded)]
    parcel: Option<Size>,
}

/// What the user of a page chooses.
#[derive(Debug, Clone, Default)]
struct Choice {
    least: Option<i32>,
    top: u64,
    word: String,
}

#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = User, args = Choice)]
struct Chosen {
    name: String,
    #[shape(
        relation,
        filter = Filter::all(args.least.map(|least| Post::LIKES.ge(least))),
        order_by = Post::LIKES.desc(),
        limit = args.top,
        args = args.word.clone()
    )]
    posts: Vec<ChosenPost>,
    #[shape(flatten, args = args.clone())]
    figures: ChosenFigures,
}

#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = Post, args = String)]
struct ChosenPost {
    title: String,
    #[shape(relation, filter = Comment::BODY.like(format!("%{args}%")))]
    comments: Vec<CommentCard>,
}

#[derive(Debug, Clone, PartialEq, Shape)]
#[shape(entity = User, args = Choice)]
struct ChosenFigures {
    #[shape(count = posts, filter = Post::LIKES.ge(args.least.unwrap_or(0)))]
    posts: i64,
}

async fn fill(db: &Database, count: usize) {
    let seeded = seed(db).await.unwrap();
    let published = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let posts = (0..count).map(|number| NewPost {
        rating: (number % 4 != 0).then_some(i32::try_from(number % 3).unwrap()),
        published_at: (number % 5 != 0)
            .then(|| published + chrono::TimeDelta::hours(i64::try_from(number % 7).unwrap())),
        ..post(&seeded[number % 2], &format!("post {number}"), 1)
    });
    PostRepository::new(db).insert_many(posts).await.unwrap();
}

/// The statements of a load, without their arguments; several are on their way at once.
async fn sent<T>(db: &Database, work: impl Future<Output = Result<T>>) -> (T, Vec<String>) {
    let recording = db.recorded();
    let value = work.await.unwrap();
    let statements = recording.statements();
    let mut sql: Vec<_> = statements.iter().map(|sent| sent.sql.to_string()).collect();
    sql.sort_unstable();
    (value, sql)
}

pub async fn a_shape_is_paged_by_columns_that_it_does_not_have(db: &Database) {
    fill(db, 20).await;
    let orders = || {
        [
            (Post::RATING.desc(), Post::LIKES.asc()),
            (Post::PUBLISHED_AT.asc(), Post::TITLE.desc()),
            (Post::PUBLISHED_AT.desc(), Post::AUTHOR_ID.asc()),
        ]
    };
    for order in orders() {
        let query = || {
            PostRepository::new(db)
                .order_by(order.clone())
                .shape::<PostCard>()
        };
        let expected = query().all().await.unwrap();
        let (_, of_all) = sent(db, query().all()).await;
        let (mut forwards, mut page) = (Vec::new(), Page::first(5));
        loop {
            let got = counted(db, of_all.len(), query().page(page)).await;
            assert!(got.items.len() <= 5);
            assert_eq!(got.previous.is_none(), forwards.is_empty());
            forwards.extend(got.items);
            match got.next {
                Some(next) => page = Page::after(next.to_string().parse().unwrap()).size(5),
                None => break,
            }
        }
        assert_eq!(forwards, expected);
        let (mut backwards, mut page) = (Vec::new(), Page::last(5));
        loop {
            let got = query().page(page).await.unwrap();
            backwards.splice(0..0, got.items);
            match got.previous {
                Some(previous) => page = Page::before(previous).size(5),
                None => break,
            }
        }
        assert_eq!(backwards, expected);
    }
    for strategy in super::counted::STRATEGIES {
        let query = || PostRepository::new(db).order_by(Post::TITLE.asc());
        let shapes = query().shape::<PostCard>().strategy(strategy);
        let page = shapes.page(Page::first(7)).await.unwrap();
        assert_eq!(
            page.items,
            query().shape::<PostCard>().limit(7).all().await.unwrap()
        );
        // What is a cursor for entities is one for shapes.
        let rest = query().page(Page::after(page.next.unwrap()).size(1)).await;
        assert_eq!(
            rest.unwrap().items,
            query().offset(7).limit(1).all().await.unwrap()
        );
    }
}

pub async fn a_page_of_distinct_shapes_needs_the_orders_columns(db: &Database) {
    fill(db, 3).await;
    let query = || PostRepository::new(db).query().distinct();
    let refused = query().shape::<Headline>().page(Page::first(2)).await;
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("distinct"), "{error}");
    let whole = query().page(Page::first(2)).await.unwrap();
    assert_eq!(whole.items.len(), 2);
}

pub async fn a_shape_is_found_by_its_key(db: &Database) {
    fill(db, 0).await;
    let posts = PostRepository::new(db);
    let engines = posts.filter(Post::TITLE.eq("Engines")).one().await.unwrap();
    let card = posts.shape::<PostCard>().find(engines.id).await.unwrap();
    let card = card.unwrap();
    assert_eq!(
        (card.title.as_str(), card.author_name.as_str()),
        ("Engines", "Ada")
    );
    assert_eq!((card.comments.len(), card.comment_count), (2, 2));
    assert_eq!(
        posts.shape::<PostCard>().get(engines.id).await.unwrap(),
        card
    );
    let none = posts
        .shape::<PostCard>()
        .filter(Post::LIKES.lt(0))
        .find(engines.id);
    assert_eq!(none.await.unwrap(), None);
    let missing = posts.shape::<PostCard>().get(-1).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("key -1"), "{missing}");
    let with = posts.with(Post::COMMENTS).find(engines.id).await.unwrap();
    assert_eq!(with.unwrap().get(Post::COMMENTS).len(), 2);
    let headline = counted(db, 1, posts.shape::<Headline>().find(engines.id)).await;
    assert_eq!(headline.unwrap().title, "Engines");
}

pub async fn a_shape_holds_embedded_structs(db: &Database) {
    create_shop(db).await;
    let products = ProductRepository::new(db);
    let packed = NewProduct {
        parcel: Some(product(1, "chair").size),
        ..product(1, "chair")
    };
    let inserted = products
        .insert_many([packed, product(1, "table")])
        .await
        .unwrap();
    let expected: Vec<_> = inserted
        .into_iter()
        .map(|product| Parcel {
            sku: product.sku,
            size: product.size,
            version: product.version,
            packed: product.parcel.clone(),
            parcel: product.parcel,
        })
        .collect();
    assert!(expected[0].packed.is_some() && expected[1].packed.is_none());
    let query = || products.order_by(Product::SKU.asc()).shape::<Parcel>();
    let (loaded, sent) = sent(db, query().all()).await;
    assert_eq!(loaded, expected);
    assert!(!sent[0].contains("price"), "{}", sent[0]);
    let streamed = counted(db, 1, query().stream().try_collect::<Vec<_>>()).await;
    assert_eq!(streamed, expected);
}

pub async fn a_shape_is_made_of_others(db: &Database) {
    fill(db, 3).await;
    let posts = PostRepository::new(db);
    let cards = posts
        .order_by(Post::ID.asc())
        .shape::<PostCard>()
        .all()
        .await
        .unwrap();
    let whole = posts
        .order_by(Post::ID.asc())
        .with(Post::COMMENTS.order_by(Comment::ID.asc()));
    let whole = whole.all().await.unwrap();
    let spread: Vec<_> = whole
        .into_iter()
        .zip(cards)
        .map(|(graph, card)| {
            let (post, (comments, ())) = graph.into_parts();
            let mut comments = comments.into_value();
            Spread {
                card,
                key: post.id,
                headline: Headline {
                    title: post.title.clone(),
                    date: post.published_at,
                },
                discussed: !comments.is_empty(),
                comments: comments.split_off(comments.len().saturating_sub(1)),
                post,
            }
        })
        .collect();
    assert!(
        spread
            .iter()
            .any(|post| post.discussed && post.card.comment_count == 2)
    );
    let users = UserRepository::new(db)
        .order_by(User::ID.asc())
        .all()
        .await
        .unwrap();
    let authors: Vec<_> = users
        .into_iter()
        .map(|user| Author {
            posts: spread
                .iter()
                .filter(|post| post.post.author_id == user.id)
                .cloned()
                .collect(),
            user,
        })
        .collect();
    for strategy in super::counted::STRATEGIES {
        let query = || {
            posts
                .order_by(Post::ID.asc())
                .strategy(strategy)
                .shape::<Spread>()
        };
        assert_eq!(query().all().await.unwrap(), spread);
        let page = query().page(Page::first(3)).await.unwrap();
        assert_eq!(page.items, spread[..3]);
        let query = UserRepository::new(db)
            .order_by(User::ID.asc())
            .strategy(strategy);
        assert_eq!(query.shape::<Author>().all().await.unwrap(), authors);
    }
    let streamed = posts.order_by(Post::ID.asc()).shape::<Spread>().stream();
    assert_eq!(streamed.try_collect::<Vec<_>>().await.unwrap(), spread);
}

pub async fn a_shape_takes_arguments(db: &Database) {
    fill(db, 0).await;
    let users = || UserRepository::new(db).order_by(User::ID.asc());
    for strategy in super::counted::STRATEGIES {
        let load = |choice: Choice| {
            users()
                .strategy(strategy)
                .shape_with::<Chosen>(choice)
                .all()
        };
        let titles = |user: &Chosen| -> Vec<String> {
            user.posts.iter().map(|post| post.title.clone()).collect()
        };
        let all = Choice {
            top: 9,
            ..Choice::default()
        };
        let chosen = load(all.clone()).await.unwrap();
        assert_eq!(titles(&chosen[0]), ["Engines", "Looms", "Numbers"]);
        assert_eq!(
            (chosen[0].figures.posts, chosen[0].posts[0].comments.len()),
            (3, 2)
        );
        let some = Choice {
            least: Some(20),
            top: 1,
            word: "2".to_owned(),
        };
        let chosen = load(some).await.unwrap();
        assert_eq!(titles(&chosen[0]), ["Engines"]);
        assert_eq!(chosen[0].figures.posts, 2);
        assert_eq!(chosen[0].posts[0].comments[0].body, "Engines 2");
        assert!(chosen[1].posts.is_empty());
        // Other arguments are no other text, as long as it is the same filters.
        let (_, first) = sent(
            db,
            load(Choice {
                least: Some(1),
                top: 2,
                word: "x".to_owned(),
            }),
        )
        .await;
        let (_, other) = sent(
            db,
            load(Choice {
                least: Some(7),
                top: 3,
                word: "y".to_owned(),
            }),
        )
        .await;
        assert_eq!(first, other);
    }
    let choice = Choice {
        top: 1,
        ..Choice::default()
    };
    let page = users()
        .shape_with::<Chosen>(choice)
        .page(Page::first(1))
        .await;
    assert_eq!(page.unwrap().items[0].name, "Ada");
}

pub async fn a_shape_of_columns_is_streamed_by_one_statement(db: &Database) {
    fill(db, 200).await;
    let query = || {
        PostRepository::new(db)
            .order_by(Post::RATING.desc())
            .shape::<Headline>()
    };
    let expected = query().all().await.unwrap();
    let streamed: Vec<_> = counted(db, 1, query().stream().try_collect()).await;
    assert_eq!(streamed, expected);
    let some: Vec<_> = query()
        .offset(3)
        .limit(5)
        .stream()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(some, expected[3..8]);
}

pub async fn rows_with_relations_are_streamed_in_chunks(db: &Database) {
    fill(db, 1_100).await;
    let query = || {
        PostRepository::new(db)
            .order_by(Post::RATING.desc())
            .shape::<PostCard>()
    };
    let expected = query().all().await.unwrap();
    assert_eq!(expected.len(), 1_104);
    let (_, of_one) = sent(db, query().limit(1).all()).await;
    let collected = assert_no_n_plus_one!(db, query().stream().try_collect::<Vec<_>>().await);
    assert_eq!(collected.unwrap(), expected);
    let chunked = counted(
        db,
        3 * of_one.len(),
        query().stream().try_collect::<Vec<_>>(),
    );
    assert_eq!(chunked.await, expected);
    let bounds = query().offset(100).limit(700).stream();
    let bounded = counted(db, 2 * of_one.len(), bounds.try_collect::<Vec<_>>()).await;
    assert_eq!(bounded, expected[100..800]);
    let nothing = query().limit(0).stream().try_collect::<Vec<_>>();
    assert!(counted(db, 0, nothing).await.is_empty());

    // Other statements run while the stream is open, also where there is one connection.
    let tx = db.begin().await.unwrap();
    {
        let posts = PostRepository::new(&tx);
        let mut stream = pin!(posts.order_by(Post::ID.asc()).with(Post::COMMENTS).stream());
        let mut seen = 0;
        while let Some(post) = stream.next().await {
            let post = post.unwrap();
            if seen % 400 == 0 {
                let comments = posts.load(vec![post.clone().into_parts().0], Post::COMMENTS);
                let comments = comments.await.unwrap().swap_remove(0);
                assert_eq!(comments.get(Post::COMMENTS), post.get(Post::COMMENTS));
            }
            seen += 1;
        }
        assert_eq!(seen, 1_104);
    }
    tx.rollback().await.unwrap();
}

pub async fn a_consistent_stream_sees_one_moment(db: &Database) {
    fill(db, 600).await;
    let query = || {
        PostRepository::new(db)
            .order_by(Post::ID.asc())
            .shape::<PostCard>()
    };
    let expected = query().all().await.unwrap();
    let recording = db.recorded();
    let streamed = query().consistent().stream().try_collect::<Vec<_>>();
    assert_eq!(streamed.await.unwrap(), expected);
    let sent = recording.statements();
    let steps = sent
        .iter()
        .filter(|sent| sent.kind == StatementKind::Transaction);
    let steps: Vec<_> = steps.map(|sent| &*sent.sql).collect();
    let begins = steps
        .iter()
        .filter(|sql| sql.contains("BEGIN") || sql.contains("START"));
    let commits = steps.iter().filter(|sql| **sql == "COMMIT");
    assert_eq!((begins.count(), commits.count()), (1, 1), "{steps:?}");
    drop(recording);
    let tx = db.transaction().isolation(IsolationLevel::Serializable);
    let tx = tx.begin().await.unwrap();
    let inside = PostRepository::new(&tx).order_by(Post::ID.asc());
    let inside = inside.shape::<PostCard>().consistent().stream();
    assert_eq!(inside.try_collect::<Vec<_>>().await.unwrap(), expected);
    tx.rollback().await.unwrap();
    if db.dialect() == Dialect::Postgres {
        let tx = db.begin().await.unwrap();
        let inside = PostRepository::new(&tx).shape::<PostCard>().consistent();
        let refused = inside.stream().try_collect::<Vec<_>>().await.unwrap_err();
        assert!(refused.is_unsupported(), "{refused}");
    }
}

pub async fn a_stream_in_chunks_needs_an_order_over_columns(db: &Database) {
    fill(db, 1).await;
    let query = || PostRepository::new(db).shape::<PostCard>();
    for refused in [
        query().order_by(Post::COMMENTS.count().desc()),
        query().distinct(),
    ] {
        let refused = counted(db, 0, async {
            let mut stream = pin!(refused.stream());
            let first = stream.next().await;
            assert!(stream.next().await.is_none());
            Ok(first)
        });
        let error = refused.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error}");
    }
}
