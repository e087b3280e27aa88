//! The cases: one file for each feature, every case in the list below once.
//!
//! To add one: write `pub async fn the_sentence_it_proves(db: &Database)` in the file of its feature and name it
//! in the list, with `requires(..)` for each [capability](crate::suite::Capabilities) it needs. The tidy test
//! fails on a case that is in no list, for it would never run.

pub mod connection;

/// Hands every case to [`register!`](crate::register!), once for each database.
#[macro_export]
macro_rules! every_case {
    ($backend:ident) => {
        $crate::register! { $backend;
            connection {
                a_fresh_database_answers_and_has_nothing_in_it,
                the_framework_claims_what_the_suite_expects_of_the_product,
            }
        }
    };
}
