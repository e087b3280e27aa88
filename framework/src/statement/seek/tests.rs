//! What conditions say of columns, against all rows there are.
use proptest::prelude::*;

use super::bounds::{Bound, Bounds};
use crate::schema::{
    Condition, Value,
    expression::{Comparison, Term},
};

type Row = [Option<i64>; 3];

fn int(value: i64) -> Value {
    Value::BigInt(Some(value))
}

fn number(value: &Value) -> i64 {
    match value {
        Value::BigInt(Some(value)) => *value,
        other => panic!("{other:?} is none of the test's values"),
    }
}

fn is(column: usize, value: i64) -> Condition {
    compared(Comparison::Eq, column, value)
}

fn compared(how: Comparison, column: usize, value: i64) -> Condition {
    Condition::Compare(how, Term::Column(column), Term::Value(int(value)))
}

fn condition() -> impl Strategy<Value = Condition> {
    let comparison = prop_oneof![
        Just(Comparison::Eq),
        Just(Comparison::Ne),
        Just(Comparison::Lt)
    ];
    let values = || prop::collection::vec(0..3_i64, 0..3);
    let leaf = prop_oneof![
        (comparison, 0..3_usize, 0..3_i64, any::<bool>()).prop_map(
            |(how, column, value, turned)| {
                let (column, value) = (Term::Column(column), Term::Value(int(value)));
                match turned {
                    true => Condition::Compare(how, value, column),
                    false => Condition::Compare(how, column, value),
                }
            }
        ),
        (0..3_usize, values(), any::<bool>()).prop_map(|(column, values, negated)| {
            Condition::In {
                term: Term::Column(column),
                values: values.into_iter().map(int).collect(),
                negated,
            }
        }),
        (0..3_usize, any::<bool>())
            .prop_map(|(column, null)| Condition::Null(Term::Column(column), null)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::Or),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
}

/// As SQL says; `None` is unknown.
fn holds(condition: &Condition, row: Row) -> Option<bool> {
    let term = |term: &Term| match term {
        Term::Column(column) => row[*column],
        Term::Value(value) => Some(number(value)),
        other => panic!("{other:?} is none of the test's terms"),
    };
    match condition {
        Condition::Compare(how, left, right) => {
            let (left, right) = (term(left)?, term(right)?);
            Some(match how {
                Comparison::Eq => left == right,
                Comparison::Ne => left != right,
                _ => left < right,
            })
        }
        Condition::In {
            term: column,
            values,
            negated,
        } => match values.is_empty() {
            true => Some(*negated),
            false => {
                let own = term(column)?;
                Some(values.iter().any(|value| number(value) == own) != *negated)
            }
        },
        Condition::Null(column, null) => Some(term(column).is_none() == *null),
        Condition::And(all) => {
            let each: Vec<_> = all.iter().map(|inner| holds(inner, row)).collect();
            match each.contains(&Some(false)) {
                true => Some(false),
                false => (!each.contains(&None)).then_some(true),
            }
        }
        Condition::Or(any) => {
            let each: Vec<_> = any.iter().map(|inner| holds(inner, row)).collect();
            match each.contains(&Some(true)) {
                true => Some(true),
                false => (!each.contains(&None)).then_some(false),
            }
        }
        Condition::Not(inner) => holds(inner, row).map(|holds| !holds),
        other => panic!("{other:?} is none of the test's conditions"),
    }
}

fn every_row() -> impl Iterator<Item = Row> {
    let values = || [None, Some(0), Some(1), Some(2)];
    values().into_iter().flat_map(move |one| {
        values()
            .into_iter()
            .flat_map(move |two| values().into_iter().map(move |three| [one, two, three]))
    })
}

proptest! {
    /// What is called equal has one value in all rows that are found; what is called NULL is.
    #[test]
    fn what_is_said_of_a_column_is_true_of_every_row_that_is_found(condition in condition()) {
        let bounds = Bounds::of(&condition);
        let found: Vec<_> = every_row()
            .filter(|row| holds(&condition, *row) == Some(true))
            .collect();
        for column in 0..3 {
            let mut values: Vec<_> = found.iter().map(|row| row[column]).collect();
            values.sort_unstable();
            values.dedup();
            match bounds.get(column) {
                Some(Bound::One) => {
                    prop_assert!(values.len() <= 1 && !values.contains(&None), "{values:?}");
                }
                Some(Bound::Null) => prop_assert!(values.iter().all(Option::is_none)),
                // `<` finds no NULL, and OR may let one in.
                Some(Bound::Among | Bound::Range) | None => {}
            }
        }
    }
}

#[test]
fn bounds_are_those_of_all_branches() {
    let of = |condition: Condition| Bounds::of(&condition);
    let below = |column, value| compared(Comparison::Lt, column, value);
    let or = |one, other| Condition::Or(vec![one, other]);
    let and = |one, other| Condition::And(vec![one, other]);
    assert_eq!(of(and(is(0, 1), below(1, 2))).get(1), Some(Bound::Range));
    assert_eq!(of(or(is(0, 1), is(0, 2))), Bounds::among(&[0]));
    assert_eq!(of(or(is(0, 1), is(1, 2))), Bounds::default());
    assert_eq!(of(or(is(0, 1), below(0, 2))).get(0), Some(Bound::Range));
    // The form of a page's beginning: past the last row by two columns.
    let past = or(below(0, 5), and(is(0, 5), below(1, 7)));
    assert_eq!(
        (of(past.clone()).get(0), of(past).get(1)),
        (Some(Bound::Range), None)
    );
    assert_eq!(of(and(below(0, 2), is(0, 1))), Bounds::equal(&[0]));
    let null = Condition::Null(Term::Column(0), true);
    assert_eq!(of(or(null.clone(), is(0, 1))), Bounds::among(&[0]));
    assert!(of(null).is_one(0));
}

#[test]
fn what_no_index_helps_with_bounds_nothing() {
    let like = Condition::Like {
        term: Term::Column(0),
        pattern: Value::String(Some("a%".into())),
        negated: false,
        ignore_case: false,
    };
    let lower = Term::Function("LOWER", Box::new(Term::Column(0)));
    let empty = Condition::In {
        term: Term::Column(0),
        values: Vec::new(),
        negated: false,
    };
    for condition in [
        like,
        empty,
        Condition::Compare(Comparison::Eq, lower, Term::Value(int(1))),
        Condition::Compare(Comparison::Eq, Term::Column(0), Term::Column(1)),
        compared(Comparison::Ne, 0, 1),
        Condition::Not(Box::new(is(0, 1))),
        Condition::Null(Term::Column(0), false),
        Condition::Or(Vec::new()),
    ] {
        assert_eq!(Bounds::of(&condition), Bounds::default(), "{condition:?}");
    }
}
