//! Row locks: what is sent for them, whom they keep out, and in which order they are taken.

use std::sync::Arc;
use std::time::Duration;

use entourage::dialect::Dialect;
use entourage::eager::Strategy;
use entourage::executor::Executor;
use entourage::repository::Query;
use entourage::transaction::{End, Retry, TransactionMode};
use entourage::{Database, Error, ErrorKind, Result, Transaction, prelude::*};
use tokio::sync::Barrier;

use super::counted::{STRATEGIES, counted};
use crate::models::bank::*;
use crate::models::blog::{Membership, MembershipRepository, seed};

type Accounts<'a> = Query<'a, Account, ()>;

fn accounts<'a>(executor: impl entourage::executor::IntoExecutor<'a>) -> Accounts<'a> {
    AccountRepository::new(executor)
        .query()
        .order_by(Account::ID.asc())
}

fn ids(accounts: &[Account]) -> Vec<i64> {
    accounts.iter().map(|account| account.id).collect()
}

#[track_caller]
fn assert_refused<T>(result: Result<T>, kind: ErrorKind, way_out: &str) {
    let Err(error) = result else {
        panic!("it was not refused");
    };
    assert_eq!(error.kind(), kind, "{error}");
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(way_out), "{hint:?}");
}

/// The lock would be gone before the row is there.
pub async fn a_lock_outside_a_transaction_is_refused_before_anything_is_sent(db: &Database) {
    open_accounts(db, 2).await;
    let recording = db.recorded();
    let (kind, way_out) = (ErrorKind::Unsupported, "db.transaction()");
    let repository = AccountRepository::new(db);
    assert_refused(accounts(db).for_update().all().await, kind, way_out);
    assert_refused(accounts(db).for_share().first().await, kind, way_out);
    assert_refused(
        accounts(db).for_update().page(Page::first(1)).await,
        kind,
        way_out,
    );
    let mut stream = std::pin::pin!(accounts(db).for_update().stream());
    let first = futures_util::StreamExt::next(&mut stream).await.unwrap();
    assert_refused(first, kind, way_out);
    assert_refused(repository.lock(1).await, kind, way_out);
    assert_refused(repository.lock_many([1, 2]).await, kind, way_out);
    assert_eq!(recording.count(), 0);
}

/// No lock is passed over in silence.
pub async fn a_lock_without_a_meaning_is_refused(db: &Database) {
    open_accounts(db, 2).await;
    let tx = db.begin().await.unwrap();
    let recording = db.recorded();
    let kind = ErrorKind::InvalidQuery;
    assert_refused(accounts(&tx).skip_locked().all().await, kind, "for_update");
    assert_refused(accounts(&tx).nowait().all().await, kind, "for_update");
    let distinct = accounts(&tx).distinct().for_update();
    assert_refused(distinct.all().await, kind, "distinct");
    let way_out = "returns them";
    assert_refused(accounts(&tx).for_update().count().await, kind, way_out);
    assert_refused(accounts(&tx).for_share().exists().await, kind, way_out);
    assert_refused(accounts(&tx).for_update().delete().await, kind, way_out);
    let changed = accounts(&tx).for_update().set(Account::BALANCE.to(1));
    assert_refused(changed.update().await, kind, way_out);
    assert_refused(
        AccountRepository::new(&tx).lock_many([2, 1, 2]).await,
        kind,
        "once",
    );
    assert_eq!(recording.count(), 0);
}

/// What is sent, or why not, and what to do instead.
pub async fn locks_are_asked_for_in_the_databases_own_words(db: &Database) {
    open_accounts(db, 2).await;
    type Ask = for<'a> fn(Accounts<'a>) -> Accounts<'a>;
    let share = match db.capabilities().for_share {
        true => "FOR SHARE",
        false => "LOCK IN SHARE MODE",
    };
    let share_free = format!("{share} SKIP LOCKED");
    let words: [(Ask, &str); 7] = [
        (|query| query.for_update(), "FOR UPDATE"),
        (
            |query| query.for_update().skip_locked(),
            "FOR UPDATE SKIP LOCKED",
        ),
        (|query| query.nowait().for_update(), "FOR UPDATE NOWAIT"),
        (|query| query.for_share(), share),
        (|query| query.for_share().skip_locked(), &share_free),
        (|query| query.for_no_key_update(), "FOR NO KEY UPDATE"),
        (
            |query| query.for_key_share().nowait(),
            "FOR KEY SHARE NOWAIT",
        ),
    ];
    let tx = db.begin().await.unwrap();
    for (ask, words) in words {
        let recording = db.recorded();
        let locked = ask(accounts(&tx)).all().await;
        if db.dialect() == Dialect::Mysql && words.contains("KEY") {
            assert_refused(locked, ErrorKind::Unsupported, "use `for_");
            assert_eq!(recording.count(), 0);
            continue;
        }
        assert_eq!(ids(&locked.unwrap()), [1, 2]);
        let sent = recording.statements().remove(0).sql;
        match db.dialect() {
            // The transaction has the whole database.
            Dialect::Sqlite => assert!(!sent.contains("FOR"), "{sent}"),
            _ => assert!(sent.ends_with(&format!(" {words}")), "{sent}"),
        }
    }
}

/// SQLite's transactions that read, or may only later write, lock nothing.
pub async fn a_transaction_that_locks_nothing_says_so(db: &Database) {
    open_accounts(db, 2).await;
    if db.dialect() != Dialect::Sqlite {
        return;
    }
    let transactions = [
        db.transaction().read_only(),
        db.transaction().mode(TransactionMode::Deferred),
    ];
    for transaction in transactions {
        let tx = transaction.begin().await.unwrap();
        let kind = ErrorKind::Unsupported;
        assert_refused(accounts(&tx).for_update().all().await, kind, "Deferred");
        let inner = tx.begin().await.unwrap();
        let one = AccountRepository::new(&inner).lock(1).await;
        assert_refused(one, kind, "read_only()");
    }
    let exclusive = db.transaction().mode(TransactionMode::Exclusive);
    let tx = exclusive.begin().await.unwrap();
    let inner = tx.begin().await.unwrap();
    assert_eq!(AccountRepository::new(&inner).lock(1).await.unwrap().id, 1);
}

/// Each takes what the others have not.
pub async fn locked_rows_are_skipped(db: &Database) {
    open_accounts(db, 4).await;
    let first = db.begin().await.unwrap();
    assert_eq!(two_free(&first).await, [1, 2]);
    if db.dialect() == Dialect::Sqlite {
        return;
    }
    let second = db.begin().await.unwrap();
    assert_eq!(two_free(&second).await, [3, 4]);
    first.rollback().await.unwrap();
    let third = db.begin().await.unwrap();
    assert_eq!(two_free(&third).await, [1, 2]);
}

async fn two_free(tx: &Transaction) -> Vec<i64> {
    let free = accounts(tx).limit(2).for_update().skip_locked();
    ids(&free.all().await.unwrap())
}

/// Who asks for no waiting is told at once, and the transaction is not run again for it.
pub async fn a_locked_row_fails_at_once_if_asked(db: &Database) {
    open_accounts(db, 2).await;
    let first = db.begin().await.unwrap();
    AccountRepository::new(&first).lock(1).await.unwrap();
    let mut attempts = 0;
    let counted = &mut attempts;
    let run = db.transaction().retry(Retry::default());
    let refused: Result<Vec<Account>> = run
        .run(|tx| {
            *counted += 1;
            async move { accounts(&tx).for_update().nowait().all().await }
        })
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LockNotAvailable, "{refused:?}");
    assert_eq!(attempts, 1);
    first.commit().await.unwrap();
    let next = db.begin().await.unwrap();
    let locked = accounts(&next).for_update().nowait().all().await;
    assert_eq!(ids(&locked.unwrap()), [1, 2]);
}

/// Readers lock together; a writer is kept out.
pub async fn shared_locks_go_together(db: &Database) {
    open_accounts(db, 2).await;
    let (first, second) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    accounts(&first).for_share().all().await.unwrap();
    accounts(&second).for_share().nowait().all().await.unwrap();
    let writer = db.begin().await.unwrap();
    let kept_out = accounts(&writer).for_update().nowait().all().await;
    assert_eq!(kept_out.unwrap_err().kind(), ErrorKind::LockNotAvailable);
}

/// The lock is on the rows asked for, and no strategy changes that.
pub async fn relations_of_locked_rows_take_statements_of_their_own(db: &Database) {
    open_accounts(db, 2).await;
    for strategy in STRATEGIES {
        let tx = db.begin().await.unwrap();
        let recording = db.recorded();
        let loaded = EntryRepository::new(&tx)
            .order_by(Entry::ID.asc())
            .with(Entry::ACCOUNT.with(Account::ENTRIES))
            .strategy(strategy)
            .for_update();
        let loaded = loaded.all().await.unwrap();
        assert_eq!(loaded[1].get(Entry::ACCOUNT).id, 2);
        let sent = recording.statements();
        let locking = |sql: &str| sql.contains("FOR UPDATE");
        let has_clause = db.dialect() != Dialect::Sqlite;
        assert_eq!(locking(&sent[0].sql), has_clause, "{strategy:?} {sent:#?}");
        if has_clause {
            assert!(sent.len() > 1, "{strategy:?} {sent:#?}");
            assert!(!sent[1..].iter().any(|sent| locking(&sent.sql)));
            // What was loaded beside the rows is free.
            let other = db.begin().await.unwrap();
            let free = accounts(&other).for_update().nowait().all().await;
            assert_eq!(free.unwrap().len(), 2);
            other.rollback().await.unwrap();
        }
        tx.rollback().await.unwrap();
    }
    let tx = db.begin().await.unwrap();
    let forced = accounts(&tx)
        .with(Account::ENTRIES.joined())
        .filter(Account::ENTRIES.any(Entry::AMOUNT.gt(0)))
        .strategy(Strategy::Unified)
        .for_update()
        .all();
    let expected = match db.dialect() {
        Dialect::Sqlite => 1,
        _ => 2,
    };
    assert_eq!(counted(db, expected, forced).await.len(), 2);
}

/// The row, or the key that has none.
pub async fn a_row_is_locked_by_its_key(db: &Database) {
    open_accounts(db, 2).await;
    let tx = db.begin().await.unwrap();
    let repository = AccountRepository::new(&tx);
    let account = counted(db, 1, repository.lock(2)).await;
    assert_eq!(account.id, 2);
    let missing = repository.lock(99).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("key 99"), "{missing}");
    if db.dialect() != Dialect::Sqlite {
        let other = db.begin().await.unwrap();
        let free = accounts(&other).for_update().skip_locked().all().await;
        assert_eq!(ids(&free.unwrap()), [1]);
    }
}

/// One statement locks them in the order of their keys; they come as they were asked for.
pub async fn many_rows_are_locked_in_the_order_of_their_keys(db: &Database) {
    open_accounts(db, 5).await;
    let tx = db.begin().await.unwrap();
    let repository = AccountRepository::new(&tx);
    let recording = db.recorded();
    let [three, one] = repository.lock_many([3, 1]).await.unwrap();
    assert_eq!((three.id, one.id), (3, 1));
    let sent = recording.statements();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].sql.contains("ORDER BY"), "{}", sent[0].sql);
    if db.dialect() == Dialect::Mysql {
        assert!(
            sent[0].sql.contains("FORCE INDEX (`PRIMARY`)"),
            "{}",
            sent[0].sql
        );
    }
    let keys: Vec<i64> = vec![5, 2, 4];
    let rows = counted(db, 1, repository.lock_many(keys.as_slice())).await;
    assert_eq!(ids(&rows), keys);
    assert_eq!(ids(&repository.lock_many(keys).await.unwrap()), [5, 2, 4]);
    let none = counted(db, 0, repository.lock_many(Vec::<i64>::new())).await;
    assert!(none.is_empty());
    let [only] = repository.lock_many([4]).await.unwrap();
    assert_eq!(only.id, 4);

    let missing = repository.lock_many([9, 1, 7]).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("keys 9, 7"), "{missing}");
    let missing: Vec<i64> = (100..200).collect();
    let missing = repository.lock_many(missing).await.unwrap_err();
    assert!(missing.to_string().contains("and 90 more"), "{missing}");
}

/// Pairs of columns are keys as well.
pub async fn rows_with_composite_keys_are_locked(db: &Database) {
    seed(db).await.unwrap();
    let all = MembershipRepository::new(db).query().all().await.unwrap();
    let keys: Vec<_> = all
        .iter()
        .rev()
        .map(|row: &Membership| (row.user_id, row.group_id))
        .collect();
    let tx = db.begin().await.unwrap();
    let locked = MembershipRepository::new(&tx).lock_many(keys.clone());
    let locked = counted(db, 1, locked).await;
    let locked: Vec<_> = locked
        .iter()
        .map(|row| (row.user_id, row.group_id))
        .collect();
    assert_eq!(locked, keys);
}

/// Whoever comes in whatever order: nobody is a deadlock's victim.
pub async fn locking_many_never_deadlocks(db: &Database) {
    const ROUNDS: u64 = 250;
    open_accounts(db, 6).await;
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let db = db.clone();
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let [from, to, fee] = three_of_six(task * ROUNDS + round);
                    let tx = db.begin().await?;
                    move_money(&tx, [from, to, fee]).await?;
                    tx.commit().await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(total(db).await, 600);
    assert_eq!(db.pool_stats().in_use, 0);
}

/// Three different accounts in an order that looks random.
fn three_of_six(seed: u64) -> [i64; 3] {
    let mut accounts = [1, 2, 3, 4, 5, 6];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..accounts.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let other = usize::try_from(state >> 33).unwrap() % (last + 1);
        accounts.swap(last, other);
    }
    [accounts[0], accounts[1], accounts[2]]
}

async fn move_money(tx: &Transaction, accounts: [i64; 3]) -> Result<()> {
    let repository = AccountRepository::new(tx);
    let [mut from, mut to, mut fee] = repository.lock_many(accounts).await?;
    from.balance -= 3;
    to.balance += 2;
    fee.balance += 1;
    for account in [&from, &to, &fee] {
        repository.update(account).await?;
    }
    Ok(())
}

/// One by one in opposite order: one of two is a deadlock's victim, and runs again.
pub async fn two_that_lock_row_by_row_in_opposite_order_both_succeed(db: &Database) {
    open_accounts(db, 2).await;
    let both = Arc::new(Barrier::new(2));
    let transfer = |from: i64, to: i64| {
        let (db, both) = (db.clone(), Arc::clone(&both));
        tokio::spawn(async move {
            let (mut first, mut attempts) = (true, 0);
            let counted = &mut attempts;
            let run = db.transaction().retry(Retry::default());
            let done: Result<()> = run
                .run(|tx| {
                    *counted += 1;
                    let both = std::mem::take(&mut first).then(|| Arc::clone(&both));
                    async move {
                        let repository = AccountRepository::new(&tx);
                        let mut from = repository.lock(from).await?;
                        // Both hold their first lock, the first time.
                        if let Some(both) = both {
                            both.wait().await;
                        }
                        let mut to = repository.lock(to).await?;
                        from.balance -= 30;
                        to.balance += 30;
                        repository.update(&from).await?;
                        repository.update(&to).await?;
                        Ok(())
                    }
                })
                .await;
            done.unwrap();
            attempts
        })
    };
    let (there, back) = (transfer(1, 2), transfer(2, 1));
    let attempts = there.await.unwrap() + back.await.unwrap();
    assert_eq!(attempts, 3);
    let balances = accounts(db).all().await.unwrap();
    assert!(balances.iter().all(|account| account.balance == 100));
}

/// PostgreSQL takes back the savepoint of the victim, MariaDB all of it; who goes on anyway is told.
pub async fn a_deadlock_inside_a_savepoint_is_told_as_far_as_it_reaches(db: &Database) {
    open_accounts(db, 2).await;
    let both = Arc::new(Barrier::new(2));
    let lock = |first: i64, second: i64| {
        let (db, both) = (db.clone(), Arc::clone(&both));
        tokio::spawn(async move {
            let tx = db.begin().await.unwrap();
            let changed = AccountRepository::new(&tx).query();
            let changed = changed
                .filter(Account::ID.eq(first))
                .set(Account::BALANCE.to(1));
            changed.update().await.unwrap();
            both.wait().await;
            let inner = tx.begin().await.unwrap();
            let Err(error) = AccountRepository::new(&inner).lock(second).await else {
                inner.commit().await.unwrap();
                tx.commit().await.unwrap();
                return None;
            };
            assert_eq!(error.kind(), ErrorKind::Deadlock, "{error:?}");
            inner.rollback().await.unwrap();
            Some((first, tx))
        })
    };
    let (one, other) = (lock(1, 2), lock(2, 1));
    // The survivor may still wait for what the victim's outer level holds.
    let victims = tokio::join!(one_victim(one), one_victim(other));
    let first = match victims {
        (Some(first), None) | (None, Some(first)) => first,
        both => panic!("one of the two is the victim, not {both:?}"),
    };
    let kept = AccountRepository::new(db).get(first).await.unwrap().balance;
    assert_eq!(kept == 1, db.dialect() == Dialect::Postgres);
}

/// Goes on after the savepoint as far as the database does; which account the victim had changed.
async fn one_victim(task: tokio::task::JoinHandle<Option<(i64, Transaction)>>) -> Option<i64> {
    let (first, tx) = task.await.unwrap()?;
    let next = accounts(&tx).all().await;
    let committed = match tx.dialect() {
        Dialect::Postgres => {
            assert_eq!(next.unwrap().len(), 2);
            tx.commit().await
        }
        _ => {
            assert_eq!(next.unwrap_err().kind(), ErrorKind::TransactionAborted);
            let refused = tx.commit().await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::TransactionAborted);
            Ok(())
        }
    };
    committed.unwrap();
    Some(first)
}

/// Long enough for what comes before it on a busy machine.
const DEADLINE: Duration = Duration::from_secs(3);

/// Nobody asks anything more of it, and still it is taken back and its connection free.
pub async fn a_transaction_forgotten_by_its_program_is_taken_back_at_its_deadline(db: &Database) {
    open_accounts(db, 1).await;
    let limited = db.transaction().deadline(DEADLINE);
    let forgotten = limited.begin().await.unwrap();
    let (told, end) = tokio::sync::oneshot::channel();
    forgotten.after_end(move |end| told.send(end).unwrap());
    let mut account = AccountRepository::new(&forgotten).lock(1).await.unwrap();
    account.balance = 0;
    let accounts = AccountRepository::new(&forgotten);
    accounts.update(&account).await.unwrap();
    assert_eq!(end.await.unwrap(), End::RolledBack);
    assert_eq!(total(db).await, 100);
    let next = db.begin().await.unwrap();
    AccountRepository::new(&next).lock(1).await.unwrap();
    let error = accounts.get(1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
}

/// A lock waited for until the deadline: the transaction is over, on the server too.
pub async fn a_deadline_ends_the_wait_for_a_lock(db: &Database) {
    open_accounts(db, 2).await;
    let holder = db.begin().await.unwrap();
    AccountRepository::new(&holder).lock(1).await.unwrap();
    let limited = db.transaction().deadline(DEADLINE);
    let late = limited.begin().await.unwrap();
    let locked = AccountRepository::new(&late).lock(2).await;
    locked.unwrap();
    let error = AccountRepository::new(&late).lock(1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(error.to_string().contains("row_locks.rs"), "{error}");
    let error = late.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    holder.commit().await.unwrap();
    let next = db.begin().await.unwrap();
    let [_, _] = AccountRepository::new(&next)
        .lock_many([1, 2])
        .await
        .unwrap();
    next.commit().await.unwrap();
    assert_eq!(db.pool_stats().in_use, 0);
}
