//! Which child belongs to which parent, and putting them together. Pure.
//!
//! Parents and children meet in *slots*: each distinct key has one. Several parents may share a slot (posts of one
//! author), and then each gets its own copy of the children.

/// The slot of a parent without a key, and of a child without a parent.
pub const NO_SLOT: u32 = u32::MAX;

/// Which rows of one level belong to which rows of the level above, and so on downwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The slot of each parent row.
    pub parents: Vec<u32>,
    /// The slot of each row of this level.
    pub slots: Vec<u32>,
    /// The order in which the rows of this level are to be taken, if not as they came.
    pub order: Option<Vec<u32>>,
    /// How many slots there are.
    pub slot_count: usize,
    /// The levels below.
    pub children: Vec<Links>,
}

/// The children of each parent, in order. Children are cloned only for parents that share a slot.
pub fn distribute<T: Clone>(children: Vec<T>, links: &Links) -> Vec<Vec<T>> {
    let mut groups = group(children, links);
    let mut left = vec![0_u32; groups.len()];
    for &slot in &links.parents {
        if let Some(count) = left.get_mut(slot as usize) {
            *count += 1;
        }
    }
    let take = |&slot: &u32| {
        let Some(count) = left.get_mut(slot as usize) else {
            return Vec::new();
        };
        *count -= 1;
        if *count == 0 {
            std::mem::take(&mut groups[slot as usize])
        } else {
            groups[slot as usize].clone()
        }
    };
    links.parents.iter().map(take).collect()
}

/// The children of each slot, in order.
fn group<T>(children: Vec<T>, links: &Links) -> Vec<Vec<T>> {
    let mut sizes = vec![0_usize; links.slot_count];
    for &slot in &links.slots {
        if let Some(size) = sizes.get_mut(slot as usize) {
            *size += 1;
        }
    }
    let mut groups: Vec<Vec<T>> = sizes.into_iter().map(Vec::with_capacity).collect();
    let mut place = |child: T, index: usize| {
        if let Some(group) = links
            .slots
            .get(index)
            .and_then(|&slot| groups.get_mut(slot as usize))
        {
            group.push(child);
        }
    };
    match &links.order {
        None => children
            .into_iter()
            .enumerate()
            .for_each(|(index, child)| place(child, index)),
        Some(order) => {
            let mut children: Vec<Option<T>> = children.into_iter().map(Some).collect();
            for &index in order {
                if let Some(child) = children[index as usize].take() {
                    place(child, index as usize);
                }
            }
        }
    }
    groups
}

/// `rows` in another order.
pub fn permute<T>(rows: Vec<T>, order: Option<&[u32]>) -> Vec<T> {
    let Some(order) = order else {
        return rows;
    };
    let mut rows: Vec<Option<T>> = rows.into_iter().map(Some).collect();
    order
        .iter()
        .filter_map(|&index| rows[index as usize].take())
        .collect()
}

/// The order that sorts `keys`, if they are not sorted already; equal keys keep their order.
pub fn order_by<K: Ord>(keys: &[K]) -> Option<Vec<u32>> {
    if keys.is_sorted() {
        return None;
    }
    let count = u32::try_from(keys.len()).expect("a level has fewer than 2^32 rows");
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by(|&a, &b| keys[a as usize].cmp(&keys[b as usize]));
    Some(order)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_parent_gets_the_children_of_its_slot_in_order(
            parents in proptest::collection::vec(0_u32..6, 0..12),
            slots in proptest::collection::vec(0_u32..6, 0..30),
            shuffled in any::<bool>(),
        ) {
            let children: Vec<usize> = (0..slots.len()).collect();
            let order = shuffled.then(|| (0..slots.len() as u32).rev().collect::<Vec<_>>());
            let links = Links { parents: parents.clone(), slots: slots.clone(), order, slot_count: 5, children: Vec::new() };
            let got = distribute(children, &links);
            for (parent, got) in parents.iter().zip(got) {
                let mut expected: Vec<usize> = (0..slots.len())
                    .filter(|&child| slots[child] == *parent && *parent < 5)
                    .collect();
                if shuffled {
                    expected.reverse();
                }
                prop_assert_eq!(got, expected);
            }
        }

        #[test]
        fn sorting_by_order_sorts(keys in proptest::collection::vec(any::<i64>(), 0..40)) {
            let order = order_by(&keys);
            let mut expected = keys.clone();
            expected.sort();
            prop_assert_eq!(permute(keys, order.as_deref()), expected);
        }
    }
}
