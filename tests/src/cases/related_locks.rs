//! Row locks on related rows: which rows others find locked, which free, and when they are read.

use std::time::Duration;

use entourage::dialect::Dialect;
use entourage::transaction::IsolationLevel;
use entourage::{Database, ErrorKind, Result, Transaction, prelude::*};

use super::counted::{STRATEGIES, counted};
use super::isolation::waiting;
use crate::models::{blog::*, create, tree::*};

/// Rows of each table that nobody has locked.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Free {
    users: usize,
    posts: usize,
    comments: usize,
    groups: usize,
    memberships: usize,
}

/// What `seed` adds.
const ALL: Free = Free {
    users: 3,
    posts: 4,
    comments: 6,
    groups: 2,
    memberships: 3,
};

async fn free(db: &Database) -> Free {
    let tx = begin(db).await;
    let free = Free {
        users: free_of::<User>(&tx).await,
        posts: free_of::<Post>(&tx).await,
        comments: free_of::<Comment>(&tx).await,
        groups: free_of::<Group>(&tx).await,
        memberships: free_of::<Membership>(&tx).await,
    };
    tx.rollback().await.unwrap();
    free
}

async fn free_of<E: entourage::schema::Writable>(tx: &Transaction) -> usize {
    let rows = Repository::<E>::new(tx).query().for_update().skip_locked();
    rows.all().await.unwrap().len()
}

/// The rows that are left, where there are row locks; on SQLite the whole database is locked and nobody can ask.
async fn assert_free(db: &Database, expected: Free) {
    if db.dialect() != Dialect::Sqlite {
        assert_eq!(free(db).await, expected);
    }
}

/// InnoDB locks what it scans, and lets go of what does not match at this level alone.
async fn begin(db: &Database) -> Transaction {
    let tx = match db.dialect() {
        Dialect::Sqlite => db.transaction(),
        _ => db.transaction().isolation(IsolationLevel::ReadCommitted),
    };
    tx.begin().await.unwrap()
}

fn ada<'a>(tx: &'a Transaction) -> Query<'a, User, ()> {
    UserRepository::new(tx).filter(User::NAME.eq("Ada"))
}

/// One, the other or both, and no strategy changes that.
pub async fn related_rows_are_locked_where_they_are_named(db: &Database) {
    seed(db).await.unwrap();
    for strategy in STRATEGIES {
        let tx = begin(db).await;
        let query = ada(&tx).with(User::POSTS.with(Post::COMMENTS).strategy(strategy));
        let query = query.for_update().of(User::POSTS).strategy(strategy);
        let recording = db.recorded();
        let user = query.one().await.unwrap();
        assert_eq!(user.get(User::POSTS).len(), 3);
        assert_eq!(user.get(User::POSTS)[0].get(Post::COMMENTS).len(), 2);
        let sent = recording.statements();
        let locking: Vec<_> = sent
            .iter()
            .map(|sent| sent.sql.contains("FOR UPDATE"))
            .collect();
        match db.dialect() {
            Dialect::Sqlite => assert!(!locking.contains(&true), "{sent:#?}"),
            _ => assert_eq!(locking, [true, true, false], "{strategy:?} {sent:#?}"),
        }
        let left = Free {
            users: 2,
            posts: 1,
            ..ALL
        };
        assert_free(db, left).await;
        tx.rollback().await.unwrap();

        let tx = begin(db).await;
        let query = ada(&tx).with(User::POSTS.with(Post::COMMENTS).strategy(strategy));
        let query = query.strategy(strategy).for_share().of(Post::COMMENTS);
        query.one().await.unwrap();
        let left = Free {
            users: 2,
            comments: 0,
            ..ALL
        };
        assert_free(db, left).await;
        tx.rollback().await.unwrap();

        let tx = begin(db).await;
        let query = ada(&tx).with(User::POSTS.with(Post::COMMENTS)).for_update();
        let query = query.strategy(strategy).of(Post::COMMENTS).of(User::POSTS);
        query.one().await.unwrap();
        let left = Free {
            users: 2,
            posts: 1,
            comments: 0,
            ..ALL
        };
        assert_free(db, left).await;
        tx.rollback().await.unwrap();
    }
    assert_free(db, ALL).await;
}

/// The groups are locked, who is in them is not.
pub async fn the_table_in_between_is_not_locked(db: &Database) {
    seed(db).await.unwrap();
    let tx = begin(db).await;
    let query = ada(&tx).with(User::GROUPS).for_update().of(User::GROUPS);
    let user = query.one().await.unwrap();
    assert_eq!(user.get(User::GROUPS).len(), 2);
    let left = Free {
        users: 2,
        groups: 0,
        ..ALL
    };
    assert_free(db, left).await;
}

/// A parent of several rows is locked once, by its key.
pub async fn a_parent_is_locked_with_its_rows(db: &Database) {
    seed(db).await.unwrap();
    let tx = begin(db).await;
    let query = PostRepository::new(&tx).filter(Post::LIKES.ge(10));
    let query = query.with(Post::AUTHOR).with(Post::EDITOR);
    let query = query.for_update().nowait().of(Post::AUTHOR);
    let expected = match db.dialect() {
        Dialect::Sqlite => 1,
        _ => 3,
    };
    let posts = counted(db, expected, query.all()).await;
    assert!(
        posts
            .iter()
            .all(|post| post.get(Post::AUTHOR).name == "Ada")
    );
    assert_eq!(posts[0].get(Post::EDITOR).as_ref().unwrap().name, "Bea");
    let left = Free {
        users: 2,
        posts: 1,
        ..ALL
    };
    assert_free(db, left).await;
}

/// Children that others hold: left out, or an error at once, as the query says.
pub async fn locked_children_are_skipped_or_an_error(db: &Database) {
    seed(db).await.unwrap();
    let holder = begin(db).await;
    let held = PostRepository::new(&holder).filter(Post::TITLE.eq("Numbers"));
    held.for_update().one().await.unwrap();

    let tx = begin(db).await;
    let query = ada(&tx).with(User::POSTS).for_update().of(User::POSTS);
    let refused = query.nowait().one().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LockNotAvailable, "{refused:?}");
    tx.rollback().await.unwrap();

    let tx = begin(db).await;
    let query = ada(&tx).with(User::POSTS).for_update().of(User::POSTS);
    let user = query.skip_locked().one().await.unwrap();
    let titles: Vec<_> = user
        .get(User::POSTS)
        .iter()
        .map(|post| &post.title)
        .collect();
    assert_eq!(titles, ["Engines", "Looms"]);
    // Without a lock on them they are read, whoever holds them.
    let query = ada(&tx).with(User::POSTS).for_update().skip_locked();
    assert_eq!(query.one().await.unwrap().get(User::POSTS).len(), 3);
}

/// What was committed while the query waited for its first lock is in the graph, whole.
pub async fn related_rows_are_read_when_the_lock_is_held(db: &Database) {
    seed(db).await.unwrap();
    let first = begin(db).await;
    let mut user = ada(&first).for_update().one().await.unwrap();
    let second = tokio::spawn({
        let db = db.clone();
        async move {
            let tx = begin(&db).await;
            let query = ada(&tx).with(User::POSTS).for_update().of(User::POSTS);
            let user = query.one().await?;
            tx.commit().await?;
            Ok::<_, entourage::Error>(user)
        }
    });
    until_one_waits(db).await;
    let mut taken = PostRepository::new(&first)
        .filter(Post::TITLE.eq("Looms"))
        .one()
        .await
        .unwrap();
    taken.author_id = user.id + 1;
    PostRepository::new(&first).update(&taken).await.unwrap();
    let added = post(&user, "Notes", 1);
    PostRepository::new(&first).insert(added).await.unwrap();
    user.visits = 7;
    UserRepository::new(&first).update(&user).await.unwrap();
    first.commit().await.unwrap();

    let graph = second.await.unwrap().unwrap();
    assert_eq!(graph.visits, 7);
    let titles: Vec<_> = graph
        .get(User::POSTS)
        .iter()
        .map(|post| &post.title)
        .collect();
    assert_eq!(titles, ["Engines", "Numbers", "Notes"]);
}

async fn until_one_waits(db: &Database) {
    let wait = async {
        while waiting(db).await == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .unwrap_or_else(|_| panic!("nobody waits"));
}

/// An include that a condition left out is no error, and locks nothing.
pub async fn what_was_left_out_is_not_locked(db: &Database) {
    seed(db).await.unwrap();
    for wanted in [false, true] {
        let tx = begin(db).await;
        let posts = User::POSTS.with(Post::COMMENTS);
        let query = ada(&tx).with_if(wanted, posts).for_update();
        let query = query.of(User::POSTS).of(Post::COMMENTS);
        let user = query.one().await.unwrap();
        assert_eq!(user.get(User::POSTS).is_some(), wanted);
        let left = match wanted {
            true => Free {
                users: 2,
                posts: 1,
                comments: 0,
                ..ALL
            },
            false => Free { users: 2, ..ALL },
        };
        assert_free(db, left).await;
        tx.rollback().await.unwrap();
    }
}

/// Every level that is loaded, and none below.
pub async fn a_tree_is_locked_to_the_depth_it_is_loaded_to(db: &Database) {
    create(db, &[Employee::table()]).await;
    let all = [
        employee(1, "Ada", None),
        employee(2, "Bea", Some(1)),
        employee(3, "Cleo", Some(2)),
        employee(4, "Dora", Some(3)),
    ];
    EmployeeRepository::new(db).insert_many(all).await.unwrap();
    let tx = begin(db).await;
    let query = EmployeeRepository::new(&tx).filter(Employee::ID.eq(1));
    let query = query.with(Employee::REPORTS.recursive(2)).for_update();
    let tree = query.of(Employee::REPORTS).one().await.unwrap();
    assert_eq!(tree.get(Employee::REPORTS)[0].children[0].name, "Cleo");
    if db.dialect() != Dialect::Sqlite {
        let other = begin(db).await;
        let free = EmployeeRepository::new(&other).query().for_update();
        let free = free.skip_locked().all().await.unwrap();
        assert_eq!(free.len(), 1);
        assert_eq!(free[0].name, "Dora");
    }
}

/// The same on every database, also where nothing would be sent for it.
pub async fn locks_on_related_rows_without_a_meaning_are_refused(db: &Database) {
    seed(db).await.unwrap();
    let tx = begin(db).await;
    let recording = db.recorded();
    let query = ada(&tx).with(User::POSTS);
    assert_refused(query.clone().of(User::POSTS).all().await, "for_update");
    let query = query.for_update().of(User::POSTS);
    assert_refused(query.clone().count().await, "returns them");
    assert_refused(query.exists().await, "returns them");
    let query = ada(&tx).with(User::POSTS.limit(2)).for_update();
    let query = query.of(User::POSTS);
    assert_refused(query.all().await, "without `limit`");
    let query = ada(&tx).with(User::POSTS.offset(1)).for_update();
    let query = query.of(User::POSTS);
    assert_refused(query.all().await, "without `limit`");
    let posts = PostRepository::new(&tx).query().with(Post::AUTHOR);
    let posts = posts.for_update().skip_locked().of(Post::AUTHOR);
    assert_refused(posts.all().await, "nowait");
    assert_eq!(recording.count(), 0);
}

#[track_caller]
fn assert_refused<T>(result: Result<T>, way_out: &str) {
    let Err(error) = result else {
        panic!("it was not refused");
    };
    assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error}");
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(way_out), "{hint:?}");
}
