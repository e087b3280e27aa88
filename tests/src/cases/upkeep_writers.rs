//! Maintained views under several writers at once: nothing is lost, and who must wait waits.

use std::time::Duration;

use entourage::{
    Database, ErrorKind,
    dialect::Dialect,
    prelude::*,
    transaction::{IsolationLevel, Retry},
};

use super::upkeep::{all_are_right, is_as_its_query, open, total};
use crate::models::upkeep::*;

const SOON: Duration = Duration::from_millis(30);

pub async fn writers_at_once_lose_nothing(db: &Database) {
    let (buyers, _) = open(db).await;
    let levels = [
        IsolationLevel::ReadCommitted,
        IsolationLevel::RepeatableRead,
        IsolationLevel::Serializable,
    ];
    for round in 0..12 {
        // Fresh for each round: a later write would mend what an earlier one has lost.
        let new = NewPurchase {
            buyer_id: buyers[0].id,
            title: format!("{round}"),
        };
        let purchase = PurchaseRepository::new(db).insert(new).await.unwrap();
        let tasks: Vec<_> = (0..6)
            .map(|task| {
                let (db, purchase) = (db.clone(), purchase.id);
                tokio::spawn(async move {
                    let mut transaction = db.transaction().retry(Retry::default().attempts(100));
                    if db.dialect() != Dialect::Sqlite {
                        transaction = transaction.isolation(levels[(round + task) % 3]);
                    }
                    let insert = transaction.run(|tx| async move {
                        ItemRepository::new(&tx).insert(item(purchase, 1)).await
                    });
                    insert.await
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(total(db, &purchase).await, Some((6, 6)), "{round}");
    }
    all_are_right(db).await;
}

pub async fn a_writer_waits_for_one_of_the_same_row(db: &Database) {
    let (buyers, _) = open(db).await;
    for round in 0..10 {
        // A group of its own, of which the view has no row that could be locked.
        let new = NewPurchase {
            buyer_id: buyers[0].id,
            title: format!("{round}"),
        };
        let purchase = PurchaseRepository::new(db).insert(new).await.unwrap();
        let tx = db.begin().await.unwrap();
        let one = item(purchase.id, 1);
        ItemRepository::new(&tx).insert(one.clone()).await.unwrap();
        let mut other = tokio::spawn({
            let db = db.clone();
            async move { ItemRepository::new(&db).insert(one).await }
        });
        let early = tokio::time::timeout(SOON, &mut other).await;
        assert!(early.is_err(), "{round}: it has not waited");
        tx.commit().await.unwrap();
        other.await.unwrap().unwrap();
        assert_eq!(total(db, &purchase).await, Some((2, 2)), "{round}");
    }
}

pub async fn who_finds_rows_by_a_query_waits_for_those_that_come(db: &Database) {
    let (buyers, purchases) = open(db).await;
    for round in 0..10 {
        let name = format!("Ada {round}");
        let tx = db.begin().await.unwrap();
        // Rows that lead to the buyer, and that nobody else sees yet: a new one, and one that was another buyer's.
        let new = NewPurchase {
            buyer_id: buyers[0].id,
            title: "New".into(),
        };
        PurchaseRepository::new(&tx).insert(new).await.unwrap();
        let moved = Purchase {
            buyer_id: buyers[round % 2].id,
            ..purchases[2].clone()
        };
        PurchaseRepository::new(&tx).update(&moved).await.unwrap();
        let mut rename = tokio::spawn({
            let db = db.clone();
            let ada = Buyer {
                name: name.clone(),
                ..buyers[0].clone()
            };
            async move {
                let retried = db.transaction().retry(Retry::default().attempts(20));
                let rename = retried.run(|tx| {
                    let ada = ada.clone();
                    async move { BuyerRepository::new(&tx).update(&ada).await }
                });
                rename.await
            }
        });
        // Where it does not wait, it is through by now, and has missed them.
        let _ = tokio::time::timeout(SOON, &mut rename).await;
        tx.commit().await.unwrap();
        if !rename.is_finished() {
            rename.await.unwrap().unwrap();
        }
        is_as_its_query::<PurchaseCard>(db).await;
    }
}

pub async fn a_write_of_an_old_moment_is_refused_or_right(db: &Database) {
    let (_, purchases) = seed(db).await.unwrap();
    db.create_view::<LargePurchase>().await.unwrap();
    let levels = [IsolationLevel::RepeatableRead, IsolationLevel::Serializable];
    for (purchase, level) in purchases
        .iter()
        .cycle()
        .take(6)
        .zip(levels.into_iter().cycle())
    {
        let old = db.transaction().isolation(level).begin().await.unwrap();
        ItemRepository::new(&old).query().count().await.unwrap();
        let one = item(purchase.id, 1);
        let meanwhile = ItemRepository::new(db).insert(one.clone());
        match level {
            // There MySQL's reads are locks.
            IsolationLevel::Serializable if db.dialect() == Dialect::Mysql => drop(meanwhile),
            _ => _ = meanwhile.await.unwrap(),
        }
        let inserted = ItemRepository::new(&old).insert(one).await;
        match inserted {
            Ok(_) => old.commit().await.unwrap(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Serialization, "{error}");
                old.rollback().await.unwrap();
            }
        }
        is_as_its_query::<LargePurchase>(db).await;
    }
}

pub async fn a_rebuild_beside_writers_loses_nothing(db: &Database) {
    let (buyers, purchases) = open(db).await;
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let (db, purchases, buyer_id) = (db.clone(), purchases.clone(), buyers[0].id);
            tokio::spawn(async move {
                for round in 0..20 {
                    let purchase = purchases[round % 3].id;
                    let retried = db.transaction().retry(Retry::default().attempts(100));
                    let insert = retried.run(|tx| async move {
                        let title = "New".to_owned();
                        let new = NewPurchase { buyer_id, title };
                        PurchaseRepository::new(&tx).insert(new).await?;
                        ItemRepository::new(&tx).insert(item(purchase, 1)).await
                    });
                    insert.await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    let rebuilt = async |round: usize| match round % 2 {
        0 => db.rebuild::<Total>().await,
        _ => db.rebuild::<PurchaseCard>().await,
    };
    for round in 0..10 {
        // Beside writers of several rows it may be the one that a deadlock ends.
        let mut tries = 0;
        while let Err(error) = rebuilt(round).await {
            tries += 1;
            let is_conflict =
                matches!(error.kind(), ErrorKind::Deadlock | ErrorKind::Serialization);
            assert!(is_conflict && tries < 100, "{error}");
        }
    }
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    all_are_right(db).await;
}
