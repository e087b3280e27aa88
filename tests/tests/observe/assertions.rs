//! Each assertion fails on a planted N+1 with what one needs to mend it, and is silent where there is nothing to mend.
use entourage::{
    Database, ErrorKind,
    observe::{self, Everything, Ignored, Rules},
    prelude::*,
    testing::*,
};
use entourage_tests::models::blog::*;

use super::theatre::{database, failure, planted, post, seed, sound, user};

#[tokio::test]
async fn an_exact_number_is_asserted() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let posts = assert_queries!(db, 2, sound(&db).await.unwrap());
    assert_eq!(posts, 6);
    let failure = failure(async { assert_queries!(db, 2, planted(&db).await.unwrap()) }).await;
    assert!(
        failure.starts_with("expected 2 statements, found 4\n"),
        "{failure}"
    );
    for part in [
        "1 x SELECT \"users\".\"id\"",
        "3 x SELECT \"posts\".\"id\"",
        "tests/tests/observe/theatre.rs:",
        "N+1: 3 statements from ",
        "for the 3 rows of `users` read at ",
        "fix: add `.with(User::POSTS)` to the query at tests/tests/observe/theatre.rs:",
        ": 4 statements become 2",
    ] {
        assert!(failure.contains(part), "no `{part}` in\n{failure}");
    }
}

#[tokio::test]
async fn too_few_statements_are_no_exact_number_either() {
    let db = database().await;
    let failure = failure(async { assert_queries!(db, 1, ()) }).await;
    assert_eq!(failure, "expected 1 statement, found 0");
}

#[tokio::test]
async fn a_most_is_asserted() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    assert_max_queries!(db, 2, sound(&db).await.unwrap());
    assert_max_queries!(db, 9, sound(&db).await.unwrap());
    let failure = failure(async { assert_max_queries!(db, 2, planted(&db).await.unwrap()) }).await;
    assert!(
        failure.starts_with("expected at most 2 statements, found 4\n"),
        "{failure}"
    );
}

#[tokio::test]
async fn nothing_is_asserted() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let _unsent = assert_no_queries!(db, UserRepository::new(&db).query().with(User::POSTS));
    let failure = failure(async { assert_no_queries!(db, planted(&db).await.unwrap()) }).await;
    assert!(
        failure.starts_with("expected 0 statements, found 4\n"),
        "{failure}"
    );
}

#[tokio::test]
async fn an_n_plus_one_is_found() {
    let db = database().await;
    seed(&db, 50).await.unwrap();
    assert_no_n_plus_one!(db, sound(&db).await.unwrap());
    let failure = failure(async { assert_no_n_plus_one!(db, planted(&db).await.unwrap()) }).await;
    assert!(
        failure.starts_with("N+1: 50 statements from tests/tests/observe/theatre.rs:"),
        "{failure}"
    );
    assert!(failure.contains("add `.with(User::POSTS)`"), "{failure}");
    assert!(failure.ends_with(": 51 statements become 2"), "{failure}");
}

#[tokio::test]
async fn the_rules_of_an_n_plus_one_can_be_given() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    assert_no_n_plus_one!(
        db,
        rules = Rules::default().threshold(4),
        planted(&db).await.unwrap()
    );
    let table = Ignored::Table("posts".into());
    assert_no_n_plus_one!(
        db,
        rules = Rules::default().allow(table),
        planted(&db).await.unwrap()
    );
    let file = Ignored::File("observe/theatre.rs".into());
    assert_no_n_plus_one!(
        db,
        rules = Rules::default().allow(file),
        planted(&db).await.unwrap()
    );
}

#[tokio::test]
async fn a_count_that_grows_with_the_data_is_found() {
    let db = database().await;
    assert_constant_queries!(db, scales = [2, 5], |rows| seed(&db, rows), || sound(&db));
    let failure = failure(async {
        assert_constant_queries!(db, scales = [2, 5], |rows| seed(&db, rows), || planted(&db));
    })
    .await;
    assert!(
        failure.starts_with(
            "the number of statements depends on the data: 10 at scale 2, 15 at scale 5\n\n  \
             at scale      2      5\n  posts         9     14  <- differs\n  users         1      1\n"
        ),
        "{failure}"
    );
    assert!(failure.contains("15 statements become 2"), "{failure}");
}

/// Two of the same look-ups are below any threshold, and yet one for each row.
#[tokio::test]
async fn growth_below_the_threshold_is_found() {
    let db = database().await;
    let failure = failure(async {
        assert_constant_queries!(db, scales = [1, 1], |rows| seed(&db, rows), || planted(&db));
    })
    .await;
    assert!(failure.contains("2 at scale 1, 3 at scale 1"), "{failure}");
}

#[tokio::test]
async fn a_fan_out_of_fixed_size_is_none() {
    let db = database().await;
    seed(&db, 7).await.unwrap();
    async fn dashboard(db: &Database) -> Result<u64> {
        let users = UserRepository::new(db).query().all().await?;
        assert!(!users.is_empty());
        let mut total = 0;
        for least in [0, 10, 100, 1000] {
            total += PostRepository::new(db)
                .filter(Post::LIKES.ge(least))
                .count()
                .await?;
        }
        for title in ["a", "b", "c"] {
            total += PostRepository::new(db)
                .filter(Post::TITLE.eq(title))
                .count()
                .await?;
        }
        Ok(total)
    }
    assert_no_n_plus_one!(db, dashboard(&db).await.unwrap());
    assert_constant_queries!(db, scales = [3, 4], |rows| seed(&db, rows), || dashboard(
        &db
    ));
    assert_queries!(db, 8, dashboard(&db).await.unwrap());
}

/// 70,000 keys are more than a statement takes on any database.
#[tokio::test]
async fn the_chunks_of_one_eager_load_are_none() {
    let db = database().await;
    db.execute_script(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)
         INSERT INTO users (id, email, name, visits, version) SELECT i, i, 'x', 0, 1 FROM n;
         INSERT INTO posts (author_id, title, likes) SELECT id, 'x', 0 FROM users;",
    )
    .await
    .unwrap();
    let load = || async {
        UserRepository::new(&db)
            .query()
            .strategy(Strategy::Batched)
            .with(User::POSTS)
            .all()
            .await
    };
    let users = assert_no_n_plus_one!(db, load().await.unwrap());
    assert_eq!(users.len(), 70_000);
    // A list of raw keys is cut into chunks by hand; each chunk has other arguments and the same call site.
    let ids: Vec<i64> = users.iter().map(|user| user.id).collect();
    let found = assert_no_n_plus_one!(db, UserRepository::new(&db).find_many(ids).await.unwrap());
    assert_eq!(found.len(), 70_000);
}

#[tokio::test]
async fn the_same_arguments_again_are_none() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    let again = async {
        for _ in 0..10 {
            UserRepository::new(&db).get(1).await.unwrap();
        }
    };
    assert_no_n_plus_one!(db, again.await);
}

#[tokio::test]
async fn statements_of_the_set_up_do_not_count() {
    let db = database().await;
    for number in 0..10 {
        UserRepository::new(&db).insert(user(number)).await.unwrap();
    }
    assert_no_n_plus_one!(db, sound(&db).await.unwrap());
    assert_queries!(db, 2, sound(&db).await.unwrap());
}

#[tokio::test]
async fn two_call_sites_are_two_statements() {
    let db = database().await;
    seed(&db, 4).await.unwrap();
    let users = UserRepository::new(&db);
    assert_no_n_plus_one!(db, {
        users.get(1).await.unwrap();
        users.get(2).await.unwrap();
        users.get(3).await.unwrap();
        users.get(4).await.unwrap();
    });
}

#[tokio::test]
async fn tests_that_share_a_handle_stay_apart() {
    let db = database().await;
    seed(&db, 5).await.unwrap();
    let noisy = async {
        for _ in 0..20 {
            planted(&db).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let quiet = async {
        for _ in 0..20 {
            assert_queries!(db, 2, {
                let count = sound(&db).await.unwrap();
                tokio::task::yield_now().await;
                count
            });
            assert_no_n_plus_one!(db, sound(&db).await.unwrap());
        }
    };
    tokio::join!(noisy, quiet);
}

#[tokio::test]
async fn a_write_for_each_row_is_found_and_told_how_to_be_one() {
    let db = database().await;
    let failure = failure(async {
        assert_no_n_plus_one!(db, {
            for number in 0..4 {
                UserRepository::new(&db).insert(user(number)).await.unwrap();
            }
        });
    })
    .await;
    assert!(
        failure.contains("fix: insert the rows with `insert_many`: 4 statements become 1"),
        "{failure}"
    );
}

/// The users were read before, and raw SQL says nothing about itself.
#[tokio::test]
async fn parents_that_were_read_elsewhere_hide_nothing() {
    let db = database().await;
    seed(&db, 4).await.unwrap();
    let users = UserRepository::new(&db).query().all().await.unwrap();
    let by_query = failure(async {
        assert_no_n_plus_one!(db, {
            for user in &users {
                PostRepository::new(&db)
                    .filter(Post::AUTHOR_ID.eq(user.id))
                    .all()
                    .await
                    .unwrap();
            }
        });
    })
    .await;
    assert!(by_query.ends_with("fix: add `.with(User::POSTS)` to the query that loads the parents: 4 statements become 1"), "{by_query}");
    let by_text = failure(async {
        assert_no_n_plus_one!(db, {
            for user in &users {
                db.sql(
                    "SELECT title FROM posts WHERE author_id = ?",
                    args![user.id],
                )
                .fetch::<(String,)>()
                .await
                .unwrap();
            }
        });
    })
    .await;
    assert!(
        by_text.contains("SELECT title FROM posts WHERE author_id = ?"),
        "{by_text}"
    );
}

#[tokio::test]
async fn an_error_in_the_block_leaves_the_function_unmasked() {
    let db = database().await;
    async fn block(db: &Database) -> Result<User> {
        Ok(assert_queries!(
            db,
            7,
            UserRepository::new(db).get(404).await?
        ))
    }
    assert_eq!(block(&db).await.unwrap_err().kind(), ErrorKind::NotFound);
    async fn limited(db: &Database) -> Result<()> {
        assert_no_queries!(db, {
            UserRepository::new(db).get(404).await?;
        });
        Ok(())
    }
    assert_eq!(limited(&db).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_error_that_the_block_gives_is_told_first() {
    let db = database().await;
    let value = assert_queries!(db, 1, UserRepository::new(&db).get(404).await);
    assert!(value.unwrap_err().is_not_found());
    let failure =
        failure(async { assert_queries!(db, 2, UserRepository::new(&db).get(404).await) }).await;
    assert!(
        failure.starts_with("the block failed: Error { kind: NotFound"),
        "{failure}"
    );
    assert!(
        failure.contains("and so did the assertion: expected 2 statements, found 1"),
        "{failure}"
    );
}

fn broken() {
    panic!("the block's own")
}

#[tokio::test]
async fn a_panic_in_the_block_comes_out_as_it_is() {
    let db = database().await;
    let failure = failure(async { assert_queries!(db, 9, broken()) }).await;
    assert_eq!(failure, "the block's own");
    // And nothing is left behind.
    assert!(observe::Scope::current().is_none());
    seed(&db, 1).await.unwrap();
    assert_queries!(db, 2, sound(&db).await.unwrap());
}

#[tokio::test]
async fn an_error_while_scaling_is_told_with_its_scale() {
    let db = database().await;
    let failure = failure(async {
        assert_constant_queries!(db, scales = [1, 2], |rows| seed(&db, rows), || async {
            UserRepository::new(&db).get(404).await
        });
    })
    .await;
    assert!(
        failure.starts_with("the block failed at scale 1: Error { kind: NotFound"),
        "{failure}"
    );
}

#[tokio::test]
async fn one_scale_is_no_comparison() {
    let db = database().await;
    let failure = failure(async {
        assert_constant_queries!(db, scales = [2], |rows| seed(&db, rows), || sound(&db));
    })
    .await;
    assert!(failure.contains("two scales are needed"), "{failure}");
}

#[tokio::test]
async fn another_handle_does_not_count_unless_all_do() {
    let (db, other) = (database().await, database().await);
    let both = || async {
        sound(&db).await.unwrap();
        sound(&other).await.unwrap();
    };
    seed(&db, 1).await.unwrap();
    seed(&other, 1).await.unwrap();
    assert_queries!(db, 2, both().await);
    assert_queries!(Everything, 4, both().await);
}

#[tokio::test]
async fn blocks_borrow_and_change_what_is_around_them() {
    let db = database().await;
    seed(&db, 2).await.unwrap();
    let mut seen = Vec::new();
    assert_queries!(db, 1, {
        for user in UserRepository::new(&db).query().all().await.unwrap() {
            seen.push(user.name);
        }
    });
    assert_eq!(seen.len(), 2);
    assert_queries!(
        db,
        1,
        PostRepository::new(&db).insert(post(1)).await.unwrap()
    );
}
