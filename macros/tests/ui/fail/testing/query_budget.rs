//! A budget is a number, and for functions.
use entourage::testing::query_budget;

#[query_budget]
async fn none() {}

#[query_budget(max = 3)]
async fn named() {}

#[query_budget("3")]
async fn text() {}

#[query_budget(3)]
struct Page;

fn main() {}
