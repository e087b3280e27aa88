//! Every strategy loads the graph that nested loops over the rows in memory would build, whatever the rows, filters,
//! orders, limits and nesting.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "strategies/ask.rs"]
mod ask;
#[path = "strategies/rows.rs"]
mod rows;

use entourage::{Database, Result, prelude::*};
use entourage_tests::{
    models::blog::*,
    require,
    setup::{self, TestDatabase},
};
use proptest::{
    prelude::*,
    strategy::Strategy as _,
    test_runner::{Config, TestRunner},
};

use ask::{Ask, Sorted, arranged, asked};
use rows::Rows;

/// One query: how its root and each of its relations are asked for.
#[derive(Debug, Clone)]
struct Plan {
    strategy: entourage::eager::Strategy,
    users: Ask,
    posts: Ask,
    comments: Ask,
    editor: Ask,
    editors_groups: Ask,
    profile: Ask,
    groups: Ask,
}

fn plans() -> impl proptest::strategy::Strategy<Value = Plan> {
    (
        ask::strategies(),
        (ask::asks(), ask::asks(), ask::asks(), ask::asks()),
        (ask::asks(), ask::asks(), ask::asks()),
    )
        .prop_map(
            |(strategy, (users, posts, comments, editor), (editors_groups, profile, groups))| {
                Plan {
                    strategy,
                    users,
                    posts,
                    comments,
                    editor,
                    editors_groups,
                    profile,
                    groups,
                }
            },
        )
}

/// The graph as the framework loads it, drawn as text.
async fn loaded(db: &Database, plan: &Plan) -> Result<Vec<String>> {
    let mut users = UserRepository::new(db).query().strategy(plan.strategy);
    if let Some(filter) = User::at_least(&plan.users) {
        users = users.filter(filter);
    }
    // The order of a root without one is the database's.
    users = users.order_by(User::order(&plan.users).unwrap_or_else(|| vec![User::ID.asc()]));
    if let Some(limit) = plan.users.limit {
        users = users.limit(limit);
    }
    if let Some(offset) = plan.users.offset {
        users = users.offset(offset);
    }
    let posts = asked(User::POSTS, &plan.posts)
        .with(asked(Post::COMMENTS, &plan.comments))
        .with(
            asked(
                Post::EDITOR,
                &Ask {
                    limit: None,
                    offset: None,
                    ..plan.editor.clone()
                },
            )
            .with(asked(User::GROUPS, &plan.editors_groups)),
        )
        .with(Post::AUTHOR);
    let graph = users
        .with(posts)
        .with(asked(User::PROFILE, &plan.profile))
        .with(asked(User::GROUPS, &plan.groups))
        .with(User::POSTS.count())
        .all()
        .await?;
    let drawn = graph.iter().map(|user| {
        let posts: Vec<_> = user
            .get(User::POSTS)
            .iter()
            .map(|post| {
                let editor = post.get(Post::EDITOR).as_ref();
                let editor = editor.map(|editor| (editor.id, ids(editor.get(User::GROUPS))));
                (
                    post.id,
                    ids(post.get(Post::COMMENTS)),
                    editor,
                    post.get(Post::AUTHOR).id,
                )
            })
            .collect();
        let profile = user.get(User::PROFILE).as_ref().map(|profile| profile.id);
        let (groups, count) = (ids(user.get(User::GROUPS)), *user.get(User::POSTS.count()));
        format!("{} {posts:?} {profile:?} {groups:?} {count}", user.id)
    });
    Ok(drawn.collect())
}

/// The graph by nested loops, drawn as text.
fn reference(rows: &Rows, plan: &Plan) -> Vec<String> {
    let groups = |user: i64, ask: &Ask| {
        let groups = rows.groups.iter().filter(|group| {
            let is_pair = |pair: &&Membership| (pair.user_id, pair.group_id) == (user, group.id);
            rows.memberships.iter().any(|pair| is_pair(&pair))
        });
        ids(&arranged(groups, ask))
    };
    let users = arranged(rows.users.iter(), &plan.users);
    let drawn = users.iter().map(|user| {
        let own = || rows.posts.iter().filter(|post| post.author_id == user.id);
        let posts: Vec<_> = arranged(own(), &plan.posts)
            .iter()
            .map(|post| {
                let comments = rows
                    .comments
                    .iter()
                    .filter(|comment| comment.post_id == post.id);
                let is_editor = |user: &&User| Some(user.id) == post.editor_id;
                let of_one = Ask {
                    limit: None,
                    offset: None,
                    ..plan.editor.clone()
                };
                let editor = arranged(rows.users.iter().filter(is_editor), &of_one);
                let editor = editor
                    .first()
                    .map(|editor| (editor.id, groups(editor.id, &plan.editors_groups)));
                (
                    post.id,
                    ids(&arranged(comments, &plan.comments)),
                    editor,
                    post.author_id,
                )
            })
            .collect();
        let profiles = rows
            .profiles
            .iter()
            .filter(|profile| profile.user_id == user.id);
        let profile = arranged(profiles, &plan.profile)
            .first()
            .map(|profile| profile.id);
        let groups = groups(user.id, &plan.groups);
        format!(
            "{} {posts:?} {profile:?} {groups:?} {}",
            user.id,
            own().count()
        )
    });
    drawn.collect()
}

fn ids<E: Sorted>(rows: &[E]) -> Vec<i64> {
    rows.iter().map(Sorted::id).collect()
}

fn check(make: impl Future<Output = std::result::Result<TestDatabase, setup::Skip>>, cases: u32) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = require!(runtime.block_on(make));
    let db = runtime.block_on(async {
        let db = Database::connect(database.url()).await.unwrap();
        create_blog(&db).await;
        db
    });
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(
        &(rows::drafts(), proptest::collection::vec(plans(), 4)),
        |(draft, plans)| {
            let compared = runtime.block_on(async {
                let rows = draft.insert(&db).await.unwrap();
                let mut compared = Vec::new();
                for plan in plans {
                    compared.push((loaded(&db, &plan).await, reference(&rows, &plan), plan));
                }
                compared
            });
            for (loaded, reference, plan) in compared {
                let loaded =
                    loaded.map_err(|error| TestCaseError::fail(format!("{error:?} {plan:?}")))?;
                prop_assert_eq!(loaded, reference, "{:?}", plan);
            }
            Ok(())
        },
    );
    runtime.block_on(db.close());
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn every_strategy_equals_nested_loops_on_sqlite() {
    check(setup::sqlite_memory(), 96);
}

#[test]
fn every_strategy_equals_nested_loops_on_postgres() {
    check(setup::postgres(), 24);
}

#[test]
fn every_strategy_equals_nested_loops_on_mysql() {
    check(setup::mysql(), 24);
}
