//! The cases: one file for each feature, every case in the list below once.
//!
//! To add one: write `pub async fn the_sentence_it_proves(db: &Database)` in the file of its feature and name it
//! in the list, with `requires(..)` for each [capability](crate::suite::Capabilities) it needs. The tidy test
//! fails on a case that is in no list, for it would never run.

/// Hands every case to [`register!`](crate::register!), once for each database.
#[macro_export]
macro_rules! every_case {
    ($backend:ident) => {
        $crate::register! { $backend; }
    };
}
