//! Maintained views: never old, whoever writes what reads.

use std::{collections::HashSet, time::Duration};

use entourage::{
    Database, ErrorKind,
    dialect::Dialect,
    prelude::*,
    refresher::{Refresher, Schedule},
    statement::StatementKind,
    view::DifferenceKind,
};

use crate::models::upkeep::*;

pub(super) async fn total(db: &Database, purchase: &Purchase) -> Option<(i64, i64)> {
    let found = TotalRepository::new(db).find(purchase.id).await.unwrap();
    found.map(|total| (total.items, total.cents))
}

async fn cards(db: &Database) -> Vec<(String, String, i64)> {
    let cards = PurchaseCardRepository::new(db).order_by(PurchaseCard::PURCHASE_ID.asc());
    let cards = cards.all().await.unwrap().into_iter();
    cards
        .map(|card| (card.title, card.buyer, card.items))
        .collect()
}

fn card(title: &str, buyer: &str, items: i64) -> (String, String, i64) {
    (title.to_owned(), buyer.to_owned(), items)
}

/// The shop with both of its views.
pub(super) async fn open(db: &Database) -> (Vec<Buyer>, Vec<Purchase>) {
    let seeded = seed(db).await.unwrap();
    db.create_schema::<(PurchaseCard, Total)>().await.unwrap();
    seeded
}

pub(super) async fn is_as_its_query<V: entourage::schema::View>(db: &Database) {
    let report = db.verify::<V>().await.unwrap();
    assert!(report.is_clean(), "{report}");
}

pub(super) async fn all_are_right(db: &Database) {
    is_as_its_query::<Total>(db).await;
    is_as_its_query::<PurchaseCard>(db).await;
}

pub async fn a_maintained_view_is_filled_when_it_is_made(db: &Database) {
    let (_, purchases) = open(db).await;
    assert_eq!(total(db, &purchases[0]).await, Some((2, 350)));
    assert_eq!(total(db, &purchases[1]).await, None);
    let expected = [
        card("Looms", "Ada", 2),
        card("Nothing", "Ada", 0),
        card("Gears", "Bea", 1),
    ];
    assert_eq!(cards(db).await, expected);
    let report = db.check_schema::<(Buyer, Purchase, Item, Total, PurchaseCard)>();
    let report = report.await.unwrap();
    assert!(report.is_clean(), "{report}");
}

pub async fn each_write_mends_the_rows_that_it_shows_in(db: &Database) {
    let (_, purchases) = open(db).await;
    let items = ItemRepository::new(db);
    let (looms, nothing, gears) = (&purchases[0], &purchases[1], &purchases[2]);

    let recording = db.recorded();
    let one = items.insert(item(nothing.id, 7)).await.unwrap();
    // The database mends: not a statement more is sent.
    assert_eq!(recording.count(), 1, "{recording:?}");
    drop(recording);
    assert_eq!(total(db, nothing).await, Some((1, 7)));

    let one = items.update(&Item { cents: 9, ..one }).await.unwrap();
    assert_eq!(total(db, nothing).await, Some((1, 9)));

    // Moved: out of one row, into another.
    let purchase_id = gears.id;
    let one = items.update(&Item { purchase_id, ..one }).await.unwrap();
    assert_eq!(total(db, nothing).await, None);
    assert_eq!(total(db, gears).await, Some((2, 14)));

    items.delete(one.id).await.unwrap();
    assert_eq!(total(db, gears).await, Some((1, 5)));

    let many = items.filter(Item::CENTS.gt(99));
    many.set(Item::CENTS.to(1)).update().await.unwrap();
    assert_eq!(total(db, looms).await, Some((2, 2)));

    let sql = "UPDATE items SET sort = 'wood' WHERE purchase_id = ?";
    db.sql(sql, args![looms.id]).execute().await.unwrap();
    let found = TotalRepository::new(db).get(looms.id).await.unwrap();
    assert_eq!(found.last_sort.as_deref(), Some("wood"));

    let first = items.filter(Item::PURCHASE_ID.eq(looms.id)).first().await;
    let first = first.unwrap().unwrap();
    let conflict = match db.dialect() {
        Dialect::Sqlite | Dialect::Postgres => {
            "ON CONFLICT (id) DO UPDATE SET cents = excluded.cents"
        }
        Dialect::Mysql => "ON DUPLICATE KEY UPDATE cents = VALUES(cents)",
    };
    let sql = format!("INSERT INTO items (id, purchase_id, cents) VALUES (?, ?, 40) {conflict}");
    let upsert = db.sql(&sql, args![first.id, looms.id]);
    upsert.execute().await.unwrap();
    assert_eq!(total(db, looms).await, Some((2, 41)));

    items.query().delete().await.unwrap();
    assert_eq!(TotalRepository::new(db).query().count().await.unwrap(), 0);
    all_are_right(db).await;
}

pub async fn what_a_row_joins_mends_it(db: &Database) {
    let (buyers, purchases) = open(db).await;
    let ada = Buyer {
        name: "Ada L.".into(),
        ..buyers[0].clone()
    };
    BuyerRepository::new(db).update(&ada).await.unwrap();
    let new = NewPurchase {
        buyer_id: buyers[1].id,
        title: "Late".into(),
    };
    PurchaseRepository::new(db).insert(new).await.unwrap();
    let moved = Purchase {
        buyer_id: buyers[1].id,
        ..purchases[1].clone()
    };
    PurchaseRepository::new(db).update(&moved).await.unwrap();
    // Its items go with it.
    let looms = purchases[0].id;
    PurchaseRepository::new(db).delete(looms).await.unwrap();
    let expected = [
        card("Nothing", "Bea", 0),
        card("Gears", "Bea", 1),
        card("Late", "Bea", 0),
    ];
    assert_eq!(cards(db).await, expected);
    assert_eq!(TotalRepository::new(db).query().count().await.unwrap(), 1);
    all_are_right(db).await;
}

pub async fn it_changes_with_the_transaction_of_the_write(db: &Database) {
    let (_, purchases) = open(db).await;
    let looms = &purchases[0];
    for commits in [false, true] {
        let tx = db.begin().await.unwrap();
        ItemRepository::new(&tx)
            .insert(item(looms.id, 50))
            .await
            .unwrap();
        let inside = TotalRepository::new(&tx).get(looms.id).await.unwrap();
        assert_eq!((inside.items, inside.cents), (3, 400));
        // In memory there is one connection, and the transaction has it.
        if db.pool_stats().max > 1 {
            assert_eq!(total(db, looms).await, Some((2, 350)));
        }
        match commits {
            true => tx.commit().await.unwrap(),
            false => tx.rollback().await.unwrap(),
        }
        let after = if commits { (3, 400) } else { (2, 350) };
        assert_eq!(total(db, looms).await, Some(after));
    }
}

/// Long enough for a statement to end that nobody holds up. One that is held up takes as long as it must.
pub async fn rows_in_bulk_mend_all_that_they_show_in(db: &Database) {
    let (_, purchases) = open(db).await;
    let news = (0..3_000).map(|number| item(purchases[number % 3].id, 2));
    let report = ItemRepository::new(db).bulk_insert(news).await.unwrap();
    assert_eq!(report.rows, 3_000);
    assert_eq!(total(db, &purchases[1]).await, Some((1_000, 2_000)));
    all_are_right(db).await;
}

pub async fn what_differs_is_found_and_rebuilt(db: &Database) {
    let (_, purchases) = open(db).await;
    let by_hand = async |sql: &str, id: i64| {
        db.sql(sql, args![id]).execute().await.unwrap();
    };
    by_hand("DELETE FROM totals WHERE purchase_id = ?", purchases[0].id).await;
    by_hand(
        "UPDATE totals SET cents = 77 WHERE purchase_id = ?",
        purchases[2].id,
    )
    .await;
    by_hand(
        "INSERT INTO totals (purchase_id, items, cents) VALUES (?, 1, 1)",
        4711,
    )
    .await;
    let report = db.verify::<Total>().await.unwrap();
    assert_eq!((report.missing, report.extra, report.different), (1, 1, 1));
    let kinds: Vec<_> = report.differences.iter().map(|one| one.kind).collect();
    let all = [
        DifferenceKind::Missing,
        DifferenceKind::Extra,
        DifferenceKind::Different,
    ];
    assert_eq!(kinds, all);
    assert_eq!(report.differences[1].key, "4711");
    let error = report.into_result().unwrap_err().to_string();
    assert!(
        error.contains("of `Total`, 1 rows are missing, 1 too many"),
        "{error}"
    );
    is_as_its_query::<PurchaseCard>(db).await;

    let recording = db.recorded();
    let rebuilt = db.rebuild::<Total>().await.unwrap();
    let kinds: Vec<_> = recording.statements().iter().map(|run| run.kind).collect();
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == StatementKind::Refresh)
            .count(),
        1
    );
    drop(recording);
    assert_eq!(rebuilt.rows, Some(2));
    all_are_right(db).await;
    // And it is maintained as before.
    ItemRepository::new(db)
        .insert(item(purchases[2].id, 1))
        .await
        .unwrap();
    assert_eq!(total(db, &purchases[2]).await, Some((2, 6)));
}

/// The names of the triggers on `buyers`, `items` and `purchases` that begin so.
async fn triggers(db: &Database, prefix: &str) -> Vec<String> {
    let sql = match db.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE ?",
        Dialect::Postgres => "SELECT tgname::text FROM pg_trigger WHERE tgname LIKE ?",
        Dialect::Mysql => {
            "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE ?"
        }
    };
    let found = db
        .sql(sql, args![format!("{prefix}%")])
        .fetch::<(String,)>();
    let found = found.await.unwrap().into_iter();
    found.map(|(name,)| name).collect()
}

pub async fn it_is_made_once_and_again_where_a_trigger_is_gone(db: &Database) {
    let (_, purchases) = open(db).await;
    let before = triggers(db, "totals_by_").await;
    let recording = db.recorded();
    db.create_view::<Total>().await.unwrap();
    let sent = recording.statements();
    let made = sent.iter().filter(|run| run.sql.contains("CREATE TRIGGER"));
    assert_eq!(made.count(), 0);
    drop(recording);

    let gone = triggers(db, "totals_by_items_insert").await.remove(0);
    let on = match db.dialect() {
        Dialect::Postgres => " ON items",
        Dialect::Sqlite | Dialect::Mysql => "",
    };
    let drop = format!("DROP TRIGGER {gone}{on}");
    db.execute_script(&drop).await.unwrap();
    let one = item(purchases[1].id, 1);
    ItemRepository::new(db).insert(one).await.unwrap();
    assert_eq!(total(db, &purchases[1]).await, None);
    let check = async || {
        let report = db.check_schema::<(Item, Purchase, Buyer, Total)>().await;
        let report = report.unwrap();
        let drifts = report.drifts().iter();
        let said: Vec<_> = drifts
            .map(|drift| (drift.to_string(), drift.ddl().is_some()))
            .collect();
        said
    };
    let said = format!("trigger `{gone}`, which maintains `totals`, is missing");
    assert_eq!(check().await, [(said, false)]);
    db.create_view::<Total>().await.unwrap();
    assert_eq!(total(db, &purchases[1]).await, Some((1, 1)));
    is_as_its_query::<Total>(db).await;
    assert_eq!(check().await, []);
    assert_eq!(triggers(db, "totals_by_").await.len(), before.len());
}

pub async fn a_table_that_is_gone_is_made_and_filled(db: &Database) {
    let (_, purchases) = open(db).await;
    db.execute_script("DROP TABLE totals").await.unwrap();
    if db.dialect() == Dialect::Mysql {
        db.execute_script("DELETE FROM entourage_view_locks")
            .await
            .unwrap();
        let refused = ItemRepository::new(db)
            .insert(item(purchases[0].id, 1))
            .await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("db.create_view adds them"), "{refused}");
    }
    db.create_schema::<(PurchaseCard, Total)>().await.unwrap();
    assert_eq!(total(db, &purchases[0]).await, Some((2, 350)));
    ItemRepository::new(db)
        .insert(item(purchases[0].id, 1))
        .await
        .unwrap();
    assert_eq!(total(db, &purchases[0]).await, Some((3, 351)));
    all_are_right(db).await;
}

pub async fn what_is_declared_otherwise_leaves_no_trigger_behind(db: &Database) {
    let (buyers, purchases) = open(db).await;
    db.create_view::<WideTotal>().await.unwrap();
    assert!(!triggers(db, "totals_by_buyers").await.is_empty());
    let wide = WideTotalRepository::new(db).get(purchases[0].id).await;
    assert_eq!(wide.unwrap().buyer, "Ada");
    is_as_its_query::<WideTotal>(db).await;

    // Without the column, and without the source.
    db.create_view::<Total>().await.unwrap();
    assert_eq!(triggers(db, "totals_by_buyers").await, [""; 0]);
    let report = db
        .check_schema::<(Item, Purchase, Buyer, Total)>()
        .await
        .unwrap();
    assert!(report.is_clean(), "{report}");
    let ada = Buyer {
        name: "Ada L.".into(),
        ..buyers[0].clone()
    };
    BuyerRepository::new(db).update(&ada).await.unwrap();
    all_are_right(db).await;
}

pub async fn what_leads_to_no_key_is_refused_before_it_is_made(db: &Database) {
    seed(db).await.unwrap();
    let refused = db.create_view::<Misled>().await.unwrap_err();
    assert!(
        refused.to_string().contains("nothing_of_that_name"),
        "{refused}"
    );
    assert_eq!(triggers(db, "misled").await, [""; 0]);
    // The source is written as before.
    let new = NewBuyer {
        name: "Cleo".into(),
    };
    BuyerRepository::new(db).insert(new).await.unwrap();
}

pub async fn another_query_is_told_and_made_anew(db: &Database) {
    let (_, purchases) = open(db).await;
    let report = db.check_schema::<LaterTotal>().await.unwrap();
    let said: Vec<_> = report.drifts().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["view `totals` was made with another query than `LaterTotal` has"]
    );
    db.create_view::<LaterTotal>().await.unwrap();
    assert_eq!(total(db, &purchases[0]).await, Some((2, 700)));
    ItemRepository::new(db)
        .insert(item(purchases[0].id, 1))
        .await
        .unwrap();
    assert_eq!(total(db, &purchases[0]).await, Some((3, 702)));
    is_as_its_query::<LaterTotal>(db).await;
    assert_eq!(db.verify::<Total>().await.unwrap().different, 2);
}

pub async fn a_view_that_is_dropped_is_maintained_no_more(db: &Database) {
    let (_, purchases) = open(db).await;
    db.drop_view::<Total>().await.unwrap();
    ItemRepository::new(db)
        .insert(item(purchases[0].id, 1))
        .await
        .unwrap();
    assert_eq!(cards(db).await[0].2, 3);
    db.create_view::<Total>().await.unwrap();
    assert_eq!(total(db, &purchases[0]).await, Some((3, 351)));
    db.drop_schema::<(Buyer, Purchase, Item, Total, PurchaseCard)>()
        .await
        .unwrap();
}

pub async fn kept_results_of_it_go_with_what_it_reads(db: &Database) {
    let (_, purchases) = open(db).await;
    let minute = Duration::from_secs(60);
    let read = || async {
        let totals = TotalRepository::new(db);
        let rows = totals.filter(Total::CENTS.gt(0)).cached(minute).all();
        rows.await.unwrap().iter().map(|row| row.cents).sum::<i64>()
    };
    assert_eq!((read().await, read().await), (355, 355));
    ItemRepository::new(db)
        .insert(item(purchases[1].id, 10))
        .await
        .unwrap();
    assert_eq!(read().await, 365);
}

pub async fn what_is_no_maintained_view_is_refused(db: &Database) {
    use crate::models::views::{self, AuthorFigures, LongArticle};

    open(db).await;
    let refused = db.refresh::<Total>().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    assert!(
        refused.to_string().contains("`Total` is never old"),
        "{refused}"
    );
    let refused = db.view_state::<Total>().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    let every = Schedule::every(Duration::from_secs(60));
    let refused = Refresher::builder(db)
        .view::<Total>(every)
        .start()
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);

    let authors = views::seed(db).await.unwrap();
    let refused = db.rebuild::<AuthorFigures>().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    assert!(
        refused.to_string().contains("`db.refresh` renews"),
        "{refused}"
    );
    let refused = db.verify::<LongArticle>().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    // What a refresh would change.
    let report = db.verify::<AuthorFigures>().await.unwrap();
    let missing: HashSet<_> = report.differences.iter().map(|one| &one.key).collect();
    assert_eq!((report.missing, report.extra, report.different), (2, 0, 0));
    assert!(missing.contains(&authors[0].id.to_string()), "{missing:?}");
    db.refresh::<AuthorFigures>().await.unwrap();
    is_as_its_query::<AuthorFigures>(db).await;
}

pub async fn a_key_of_two_columns_is_maintained_where_cascades_are_told(db: &Database) {
    let (_, purchases) = seed(db).await.unwrap();
    let made = db.create_view::<Sort>().await;
    if db.dialect() == Dialect::Mysql {
        let refused = made.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        let refused = refused.to_string();
        assert!(
            refused.contains("a delete of a `Purchase` changes rows of `Item`"),
            "{refused}"
        );
        return;
    }
    made.unwrap();
    let sorted = |purchase: &Purchase, sort: &str, cents| NewItem {
        sort: Some(sort.to_owned()),
        ..item(purchase.id, cents)
    };
    let news = [
        sorted(&purchases[0], "wood", 3),
        sorted(&purchases[0], "wood", 4),
        sorted(&purchases[0], "iron", 9),
        sorted(&purchases[2], "iron", 1),
    ];
    let items = ItemRepository::new(db).insert_many(news).await.unwrap();
    let one = Item {
        sort: Some("brass".into()),
        ..items[1].clone()
    };
    ItemRepository::new(db).update(&one).await.unwrap();
    let sorts = SortRepository::new(db).order_by((Sort::PURCHASE_ID.asc(), Sort::SORT.asc()));
    let sorts = sorts.all().await.unwrap();
    let sorts: Vec<_> = sorts.iter().map(|row| (&*row.sort, row.cents)).collect();
    assert_eq!(sorts, [("brass", 4), ("iron", 9), ("wood", 3), ("iron", 1)]);
    PurchaseRepository::new(db)
        .delete(purchases[0].id)
        .await
        .unwrap();
    assert_eq!(SortRepository::new(db).query().count().await.unwrap(), 1);
    is_as_its_query::<Sort>(db).await;
}

pub async fn an_emptied_source_empties_the_view(db: &Database) {
    open(db).await;
    db.execute_script("TRUNCATE items").await.unwrap();
    assert_eq!(TotalRepository::new(db).query().count().await.unwrap(), 0);
    all_are_right(db).await;
}
