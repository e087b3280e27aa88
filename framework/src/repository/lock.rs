//! Row locks: rows that nobody else may change until the transaction ends.
//!
//! | | PostgreSQL | MySQL 8 | MariaDB | SQLite |
//! |---|---|---|---|---|
//! | `for_update` | yes | yes | yes | the database is locked |
//! | `for_share` | yes | yes | `LOCK IN SHARE MODE` | the database is locked |
//! | `for_no_key_update`, `for_key_share` | yes | no | no | the database is locked |
//! | `skip_locked`, `nowait` | yes | yes | yes | nothing is locked by others |
//!
//! A lock is an error outside a transaction, and where the database does not have it. On SQLite a transaction that
//! writes has the whole database from its beginning, so every lock is kept without a word to the database; one that
//! began `read_only()` or `Deferred` has not, and is told so.
//!
//! The lock is on the query's own rows, and on those of the relations that [`of`](Query::of) names; never on what else is
//! loaded beside them or named in a filter. Relations of locked rows take statements of their own, whatever the strategy:
//! what they return is read when the lock is held.
use std::{future::Future, panic::Location};

use super::{
    Query, Repository, assemble,
    find::key_filter,
    query::Parts,
    scatter::{self, Keys},
};
use crate::{
    eager::{locked::LockedIn, spec::alive},
    error::{Error, Result},
    executor::{
        Executor,
        sharding::{Role, Sharding},
    },
    schema::{
        Condition, Entity, Key, KeyPart, OrderTerm, RelationDef, Value, Writable,
        expression::{ByAddress, Direction, Nulls, Term},
        table::key_of,
    },
    statement::{
        query::{Level, Lock, LockStrength, LockWait},
        render,
    },
};

/// How many keys an error names.
const KEYS_NAMED: usize = 10;

/// Keys given to [`Repository::lock_many`]: an array, which gives an array of rows, or a `Vec` or slice.
pub trait KeyList {
    /// One key.
    type Key;
    /// As many values of `T`.
    type Of<T>;

    /// The keys in order.
    fn into_keys(self) -> Vec<Self::Key>;

    /// As many values, one for each key.
    ///
    /// # Panics
    /// If there are fewer values than keys.
    fn arrange<T>(values: Vec<T>) -> Self::Of<T>;
}

impl<K, const N: usize> KeyList for [K; N] {
    type Key = K;
    type Of<T> = [T; N];

    fn into_keys(self) -> Vec<K> {
        self.into()
    }

    fn arrange<T>(values: Vec<T>) -> [T; N] {
        let mut values = values.into_iter();
        std::array::from_fn(|_| values.next().expect("there is one value for each key"))
    }
}

impl<K> KeyList for Vec<K> {
    type Key = K;
    type Of<T> = Vec<T>;

    fn into_keys(self) -> Vec<K> {
        self
    }

    fn arrange<T>(values: Vec<T>) -> Vec<T> {
        values
    }
}

impl<K: Clone> KeyList for &[K] {
    type Key = K;
    type Of<T> = Vec<T>;

    fn into_keys(self) -> Vec<K> {
        self.to_vec()
    }

    fn arrange<T>(values: Vec<T>) -> Vec<T> {
        values
    }
}

impl<'a, E: Entity> Repository<'a, E> {
    /// The row with this primary key, which nobody else may change or lock before the transaction ends.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) naming table and key; [`Unsupported`](crate::ErrorKind::Unsupported) outside a
    /// transaction; [`Deadlock`](crate::ErrorKind::Deadlock); the database's other errors.
    ///
    /// # Cancellation
    /// Dropped while it waits, the transaction takes no more statements.
    #[track_caller]
    pub fn lock<K: Into<E::Key>>(
        &self,
        key: K,
    ) -> impl Future<Output = Result<E>> + Send + use<'a, E, K>
    where
        E: Writable,
    {
        let locked = self.lock_keys(vec![key.into()]);
        async move { Ok(locked.await?.swap_remove(0)) }
    }

    /// The rows with these primary keys, in the order of the keys, locked as by [`lock`](Repository::lock): all by one
    /// statement, in the order of the primary key, so that two that lock the same rows never wait for each other.
    ///
    /// An array of keys gives an array of rows. More keys than one statement takes (65,535 on MySQL) are locked by
    /// several, in the same order as far as the database orders keys as Rust does.
    ///
    /// ```no_run
    /// # use entourage::{Database, Transaction, prelude::*};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "accounts")]
    /// # struct Account { #[entity(primary_key)] id: i64, balance: i64 }
    /// async fn transfer(tx: &Transaction, from: i64, to: i64, amount: i64) -> Result<()> {
    ///     let accounts = AccountRepository::new(tx);
    ///     let [mut giver, mut taker] = accounts.lock_many([from, to]).await?;
    ///     giver.balance -= amount;
    ///     taker.balance += amount;
    ///     accounts.update(&giver).await?;
    ///     accounts.update(&taker).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) naming the keys that have no row; [`InvalidQuery`](crate::ErrorKind::InvalidQuery) if
    /// a key comes twice, because one of two copies of a row would overwrite the other; as
    /// [`lock`](Repository::lock) otherwise.
    #[track_caller]
    pub fn lock_many<L>(
        &self,
        keys: L,
    ) -> impl Future<Output = Result<L::Of<E>>> + Send + use<'a, E, L>
    where
        E: Writable,
        L: KeyList,
        L::Key: Into<E::Key>,
    {
        let locked = self.lock_keys(keys.into_keys().into_iter().map(Into::into).collect());
        async move { Ok(L::arrange(locked.await?)) }
    }

    /// The rows of `keys` in their order.
    #[track_caller]
    fn lock_keys(
        &self,
        keys: Vec<E::Key>,
    ) -> impl Future<Output = Result<Vec<E>>> + Send + use<'a, E> {
        let executor = self.executor.clone();
        let size = render::chunk_size(self.backend(), E::table().primary_key.len());
        let call_site = Location::caller();
        let keys: Vec<_> = keys.iter().map(Key::to_values).collect();
        async move {
            let of_keys = || Keys::of_primary_keys(E::table(), &keys);
            if let Some(Sharding(Role::On(_))) = executor.sharding() {
                let source = scatter::to_read(&*executor, E::table(), of_keys);
                source.map_err(|error| error.at(call_site))?;
            }
            lock_keys(&*executor, keys, size, call_site)
                .await
                .map_err(|error| error.at(call_site))
        }
    }
}

async fn lock_keys<E: Entity>(
    executor: &dyn Executor,
    keys: Vec<Vec<Value>>,
    size: usize,
    call_site: &'static Location<'static>,
) -> Result<Vec<E>> {
    let table = E::table();
    let lock = granted(executor, LockStrength::Update, LockWait::Wait)?;
    let names: Vec<_> = keys
        .iter()
        .map(|key| KeyPart::from_values(key.iter().cloned()))
        .collect();
    let mut sorted: Vec<_> = names.iter().zip(keys).collect();
    sorted.sort_by(|one, other| one.0.cmp(other.0));
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let key = named([pair[0].0]);
        let message = format!("key {key} of `{}` is to be locked twice", table.name);
        return Err(Error::invalid_query(message)
            .with_hint("lock each row once; two copies of one row would overwrite each other"));
    }
    let values: Vec<_> = sorted.into_iter().map(|(_, key)| key).collect();
    let mut rows: Vec<E> = Vec::with_capacity(values.len());
    for chunk in values.chunks(size) {
        let level = locking_level(table, chunk, lock);
        let query = render::Query::Level(&level);
        rows.extend(assemble::entities::<E>(executor, query, call_site).await?.0);
    }
    // What the database takes for the one key asked for is that row, however it is spelt.
    if let ([_], [_]) = (names.as_slice(), rows.as_slice()) {
        return Ok(rows);
    }
    let mut found: std::collections::HashMap<_, _> = rows
        .into_iter()
        .filter_map(|row| Some((key_of(&row, &table.primary_key)?, row)))
        .collect();
    let mut rows = Vec::with_capacity(names.len());
    let mut missing = Vec::new();
    for name in &names {
        match name.as_ref().and_then(|name| found.remove(name)) {
            Some(row) => rows.push(row),
            None => missing.push(name),
        }
    }
    match missing.len() {
        0 => Ok(rows),
        1 => Err(Error::not_found(
            table.name,
            format_args!("key {}", named(missing)),
        )),
        _ => Err(Error::not_found(
            table.name,
            format_args!("keys {}", named(missing)),
        )),
    }
}

fn locking_level(
    table: &'static crate::schema::TableDef,
    keys: &[Vec<Value>],
    lock: Option<Lock>,
) -> Level {
    let in_key_order = |&column: &usize| OrderTerm {
        term: Term::Column(column),
        direction: Direction::Asc,
        nulls: Nulls::default(),
    };
    let several = keys.len() > 1;
    let order = match several {
        true => table.primary_key.iter().map(in_key_order).collect(),
        false => Vec::new(),
    };
    Level {
        filter: Condition::both(
            Some(key_filter(&table.primary_key, keys.to_vec())),
            alive(table),
        ),
        order,
        lock: lock.map(|lock| Lock {
            by_key: several,
            ..lock
        }),
        ..Level::all(table)
    }
}

/// Keys as errors name them.
fn named<'k>(keys: impl IntoIterator<Item = &'k Option<KeyPart>>) -> String {
    let mut names: Vec<_> = keys
        .into_iter()
        .map(|key| key.as_ref().map_or("NULL".to_owned(), ToString::to_string))
        .collect();
    let more = names.len().saturating_sub(KEYS_NAMED);
    names.truncate(KEYS_NAMED);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

impl<E: Entity, I> Query<'_, E, I> {
    /// Locks the rows against change, and against other locks, until the transaction ends. See
    /// [`skip_locked`](Query::skip_locked) and [`nowait`](Query::nowait) for what happens where somebody else has
    /// locked a row; and [`Repository::lock`] for rows by key.
    ///
    /// Outside a transaction awaiting the query is an error. On SQLite nothing is sent for it: a transaction that writes
    /// has locked the whole database, and in any other one it is an error.
    ///
    /// Only the query's own rows are locked, not those loaded beside them, unless [`of`](Query::of) names them.
    ///
    /// ```
    /// # use entourage::{Database, prelude::*};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "jobs")]
    /// # struct Job { #[entity(primary_key, generated)] id: i64, done: bool }
    /// # #[tokio::main]
    /// # async fn main() -> Result<()> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.create_schema::<(Job,)>().await?;
    /// # JobRepository::new(&db).insert(NewJob { done: false }).await?;
    /// let tx = db.begin().await?;
    /// let jobs = JobRepository::new(&tx);
    /// let open = jobs.filter(Job::DONE.eq(false)).order_by(Job::ID.asc());
    /// if let Some(mut job) = open.for_update().skip_locked().first().await? {
    ///     job.done = true;
    ///     jobs.update(&job).await?;
    /// }
    /// # drop(jobs);
    /// tx.commit().await?;
    /// # assert_eq!(JobRepository::new(&db).filter(Job::DONE.eq(true)).count().await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn for_update(self) -> Self
    where
        E: Writable,
    {
        self.locking(LockStrength::Update)
    }

    /// Locks the rows against change, but lets others refer to them by foreign keys: PostgreSQL, and SQLite as
    /// [`for_update`](Query::for_update).
    pub fn for_no_key_update(self) -> Self
    where
        E: Writable,
    {
        self.locking(LockStrength::NoKeyUpdate)
    }

    /// Locks the rows so that others may read and lock them likewise, but not change them. Otherwise as
    /// [`for_update`](Query::for_update).
    pub fn for_share(self) -> Self
    where
        E: Writable,
    {
        self.locking(LockStrength::Share)
    }

    /// Locks the rows' keys against change, and the rows against deletion: PostgreSQL, and SQLite as
    /// [`for_update`](Query::for_update).
    pub fn for_key_share(self) -> Self
    where
        E: Writable,
    {
        self.locking(LockStrength::KeyShare)
    }

    fn locking(mut self, strength: LockStrength) -> Self {
        self.parts.lock = Some(strength);
        self
    }

    /// Locks the rows of a relation too, as the query's own rows are locked: `FOR UPDATE OF` for rows that are loaded
    /// beside others. Another call adds another relation. The relation is one that the query loads already, at whatever
    /// depth; any other does not compile. One that it loads in two places, or in a shape, has to be locked by a query of
    /// its own.
    ///
    /// The query's own rows are always locked, and before all others: related rows are found by them. Each relation's rows
    /// are read and locked by a statement of their own, in the order asked for, else by primary key. Tables in between, of
    /// many-to-many relations, are not locked. With [`skip_locked`](Query::skip_locked) a to-many relation leaves out
    /// locked rows.
    ///
    /// ```
    /// # use entourage::{Database, prelude::*};
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "orders", has_many(lines: Line))]
    /// # struct Order { #[entity(primary_key, generated)] id: i64, paid: bool }
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "lines", belongs_to(order: Order), belongs_to(product: Product))]
    /// # struct Line { #[entity(primary_key, generated)] id: i64, order_id: i64, product_id: i64, pieces: i64 }
    /// # #[derive(Debug, Clone, Entity)]
    /// # #[entity(table = "products")]
    /// # struct Product { #[entity(primary_key, generated)] id: i64, stock: i64 }
    /// # #[tokio::main]
    /// # async fn main() -> Result<()> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.create_schema::<(Order, Line, Product)>().await?;
    /// # let product_id = ProductRepository::new(&db).insert(NewProduct { stock: 5 }).await?.id;
    /// # let order_id = OrderRepository::new(&db).insert(NewOrder { paid: true }).await?.id;
    /// # LineRepository::new(&db).insert(NewLine { order_id, product_id, pieces: 2 }).await?;
    /// let tx = db.begin().await?;
    /// // The order and the products are locked, the lines between them are not.
    /// let order = OrderRepository::new(&tx)
    ///     .filter(Order::ID.eq(order_id))
    ///     .with(Order::LINES.with(Line::PRODUCT))
    ///     .for_update()
    ///     .of(Line::PRODUCT)
    ///     .one()
    ///     .await?;
    /// for line in order.get(Order::LINES) {
    ///     let product = line.get(Line::PRODUCT);
    ///     assert!(product.stock >= line.pieces);
    ///     let taken = ProductRepository::new(&tx).filter(Product::ID.eq(product.id));
    ///     taken.set(Product::STOCK.to(Product::STOCK.add(-line.pieces))).update().await?;
    /// }
    /// tx.commit().await?;
    /// # assert_eq!(ProductRepository::new(&db).get(product_id).await?.stock, 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the query is awaited, [`InvalidQuery`](crate::ErrorKind::InvalidQuery): without a lock on the query; for a relation with a
    /// `limit` or `offset` of its own; with `skip_locked()` for a to-one relation, where a row left out would look like one
    /// that is not there.
    pub fn of<R: LockedIn<I, Index>, Index>(mut self, _relation: R) -> Self
    where
        R::To: Writable,
    {
        R::lock(&mut self.includes);
        self.parts.lock_of.push(ByAddress(R::def()));
        self
    }

    /// Leaves out rows that somebody else has locked: for job queues. With `for_update()` or another lock.
    pub fn skip_locked(mut self) -> Self {
        self.parts.lock_wait = LockWait::SkipLocked;
        self
    }

    /// Fails at once with [`LockNotAvailable`](crate::ErrorKind::LockNotAvailable) where somebody else has locked a row. With
    /// `for_update()` or another lock. A transaction that runs again after conflicts does not for this error.
    pub fn nowait(mut self) -> Self {
        self.parts.lock_wait = LockWait::NoWait;
        self
    }
}

impl Parts {
    /// The lock to ask the database for.
    ///
    /// # Errors
    /// There can be none here.
    pub(super) fn row_lock(&self, executor: &dyn Executor) -> Result<Option<Lock>> {
        let wait = match self.lock_wait {
            LockWait::Wait => None,
            LockWait::SkipLocked => Some("skip_locked"),
            LockWait::NoWait => Some("nowait"),
        };
        let to_one = |relation: &&ByAddress<RelationDef>| relation.cardinality.is_to_one();
        match (self.lock, wait) {
            (None, None) if self.lock_of.is_empty() => Ok(None),
            (None, None) => Err(Error::invalid_query(format!(
                "`.of({})` says whose rows are locked too, but the query locks none",
                self.lock_of[0].path
            ))
            .with_hint("add `.for_update()` or `.for_share()`")),
            (None, Some(wait)) => Err(Error::invalid_query(format!(
                "`{wait}()` says what to do about locked rows, but the query locks none"
            ))
            .with_hint("add `.for_update()` or `.for_share()`")),
            (Some(_), _) if self.distinct => Err(Error::invalid_query(
                "`distinct()` rows cannot be locked: they are no rows of the table",
            )
            .with_hint("lock the rows without `distinct()`")),
            (Some(strength), _) => match self.lock_of.iter().find(to_one) {
                Some(relation) if self.lock_wait == LockWait::SkipLocked => {
                    Err(Error::invalid_query(format!(
                        "`skip_locked()` would leave out the one row of `{}`, as if there were none",
                        relation.path
                    ))
                    .with_hint("take `.nowait()`, or lock those rows by a query of their own"))
                }
                _ => granted(executor, strength, self.lock_wait),
            },
        }
    }

    /// Refuses a lock where no rows are returned.
    pub(super) fn refuse_lock(&self, what: &str) -> Result<()> {
        if self.lock.is_none() && self.lock_wait == LockWait::Wait && self.lock_of.is_empty() {
            return Ok(());
        }
        Err(
            Error::invalid_query(format!("{what} returns no rows to be locked"))
                .with_hint("lock the rows with a query that returns them, in the same transaction"),
        )
    }
}

/// A lock lasts as long as its transaction; without one it would be gone before the caller sees the row.
fn granted(
    executor: &dyn Executor,
    strength: LockStrength,
    wait: LockWait,
) -> Result<Option<Lock>> {
    if !executor.in_transaction() {
        return Err(Error::unsupported(
            "a row lock outside a transaction would be released at once",
        )
        .with_hint(
            "begin one with `db.transaction()` or `db.begin()`, and make the repository on it: `UserRepository::new(&tx)`",
        ));
    }
    let lock = Lock {
        strength,
        wait,
        by_key: false,
    };
    Ok((!executor.locks_database()).then_some(lock))
}
