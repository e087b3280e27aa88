//! Keyset pages: stable under writes, forwards and backwards, as fast at the end as at the beginning.
use std::{fmt, panic::Location, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{assemble::load_parts, query::Parts};
use crate::{
    eager::IncludeList,
    error::{Error, ErrorKind, Result},
    executor::ExecutorHandle,
    schema::{
        Condition, Entity, KeyPart, OrderTerm, SqlType, TableDef, Value,
        expression::{Comparison, Direction, Nulls, Term},
    },
    statement::query::Level,
};

/// How many rows a page has if nothing is said.
const DEFAULT_SIZE: u64 = 50;

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    size: u64,
    from: From,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Start,
    End,
    After(Cursor),
    Before(Cursor),
}

impl Page {
    /// The first page, of `size` rows.
    pub fn first(size: u64) -> Self {
        Self {
            size,
            from: From::Start,
        }
    }

    /// The last page, of `size` rows.
    pub fn last(size: u64) -> Self {
        Self {
            size,
            from: From::End,
        }
    }

    /// The page after a cursor, [`PageOf::next`]; 50 rows unless [`size`](Page::size) says otherwise.
    pub fn after(cursor: Cursor) -> Self {
        Self {
            size: DEFAULT_SIZE,
            from: From::After(cursor),
        }
    }

    /// The page before a cursor, [`PageOf::previous`].
    pub fn before(cursor: Cursor) -> Self {
        Self {
            size: DEFAULT_SIZE,
            from: From::Before(cursor),
        }
    }

    /// Pages of this many rows.
    #[must_use]
    pub fn size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }

    fn is_backwards(&self) -> bool {
        matches!(self.from, From::End | From::Before(_))
    }
}

/// One page of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOf<T> {
    /// The rows, in the query's order also when paging backwards.
    pub items: Vec<T>,
    /// Where the next page begins; `None` if this was the last.
    pub next: Option<Cursor>,
    /// Where the page before ends; `None` if this was the first.
    pub previous: Option<Cursor>,
}

/// A place between rows: the order's values of the row beside it. Opaque text for clients; it holds those values in
/// the clear, and nothing of it is trusted but its form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let cursor = Self(text.to_owned());
        cursor.values().map(|_| cursor)
    }
}

impl Cursor {
    /// Hexadecimal JSON: letters and digits alone, so that it can stand in a URL as it is.
    fn of(values: &[Option<KeyPart>]) -> Self {
        let plain: Vec<serde_json::Value> = values.iter().map(json_of).collect();
        let json = serde_json::Value::Array(plain).to_string();
        Self(json.bytes().map(|byte| format!("{byte:02x}")).collect())
    }

    fn values(&self) -> Result<Vec<serde_json::Value>> {
        let invalid = || {
            Error::invalid_query(format!("{:?} is not a cursor", self.0))
                .with_hint("pass on the text of `PageOf::next` unchanged")
        };
        let pairs = self.0.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        serde_json::from_slice(&bytes.ok_or_else(invalid)?).map_err(|_| invalid())
    }
}

fn json_of(key: &Option<KeyPart>) -> serde_json::Value {
    match key {
        None => serde_json::Value::Null,
        Some(KeyPart::Int(value)) => (*value).into(),
        Some(KeyPart::Uuid(value)) => uuid::Uuid::from_u128(*value).to_string().into(),
        Some(KeyPart::Text(value)) => value.to_string().into(),
        Some(KeyPart::Bytes(bytes)) => bytes
            .iter()
            .map(|&byte| serde_json::Value::from(byte))
            .collect(),
        Some(KeyPart::Composite(_)) => serde_json::Value::Null,
    }
}

fn value_of(json: &serde_json::Value, sql_type: SqlType) -> Option<Value> {
    let key = match json {
        serde_json::Value::Number(number) => KeyPart::Int(number.as_i64()?),
        serde_json::Value::String(text) if sql_type == SqlType::Uuid => {
            KeyPart::Uuid(uuid::Uuid::try_parse(text).ok()?.as_u128())
        }
        serde_json::Value::String(text) => KeyPart::Text(text.as_str().into()),
        serde_json::Value::Array(bytes) => KeyPart::Bytes(
            bytes
                .iter()
                .map(|byte| byte.as_u64()?.try_into().ok())
                .collect::<Option<Vec<u8>>>()?
                .into(),
        ),
        _ => return None,
    };
    key.to_values(&[sql_type]).pop()
}

/// Loads a page of the rows that `parts` ask for.
pub(super) async fn load<E: Entity, I: IncludeList<E, Row = E>>(
    executor: &ExecutorHandle<'_>,
    mut parts: Parts,
    includes: &I,
    page: Page,
    call_site: &'static Location<'static>,
) -> Result<PageOf<I::Output>> {
    let table = E::table();
    if parts.limit.is_some() || parts.offset.is_some() {
        return Err(
            Error::invalid_query("a page takes no limit or offset beside its size")
                .with_hint("use `Page::first(n)` alone"),
        );
    }
    if page.size == 0 {
        return Err(Error::invalid_query("a page has at least one row")
            .with_hint("use `Page::first(n)` with n > 0"));
    }
    let order = total_order(table, std::mem::take(&mut parts.order))?;
    let backwards = page.is_backwards();
    if let From::After(cursor) | From::Before(cursor) = &page.from {
        let beyond = beyond(table, &order, cursor, backwards)?;
        parts.filter = Condition::both(parts.filter, Some(beyond));
    }
    parts.order = if backwards {
        order.iter().map(reversed).collect()
    } else {
        order.clone()
    };
    parts.limit = Some(page.size.saturating_add(1));
    let level = Level {
        lock: parts.row_lock(&**executor)?,
        ..parts.level::<E>()
    };
    let (mut rows, stores, mut links) =
        load_parts(&**executor, level, includes, parts.how(), call_site).await?;
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    if more {
        rows.truncate(size);
        links
            .iter_mut()
            .for_each(|links| links.parents.truncate(size));
    }
    if backwards {
        rows.reverse();
        links.iter_mut().for_each(|links| links.parents.reverse());
    }
    let cursor = |row: Option<&E>| row.map(|row| Cursor::of(&cursor_values(row, &order)));
    let (first, last) = (cursor(rows.first()), cursor(rows.last()));
    let (has_next, has_previous) = match page.from {
        From::Start => (more, false),
        From::End => (false, more),
        From::After(_) => (more, true),
        From::Before(_) => (true, more),
    };
    let items = includes.assemble(rows, stores, links)?;
    Ok(PageOf {
        items,
        next: last.filter(|_| has_next),
        previous: first.filter(|_| has_previous),
    })
}

/// The order with the primary key at its end; columns only, because a cursor holds their values.
fn total_order(table: &'static TableDef, mut order: Vec<OrderTerm>) -> Result<Vec<OrderTerm>> {
    for term in &order {
        if !matches!(term.term, Term::Column(_)) {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "pages need an order over columns of the entity itself",
            )
            .with_table(table.name)
            .with_hint("keep the figure in a column, or use `.limit(..)` and `.offset(..)`"));
        }
    }
    for &column in &table.primary_key {
        if !order.iter().any(|term| term.term == Term::Column(column)) {
            order.push(OrderTerm {
                term: Term::Column(column),
                direction: Direction::Asc,
                nulls: Nulls::Smallest,
            });
        }
    }
    Ok(order)
}

fn reversed(term: &OrderTerm) -> OrderTerm {
    let nulls = match term.nulls {
        Nulls::Smallest => Nulls::Smallest,
        Nulls::First => Nulls::Last,
        Nulls::Last => Nulls::First,
    };
    OrderTerm {
        term: term.term.clone(),
        direction: term.direction.reversed(),
        nulls,
    }
}

fn cursor_values<E: Entity>(row: &E, order: &[OrderTerm]) -> Vec<Option<KeyPart>> {
    let value = |term: &OrderTerm| match term.term {
        Term::Column(column) => KeyPart::from_value(row.value(column)),
        _ => None,
    };
    order.iter().map(value).collect()
}

/// The rows beyond the cursor: past it in the first term, or equal there and past it in the next, and so on.
fn beyond(
    table: &'static TableDef,
    order: &[OrderTerm],
    cursor: &Cursor,
    backwards: bool,
) -> Result<Condition> {
    let values = cursor.values()?;
    let other = || {
        Error::invalid_query("the cursor belongs to a query with another order")
            .with_hint("start again with `Page::first(n)` when the order changes")
    };
    if values.len() != order.len() {
        return Err(other());
    }
    let mut any = Vec::new();
    let mut equal = Vec::new();
    for (term, json) in order.iter().zip(&values) {
        let Term::Column(column) = term.term else {
            return Err(other());
        };
        let value = match json {
            serde_json::Value::Null => None,
            json => Some(value_of(json, table.columns[column].sql_type).ok_or_else(other)?),
        };
        let directed = if backwards {
            reversed(term)
        } else {
            term.clone()
        };
        if let Some(past) = past(
            column,
            &directed,
            value.as_ref(),
            table.columns[column].nullable,
        ) {
            let mut all = equal.clone();
            all.push(past);
            any.push(Condition::And(all));
        }
        equal.push(match value {
            None => Condition::Null(Term::Column(column), true),
            Some(value) => {
                Condition::Compare(Comparison::Eq, Term::Column(column), Term::Value(value))
            }
        });
    }
    Ok(Condition::Or(any))
}

/// The rows past `value` in one term; `None` if there can be none.
fn past(
    column: usize,
    order: &OrderTerm,
    value: Option<&Value>,
    nullable: bool,
) -> Option<Condition> {
    let nulls_first = match (order.nulls, order.direction) {
        (Nulls::First, _) | (Nulls::Smallest, Direction::Asc) => true,
        (Nulls::Last, _) | (Nulls::Smallest, Direction::Desc) => false,
    };
    let is_null = |null| Condition::Null(Term::Column(column), null);
    match value {
        None => nulls_first.then(|| is_null(false)),
        Some(value) => {
            let comparison = match order.direction {
                Direction::Asc => Comparison::Gt,
                Direction::Desc => Comparison::Lt,
            };
            let past =
                Condition::Compare(comparison, Term::Column(column), Term::Value(value.clone()));
            Some(if nullable && !nulls_first {
                Condition::Or(vec![past, is_null(true)])
            } else {
                past
            })
        }
    }
}
