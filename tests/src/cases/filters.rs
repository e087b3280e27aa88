//! Rows selected by typed expressions.

use entourage::{Database, prelude::*};

use super::counted::{STRATEGIES, counted};
use crate::models::blog::*;

async fn titles(db: &Database, filter: Filter<Post>) -> Vec<String> {
    let posts = PostRepository::new(db)
        .filter(filter)
        .order_by(Post::ID.asc())
        .all();
    let posts = counted(db, 1, posts).await;
    posts.into_iter().map(|post| post.title).collect()
}

pub async fn every_comparison_selects_its_rows(db: &Database) {
    seed(db).await.unwrap();
    assert_eq!(titles(db, Post::LIKES.eq(10)).await, ["Numbers"]);
    assert_eq!(
        titles(db, Post::LIKES.ne(10)).await,
        ["Engines", "Gardens", "Looms"]
    );
    assert_eq!(titles(db, Post::LIKES.lt(10)).await, ["Gardens"]);
    assert_eq!(titles(db, Post::LIKES.le(10)).await, ["Gardens", "Numbers"]);
    assert_eq!(titles(db, Post::LIKES.gt(20)).await, ["Engines"]);
    assert_eq!(titles(db, Post::LIKES.ge(20)).await, ["Engines", "Looms"]);
    assert_eq!(
        titles(db, Post::LIKES.between(10, 20)).await,
        ["Numbers", "Looms"]
    );
    assert_eq!(
        titles(db, Post::RATING.is_null()).await,
        ["Gardens", "Looms"]
    );
    assert_eq!(
        titles(db, Post::RATING.is_not_null()).await,
        ["Engines", "Numbers"]
    );
    assert_eq!(titles(db, Post::RATING.ne(3)).await, ["Numbers"]);
    assert_eq!(titles(db, Post::LIKES.eq(Post::LIKES)).await.len(), 4);
    assert_eq!(titles(db, Post::LIKES.add(5).eq(10)).await, ["Gardens"]);
    assert_eq!(titles(db, Post::TITLE.lower().eq("looms")).await, ["Looms"]);
}

pub async fn like_takes_text_literally(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let odd = ["100%", "100 or so", "a_b", "acb", r"back\slash", "it's"];
    let posts = odd.map(|title| post(&seeded[2], title, 0));
    PostRepository::new(db).insert_many(posts).await.unwrap();
    assert_eq!(titles(db, Post::TITLE.like("%oo%")).await, ["Looms"]);
    assert_eq!(titles(db, Post::TITLE.like("_ooms")).await, ["Looms"]);
    assert_eq!(titles(db, Post::TITLE.starts_with("100%")).await, ["100%"]);
    assert_eq!(titles(db, Post::TITLE.contains("a_b")).await, ["a_b"]);
    assert_eq!(
        titles(db, Post::TITLE.contains(r"\")).await,
        [r"back\slash"]
    );
    assert_eq!(titles(db, Post::TITLE.ends_with("'s")).await, ["it's"]);
    assert_eq!(titles(db, Post::TITLE.like(r"100\%")).await, ["100%"]);
    assert_eq!(titles(db, Post::TITLE.ilike("LOOMS")).await, ["Looms"]);
    assert_eq!(titles(db, Post::TITLE.not_like("%o%")).await.len(), 8);
}

pub async fn long_lists_select(db: &Database) {
    seed(db).await.unwrap();
    assert!(
        titles(db, Post::LIKES.in_list(Vec::<i32>::new()))
            .await
            .is_empty()
    );
    assert_eq!(
        titles(db, Post::LIKES.not_in_list(Vec::<i32>::new()))
            .await
            .len(),
        4
    );
    assert_eq!(titles(db, Post::LIKES.in_list([5])).await, ["Gardens"]);
    assert_eq!(
        titles(db, Post::LIKES.in_list([5, 10, 5, 11])).await,
        ["Gardens", "Numbers"]
    );
    assert_eq!(
        titles(db, Post::LIKES.not_in_list([5, 10])).await,
        ["Engines", "Looms"]
    );
    // 40,000 are fewer than the protocols' 65,535, but the next power of two is not; 70,000 are more.
    for longest in [30_010, 40_010, 70_010] {
        assert_eq!(
            titles(db, Post::LIKES.in_list(10..longest)).await,
            ["Engines", "Numbers", "Looms"]
        );
        assert_eq!(
            titles(db, Post::LIKES.not_in_list(10..longest)).await,
            ["Gardens"]
        );
    }
    assert_eq!(
        titles(db, Post::TITLE.in_list(["Looms", "it's"])).await,
        ["Looms"]
    );
    assert_eq!(titles(db, Post::RATING.in_list([3, 4])).await, ["Engines"]);
}

pub async fn filters_combine(db: &Database) {
    seed(db).await.unwrap();
    let both = Post::LIKES.gt(5).and(Post::RATING.is_null());
    assert_eq!(titles(db, both).await, ["Looms"]);
    let either = Post::LIKES.eq(5).or(Post::RATING.eq(1));
    assert_eq!(titles(db, either.clone()).await, ["Gardens", "Numbers"]);
    assert_eq!(
        titles(db, either.clone().and(Post::LIKES.lt(7))).await,
        ["Gardens"]
    );
    assert_eq!(
        titles(db, !(Post::LIKES.eq(5).or(Post::LIKES.eq(10)))).await,
        ["Engines", "Looms"]
    );
    assert_eq!(titles(db, Filter::all([])).await.len(), 4);
    assert!(titles(db, Filter::any([])).await.is_empty());
    assert_eq!(
        titles(db, Filter::any([]).or(Post::LIKES.eq(5))).await,
        ["Gardens"]
    );
    assert_eq!(titles(db, !Filter::any([])).await.len(), 4);
    assert!(titles(db, !Filter::all([])).await.is_empty());
    // What makes no difference is not in the text.
    let none = || Filter::all([]);
    let recording = db.recorded();
    let posts = PostRepository::new(db);
    for filter in [
        none(),
        none().and(none()),
        Filter::all([none(), none()]),
        Filter::all(None::<i32>.map(|likes| Post::LIKES.ge(likes))),
    ] {
        assert_eq!(posts.filter(filter).count().await.unwrap(), 4);
    }
    for filter in [none().and(Post::LIKES.eq(5)), Post::LIKES.eq(5).and(none())] {
        assert_eq!(
            posts.filter(none()).filter(filter).count().await.unwrap(),
            1
        );
    }
    let nothing = Filter::any([]).or(Filter::any([])).or(Post::LIKES.eq(5));
    assert_eq!(posts.filter(nothing).count().await.unwrap(), 1);
    let users = UserRepository::new(db);
    let writers = users
        .filter(User::POSTS.any(none()))
        .with(User::POSTS.filter(none()));
    assert_eq!(writers.all().await.unwrap().len(), 2);
    for sent in recording.statements() {
        assert!(
            !sent.sql.contains("1 = 1") && !sent.sql.contains("1 = 0"),
            "{}",
            sent.sql
        );
    }
}

pub async fn filters_reach_over_relations(db: &Database) {
    seed(db).await.unwrap();
    let names = |filter: Filter<User>| async {
        let users = UserRepository::new(db)
            .filter(filter)
            .order_by(User::ID.asc())
            .all();
        let users = counted(db, 1, users).await;
        users.into_iter().map(|user| user.name).collect::<Vec<_>>()
    };
    assert_eq!(names(User::POSTS.any(Post::LIKES.ge(20))).await, ["Ada"]);
    assert_eq!(
        names(User::POSTS.none(Post::LIKES.ge(20))).await,
        ["Bea", "Cleo"]
    );
    assert_eq!(
        names(User::POSTS.any(Post::COMMENTS.any(Comment::BODY.eq("Looms 2")))).await,
        ["Ada"]
    );
    assert_eq!(names(User::POSTS.is_empty()).await, ["Cleo"]);
    assert_eq!(names(User::POSTS.is_not_empty()).await, ["Ada", "Bea"]);
    assert_eq!(names(User::POSTS.count().ge(1)).await, ["Ada", "Bea"]);
    assert_eq!(names(User::POSTS.count().eq(0)).await, ["Cleo"]);
    assert_eq!(names(User::POSTS.sum(Post::LIKES).gt(50)).await, ["Ada"]);
    assert_eq!(
        names(User::GROUPS.any(Group::NAME.eq("Writers"))).await,
        ["Ada", "Bea"]
    );
    assert_eq!(
        names(User::GROUPS.none(Group::NAME.eq("Readers"))).await,
        ["Bea", "Cleo"]
    );
    assert_eq!(names(User::GROUPS.count().eq(2)).await, ["Ada"]);
    assert_eq!(
        titles(db, Post::AUTHOR.through(User::NAME).eq("Bea")).await,
        ["Gardens"]
    );
    assert_eq!(
        titles(db, Post::EDITOR.through(User::NAME).is_null()).await,
        ["Gardens", "Numbers", "Looms"]
    );
    let by_author = PostRepository::new(db)
        .order_by((Post::AUTHOR.through(User::NAME).desc(), Post::LIKES.asc()))
        .all()
        .await
        .unwrap();
    let by_author: Vec<_> = by_author.iter().map(|post| post.likes).collect();
    assert_eq!(by_author, [5, 10, 20, 30]);
    assert_eq!(
        titles(db, Post::EDITOR.through(User::NAME).is_not_null()).await,
        ["Engines"]
    );
    assert_eq!(
        titles(db, Post::AUTHOR.through(User::NAME).ge("B")).await,
        titles(db, !Post::AUTHOR.through(User::NAME).le("B")).await,
    );
    // In an include, within each parent and with a limit, by every strategy.
    for strategy in STRATEGIES {
        let order = (
            Comment::POST.through(Post::LIKES).desc(),
            Comment::ID.desc(),
        );
        let users = UserRepository::new(db)
            .order_by(User::ID.asc())
            .strategy(strategy)
            .with(User::POSTS.with(Post::COMMENTS.order_by(order).limit(1)));
        let users = users.all().await.unwrap();
        let posts = users[0].get(User::POSTS).iter();
        let last: Vec<_> = posts
            .map(|post| post.get(Post::COMMENTS)[0].body.as_str())
            .collect();
        assert_eq!(last, ["Engines 2", "Numbers 2", "Looms 2"]);
        let order = (
            Post::EDITOR.through(User::NAME).asc().nulls_last(),
            Post::ID.desc(),
        );
        let users = UserRepository::new(db)
            .order_by(User::ID.asc())
            .strategy(strategy)
            .with(User::POSTS.order_by(order).limit(2));
        let users = users.all().await.unwrap();
        let titles = users[0]
            .get(User::POSTS)
            .iter()
            .map(|post| post.title.as_str());
        assert_eq!(titles.collect::<Vec<_>>(), ["Engines", "Looms"]);
    }
    // A place between rows is known by columns of their own.
    let page = PostRepository::new(db)
        .order_by(Post::AUTHOR.through(User::NAME).asc())
        .page(Page::first(2));
    let refused = counted(db, 0, async { Ok(page.await) }).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    assert!(
        refused.to_string().contains("columns of the entity itself"),
        "{refused}"
    );
    let by_posts = UserRepository::new(db)
        .order_by(User::POSTS.count().asc())
        .with(User::POSTS)
        .all();
    let by_posts: Vec<_> = by_posts
        .await
        .unwrap()
        .iter()
        .map(|user| user.name.clone())
        .collect();
    assert_eq!(by_posts, ["Cleo", "Bea", "Ada"]);
}

pub async fn raw_expressions_are_the_way_out(db: &Database) {
    use sea_query::ExprTrait as _;
    seed(db).await.unwrap();
    let raw = Filter::raw(|table| sea_query::Expr::col((table, "likes")).modulo(3).eq(2));
    assert_eq!(titles(db, raw).await, ["Gardens", "Looms"]);
}

pub async fn nulls_are_ordered_alike(db: &Database) {
    seed(db).await.unwrap();
    let order = |order: entourage::schema::OrderBy<Post>| async {
        let posts = PostRepository::new(db).order_by(order).all().await.unwrap();
        posts
            .into_iter()
            .map(|post| post.rating)
            .collect::<Vec<_>>()
    };
    let rating = Post::RATING;
    assert_eq!(order(rating.asc()).await, [None, None, Some(1), Some(3)]);
    assert_eq!(order(rating.desc()).await, [Some(3), Some(1), None, None]);
    assert_eq!(
        order(rating.asc().nulls_last()).await,
        [Some(1), Some(3), None, None]
    );
    assert_eq!(
        order(rating.desc().nulls_first()).await,
        [None, None, Some(3), Some(1)]
    );
    // Ties are broken by primary key.
    let ties = PostRepository::new(db)
        .order_by(rating.desc())
        .all()
        .await
        .unwrap();
    assert_eq!(
        (ties[2].title.as_str(), ties[3].title.as_str()),
        ("Gardens", "Looms")
    );
}
