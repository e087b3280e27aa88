//! What is refused, because no shard has it or several have.

use entourage::{
    Database, ErrorKind, Shards,
    prelude::*,
    repository::{Loader, WriteBatcher, WriteBehind},
    shards::{ShardRanges, ShardStrategy},
};
use entourage_tests::setup::TestDatabase;

use super::{
    keys,
    models::{
        Customer, CustomerPatch, CustomerRepository, Everything, Line, LineRepository, NewLine,
        NewOrder, NewReview, NewTicket, Order, OrderPatch, OrderRepository, Review,
        ReviewRepository, Ticket, TicketRepository, customers, empty, filled,
    },
    refused,
};

pub(super) async fn a_write_without_one_shard_is_refused(databases: &[TestDatabase]) {
    use ErrorKind::CrossShard;
    let (shards, _) = filled(databases).await;
    let orders = OrderRepository::new(&shards);
    let (one, other, _) = keys(&shards);
    let recording = shards.recorded();
    let new = |id, customer_id| NewOrder {
        id,
        customer_id,
        cents: 5,
        note: None,
    };
    let error = orders
        .insert_many([new(501, one), new(502, other)])
        .await
        .unwrap_err();
    refused(error, CrossShard, &["`orders`", "shards.group("]);
    let error = orders
        .insert_many([new(501, one), new(502, other)])
        .without_rows()
        .await
        .unwrap_err();
    refused(error, CrossShard, &["shards.group("]);
    let error = orders.delete(7).await.unwrap_err();
    refused(
        error,
        CrossShard,
        &["without saying `customer_id`", "shards.at(&key)?"],
    );
    let error = orders
        .patch(
            7,
            OrderPatch {
                cents: Some(1),
                ..Default::default()
            },
        )
        .await
        .unwrap_err();
    refused(error, CrossShard, &["without saying `customer_id`"]);
    let error = orders
        .filter(Order::CENTS.gt(5))
        .delete()
        .await
        .unwrap_err();
    refused(error, CrossShard, &["without saying `customer_id`"]);
    let either = orders.filter(Order::CUSTOMER_ID.in_list([one, other]));
    let error = either.set(Order::CENTS.to(1)).update().await.unwrap_err();
    refused(error, CrossShard, &["are on the shards"]);
    let own = orders.filter(Order::CUSTOMER_ID.eq(one));
    let error = own
        .set(Order::CUSTOMER_ID.to(other))
        .update()
        .await
        .unwrap_err();
    refused(
        error,
        ErrorKind::InvalidQuery,
        &["their shard key `customer_id`", "insert them anew"],
    );
    let error = orders.bulk_insert([new(501, one)]).await.unwrap_err();
    refused(error, CrossShard, &["without saying `customer_id`"]);
    let error = LineRepository::new(&shards)
        .insert(NewLine {
            id: 1,
            order_id: 1,
            text: "x".into(),
        })
        .await;
    refused(
        error.unwrap_err(),
        CrossShard,
        &["`order_lines` has no shard key", "#[entity(shard_key)]"],
    );
    let error = LineRepository::new(&shards)
        .query()
        .all()
        .await
        .unwrap_err();
    refused(error, CrossShard, &["`order_lines` has no shard key"]);
    let error = shards_sql(&shards).await.unwrap_err();
    refused(
        error,
        CrossShard,
        &["does not say which shard", "shards.databases()"],
    );
    assert_eq!(recording.count(), 0, "{:#?}", recording.statements());
}

#[track_caller]
fn shards_sql(shards: &Shards) -> impl Future<Output = entourage::Result<u64>> {
    entourage::repository::Sql::new(shards, "DELETE FROM orders", args![]).execute()
}

pub(super) async fn a_shard_refuses_rows_of_others(databases: &[TestDatabase]) {
    use ErrorKind::CrossShard;
    let (shards, _) = filled(databases).await;
    let (one, other, _) = keys(&shards);
    let db = shards.at(&one).unwrap();
    let orders = OrderRepository::new(&db);
    let strangers = OrderRepository::new(&shards);
    let strangers = strangers
        .filter(Order::CUSTOMER_ID.eq(other))
        .all()
        .await
        .unwrap();
    let new = |id, customer_id| NewOrder {
        id,
        customer_id,
        cents: 5,
        note: None,
    };
    let recording = shards.recorded();
    let error = orders.insert(new(501, other)).await.unwrap_err();
    refused(error, CrossShard, &["belongs on shard"]);
    let error = orders
        .bulk_insert((501..600).map(|id| new(id, if id == 599 { other } else { one })))
        .await;
    refused(error.unwrap_err(), CrossShard, &["belongs on shard"]);
    let mut again = customers().swap_remove(0);
    again.id = other;
    let here = CustomerRepository::new(&db);
    let error = here.upsert(again, Customer::ID).await.unwrap_err();
    refused(error, CrossShard, &["belongs on shard"]);
    let error = orders.update(&strangers[0]).await.unwrap_err();
    refused(error, CrossShard, &["belongs on shard"]);
    let error = orders.update_many(&strangers).await.unwrap_err();
    refused(error, CrossShard, &["belongs on shard"]);
    let error = orders.load(strangers, Order::LINES).await.unwrap_err();
    refused(error, CrossShard, &["belongs on shard"]);
    let error = CustomerRepository::new(&db).find(other).await.unwrap_err();
    refused(error, CrossShard, &["belongs on shard"]);
    let written = recording
        .statements()
        .iter()
        .filter(|one| one.kind == entourage::statement::StatementKind::Insert)
        .count();
    assert!(written <= 1, "{:#?}", recording.statements());
    assert_eq!(
        OrderRepository::new(&shards)
            .filter(Order::ID.ge(501))
            .count()
            .await
            .unwrap(),
        0
    );
    // Rows that lie beside those with a key are its own affair.
    let lines = LineRepository::new(&db);
    let there = lines.query().count().await.unwrap();
    assert!(there > 0 && there < 200);
}

pub(super) async fn relations_that_may_lead_elsewhere_are_refused(databases: &[TestDatabase]) {
    let (shards, alone) = filled(databases).await;
    let recording = shards.recorded();
    let apart = &[
        "`Customer::REVIEWS` may be on another shard",
        "`customers.id`",
        "`reviews.product_group`",
    ];
    let customers = CustomerRepository::new(&shards);
    let error = customers.with(Customer::REVIEWS).all().await.unwrap_err();
    refused(error, ErrorKind::InvalidQuery, apart);
    let error = customers
        .filter(Customer::REVIEWS.any(Review::ID.gt(1)))
        .count()
        .await
        .unwrap_err();
    refused(error, ErrorKind::InvalidQuery, apart);
    let error = customers
        .order_by(Customer::REVIEWS.count().desc())
        .all()
        .await
        .unwrap_err();
    refused(error, ErrorKind::InvalidQuery, apart);
    let one = customers
        .filter(Customer::ID.eq(1))
        .with(Customer::REVIEWS.count());
    refused(one.all().await.unwrap_err(), ErrorKind::InvalidQuery, apart);
    let error = OrderRepository::new(&shards)
        .with(Order::CUSTOMER.with(Customer::REVIEWS))
        .all()
        .await;
    refused(error.unwrap_err(), ErrorKind::InvalidQuery, apart);
    let idle = customers.filter(Customer::ID.eq(1).and(Customer::REVIEWS.is_empty()));
    refused(
        idle.delete().await.unwrap_err(),
        ErrorKind::InvalidQuery,
        apart,
    );
    assert_eq!(recording.count(), 0);
    let error = customers
        .find_by(
            Customer::NAME
                .eq("x")
                .and(Customer::REVIEWS.any(Review::ID.gt(1))),
        )
        .await;
    refused(error.unwrap_err(), ErrorKind::InvalidQuery, apart);
    let orders = OrderRepository::new(&shards);
    let torn = &[
        "`Customer::CLAIMS` may be on another shard",
        "`claims` has no shard key, and belongs to `tickets` and `customers`",
        "#[entity(shard_key)]",
    ];
    let error = customers.with(Customer::CLAIMS).all().await.unwrap_err();
    refused(error, ErrorKind::InvalidQuery, torn);
    let count = customers.order_by(Customer::CLAIMS.count().desc());
    refused(
        count.all().await.unwrap_err(),
        ErrorKind::InvalidQuery,
        torn,
    );
    let below = "`Line::REVIEWS` may be on another shard";
    let error = orders.with(Order::LINES.with(Line::REVIEWS)).all().await;
    refused(error.unwrap_err(), ErrorKind::InvalidQuery, &[below]);
    let busy = Line::REVIEWS.any(Review::ID.gt(1));
    let error = orders.with(Order::LINES.filter(busy)).all().await;
    refused(error.unwrap_err(), ErrorKind::InvalidQuery, &[below]);
    let busy = Line::REVIEWS.any(Review::ID.gt(1));
    let error = orders.with(Order::LINES.count().filter(busy)).all().await;
    refused(error.unwrap_err(), ErrorKind::InvalidQuery, &[below]);
    assert_eq!(recording.count(), 0);
    // What a line belongs to lies where the line is.
    orders
        .with(Order::LINES.with(Line::ORDER))
        .all()
        .await
        .unwrap();
    // In one database they are all there.
    let rows = (1..=6).map(|id| NewReview {
        product_id: id % 3,
        id,
        customer_id: id % 2 + 1,
        product_group: id,
    });
    let rows: Vec<_> = rows.collect();
    ReviewRepository::new(&alone)
        .insert_many(rows.clone())
        .await
        .unwrap();
    for (db, rows) in shards.group(rows, |row| row.product_group).unwrap() {
        ReviewRepository::new(&db).insert_many(rows).await.unwrap();
    }
    let whole = CustomerRepository::new(&alone)
        .with(Customer::REVIEWS)
        .find(1)
        .await
        .unwrap();
    assert_eq!(whole.unwrap().get(Customer::REVIEWS).len(), 3);
    let reviews = ReviewRepository::new(&shards).filter(Review::CUSTOMER_ID.in_list([1, 2]));
    assert_eq!(reviews.all().await.unwrap().len(), 6);
}

pub(super) async fn what_several_shards_cannot_answer_is_refused(databases: &[TestDatabase]) {
    use ErrorKind::{InvalidQuery, Unsupported};
    let (shards, _) = filled(databases).await;
    let orders = OrderRepository::new(&shards);
    let recording = shards.recorded();
    let error = orders.query().distinct().all().await.unwrap_err();
    refused(error, InvalidQuery, &["filter by the shard key"]);
    let error = orders.query().consistent().all().await.unwrap_err();
    refused(error, Unsupported, &["no moment in common"]);
    let error = orders.query().for_update().all().await.unwrap_err();
    refused(error, InvalidQuery, &["several shards"]);
    let error = orders.query().limit(3).sum(Order::CENTS).await.unwrap_err();
    refused(error, InvalidQuery, &["first rows of several shards"]);
    let lines = CustomerRepository::new(&shards).order_by(Customer::ORDERS.count().desc());
    refused(
        lines.all().await.unwrap_err(),
        InvalidQuery,
        &["an order over columns"],
    );
    assert_eq!(recording.count(), 0);
    // On one shard they are as ever.
    let own = orders.filter(Order::CUSTOMER_ID.eq(1));
    own.clone().distinct().all().await.unwrap();
    own.clone()
        .with(Order::LINES)
        .consistent()
        .all()
        .await
        .unwrap();
    own.limit(1).sum(Order::CENTS).await.unwrap();
}

pub(super) async fn a_row_of_another_shard_key_is_another_row(databases: &[TestDatabase]) {
    let shards = empty(databases).await;
    let tickets = TicketRepository::new(&shards);
    let (one, other, same) = keys(&shards);
    let new = |tenant, title: &str| NewTicket {
        tenant,
        title: title.into(),
    };
    let mine = tickets.insert(new(one, "mine")).await.unwrap();
    let theirs = tickets.insert(new(other, "theirs")).await.unwrap();
    assert_eq!(mine.id, theirs.id);
    let shard = |key: i64| shards.shard_of(&key).unwrap();
    let third = (2..=40)
        .find(|&key| key != other && shard(key) == shard(other))
        .unwrap();
    for tenant in [third, same] {
        let moved = Ticket {
            tenant,
            title: "taken".into(),
            ..mine.clone()
        };
        let error = tickets.update(&moved).await.unwrap_err();
        refused(error, ErrorKind::NotFound, &["`tickets`"]);
        let error = tickets.update_many([&moved]).await.unwrap_err();
        refused(error, ErrorKind::NotFound, &["`tickets`"]);
    }
    let all = tickets.order_by(Ticket::TITLE.asc()).all().await.unwrap();
    assert_eq!(all, [mine.clone(), theirs]);
    let renamed = Ticket {
        title: "renamed".into(),
        ..mine.clone()
    };
    tickets.update_many([&renamed]).await.unwrap();
    assert_eq!(tickets.update(&mine).await.unwrap(), mine);
    let error = OrderRepository::new(&shards)
        .upsert(
            NewOrder {
                id: 1,
                customer_id: one,
                cents: 5,
                note: None,
            },
            Order::ID,
        )
        .await;
    refused(
        error.unwrap_err(),
        ErrorKind::InvalidQuery,
        &["without `customer_id`", "may be on different shards"],
    );
    // Marked as deleted, it is left out everywhere.
    tickets
        .filter(Ticket::TENANT.eq(one))
        .delete()
        .await
        .unwrap();
    assert_eq!(tickets.query().count().await.unwrap(), 1);
    assert_eq!(
        tickets.find(mine.id).await.unwrap().unwrap().title,
        "theirs"
    );
    let all = tickets.query().with_deleted().all().await.unwrap();
    assert_eq!(all.len(), 2);
}

pub(super) async fn queues_and_batches_of_a_shard_refuse_rows_of_others(
    databases: &[TestDatabase],
) {
    use ErrorKind::CrossShard;
    let (shards, _) = filled(databases).await;
    let (one, other, _) = keys(&shards);
    let db = shards.at(&one).unwrap();
    let stranger = CustomerRepository::new(&shards).get(other).await.unwrap();
    let batcher = WriteBatcher::<Customer>::builder(&db).start();
    let kinds = [
        batcher.delete(other).await.unwrap_err().kind(),
        batcher.update(&stranger).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [CrossShard; 2]);
    let queue = WriteBehind::builder(&db)
        .entities::<(Customer, Order)>()
        .start()
        .await
        .unwrap();
    let customers = queue.of::<Customer>().unwrap();
    let orders = queue.of::<Order>().unwrap();
    let new = NewOrder {
        id: 901,
        customer_id: other,
        cents: 5,
        note: None,
    };
    let kinds = [
        customers.update(&stranger).await.unwrap_err().kind(),
        customers.delete(other).await.unwrap_err().kind(),
        customers
            .patch(
                other,
                CustomerPatch {
                    name: Some("x".into()),
                    ..Default::default()
                },
            )
            .await
            .unwrap_err()
            .kind(),
        orders.insert(new).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [CrossShard; 4]);
    let error = orders.add(1, Order::CUSTOMER_ID, 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error}");
    queue.shutdown().await.unwrap();
    let all = CustomerRepository::new(&shards);
    assert_eq!(all.get(other).await.unwrap(), stranger);
}

pub(super) async fn a_queued_update_finds_its_row_by_the_shard_key(databases: &[TestDatabase]) {
    let (shards, _) = filled(databases).await;
    let (one, _, same) = keys(&shards);
    let db = shards.at(&one).unwrap();
    let queue = WriteBehind::builder(&db).entities::<Order>();
    let queue = queue.start().await.unwrap();
    let orders = queue.of::<Order>().unwrap();
    let found = OrderRepository::new(&db).filter(Order::CUSTOMER_ID.eq(one));
    let mut own = found
        .order_by(Order::ID.asc())
        .limit(1)
        .one()
        .await
        .unwrap();
    own.cents = 6;
    let own = orders.update(&own).await.unwrap();
    queue.flush().await.unwrap();
    let stolen = Order {
        customer_id: same,
        cents: 7,
        ..own.clone()
    };
    orders.update(&stolen).await.unwrap();
    let flushed = queue.flush().await;
    let letters = queue.dead_letters();
    assert_eq!(letters.len(), 1, "{flushed:?}");
    assert_eq!(letters[0].kind, ErrorKind::Stale.name(), "{letters:?}");
    queue.discard(letters[0].id).await.unwrap();
    queue.shutdown().await.unwrap();
    let kept = OrderRepository::new(&db).get(own.id).await.unwrap();
    assert_eq!(kept, own);
}

#[tokio::test]
async fn shards_of_different_products_and_wrong_maps_are_refused() {
    let refused = async |builder: entourage::shards::ShardsBuilder| {
        let error = builder.connect().await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        error.to_string()
    };
    let none = refused(Shards::builder()).await;
    assert!(none.contains("`.shard(name, url)`"), "{none}");
    let memory = "sqlite::memory:";
    let twice = refused(Shards::builder().shard("a", memory).shard("a", memory)).await;
    assert!(twice.contains("by the name of `a`"), "{twice}");
    let wrong = Shards::builder()
        .shard("a", memory)
        .shard("b", "oracle://x");
    let wrong = refused(wrong).await;
    assert!(wrong.contains("on shard `b`"), "{wrong}");
    let ranges = ShardRanges::new().below(10_i64, "a").rest("z");
    let ranges = refused(Shards::builder().shard("a", memory).strategy(ranges)).await;
    assert!(ranges.contains("no shard by the name of `z`"), "{ranges}");
}

#[tokio::test]
async fn a_key_that_no_shard_has_is_an_error_and_not_an_empty_answer() {
    let ranges = ShardRanges::new().below(10_i64, "a").below(20_i64, "b");
    let memory = || Database::builder().url("sqlite::memory:");
    let shards = Shards::builder()
        .shard("a", memory())
        .shard("b", memory())
        .strategy(ranges);
    let shards = shards.connect().await.unwrap();
    shards.create_schema::<Everything>().await.unwrap();
    let orders = OrderRepository::new(&shards);
    let error = orders
        .filter(Order::CUSTOMER_ID.eq(20))
        .all()
        .await
        .unwrap_err();
    refused(error, ErrorKind::NoShard, &["`.rest(..)`"]);
    let new = NewOrder {
        id: 1,
        customer_id: 99,
        cents: 1,
        note: None,
    };
    refused(
        orders.insert(new).await.unwrap_err(),
        ErrorKind::NoShard,
        &["`.rest(..)`"],
    );
    // Who asks for one fails alone.
    let new = customers().swap_remove(4);
    CustomerRepository::new(&shards).insert(new).await.unwrap();
    let loader = Loader::new(shards.clone());
    let (own, none) = tokio::join!(loader.load::<Customer>(5), loader.load::<Customer>(99));
    assert_eq!(own.unwrap().unwrap().id, 5);
    refused(none.unwrap_err(), ErrorKind::NoShard, &["`.rest(..)`"]);
    assert_eq!(&*shards.shard_of(&15_i64).unwrap(), "b");
    assert!(matches!(shards.map().strategy(), ShardStrategy::Ranges(_)));
}
