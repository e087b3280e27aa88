//! Which values of a column a predicate leaves.
use super::{Comparison, Condition, Term};
use crate::schema::value::Value;

impl Condition {
    /// Values of which one is that of `column` in every row for which the condition holds; `None` if it may be any. There
    /// may be more of them than rows have, and some may come twice.
    pub fn values_of(&self, column: usize) -> Option<Vec<Value>> {
        match self {
            Condition::Compare(Comparison::Eq, Term::Column(own), Term::Value(value))
            | Condition::Compare(Comparison::Eq, Term::Value(value), Term::Column(own)) => {
                (*own == column).then(|| vec![value.clone()])
            }
            Condition::In {
                term: Term::Column(own),
                values,
                negated: false,
            } => (*own == column).then(|| values.clone()),
            Condition::TupleIn { columns, tuples } => {
                let at = columns.iter().position(|own| *own == column)?;
                tuples.iter().map(|tuple| tuple.get(at).cloned()).collect()
            }
            // Each of them must hold, so the one that leaves least says it.
            Condition::And(all) => all
                .iter()
                .filter_map(|condition| condition.values_of(column))
                .min_by_key(Vec::len),
            Condition::Or(any) => {
                let each: Option<Vec<_>> = any
                    .iter()
                    .map(|condition| condition.values_of(column))
                    .collect();
                Some(each?.concat())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn int(value: i64) -> Value {
        Value::BigInt(Some(value))
    }

    fn number(value: &Value) -> i64 {
        match value {
            Value::BigInt(Some(value)) => *value,
            other => panic!("{other:?} is none of the test's values"),
        }
    }

    /// Rows of three columns with small numbers; what they are compared with, too.
    fn condition() -> impl Strategy<Value = Condition> {
        let comparison = prop_oneof![
            Just(Comparison::Eq),
            Just(Comparison::Ne),
            Just(Comparison::Lt)
        ];
        let leaf = prop_oneof![
            (comparison, 0..3_usize, 0..4_i64, any::<bool>()).prop_map(
                |(how, column, value, turned)| {
                    let (column, value) = (Term::Column(column), Term::Value(int(value)));
                    match turned {
                        true => Condition::Compare(how, value, column),
                        false => Condition::Compare(how, column, value),
                    }
                }
            ),
            (
                0..3_usize,
                prop::collection::vec(0..4_i64, 0..3),
                any::<bool>()
            )
                .prop_map(|(column, values, negated)| Condition::In {
                    term: Term::Column(column),
                    values: values.into_iter().map(int).collect(),
                    negated,
                }),
            (
                prop::sample::subsequence(vec![0_usize, 1, 2], 2),
                prop::collection::vec((0..4_i64, 0..4_i64), 0..3)
            )
                .prop_map(|(columns, tuples)| Condition::TupleIn {
                    columns,
                    tuples: tuples
                        .into_iter()
                        .map(|(one, other)| vec![int(one), int(other)])
                        .collect(),
                }),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::And),
                prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::Or),
                inner.prop_map(|condition| Condition::Not(Box::new(condition))),
            ]
        })
    }

    fn term(term: &Term, row: [i64; 3]) -> i64 {
        match term {
            Term::Column(column) => row[*column],
            Term::Value(value) => number(value),
            other => panic!("{other:?} is none of the test's terms"),
        }
    }

    fn holds(condition: &Condition, row: [i64; 3]) -> bool {
        match condition {
            Condition::Compare(how, left, right) => {
                let (left, right) = (term(left, row), term(right, row));
                match how {
                    Comparison::Eq => left == right,
                    Comparison::Ne => left != right,
                    _ => left < right,
                }
            }
            Condition::In {
                term: column,
                values,
                negated,
            } => {
                values
                    .iter()
                    .any(|value| number(value) == term(column, row))
                    != *negated
            }
            Condition::TupleIn { columns, tuples } => tuples.iter().any(|tuple| {
                let mut pairs = columns.iter().zip(tuple);
                pairs.all(|(&column, value)| row[column] == number(value))
            }),
            Condition::And(all) => all.iter().all(|condition| holds(condition, row)),
            Condition::Or(any) => any.iter().any(|condition| holds(condition, row)),
            Condition::Not(condition) => !holds(condition, row),
            other => panic!("{other:?} is none of the test's conditions"),
        }
    }

    proptest! {
        #[test]
        fn every_row_that_is_left_has_one_of_the_values(
            condition in condition(),
            row in prop::array::uniform3(0..4_i64),
            column in 0..3_usize,
        ) {
            if holds(&condition, row) && let Some(values) = condition.values_of(column) {
                prop_assert!(values.iter().any(|value| number(value) == row[column]));
            }
        }
    }

    #[test]
    fn equality_is_seen_through_and_and_or() {
        let is = |column, value| {
            Condition::Compare(
                Comparison::Eq,
                Term::Column(column),
                Term::Value(int(value)),
            )
        };
        let values = |condition: Condition| {
            let values = condition.values_of(0);
            values.map(|values| values.iter().map(number).collect::<Vec<_>>())
        };
        assert_eq!(
            values(Condition::And(vec![is(1, 5), is(0, 7)])),
            Some(vec![7])
        );
        assert_eq!(
            values(Condition::Or(vec![is(0, 5), is(0, 7)])),
            Some(vec![5, 7])
        );
        assert_eq!(values(Condition::Or(vec![is(0, 5), is(1, 7)])), None);
        assert_eq!(values(Condition::Or(Vec::new())), Some(Vec::new()));
        assert_eq!(values(Condition::And(Vec::new())), None);
        assert_eq!(values(Condition::Not(Box::new(is(0, 5)))), None);
    }
}
