//! The cases: one file for each feature, every case in the list below once.
//!
//! To add one: write `pub async fn the_sentence_it_proves(db: &Database)` in the file of its feature and name it
//! in the list, with `requires(..)` for each [capability](crate::suite::Capabilities) it needs. The tidy test
//! fails on a case that is in no list, for it would never run.

pub mod connection;
pub mod transaction;

/// Hands every case to [`register!`](crate::register!), once for each database.
#[macro_export]
macro_rules! every_case {
    ($backend:ident) => {
        $crate::register! { $backend;
            connection {
                a_fresh_database_answers_and_has_nothing_in_it,
                the_framework_claims_what_the_suite_expects_of_the_product,
            }
            transaction {
                only_what_is_committed_is_kept,
                a_savepoint_takes_back_only_its_own,
                an_error_is_not_hidden_by_the_ones_that_follow,
                a_read_only_transaction_cannot_write,
                no_update_is_lost_by_transactions_that_run_again,
                two_that_lock_in_opposite_order_both_succeed requires(concurrent_writers),
                an_isolation_level_holds_for_its_transaction_only requires(isolation_levels),
                a_level_that_does_not_exist_is_refused,
                tasks_aborted_at_random_leave_nothing_open,
                a_statement_cancelled_on_the_server_ends_its_transaction requires(concurrent_writers),
                a_killed_connection_is_replaced requires(concurrent_writers),
                a_commit_on_a_lost_connection_is_ambiguous requires(concurrent_writers),
            }
        }
    };
}
