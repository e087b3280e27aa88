//! What several shards answer, beside what one database with the same rows does.

use std::fmt::Debug;

use entourage::{
    executor::{ExecutorHandle, IntoExecutor},
    prelude::*,
    repository::{Loader, Query},
    schema::expression::OrderBy,
};
use entourage_tests::setup::TestDatabase;
use futures_util::TryStreamExt;

use super::keys;
use super::models::{
    Card, Customer, CustomerRepository, Line, NewNote, NewTicket, NoteRepository, Order,
    OrderRepository, Ticket, TicketRepository, Totals, TotalsRepository, empty, filled,
};

/// Both answers to one question.
macro_rules! same {
    ($shards:expr, $alone:expr, |$executor:ident| $question:expr) => {{
        let one = {
            let $executor = $alone;
            $question.await.unwrap()
        };
        let several = {
            let $executor = $shards;
            $question.await.unwrap()
        };
        assert_eq!(several, one, "{}", stringify!($question));
        one
    }};
}

fn customer_orders() -> Vec<Vec<OrderBy<Customer>>> {
    vec![
        vec![Customer::ID.desc()],
        vec![Customer::NAME.asc()],
        vec![Customer::NAME.desc(), Customer::BALANCE.asc()],
        vec![Customer::RATING.asc()],
        vec![Customer::RATING.desc(), Customer::NAME.asc()],
        vec![Customer::RATING.asc().nulls_last(), Customer::CODE.desc()],
        vec![Customer::BALANCE.desc()],
        vec![Customer::JOINED.desc().nulls_first()],
        vec![Customer::JOINED.asc()],
        vec![Customer::CODE.asc()],
        vec![Customer::IS_ACTIVE.asc(), Customer::NAME.asc()],
    ]
}

pub(super) async fn rows_come_in_the_order_of_one_database(databases: &[TestDatabase]) {
    let (shards, alone) = both(databases).await;
    for order in customer_orders() {
        let query = |executor: &Handle| {
            let customers = CustomerRepository::new(executor.clone());
            customers.order_by(order.clone())
        };
        compare(&shards, &alone, |executor: &Handle| query(executor)).await;
        compare(&shards, &alone, |executor: &Handle| {
            query(executor).limit(7)
        })
        .await;
        compare(&shards, &alone, |executor: &Handle| {
            query(executor).limit(9).offset(5)
        })
        .await;
        compare(&shards, &alone, |executor: &Handle| {
            query(executor).offset(35)
        })
        .await;
        let rated = || Customer::RATING.is_not_null().and(Customer::ID.gt(10));
        compare(&shards, &alone, |executor: &Handle| {
            query(executor).filter(rated())
        })
        .await;
    }
    let notes = |executor: &Handle| {
        OrderRepository::new(executor.clone()).order_by((Order::NOTE.asc(), Order::CENTS.desc()))
    };
    compare(&shards, &alone, notes).await;
    let some = || {
        Order::CUSTOMER_ID
            .in_list([3, 7, 12, 39])
            .and(Order::CENTS.gt(20))
    };
    let some = |executor: &Handle| {
        OrderRepository::new(executor.clone())
            .filter(some())
            .order_by(Order::ID.asc())
    };
    compare(&shards, &alone, some).await;
    // Without an order they come as they like, but all of them, and no more than asked for.
    let orders = OrderRepository::new(shards.clone());
    assert_eq!(orders.query().all().await.unwrap().len(), 120);
    assert_eq!(
        orders
            .query()
            .limit(50)
            .offset(100)
            .all()
            .await
            .unwrap()
            .len(),
        20
    );
    assert_eq!(orders.query().limit(50).all().await.unwrap().len(), 50);
    let first = orders.order_by(Order::ID.asc()).first().await.unwrap();
    assert_eq!(first.unwrap().id, 1);
    let one = orders.filter(Order::ID.eq(77)).one().await.unwrap();
    assert_eq!(one.id, 77);
    let too_many = orders.filter(Order::ID.le(2)).one().await.unwrap_err();
    assert!(too_many.is_too_many(), "{too_many:?}");
}

/// Handles on both.
async fn both(databases: &[TestDatabase]) -> (Handle, Handle) {
    let (shards, alone) = filled(databases).await;
    (shards.into_executor(), alone.into_executor())
}

type Handle = ExecutorHandle<'static>;

async fn compare<E, I>(
    shards: &Handle,
    alone: &Handle,
    query: impl Fn(&Handle) -> Query<'static, E, I>,
) where
    E: entourage::schema::Entity,
    I: entourage::eager::IncludeList<E>,
    I::Output: PartialEq + Debug,
{
    let one = query(alone).all().await.unwrap();
    let several = query(shards).all().await.unwrap();
    assert_eq!(several, one, "{:?}", query(shards));
}

pub(super) async fn pages_are_those_of_one_database(databases: &[TestDatabase]) {
    let (shards, alone) = both(databases).await;
    for order in customer_orders() {
        let page = async |executor: &Handle, page: Page| {
            let customers = CustomerRepository::new(executor.clone());
            customers.order_by(order.clone()).page(page).await.unwrap()
        };
        let (mut next, mut pages) = (Page::first(7), 0);
        loop {
            let (one, several) = (page(&alone, next.clone()).await, page(&shards, next).await);
            assert_eq!(several, one, "{order:?}");
            pages += 1;
            match one.next {
                Some(cursor) => next = Page::after(cursor).size(7),
                None => break,
            }
        }
        assert_eq!(pages, 6);
        let (one, several) = (
            page(&alone, Page::last(5)).await,
            page(&shards, Page::last(5)).await,
        );
        assert_eq!(several, one, "{order:?}");
        let before = Page::before(one.previous.unwrap()).size(11);
        let (one, several) = (
            page(&alone, before.clone()).await,
            page(&shards, before).await,
        );
        assert_eq!(several, one, "{order:?}");
    }
}

pub(super) async fn figures_are_those_of_one_database(databases: &[TestDatabase]) {
    let (shards, alone) = both(databases).await;
    let (shards, alone) = (&shards, &alone);
    let all = |executor: &Handle| CustomerRepository::new(executor.clone()).query();
    assert_eq!(same!(shards, alone, |to| all(to).count()), 40);
    assert_eq!(
        same!(shards, alone, |to| all(to).limit(30).offset(25).count()),
        15
    );
    same!(shards, alone, |to| all(to).sum(Customer::ID));
    // SQLite's decimals are floating-point numbers.
    let sums = (
        all(shards).sum(Customer::BALANCE).await.unwrap().unwrap(),
        all(alone).sum(Customer::BALANCE).await.unwrap().unwrap(),
    );
    assert_eq!(sums.0.round_dp(6), sums.1.round_dp(6));
    same!(shards, alone, |to| all(to).min(Customer::BALANCE));
    same!(shards, alone, |to| all(to).max(Customer::BALANCE));
    same!(shards, alone, |to| all(to).min(Customer::JOINED));
    same!(shards, alone, |to| all(to).max(Customer::RATING));
    // Of values that are equal for a collation, any may be told.
    let (least, greatest) = (
        all(shards).min(Customer::NAME).await,
        all(shards).max(Customer::NAME).await,
    );
    let (one, other) = (
        all(alone).min(Customer::NAME).await,
        all(alone).max(Customer::NAME).await,
    );
    let folded = |name: entourage::Result<Option<String>>| {
        name.unwrap().unwrap().to_lowercase().replace('ë', "e")
    };
    assert_eq!(
        (folded(least), folded(greatest)),
        (folded(one), folded(other))
    );
    let means = (
        all(shards).avg(Customer::RATING).await.unwrap().unwrap(),
        all(alone).avg(Customer::RATING).await.unwrap().unwrap(),
    );
    assert!((means.0 - means.1).abs() < 1e-9, "{means:?}");
    let none = |executor: &Handle| all(executor).filter(Customer::ID.gt(1_000));
    assert_eq!(same!(shards, alone, |to| none(to).sum(Customer::ID)), None);
    assert_eq!(
        same!(shards, alone, |to| none(to).avg(Customer::RATING)),
        None
    );
    assert_eq!(
        same!(shards, alone, |to| none(to).max(Customer::NAME)),
        None
    );
    assert!(!same!(shards, alone, |to| none(to).exists()));
    assert!(same!(shards, alone, |to| all(to)
        .filter(Customer::ID.eq(40))
        .exists()));
    assert!(same!(shards, alone, |to| all(to).offset(39).exists()));
    assert!(!same!(shards, alone, |to| all(to).offset(40).exists()));
    assert!(!same!(shards, alone, |to| all(to)
        .filter(Customer::ID.in_list(Vec::<i64>::new()))
        .exists()));
}

pub(super) async fn rows_are_found_by_key_wherever_they_are(databases: &[TestDatabase]) {
    let (shards, alone) = both(databases).await;
    let (to_shards, to_one) = (&shards, &alone);
    for id in [1, 17, 40, 41] {
        same!(to_shards, to_one, |to| CustomerRepository::new(to.clone())
            .find(id));
        same!(to_shards, to_one, |to| OrderRepository::new(to.clone())
            .find(id * 3));
    }
    let keys = [40_i64, 3, 99, 3, 12, 7];
    same!(to_shards, to_one, |to| CustomerRepository::new(to.clone())
        .find_many(keys));
    same!(to_shards, to_one, |to| OrderRepository::new(to.clone())
        .find_many(keys));
    let none = Vec::<i64>::new();
    same!(to_shards, to_one, |to| OrderRepository::new(to.clone())
        .find_many(none.clone()));
    let missing = OrderRepository::new(shards.clone())
        .get(1_000)
        .await
        .unwrap_err();
    assert!(missing.is_not_found(), "{missing:?}");
    let loader = Loader::new(shards.clone());
    let loading = (1..=12).map(|id| loader.load::<Customer>(id));
    let loaded = futures_util::future::try_join_all(loading).await.unwrap();
    let names: Vec<_> = loaded.into_iter().map(|row| row.unwrap().name).collect();
    let expected = CustomerRepository::new(alone.clone())
        .filter(Customer::ID.le(12))
        .order_by(Customer::ID.asc());
    let expected: Vec<_> = expected
        .all()
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert_eq!(names, expected);
}

pub(super) async fn a_loader_tells_the_rows_of_shards_apart(databases: &[TestDatabase]) {
    let shards = empty(databases).await;
    let (one, other, _) = keys(&shards);
    let mut tickets = Vec::new();
    for tenant in [one, other] {
        let new = NewTicket {
            tenant,
            title: format!("of {tenant}"),
        };
        let ticket = TicketRepository::new(&shards).insert(new).await.unwrap();
        let new = NewNote {
            ticket_id: ticket.id,
            text: format!("of {tenant}"),
        };
        let db = shards.at(&tenant).unwrap();
        NoteRepository::new(&db).insert(new).await.unwrap();
        tickets.push(ticket);
    }
    // Each database has counted for itself.
    assert_eq!(tickets[0].id, tickets[1].id);
    for loader in [
        Loader::new(shards.clone()),
        Loader::new(shards.clone()).cached(),
    ] {
        for _ in 0..2 {
            let loading = tickets
                .iter()
                .map(|ticket| loader.related(Ticket::NOTES, ticket));
            let loaded = futures_util::future::try_join_all(loading).await.unwrap();
            let texts: Vec<_> = loaded.iter().flatten().map(|note| &note.text).collect();
            assert_eq!(texts, [&format!("of {one}"), &format!("of {other}")]);
        }
    }
}

pub(super) async fn graphs_are_those_of_one_database(databases: &[TestDatabase]) {
    let (shards, alone) = both(databases).await;
    for strategy in [Strategy::Auto, Strategy::Batched, Strategy::Unified] {
        let graph = |executor: &Handle| {
            CustomerRepository::new(executor.clone())
                .filter(Customer::ID.gt(5))
                .order_by((Customer::NAME.desc(), Customer::ID.asc()))
                .limit(20)
                .strategy(strategy)
                .with(
                    Customer::ORDERS
                        .order_by(Order::CENTS.desc())
                        .limit(2)
                        .with(Order::LINES.order_by(Line::ID.asc())),
                )
                .with(Customer::ORDERS.count())
        };
        compare(&shards, &alone, graph).await;
        let up = |executor: &Handle| {
            OrderRepository::new(executor.clone())
                .order_by(Order::ID.desc())
                .strategy(strategy)
                .with(Order::CUSTOMER)
        };
        compare(&shards, &alone, up).await;
    }
    let busy = |executor: &Handle| {
        CustomerRepository::new(executor.clone())
            .filter(Customer::ORDERS.any(Order::CENTS.gt(90)))
            .order_by(Customer::ID.asc())
    };
    compare(&shards, &alone, busy).await;
    // Rows in hand keep their order, wherever each of them is.
    let loaded = async |executor: &Handle| {
        let orders = OrderRepository::new(executor.clone());
        let rows = orders.order_by(Order::CENTS.asc()).all().await.unwrap();
        orders
            .load(rows, Order::LINES.order_by(Line::ID.asc()))
            .await
            .unwrap()
    };
    assert_eq!(loaded(&shards).await, loaded(&alone).await);
}

pub(super) async fn a_stream_gives_every_row_once_and_in_order(databases: &[TestDatabase]) {
    let (shards, alone) = both(databases).await;
    let (shards, alone) = (&shards, &alone);
    let sorted = |executor: &Handle| {
        OrderRepository::new(executor.clone()).order_by((Order::CENTS.asc(), Order::NOTE.desc()))
    };
    same!(shards, alone, |to| sorted(to)
        .stream()
        .try_collect::<Vec<_>>());
    same!(shards, alone, |to| sorted(to)
        .with(Order::CUSTOMER)
        .limit(50)
        .stream()
        .try_collect::<Vec<_>>());
    let all: Vec<Order> = OrderRepository::new(shards.clone())
        .query()
        .stream()
        .try_collect()
        .await
        .unwrap();
    let mut ids: Vec<i64> = all.iter().map(|order| order.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=120).collect::<Vec<_>>());
}

pub(super) async fn rows_of_one_key_on_several_shards_all_come(databases: &[TestDatabase]) {
    const EACH: i64 = 700;
    let shards = empty(databases).await;
    for tenant in 1..=12_i64 {
        let db = shards.at(&tenant).unwrap();
        let there = TicketRepository::new(&db).query().count().await.unwrap();
        if there == 0 {
            let rows = (1..=EACH).map(|at| NewTicket {
                tenant,
                title: format!("{tenant} {at}"),
            });
            let inserted = TicketRepository::new(&db).bulk_insert(rows).await.unwrap();
            assert_eq!(inserted.affected, EACH as u64);
        }
    }
    let tickets = TicketRepository::new(&shards);
    let mut sorted = tickets.order_by(Ticket::ID.asc()).all().await.unwrap();
    assert_eq!(sorted.len(), 3 * EACH as usize);
    assert!(sorted.is_sorted_by_key(|ticket| ticket.id));
    let error = tickets.query().find(7).await.unwrap_err();
    assert!(error.is_too_many(), "{error}");
    let (mut paged, mut next) = (Vec::new(), Page::first(200));
    loop {
        let page = tickets.order_by(Ticket::ID.asc()).page(next).await.unwrap();
        paged.extend(page.items);
        match page.next {
            Some(cursor) => next = Page::after(cursor).size(200),
            None => break,
        }
    }
    let streamed: Vec<Ticket> = tickets
        .order_by(Ticket::ID.asc())
        .stream()
        .try_collect()
        .await
        .unwrap();
    for rows in [&mut sorted, &mut paged] {
        rows.sort_by_key(|ticket| (ticket.id, ticket.tenant));
    }
    assert_eq!(paged, sorted);
    assert_eq!(streamed, sorted);
}

pub(super) async fn shapes_and_conditions_are_those_of_one_database(databases: &[TestDatabase]) {
    let (shards, alone) = both(databases).await;
    let cards = |executor: &Handle| {
        CustomerRepository::new(executor.clone())
            .order_by((Customer::JOINED.desc(), Customer::NAME.asc()))
            .limit(12)
            .shape::<Card>()
    };
    let (one, several) = (cards(&alone).all().await, cards(&shards).all().await);
    assert_eq!(several.unwrap(), one.unwrap());
    for condition in [true, false] {
        let maybe = |executor: &Handle| {
            CustomerRepository::new(executor.clone())
                .order_by(Customer::ID.desc())
                .with_if(condition, Customer::ORDERS.order_by(Order::ID.asc()))
        };
        compare(&shards, &alone, maybe).await;
    }
    let totals = |executor: &Handle| {
        TotalsRepository::new(executor.clone())
            .order_by((Totals::ORDERS.desc(), Totals::LARGEST.asc()))
            .limit(9)
    };
    compare(&shards, &alone, totals).await;
    let found = CustomerRepository::new(shards.clone())
        .shape::<Card>()
        .find(3)
        .await;
    let one = CustomerRepository::new(alone.clone())
        .shape::<Card>()
        .find(3)
        .await;
    assert_eq!(found.unwrap(), one.unwrap());
}
