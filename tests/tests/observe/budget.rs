//! Budgets of whole functions.
use entourage::{ErrorKind, prelude::*, testing::query_budget};
use entourage_tests::models::blog::UserRepository;

use super::theatre::{database, failure, planted, seed, sound};

#[tokio::test]
#[query_budget(5)]
async fn a_budget_goes_below_the_test_attribute() {
    let db = database().await;
    seed(&db, 1).await.unwrap();
    sound(&db).await.unwrap();
}

#[query_budget(5)]
#[tokio::test]
async fn a_budget_goes_above_the_test_attribute() {
    let db = database().await;
    seed(&db, 1).await.unwrap();
    sound(&db).await.unwrap();
}

#[query_budget(2 + 3)]
#[tokio::test]
#[should_panic(expected = "expected a budget of 5 statements, found 7")]
async fn a_budget_that_is_exceeded_fails() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    planted(&db).await.unwrap();
}

#[tokio::test]
#[query_budget(5)]
#[should_panic(expected = "expected a budget of 5 statements, found 7")]
async fn so_does_one_below_the_test_attribute() {
    let db = database().await;
    seed(&db, 3).await.unwrap();
    planted(&db).await.unwrap();
}

#[query_budget(0)]
async fn fails(db: &entourage::Database) -> Result<()> {
    UserRepository::new(db).get(404).await?;
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_function_is_told_first() {
    let db = database().await;
    let text = failure(fails(&db)).await;
    assert!(
        text.starts_with("the block failed: Error { kind: NotFound"),
        "{text}"
    );
}

#[query_budget(1)]
async fn borrows<'a>(db: &entourage::Database, name: &'a str) -> Result<&'a str, entourage::Error> {
    let missing = UserRepository::new(db).find(404).await?;
    assert!(missing.is_none());
    Ok(name)
}

#[tokio::test]
async fn a_function_with_a_budget_takes_and_gives_what_it_did() {
    let db = database().await;
    assert_eq!(borrows(&db, "ada").await.unwrap(), "ada");
    db.close().await;
    assert_eq!(
        borrows(&db, "ada").await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}
