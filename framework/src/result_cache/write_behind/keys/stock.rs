//! Numbers in hand: pure.
use std::{collections::VecDeque, ops::RangeInclusive};

/// Numbers that nobody else has, in the order in which they are handed out.
#[derive(Debug, Default)]
pub(super) struct Stock {
    ranges: VecDeque<RangeInclusive<i64>>,
    left: u64,
}

impl Stock {
    /// The next number.
    pub(super) fn take(&mut self) -> Option<i64> {
        let range = self.ranges.front_mut()?;
        let number = range.next();
        if range.is_empty() {
            self.ranges.pop_front();
        }
        self.left -= u64::from(number.is_some());
        number
    }

    /// How many there are.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Puts more behind those that are there.
    pub(super) fn put(&mut self, numbers: Numbers) {
        for range in numbers.0 {
            self.left += length(&range);
            self.ranges.push_back(range);
        }
    }
}

/// Numbers as a database gave them. A counter gives neighbours unless others count too.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers(Vec<RangeInclusive<i64>>);

impl Numbers {
    /// `count` numbers of which `last` is the last one; `None` where no counter gives them.
    pub(super) fn through(last: i64, count: u32) -> Option<Self> {
        let first = last.checked_sub(i64::from(count))?.checked_add(1)?;
        (first > 0).then(|| Self(vec![first..=last]))
    }

    /// Adds one.
    pub(super) fn push(&mut self, number: i64) {
        match self.0.last_mut() {
            Some(range) if range.end().checked_add(1) == Some(number) => {
                *range = *range.start()..=number;
            }
            _ => self.0.push(number..=number),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(length).sum()
    }
}

fn length(range: &RangeInclusive<i64>) -> u64 {
    if range.is_empty() {
        return 0;
    }
    range.end().abs_diff(*range.start()).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(stock: &mut Stock) -> Vec<i64> {
        std::iter::from_fn(|| stock.take()).collect()
    }

    #[test]
    fn a_block_ends_with_its_last_number() {
        let mut stock = Stock::default();
        stock.put(Numbers::through(10, 4).unwrap());
        assert_eq!(stock.left(), 4);
        assert_eq!(all(&mut stock), [7, 8, 9, 10]);
        assert_eq!((stock.left(), stock.take()), (0, None));
        assert_eq!(Numbers::through(3, 4), None);
        stock.put(Numbers::through(i64::MAX, 1).unwrap());
        assert_eq!(all(&mut stock), [i64::MAX]);
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out_once_and_in_order(blocks in prop::collection::vec(prop::collection::vec(-5_i64..5, 0..10), 0..5)) {
            let mut stock = Stock::default();
            for block in &blocks {
                let mut numbers = Numbers::default();
                block.iter().for_each(|&number| numbers.push(number));
                prop_assert_eq!(numbers.count(), block.len() as u64);
                stock.put(numbers);
            }
            let put: Vec<i64> = blocks.into_iter().flatten().collect();
            prop_assert_eq!(stock.left(), put.len() as u64);
            prop_assert_eq!(all(&mut stock), put);
        }
    }
}
