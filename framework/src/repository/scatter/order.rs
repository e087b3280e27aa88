//! Rows of several shards in one order.
use std::{
    cmp::{Ordering, Reverse},
    collections::HashMap,
};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;

use crate::schema::{
    KeyPart, OrderTerm, SqlType, Value,
    expression::{Direction, Nulls},
};

/// A value as databases compare it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Comparable {
    Int(i64),
    /// The bits of a float, such that they ascend as it does.
    Real(i64),
    Decimal(Decimal),
    Date(NaiveDate),
    Time(NaiveTime),
    DateTime(NaiveDateTime),
    Timestamp(DateTime<Utc>),
    Uuid(u128),
    Bytes(Box<[u8]>),
    /// The place that the database gave a text among those of the answer.
    Rank(u64),
}

/// The places of texts of one column, as the database orders them.
pub(super) type Ranks = HashMap<Box<str>, u64>;

/// Whether the database has to be asked how values of the type are ordered.
pub(super) fn needs_ranks(sql_type: SqlType) -> bool {
    matches!(sql_type, SqlType::Text | SqlType::Enum(_))
}

impl Comparable {
    /// The value of a key part of this type; `None` for NULL.
    pub(super) fn of(part: Option<&KeyPart>, sql_type: SqlType, ranks: &Ranks) -> Option<Self> {
        let part = part?;
        if let (KeyPart::Text(text), true) = (part, needs_ranks(sql_type)) {
            return ranks.get(text).copied().map(Self::Rank);
        }
        Some(match part.to_values(&[sql_type]).pop()? {
            Value::Bool(Some(value)) => Self::Int(value.into()),
            Value::BigInt(Some(value)) => Self::Int(value),
            Value::Double(Some(value)) => Self::Real(ascending(value)),
            Value::Decimal(Some(value)) => Self::Decimal(value),
            Value::ChronoDate(Some(value)) => Self::Date(value),
            Value::ChronoTime(Some(value)) => Self::Time(value),
            Value::ChronoDateTime(Some(value)) => Self::DateTime(value),
            Value::ChronoDateTimeUtc(Some(value)) => Self::Timestamp(value),
            Value::Uuid(Some(value)) => Self::Uuid(value.as_u128()),
            Value::Bytes(Some(value)) => Self::Bytes(value.into()),
            other => Self::Bytes(format!("{other:?}").into_bytes().into()),
        })
    }
}

/// IEEE 754's total order, as `f64::total_cmp` has it; but the two zeros are one, as they are to databases.
fn ascending(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// How two rows are compared by the values of `terms`.
pub(super) fn compare(
    terms: &[OrderTerm],
    one: &[Option<Comparable>],
    other: &[Option<Comparable>],
) -> Ordering {
    let pairs = one.iter().zip(other);
    let mut compared = terms
        .iter()
        .zip(pairs)
        .map(|(term, (one, other))| by_term(term, one, other));
    compared
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn by_term(term: &OrderTerm, one: &Option<Comparable>, other: &Option<Comparable>) -> Ordering {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => {
            return match term.direction {
                Direction::Asc => one.cmp(other),
                Direction::Desc => Reverse(one).cmp(&Reverse(other)),
            };
        }
        (one, other) => (one.is_none(), other.is_none()),
    };
    let first = match (term.nulls, term.direction) {
        (Nulls::First, _) | (Nulls::Smallest, Direction::Asc) => true,
        (Nulls::Last, _) | (Nulls::Smallest, Direction::Desc) => false,
    };
    // True is more than false.
    match first {
        true => other.cmp(&one),
        false => one.cmp(&other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schema::expression::Term;

    fn term(direction: Direction, nulls: Nulls) -> OrderTerm {
        OrderTerm {
            term: Term::Column(0),
            direction,
            nulls,
        }
    }

    fn int(value: i64) -> Option<Comparable> {
        Some(Comparable::Int(value))
    }

    #[test]
    fn nulls_are_where_the_term_wants_them() {
        use Direction::{Asc, Desc};
        let order = |direction, nulls| {
            let mut rows = [[int(1)], [None], [int(2)]];
            rows.sort_by(|one, other| compare(&[term(direction, nulls)], one, other));
            rows.map(|[value]| value)
        };
        assert_eq!(order(Asc, Nulls::Smallest), [None, int(1), int(2)]);
        assert_eq!(order(Desc, Nulls::Smallest), [int(2), int(1), None]);
        assert_eq!(order(Asc, Nulls::Last), [int(1), int(2), None]);
        assert_eq!(order(Desc, Nulls::First), [None, int(2), int(1)]);
    }

    #[test]
    fn a_tie_is_broken_by_the_next_term() {
        let terms = [
            term(Direction::Asc, Nulls::Smallest),
            term(Direction::Desc, Nulls::Smallest),
        ];
        let (one, other) = ([int(1), int(2)], [int(1), int(3)]);
        assert_eq!(compare(&terms, &one, &other), Ordering::Greater);
        assert_eq!(compare(&terms, &one, &one), Ordering::Equal);
    }

    #[test]
    fn both_zeros_are_one() {
        assert_eq!(ascending(-0.0), ascending(0.0));
        assert!(ascending(-f64::MIN_POSITIVE) < ascending(-0.0));
    }

    #[test]
    fn times_are_compared_as_times() {
        let part = |text: &str| KeyPart::Text(text.into());
        let at = |text: &str| {
            Comparable::of(Some(&part(text)), SqlType::Timestamp, &Ranks::new()).unwrap()
        };
        assert!(at("2026-01-02 03:04:05 UTC") < at("2026-01-02 03:04:05.000001 UTC"));
        assert!(at("2026-01-02 03:04:05.5 UTC") > at("2026-01-02 03:04:05.250 UTC"));
        assert!(matches!(
            at("2026-01-02 03:04:05 UTC"),
            Comparable::Timestamp(_)
        ));
    }

    proptest! {
        #[test]
        fn floats_ascend_as_their_bits_do(one: f64, other: f64) {
            let expected = (one + 0.0).total_cmp(&(other + 0.0));
            prop_assert_eq!(ascending(one).cmp(&ascending(other)), expected);
        }

        #[test]
        fn numbers_of_every_type_are_compared_as_numbers(one: i32, other: i32) {
            for sql_type in [SqlType::BigInt, SqlType::Double, SqlType::Decimal] {
                let of = |value: i32| {
                    let part = match sql_type {
                        SqlType::BigInt => KeyPart::Int(value.into()),
                        _ => KeyPart::Text(value.to_string().into()),
                    };
                    Comparable::of(Some(&part), sql_type, &Ranks::new()).unwrap()
                };
                prop_assert_eq!(of(one).cmp(&of(other)), one.cmp(&other));
            }
        }
    }
}
