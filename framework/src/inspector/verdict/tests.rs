//! Verdicts on requests whose times are given, not measured.
use std::time::{Instant, SystemTime};

use super::{super::figures::Figures, *};
use crate::{Database, args, prelude::*};

const MS: Duration = Duration::from_millis(1);

/// A request of ten statements and 100 ms, none of which had to do with a database.
async fn request() -> RequestRecord {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let recording = db.recorded();
    for argument in 0..10 {
        db.sql("SELECT ?", args![argument]).execute().await.unwrap();
    }
    let mut request = RequestRecord {
        id: 1,
        method: "GET".to_owned(),
        route: "/".to_owned(),
        path: "/".to_owned(),
        ending: Ending::Answered(200),
        began: SystemTime::UNIX_EPOCH,
        origin: Instant::now(),
        total: 100 * MS,
        statements: recording.statements(),
        foreign: Vec::new(),
        dropped: 0,
        found: Vec::new(),
        budget: None,
        figures: Figures::default(),
        cache: (0, 0),
    };
    for run in &mut request.statements {
        (run.wait, run.execute) = (Duration::ZERO, Duration::ZERO);
        (run.decode, run.duration) = (Duration::ZERO, Duration::ZERO);
    }
    request
}

fn found(mut request: RequestRecord) -> Vec<(&'static str, Vec<usize>)> {
    request.figures = Figures::of(&request.statements, &request.foreign, request.dropped);
    let verdicts = on(&request).into_iter();
    verdicts.map(|one| (one.kind, one.statements)).collect()
}

#[tokio::test]
async fn nothing_is_said_of_what_is_well() {
    assert_eq!(found(request().await), []);
}

#[tokio::test]
async fn a_wait_is_told_from_a_fifth_of_the_request_on() {
    let waiting = async |waits: [u32; 3], total| {
        let mut request = request().await;
        request.total = total;
        for (run, wait) in request.statements.iter_mut().zip(waits) {
            run.wait = wait * MS;
        }
        found(request)
    };
    assert_eq!(
        waiting([12, 1, 7], 100 * MS).await,
        [("wait", vec![0, 2])],
        "the first and the third waited, the second hardly"
    );
    assert_eq!(waiting([12, 1, 6], 100 * MS).await, []);
    assert_eq!(waiting([2, 1, 1], 5 * MS).await, [], "less than 5 ms");
    assert_eq!(waiting([5, 0, 0], 25 * MS).await, [("wait", vec![0])]);
}

#[tokio::test]
async fn a_slow_statement_is_told_from_a_half_of_the_request_on() {
    let taking = async |took: u32, total: u32| {
        let mut request = request().await;
        request.total = total * MS;
        request.statements[3].execute = took * MS;
        found(request)
    };
    assert_eq!(taking(50, 100).await, [("slow", vec![3])]);
    assert_eq!(taking(50, 101).await, []);
    assert_eq!(taking(49, 49).await, [], "less than 50 ms");
}

#[tokio::test]
async fn many_rows_are_told_whatever_they_took() {
    let mut some = request().await;
    some.statements[7].rows = MANY_ROWS;
    some.statements[8].rows = MANY_ROWS - 1;
    assert_eq!(found(some), [("many_rows", vec![7])]);
}

#[tokio::test]
async fn the_worst_comes_first() {
    let mut all = request().await;
    all.total = 60 * MS;
    all.statements[1].rows = MANY_ROWS;
    all.statements[2].execute = 60 * MS;
    all.statements[2].error = Some("no such table".into());
    all.statements[3].wait = 12 * MS;
    all.budget = Some(9);
    all.dropped = 1;
    let kinds: Vec<_> = found(all).into_iter().map(|(kind, _)| kind).collect();
    let expected = ["failed", "budget", "wait", "slow", "many_rows", "dropped"];
    assert_eq!(kinds, expected);
}
