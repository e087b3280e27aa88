//! Plans of calls that go to several databases.

use entourage::{Shards, explain::QueryPlans, prelude::*, testing::assert_indexed};
use entourage_tests::setup::TestDatabase;

use super::{
    keys,
    models::{Customer, CustomerRepository, Order, OrderRepository, filled},
    refused,
};

fn names(plans: &QueryPlans) -> Vec<&str> {
    let name = |plan: &'_ entourage::explain::QueryPlan| plan.shard.clone();
    assert!(plans.iter().all(|plan| name(plan).is_some()), "{plans}");
    plans
        .iter()
        .filter_map(|plan| plan.shard.as_deref())
        .collect()
}

fn shard(shards: &Shards, key: i64) -> String {
    shards.shard_of(&key).unwrap().to_string()
}

pub(super) async fn each_shard_that_is_asked_has_its_plans(databases: &[TestDatabase]) {
    let (shards, _) = filled(databases).await;
    let (customers, orders) = (
        CustomerRepository::new(&shards),
        OrderRepository::new(&shards),
    );
    let (one, other, _) = keys(&shards);
    let by_key = customers.filter(Customer::ID.eq(one));
    let plans = by_key.clone().explain().await.unwrap();
    assert_eq!(names(&plans), [shard(&shards, one)]);
    let measured = by_key.explain_analyze().await.unwrap();
    assert_eq!(names(&measured), [shard(&shards, one)]);
    assert!(measured[0].execution.is_some(), "{measured}");

    let graphs = customers
        .order_by(Customer::ID.asc())
        .with(Customer::ORDERS)
        .strategy(Strategy::Batched);
    let plans = graphs.explain().await.unwrap();
    assert_eq!(names(&plans), ["a", "a", "b", "b", "c", "c"], "{plans}");

    let set = orders
        .filter(Order::CUSTOMER_ID.eq(other))
        .set(Order::CENTS.to(1));
    assert!(set.explain().await.unwrap().sql.starts_with("UPDATE "));
    // The handle of one shard says which it is.
    let db = shards.at(&one).unwrap();
    let plans = OrderRepository::new(&db).query().explain().await.unwrap();
    assert_eq!(names(&plans), [shard(&shards, one)]);
    let nowhere = shards.sql("SELECT 1", args![]).explain().await;
    refused(nowhere.unwrap_err(), entourage::ErrorKind::CrossShard, &[]);

    let of_both = orders.filter(Order::CUSTOMER_ID.in_list([one, other]));
    assert_indexed!(shards, of_both.all().await.unwrap());
}
