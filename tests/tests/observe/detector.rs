//! What is found, and how it is told in production.
use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use entourage::{
    Database,
    observe::{Alarm, Event, Observer, Rules, Scope},
};
use entourage_tests::{models::blog::*, setup::Scratch};
use futures_util::StreamExt;

use super::theatre::{database, planted, seed, sound};

#[tokio::test]
async fn statements_that_take_turns_are_one_sequence() {
    let db = database().await;
    seed(&db, 5).await.unwrap();
    let scope = Scope::new();
    scope
        .run(async {
            for user in UserRepository::new(&db).query().all().await.unwrap() {
                PostRepository::new(&db)
                    .filter(Post::AUTHOR_ID.eq(user.id))
                    .all()
                    .await
                    .unwrap();
                ProfileRepository::new(&db)
                    .filter(Profile::USER_ID.eq(user.id))
                    .first()
                    .await
                    .unwrap();
            }
        })
        .await;
    let found = scope.n_plus_ones(&Rules::default());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].table.as_str(), found[0].count), ("posts", 5));
    assert!(found[0].alternates_with[0].0.contains("\"profiles\""));
    assert!(
        found[0]
            .to_string()
            .contains("in turns with tests/tests/observe/detector.rs:")
    );
}

#[tokio::test]
async fn a_look_up_of_the_other_side_names_its_relation() {
    let db = database().await;
    seed(&db, 5).await.unwrap();
    let scope = Scope::new();
    scope
        .run(async {
            for post in PostRepository::new(&db).query().all().await.unwrap() {
                UserRepository::new(&db).get(post.author_id).await.unwrap();
            }
        })
        .await;
    let found = scope.n_plus_ones(&Rules::default());
    assert_eq!(found.len(), 1);
    let parents = found[0].parents.as_ref().unwrap();
    assert_eq!(
        (found[0].count, parents.rows, parents.table.as_str()),
        (5, 10, "posts")
    );
    assert_eq!(found[0].relations, ["Post::AUTHOR", "Post::EDITOR"]);
    assert!(
        found[0]
            .fix()
            .starts_with("add `.with(Post::AUTHOR)` or `.with(Post::EDITOR)` to the query at"),
        "{}",
        found[0].fix()
    );
}

/// The stream ends after the look-ups.
#[tokio::test]
async fn the_rows_of_a_stream_are_parents_too() {
    let folder = Scratch::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("blog.db").display());
    let db = Database::connect(&url).await.unwrap();
    create_blog(&db).await;
    seed(&db, 5).await.unwrap();
    let scope = Scope::new();
    scope
        .run(async {
            let users = UserRepository::new(&db);
            let mut stream = pin!(users.query().stream());
            while let Some(user) = stream.next().await {
                let posts = PostRepository::new(&db);
                let posts = posts.filter(Post::AUTHOR_ID.eq(user.unwrap().id));
                posts.all().await.unwrap();
            }
        })
        .await;
    let found = scope.n_plus_ones(&Rules::default());
    assert_eq!(found[0].parents.as_ref().unwrap().table, "users");
}

#[tokio::test]
async fn look_ups_with_no_relation_are_told_to_be_put_together() {
    let db = database().await;
    seed(&db, 5).await.unwrap();
    let scope = Scope::new();
    scope
        .run(async {
            for id in [1, 2, 3] {
                UserRepository::new(&db).get(id).await.unwrap();
            }
        })
        .await;
    let found = scope.n_plus_ones(&Rules::default());
    assert_eq!(
        found[0].fix(),
        "collect the keys and ask once, with `find_many` or `.in_list(..)`: 3 statements become 1"
    );
    assert!(scope.n_plus_ones(&Rules::default().threshold(4)).is_empty());
    assert!(
        scope
            .n_plus_ones(&Rules::default().min_time(Duration::from_secs(60)))
            .is_empty()
    );
}

/// Keeps how often each N+1 was told.
#[derive(Default)]
struct Told(Mutex<Vec<(usize, u64)>>);

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::NPlusOne { found, times, .. } = event {
            self.0.lock().unwrap().push((found.count, *times));
        }
    }
}

#[tokio::test]
async fn an_alarm_tells_once_in_an_interval_with_the_number_of_times() {
    let db = database().await;
    seed(&db, 5).await.unwrap();
    let told = Arc::new(Told::default());
    let alarm = Alarm::new(Rules::default())
        .every(Duration::from_secs(3600))
        .observer(told.clone());
    for _ in 0..10 {
        alarm.watch(planted(&db)).await.unwrap();
        alarm.watch(sound(&db)).await.unwrap();
    }
    assert_eq!(*told.0.lock().unwrap(), [(5, 1)]);
    let alarm = Alarm::new(Rules::default())
        .every(Duration::ZERO)
        .observer(told.clone());
    for _ in 0..3 {
        alarm.watch(planted(&db)).await.unwrap();
    }
    assert_eq!(told.0.lock().unwrap().len(), 4);
}

/// No relation leads from anything to these look-ups, and their number is always the same: nobody can be sure.
#[tokio::test]
async fn an_alarm_is_silent_until_a_count_changes_or_its_parents_are_known() {
    let db = database().await;
    seed(&db, 9).await.unwrap();
    let alarm = Alarm::new(Rules::default());
    let look_up = async |ids: &[i64]| {
        for &id in ids {
            UserRepository::new(&db).get(id).await.unwrap();
        }
    };
    let review = async |ids: &[i64]| {
        let scope = Scope::new();
        scope.run(look_up(ids)).await;
        alarm.review(&scope).len()
    };
    for _ in 0..5 {
        assert_eq!(review(&[1, 2, 3]).await, 0);
    }
    assert_eq!(review(&[4, 5, 6, 7]).await, 1);
    assert_eq!(review(&[4, 5, 6, 7]).await, 0);
}
