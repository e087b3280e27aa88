//! Rows on several databases: where each call goes, and that its answer is that of one database.

#[path = "shards/answers.rs"]
mod answers;
#[path = "shards/calls.rs"]
mod calls;
#[path = "shards/models.rs"]
mod models;
#[path = "shards/plans.rs"]
mod plans;
#[path = "shards/refusals.rs"]
mod refusals;

use entourage::{Error, ErrorKind, Shards};
use entourage_tests::setup::{self, Skip, TestDatabase};

/// Databases for three shards, and one beside them.
const DATABASES: usize = 4;

async fn databases(
    make: impl AsyncFn() -> Result<TestDatabase, Skip>,
) -> Result<Vec<TestDatabase>, Skip> {
    let mut databases = Vec::new();
    for _ in 0..DATABASES {
        databases.push(make().await?);
    }
    Ok(databases)
}

/// Two keys of different shards, and one of the first's.
fn keys(shards: &Shards) -> (i64, i64, i64) {
    let shard = |key: i64| shards.shard_of(&key).unwrap();
    let other = (2..=40).find(|&key| shard(key) != shard(1)).unwrap();
    let same = (2..=40).find(|&key| shard(key) == shard(1)).unwrap();
    (1, other, same)
}

#[track_caller]
fn refused(error: Error, kind: ErrorKind, parts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error:?}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(text.contains("tests/suite/shards/"), "{text}");
}

/// Makes each scene a test on every database.
macro_rules! scenes {
    ($($file:ident { $($scene:ident,)* })*) => {
        scenes!(@ sqlite $($file { $($scene,)* })*);
        scenes!(@ postgres $($file { $($scene,)* })*);
        scenes!(@ mysql $($file { $($scene,)* })*);
    };
    (@ $make:ident $($file:ident { $($scene:ident,)* })*) => {
        mod $make {
            use entourage_tests::require;

            use super::*;

            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scene() {
                    let databases = require!(databases(setup::$make).await);
                    $file::$scene(&databases).await;
                }
            )*)*
        }
    };
}

scenes! {
    answers {
        rows_come_in_the_order_of_one_database,
        pages_are_those_of_one_database,
        figures_are_those_of_one_database,
        rows_are_found_by_key_wherever_they_are,
        a_loader_tells_the_rows_of_shards_apart,
        graphs_are_those_of_one_database,
        a_stream_gives_every_row_once_and_in_order,
        rows_of_one_key_on_several_shards_all_come,
        shapes_and_conditions_are_those_of_one_database,
    }
    calls {
        a_call_goes_to_the_shards_of_its_keys,
        a_write_goes_to_the_shard_of_its_row,
        a_transaction_has_one_shard,
        a_key_that_each_shard_counts_is_ambiguous,
        a_shard_that_fails_is_named,
        the_statements_of_one_call_are_no_n_plus_one,
        each_shard_keeps_rows_of_its_own,
        rows_in_the_wrong_place_are_counted,
    }
    plans {
        each_shard_that_is_asked_has_its_plans,
    }
    refusals {
        a_write_without_one_shard_is_refused,
        a_shard_refuses_rows_of_others,
        relations_that_may_lead_elsewhere_are_refused,
        what_several_shards_cannot_answer_is_refused,
        a_row_of_another_shard_key_is_another_row,
        queues_and_batches_of_a_shard_refuse_rows_of_others,
        a_queued_update_finds_its_row_by_the_shard_key,
    }
}
