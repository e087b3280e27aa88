//! Graphs by every strategy, with the statements they take.

use entourage::{Database, dialect::Dialect, prelude::*, transaction::IsolationLevel};

use super::counted::{STRATEGIES, counted};
use crate::models::blog::*;

pub async fn every_strategy_loads_the_same_graph(db: &Database) {
    seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let mut graphs = Vec::new();
    for strategy in STRATEGIES {
        let statements = match strategy {
            Strategy::Batched => 5,
            Strategy::Auto if db.dialect() != Dialect::Postgres => 4,
            _ => 1,
        };
        let graph = users
            .order_by(User::ID.asc())
            .strategy(strategy)
            .with(User::POSTS.with(Post::COMMENTS).with(Post::EDITOR))
            .with(User::PROFILE)
            .all();
        graphs.push(counted(db, statements, graph).await);
    }
    for graph in &graphs[1..] {
        assert_eq!(graph, &graphs[0]);
    }
    let titles = |user: usize| -> Vec<&str> {
        graphs[0][user]
            .get(User::POSTS)
            .iter()
            .map(|post| post.title.as_str())
            .collect()
    };
    assert_eq!(titles(0), ["Engines", "Numbers", "Looms"]);
    assert_eq!(titles(1), ["Gardens"]);
    assert!(titles(2).is_empty());
    let first = &graphs[0][0].get(User::POSTS)[0];
    let bodies: Vec<_> = first
        .get(Post::COMMENTS)
        .iter()
        .map(|comment| &comment.body)
        .collect();
    assert_eq!(bodies, ["Engines 1", "Engines 2"]);
    assert_eq!(first.get(Post::EDITOR).as_ref().unwrap().name, "Bea");
    assert!(graphs[0][0].get(User::PROFILE).is_some() && graphs[0][1].get(User::PROFILE).is_none());
}

pub async fn statements_do_not_grow_with_rows(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let load = |strategy| {
        users
            .query()
            .strategy(strategy)
            .with(User::POSTS.with(Post::COMMENTS))
            .all()
    };
    counted(db, 3, load(Strategy::Batched)).await;
    counted(db, 1, load(Strategy::Unified)).await;
    let more = (0..200).map(|number| post(&seeded[number % 3], "more", 0));
    PostRepository::new(db).insert_many(more).await.unwrap();
    counted(db, 3, load(Strategy::Batched)).await;
    counted(db, 1, load(Strategy::Unified)).await;
}

pub async fn limits_and_orders_are_per_parent_at_every_depth(db: &Database) {
    seed(db).await.unwrap();
    for strategy in STRATEGIES {
        let graph = UserRepository::new(db)
            .order_by(User::NAME.desc())
            .strategy(strategy)
            .with(
                User::POSTS
                    .filter(Post::LIKES.gt(5))
                    .order_by(Post::LIKES.desc())
                    .limit(2)
                    .with(Post::COMMENTS.order_by(Comment::LIKES.desc()).limit(1)),
            )
            .all()
            .await
            .unwrap();
        type Seen<'a> = Vec<(&'a str, Vec<(&'a str, Vec<&'a str>)>)>;
        let seen: Seen<'_> = graph
            .iter()
            .map(|user| {
                let posts = user.get(User::POSTS).iter().map(|post| {
                    let bodies = post
                        .get(Post::COMMENTS)
                        .iter()
                        .map(|comment| comment.body.as_str());
                    (post.title.as_str(), bodies.collect())
                });
                (user.name.as_str(), posts.collect())
            })
            .collect();
        let ada = vec![("Engines", vec!["Engines 2"]), ("Looms", vec!["Looms 2"])];
        assert_eq!(
            seen,
            [("Cleo", vec![]), ("Bea", vec![]), ("Ada", ada)],
            "{strategy:?}"
        );
        let second = UserRepository::new(db)
            .filter(User::NAME.eq("Ada"))
            .strategy(strategy)
            .with(User::POSTS.order_by(Post::LIKES.asc()).offset(1).limit(1))
            .one()
            .await
            .unwrap();
        assert_eq!(second.get(User::POSTS)[0].title, "Looms", "{strategy:?}");
        assert_eq!(second.get(User::POSTS).len(), 1, "{strategy:?}");
    }
}

pub async fn parents_keep_their_order_and_duplicates(db: &Database) {
    seed(db).await.unwrap();
    for strategy in STRATEGIES {
        let posts = PostRepository::new(db)
            .order_by((Post::AUTHOR_ID.desc(), Post::LIKES.asc()))
            .with(
                Post::AUTHOR
                    .strategy(strategy)
                    .with(User::GROUPS.strategy(strategy)),
            )
            .all()
            .await
            .unwrap();
        let seen: Vec<_> = posts
            .iter()
            .map(|post| {
                let author = post.get(Post::AUTHOR);
                (
                    post.likes,
                    author.name.as_str(),
                    author.get(User::GROUPS).len(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (5, "Bea", 1),
                (10, "Ada", 2),
                (20, "Ada", 2),
                (30, "Ada", 2)
            ],
            "{strategy:?}"
        );
    }
}

pub async fn a_root_limit_is_not_changed_by_joins(db: &Database) {
    seed(db).await.unwrap();
    for strategy in STRATEGIES {
        let users = UserRepository::new(db)
            .order_by(User::NAME.asc())
            .offset(0)
            .limit(2)
            .strategy(strategy)
            .with(User::POSTS)
            .with(User::GROUPS)
            .all()
            .await
            .unwrap();
        let seen: Vec<_> = users
            .iter()
            .map(|user| {
                (
                    user.name.as_str(),
                    user.get(User::POSTS).len(),
                    user.get(User::GROUPS).len(),
                )
            })
            .collect();
        assert_eq!(seen, [("Ada", 3, 2), ("Bea", 1, 1)], "{strategy:?}");
    }
}

pub async fn many_to_many_is_loaded_from_both_sides(db: &Database) {
    seed(db).await.unwrap();
    for (strategy, statements) in [
        (Strategy::Joined, 1),
        (Strategy::Batched, 3),
        (Strategy::Unified, 1),
    ] {
        let groups = GroupRepository::new(db)
            .order_by(Group::NAME.desc())
            .strategy(strategy)
            .with(
                Group::MEMBERS
                    .order_by(User::NAME.desc())
                    .with(User::GROUPS.order_by(Group::NAME.asc())),
            )
            .all();
        let groups = counted(db, statements, groups).await;
        let seen: Vec<(&str, Vec<(&str, usize)>)> = groups
            .iter()
            .map(|group| {
                let members = group.get(Group::MEMBERS).iter();
                let members =
                    members.map(|user| (user.name.as_str(), user.get(User::GROUPS).len()));
                (group.name.as_str(), members.collect())
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("Writers", vec![("Bea", 1), ("Ada", 2)]),
                ("Readers", vec![("Ada", 2)])
            ]
        );
    }
}

pub async fn relations_have_scopes_of_their_own(db: &Database) {
    seed(db).await.unwrap();
    for strategy in STRATEGIES {
        let ada = UserRepository::new(db)
            .filter(User::NAME.eq("Ada"))
            .strategy(strategy)
            .with(User::POSTS.filter(Post::LIKES.lt(20)))
            .with(User::POPULAR_POSTS)
            .one()
            .await
            .unwrap();
        let popular: Vec<_> = ada
            .get(User::POPULAR_POSTS)
            .iter()
            .map(|post| post.likes)
            .collect();
        assert_eq!(popular, [30, 20, 10], "{strategy:?}");
        assert_eq!(ada.get(User::POSTS).len(), 1, "{strategy:?}");
    }
}

pub async fn figures_are_loaded_beside_rows(db: &Database) {
    seed(db).await.unwrap();
    for strategy in STRATEGIES {
        let users = UserRepository::new(db)
            .order_by(User::ID.asc())
            .strategy(strategy)
            .with(User::POSTS.count())
            .with(User::GROUPS.exists())
            .with(User::POSTS.sum(Post::LIKES))
            .all()
            .await
            .unwrap();
        let seen: Vec<_> = users
            .iter()
            .map(|user| {
                let sum = user.get(User::POSTS.sum(Post::LIKES));
                (
                    *user.get(User::POSTS.count()),
                    *user.get(User::GROUPS.exists()),
                    *sum,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [(3, true, Some(60)), (1, true, Some(5)), (0, false, None)],
            "{strategy:?}"
        );
        let liked = UserRepository::new(db)
            .order_by(User::ID.asc())
            .strategy(strategy)
            .with(User::POSTS.count().filter(Post::LIKES.ge(20)))
            .all()
            .await
            .unwrap();
        let liked: Vec<_> = liked
            .iter()
            .map(|user| *user.get(User::POSTS.count()))
            .collect();
        assert_eq!(liked, [2, 0, 0], "{strategy:?}");
    }
}

pub async fn an_include_can_be_left_out(db: &Database) {
    seed(db).await.unwrap();
    for strategy in STRATEGIES {
        for wanted in [false, true] {
            let users = UserRepository::new(db)
                .order_by(User::ID.asc())
                .strategy(strategy)
                .with_if(wanted, User::POSTS.with(Post::COMMENTS))
                .with(User::PROFILE)
                .all()
                .await
                .unwrap();
            let posts = users[0].get(User::POSTS);
            assert_eq!(
                posts.as_ref().map(Vec::len),
                wanted.then_some(3),
                "{strategy:?}"
            );
            assert!(users[0].get(User::PROFILE).is_some());
        }
    }
}

pub async fn relations_are_loaded_onto_rows_in_hand(db: &Database) {
    let seeded = seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let in_hand = vec![seeded[1].clone(), seeded[0].clone(), seeded[1].clone()];
    let loaded = users
        .load(in_hand, User::POSTS.with(Post::AUTHOR))
        .await
        .unwrap();
    let seen: Vec<_> = loaded
        .iter()
        .map(|user| (user.name.as_str(), user.get(User::POSTS).len()))
        .collect();
    assert_eq!(seen, [("Bea", 1), ("Ada", 3), ("Bea", 1)]);
    let none = counted(db, 0, users.load(Vec::new(), User::POSTS)).await;
    assert!(none.is_empty());
}

pub async fn a_consistent_load_sees_one_moment(db: &Database) {
    seed(db).await.unwrap();
    let users = UserRepository::new(db);
    let graph = || {
        users
            .query()
            .strategy(Strategy::Batched)
            .with(User::POSTS.with(Post::COMMENTS))
    };
    let recording = db.recorded();
    let consistent = graph().consistent().all().await.unwrap();
    let sent: Vec<_> = recording
        .statements()
        .iter()
        .map(|sent| sent.sql.to_string())
        .collect();
    let begin = match db.dialect() {
        Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Dialect::Mysql => {
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ ONLY"
        }
        Dialect::Sqlite => "BEGIN",
    };
    assert!(sent[0].contains(begin), "{sent:#?}");
    let end = sent.iter().position(|sql| sql == "COMMIT");
    assert_eq!(end, Some(4), "{sent:#?}");
    drop(recording);
    assert_eq!(consistent, counted(db, 3, graph().all()).await);
    // One statement sees one moment anyway.
    let recording = db.recorded();
    users.query().consistent().all().await.unwrap();
    assert_eq!(recording.statements().len(), 1);
    drop(recording);
    // A transaction of that level is one moment already; another one is not.
    let tx = db.transaction().isolation(IsolationLevel::Serializable);
    let tx = tx.begin().await.unwrap();
    let inside = UserRepository::new(tx.clone());
    let inside = inside.query().strategy(Strategy::Batched);
    let inside = inside.with(User::POSTS.with(Post::COMMENTS));
    assert_eq!(inside.consistent().all().await.unwrap(), consistent);
    tx.rollback().await.unwrap();
    if db.dialect() == Dialect::Postgres {
        let tx = db.begin().await.unwrap();
        let inside = UserRepository::new(&tx);
        let inside = inside.query().strategy(Strategy::Batched);
        let refused = inside.with(User::POSTS).consistent().all().await;
        let error = refused.unwrap_err();
        assert!(error.is_unsupported(), "{error}");
        assert!(error.hint().unwrap().contains("RepeatableRead"), "{error}");
    }
}
