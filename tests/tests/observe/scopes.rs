//! Scopes nest, go along with tasks, stay apart, and come back from a pause whatever happens.
use std::{panic::AssertUnwindSafe, time::Duration};

use entourage::{
    observe::{self, Ignored, Scope},
    prelude::*,
    repository::Loader,
};
use entourage_tests::models::blog::*;
use futures_util::{FutureExt, StreamExt};

use super::theatre::{database, planted, post, seed, sound};

#[tokio::test]
async fn scopes_nest() {
    let db = database().await;
    seed(&db, 2).await.unwrap();
    let (outer, inner) = (Scope::new(), Scope::new());
    outer
        .run(async {
            sound(&db).await.unwrap();
            inner.run(sound(&db)).await.unwrap();
            // Entered twice, a scope counts once.
            inner.run(inner.run(outer.run(sound(&db)))).await.unwrap();
        })
        .await;
    assert_eq!((outer.count(), inner.count()), (6, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_scope_goes_along_with_tasks_that_are_spawned_by_it() {
    let db = database().await;
    seed(&db, 2).await.unwrap();
    let (outer, inner) = (Scope::new(), Scope::new());
    outer
        .run(inner.run(async {
            let mut tasks = Vec::new();
            for _ in 0..8 {
                let (one, two) = (db.clone(), db.clone());
                tasks.push(observe::spawn(async move { sound(&one).await.unwrap() }));
                tasks.push(inner.spawn(async move { sound(&two).await.unwrap() }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            let other = db.clone();
            tokio::spawn(async move { sound(&other).await.unwrap() })
                .await
                .unwrap();
        }))
        .await;
    assert_eq!((outer.count(), inner.count()), (32, 32));
}

#[tokio::test]
async fn an_n_plus_one_of_tasks_side_by_side_is_found() {
    let db = database().await;
    seed(&db, 6).await.unwrap();
    let scope = Scope::new();
    let tasks = scope
        .run(async {
            let users = UserRepository::new(&db).query().all().await.unwrap();
            let tasks = users.into_iter().map(|user| {
                let db = db.clone();
                observe::spawn(async move {
                    PostRepository::new(&db)
                        .filter(Post::AUTHOR_ID.eq(user.id))
                        .all()
                        .await
                })
            });
            futures_util::future::join_all(tasks).await
        })
        .await;
    assert_eq!(tasks.len(), 6);
    let found = scope.n_plus_ones(&Default::default());
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].count, found[0].relations.as_slice()),
        (6, &["User::POSTS"][..])
    );
}

#[tokio::test]
async fn a_statement_that_is_dropped_is_recorded_as_cancelled() {
    let db = database().await;
    let blocker = db.begin().await.unwrap();
    let scope = Scope::new();
    let wait = scope.run(sound(&db));
    assert!(
        tokio::time::timeout(Duration::from_millis(20), wait)
            .await
            .is_err()
    );
    drop(blocker);
    let statements = scope.statements();
    assert!(
        statements.len() == 1 && statements[0].cancelled,
        "{statements:?}"
    );
}

#[tokio::test]
async fn no_path_goes_uncounted() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let scope = Scope::only(db.observers());
    let users = UserRepository::new(&db);
    let posts = PostRepository::new(&db);
    let counted = async |statements: usize, what: &str| {
        assert_eq!(scope.count(), statements, "{what}: {}", scope.report());
        scope.clear();
    };
    scope
        .run(async {
            users.find(1).await.unwrap();
            counted(1, "find").await;
            let rows: Vec<_> = users.query().stream().collect().await;
            assert_eq!(rows.len(), 3);
            assert_eq!(scope.statements()[0].rows, 3);
            counted(1, "a stream").await;
            posts.insert_many(vec![post(1), post(2)]).await.unwrap();
            counted(1, "many rows").await;
            db.sql("SELECT 1", args![]).fetch::<(i64,)>().await.unwrap();
            counted(1, "raw SQL").await;
            let loader = Loader::new(db.clone());
            let (one, two) =
                tokio::try_join!(loader.load::<User>(1), loader.load::<User>(2)).unwrap();
            assert!(one.is_some() && two.is_some());
            counted(1, "the loader").await;
            let tx = db.begin().await.unwrap();
            UserRepository::new(&tx).find(1).await.unwrap();
            let inner = tx.begin().await.unwrap();
            UserRepository::new(&inner).find(2).await.unwrap();
            inner.commit().await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(scope.statements().len(), 6);
            counted(2, "a transaction").await;
            let ada = users.find(1).await.unwrap().unwrap();
            users.load(vec![ada], User::POSTS).await.unwrap();
            counted(2, "a load").await;
            users.filter(User::ID.gt(100)).delete().await.unwrap();
            counted(1, "a delete").await;
            users.query().exists().await.unwrap();
            counted(1, "exists").await;
            db.execute_script("SELECT 1").await.unwrap();
            assert_eq!(scope.statements().len(), 1);
            users.query().with(User::POSTS.count()).all().await.unwrap();
            assert!(scope.count() >= 1);
        })
        .await;
}

#[tokio::test]
async fn a_recording_hears_every_task_of_its_handle() {
    let (db, other) = (database().await, database().await);
    seed(&db, 1).await.unwrap();
    let recording = db.recorded();
    let task = db.clone();
    tokio::spawn(async move { sound(&task).await.unwrap() })
        .await
        .unwrap();
    sound(&other).await.unwrap();
    assert_eq!(recording.count(), 2);
    drop(recording);
    sound(&db).await.unwrap();
}

#[tokio::test]
async fn a_pause_ends_with_its_guard_whatever_happens() {
    let db = database().await;
    seed(&db, 2).await.unwrap();
    let scope = Scope::new();
    scope
        .run(async {
            let paused = scope.pause();
            sound(&db).await.unwrap();
            drop(paused);
            assert_eq!(scope.count(), 0);
            let panicked = AssertUnwindSafe(async {
                let _paused = scope.pause();
                sound(&db).await.unwrap();
                panic!("in the middle");
            });
            assert!(panicked.catch_unwind().await.is_err());
            sound(&db).await.unwrap();
            assert_eq!(scope.count(), 2);
        })
        .await;
}

#[tokio::test]
async fn what_is_ignored_is_left_out_while_its_guard_lives() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let scope = Scope::new();
    scope
        .run(async {
            planted(&db).await.unwrap();
            let lookup = scope
                .statements()
                .into_iter()
                .find(|run| run.table() == "posts")
                .unwrap();
            scope.clear();
            for ignored in [
                Ignored::Fingerprint(lookup.fingerprint),
                Ignored::Line("observe/theatre.rs".into(), lookup.call_site.line()),
                Ignored::Table("posts".into()),
            ] {
                let guard = scope.ignore(ignored);
                planted(&db).await.unwrap();
                assert_eq!(scope.count(), 1);
                drop(guard);
                scope.clear();
            }
            let guard = scope.ignore(Ignored::File("observe/theatre.rs".into()));
            planted(&db).await.unwrap();
            assert_eq!(scope.count(), 0);
            drop(guard);
            planted(&db).await.unwrap();
            assert_eq!(scope.count(), 4);
        })
        .await;
}

#[tokio::test]
async fn a_log_with_a_limit_counts_on() {
    let db = database().await;
    seed(&db, 9).await.unwrap();
    let scope = Scope::new().with_limit(4);
    scope.run(planted(&db)).await.unwrap();
    assert_eq!(
        (scope.statements().len(), scope.count(), scope.dropped()),
        (4, 10, 6)
    );
    assert!(scope.report().to_string().ends_with("6 more, not kept"));
}

#[derive(Debug, Clone, Entity)]
#[entity(table = "kept_things", cache(ttl = "60s"))]
struct Thing {
    #[entity(primary_key)]
    id: i64,
    name: String,
}

#[tokio::test]
async fn what_the_cache_answers_is_no_statement_and_counted_apart() {
    let db = database().await;
    db.create_schema::<(Thing,)>().await.unwrap();
    let things = ThingRepository::new(&db);
    let new = (1..=2).map(|id| NewThing {
        id,
        name: format!("Thing {id}"),
    });
    things.insert_many(new).await.unwrap();
    db.cache().clear();
    let (outer, inner) = (Scope::new(), Scope::only(db.observers()));
    outer
        .run(async {
            things.get(1).await.unwrap();
            inner
                .run(async {
                    things.get(1).await.unwrap();
                    things.find_many([1, 2]).await.unwrap();
                    let paused = inner.pause();
                    assert_eq!(things.get(2).await.unwrap().name, "Thing 2");
                    drop(paused);
                })
                .await;
        })
        .await;
    let figures = |scope: &Scope| (scope.count(), scope.cache_hits(), scope.cache_misses());
    assert_eq!(figures(&outer), (2, 3, 2));
    assert_eq!(figures(&inner), (1, 2, 1));
    inner.clear();
    assert_eq!(figures(&inner), (0, 0, 0));
    let other = database().await;
    let apart = Scope::only(other.observers());
    apart.run(things.get(1)).await.unwrap();
    assert_eq!(figures(&apart), (0, 0, 0));
}
