//! In which order the changes of a batch are written: parents before children, deletes the other way round.
//!
//! Within a table and a direction the order in which the changes were asked for is kept. Foreign keys in cycles have no
//! order that is right for all rows; there it is the order of the entities as given.
use super::{change::Change, queue::Entry};
use crate::schema::{Cardinality, RelationDef, TableDef};

/// How far each table is from those that point at nothing: a parent is less than its children.
pub(super) fn ranks(tables: &[&'static TableDef]) -> Vec<usize> {
    let parents: Vec<Vec<usize>> = tables
        .iter()
        .map(|table| {
            let position = |parent: &TableDef| tables.iter().position(|other| other.is(parent));
            (table.relations)()
                .into_iter()
                .filter(|relation| relation.cardinality == Cardinality::BelongsTo)
                .filter_map(|relation: &RelationDef| position((relation.target)()))
                .collect()
        })
        .collect();
    ranks_of(&parents)
}

/// The ranks of nodes with these parents. An edge that closes a cycle is passed over.
fn ranks_of(parents: &[Vec<usize>]) -> Vec<usize> {
    let mut ranks = vec![None; parents.len()];
    for node in 0..parents.len() {
        rank(node, parents, &mut ranks, &mut Vec::new());
    }
    ranks.into_iter().map(Option::unwrap_or_default).collect()
}

fn rank(
    node: usize,
    parents: &[Vec<usize>],
    ranks: &mut [Option<usize>],
    path: &mut Vec<usize>,
) -> usize {
    if let Some(rank) = ranks[node] {
        return rank;
    }
    path.push(node);
    let mut own = 0;
    for &parent in &parents[node] {
        if !path.contains(&parent) {
            own = own.max(rank(parent, parents, ranks, path) + 1);
        }
    }
    path.pop();
    ranks[node] = Some(own);
    own
}

/// The entries in the order in which they are written.
pub(super) fn in_order<'b>(
    entries: impl Iterator<Item = &'b Entry>,
    ranks: &[usize],
) -> Vec<&'b Entry> {
    let highest = ranks.iter().copied().max().unwrap_or_default();
    let mut placed: Vec<_> = entries
        .map(|entry| {
            let rank = ranks[entry.table];
            let place = match entry.change {
                Change::Delete(_) => (1, highest - rank, entry.seq),
                _ => (0, rank, entry.seq),
            };
            (place, entry)
        })
        .collect();
    placed.sort_unstable_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_child_comes_after_its_parents() {
        // Comments point at posts and users, posts at users.
        assert_eq!(ranks_of(&[vec![1, 2], vec![2], vec![]]), [2, 1, 0]);
        // A tree points at itself.
        assert_eq!(ranks_of(&[vec![0]]), [0]);
    }

    proptest! {
        #[test]
        fn every_edge_of_a_graph_without_cycles_goes_up(edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..40)) {
            let mut parents = vec![Vec::new(); 12];
            for (child, parent) in edges {
                if child > parent {
                    parents[child].push(parent);
                }
            }
            let ranks = ranks_of(&parents);
            for (child, parents) in parents.iter().enumerate() {
                for &parent in parents {
                    prop_assert!(ranks[child] > ranks[parent]);
                }
            }
        }

        #[test]
        fn cycles_end(edges in prop::collection::vec((0_usize..8, 0_usize..8), 0..40)) {
            let mut parents = vec![Vec::new(); 8];
            for (child, parent) in edges {
                parents[child].push(parent);
            }
            prop_assert_eq!(ranks_of(&parents).len(), 8);
        }
    }
}
