//! Accounts with money, and what was booked on them: for locks and invariants.

use entourage::{Database, prelude::*};

use super::create;

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "accounts")]
#[entity(has_many(entries: Entry))]
pub struct Account {
    #[entity(primary_key)]
    pub id: i64,
    #[entity(index)]
    pub balance: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[entity(table = "entries")]
#[entity(belongs_to(account: Account))]
pub struct Entry {
    #[entity(primary_key, generated)]
    pub id: i64,
    #[entity(index)]
    pub account_id: i64,
    pub amount: i64,
}

/// Accounts 1 to `accounts` with a balance of 100 each, booked by one entry.
pub async fn open_accounts(db: &Database, accounts: i64) {
    create(db, &[Account::table(), Entry::table()]).await;
    let opened = (1..=accounts).map(|id| NewAccount { id, balance: 100 });
    let booked = (1..=accounts).map(|account_id| NewEntry {
        account_id,
        amount: 100,
    });
    AccountRepository::new(db)
        .insert_many(opened)
        .await
        .unwrap_or_else(|error| panic!("accounts: {error}"));
    EntryRepository::new(db)
        .insert_many(booked)
        .await
        .unwrap_or_else(|error| panic!("entries: {error}"));
}

/// All money, wherever it is.
pub async fn total(db: &Database) -> i64 {
    let accounts = AccountRepository::new(db).query().all().await;
    let accounts = accounts.unwrap_or_else(|error| panic!("accounts: {error}"));
    accounts.iter().map(|account| account.balance).sum()
}
