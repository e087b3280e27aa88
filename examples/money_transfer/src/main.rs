//! Money between accounts, by many at once: nothing is made, nothing is lost, no account is overdrawn.
//!
//! `cargo run -p money_transfer` uses an embedded database in memory; give a URL to use a server:
//! `cargo run -p money_transfer -- --database-url mysql://root@localhost/bank`.
//!
//! Both rows are locked by one statement in the order of their keys, so that two transfers in opposite directions wait
//! for each other in turn and never in a circle. What can still meet a conflict is run again.
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use entourage::{Database, Transaction, prelude::*, transaction::Retry};

const ACCOUNTS: i64 = 5;
const TELLERS: i64 = 8;
const TRANSFERS: i64 = 25;
const OPENING: i64 = 100;

#[derive(Debug, Clone, Entity)]
#[entity(table = "bank_accounts")]
struct Account {
    #[entity(primary_key)]
    id: i64,
    /// In cents.
    balance: i64,
}

/// Why there was no transfer.
#[derive(Debug)]
enum Refused {
    /// The account has less.
    Overdrawn { account: i64, balance: i64 },
    /// The database's reason.
    Database(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::Database(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Overdrawn { account, balance } => {
                write!(f, "account {account} has only {balance}")
            }
            Refused::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refused {}

/// What came of it all.
#[derive(Debug, PartialEq, Eq)]
struct Report {
    balances: Vec<(i64, i64)>,
    done: usize,
    receipts: usize,
    overdrawn: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let report = run(&database_url()?).await?;
    for (account, balance) in &report.balances {
        println!("account {account}: {balance}");
    }
    let Report {
        done, overdrawn, ..
    } = report;
    println!("{done} transfers done, {overdrawn} refused; all the money is still there");
    Ok(())
}

fn database_url() -> Result<String> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => Ok("sqlite::memory:".to_owned()),
        [name, url] if name == "--database-url" => Ok(url.clone()),
        _ => Err(Error::new(ErrorKind::Configuration, "unknown arguments")
            .with_hint("usage: money_transfer [--database-url URL]")),
    }
}

async fn run(url: &str) -> Result<Report> {
    let db = Database::connect(url).await?;
    db.create_schema::<(Account,)>().await?;
    AccountRepository::new(&db).query().delete().await?;
    let accounts = (1..=ACCOUNTS).map(|id| NewAccount {
        id,
        balance: OPENING,
    });
    AccountRepository::new(&db).insert_many(accounts).await?;

    let receipts = Arc::new(AtomicUsize::new(0));
    let tellers: Vec<_> = (0..TELLERS)
        .map(|teller| tokio::spawn(work(db.clone(), teller, Arc::clone(&receipts))))
        .collect();
    let (mut done, mut overdrawn) = (0, 0);
    for teller in tellers {
        let (ok, refused) = teller.await.map_err(Error::user)??;
        done += ok;
        overdrawn += refused;
    }

    let accounts = AccountRepository::new(&db)
        .order_by(Account::ID.asc())
        .all()
        .await?;
    let total: i64 = accounts.iter().map(|account| account.balance).sum();
    assert_eq!(total, ACCOUNTS * OPENING, "money was made or lost");
    assert!(accounts.iter().all(|account| account.balance >= 0));
    db.close().await;
    Ok(Report {
        balances: accounts.iter().map(|a| (a.id, a.balance)).collect(),
        done,
        receipts: receipts.load(Ordering::Relaxed),
        overdrawn,
    })
}

/// One teller's transfers: how many were done, and how many refused.
async fn work(db: Database, teller: i64, receipts: Arc<AtomicUsize>) -> Result<(usize, usize)> {
    let (mut done, mut overdrawn) = (0, 0);
    for number in 0..TRANSFERS {
        let from = (teller + number) % ACCOUNTS + 1;
        let to = (from + teller % (ACCOUNTS - 1)) % ACCOUNTS + 1;
        // The first asks for more than there is.
        let amount = match number {
            0 => ACCOUNTS * OPENING + 1,
            _ => number * 7 % 60 + 1,
        };
        let transaction = db
            .transaction()
            .retry(Retry::default())
            .deadline(Duration::from_secs(30));
        let transferred = transaction.run(|tx| transfer(tx, from, to, amount, receipts.clone()));
        match transferred.await {
            Ok(()) => done += 1,
            Err(Refused::Overdrawn { .. }) => overdrawn += 1,
            Err(Refused::Database(error)) => return Err(error),
        }
    }
    Ok((done, overdrawn))
}

async fn transfer(
    tx: Transaction,
    from: i64,
    to: i64,
    amount: i64,
    receipts: Arc<AtomicUsize>,
) -> Result<(), Refused> {
    let accounts = AccountRepository::new(&tx);
    let [mut giver, mut taker] = accounts.lock_many([from, to]).await?;
    if giver.balance < amount {
        return Err(Refused::Overdrawn {
            account: from,
            balance: giver.balance,
        });
    }
    giver.balance -= amount;
    taker.balance += amount;
    accounts.update(&giver).await?;
    accounts.update(&taker).await?;
    // A receipt for what is certain: not for an attempt that is run again.
    tx.after_commit(move || {
        receipts.fetch_add(1, Ordering::Relaxed);
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use entourage::testing::assert_constant_queries;

    use super::*;

    async fn open_accounts(db: &Database, count: i64) -> Result<()> {
        let present = AccountRepository::new(db)
            .query()
            .count()
            .await?
            .cast_signed();
        let new = (present + 1..=present + count).map(|id| NewAccount {
            id,
            balance: OPENING,
        });
        AccountRepository::new(db).insert_many(new).await.map(drop)
    }

    #[tokio::test]
    async fn a_transfer_takes_as_many_statements_in_a_large_bank_as_in_a_small_one() -> Result<()> {
        let db = Database::connect("sqlite::memory:").await?;
        db.create_schema::<(Account,)>().await?;
        assert_constant_queries!(
            db,
            scales = [2, 50],
            |more| open_accounts(&db, more),
            || {
                db.transaction()
                    .run(|tx| transfer(tx, 1, 2, 1, Arc::default()))
            }
        );
        Ok(())
    }

    #[tokio::test]
    async fn no_transfer_makes_or_loses_money() {
        let report = run("sqlite::memory:").await.expect("the tellers work");
        let all = usize::try_from(TELLERS * TRANSFERS).expect("not many");
        assert_eq!(report.done + report.overdrawn, all);
        assert_eq!(report.receipts, report.done);
        assert!(report.overdrawn >= 8, "what is not there cannot be given");
    }
}
