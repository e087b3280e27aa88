//! Statements counted around a piece of work, and strategies to repeat it with.

use entourage::{Database, Result, eager::Strategy};

/// Every strategy.
pub(super) const STRATEGIES: [Strategy; 4] = [
    Strategy::Auto,
    Strategy::Joined,
    Strategy::Batched,
    Strategy::Unified,
];

/// The work's value, if it took `expected` statements.
#[track_caller]
pub(super) fn counted<T>(
    db: &Database,
    expected: usize,
    work: impl Future<Output = Result<T>>,
) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let recording = db.recorded();
        let value = work
            .await
            .unwrap_or_else(|error| panic!("{place}: {error}: {error:?}"));
        if recording.count() != expected {
            let sent: Vec<_> = recording
                .statements()
                .into_iter()
                .map(|sent| sent.sql)
                .collect();
            panic!(
                "{place}: {} statements instead of {expected}: {sent:#?}",
                recording.count()
            );
        }
        value
    }
}
