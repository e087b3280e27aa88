//! Reads the rows of one statement into the stores, and notes which parent each belongs to.
use std::collections::HashMap;

use super::{
    index::KeyIndex,
    plan::{Child, Node},
    stitch::{Links, NO_SLOT, order_by},
    store::{Push, Store},
};
use crate::{
    error::Result,
    schema::{Cell, KeyPart, Row},
    statement::query::LinkColumns,
};

/// What is known of one level while it is loaded.
pub(super) struct State<'s> {
    store: &'s mut dyn Push,
    pub(super) rows: u32,
    /// The slot of each row: of its parent's key, or its parent's row where joined.
    slots: Vec<u32>,
    /// Rows whose parents had not been read when they came.
    waiting: Vec<(u32, KeyPart)>,
    /// What the rows are sorted by after loading.
    sort_keys: Vec<i64>,
    seen: HashMap<(u32, KeyPart), u32, foldhash::fast::RandomState>,
    last: Option<(u32, KeyPart, u32)>,
    /// The keys that the levels below need; none for joined levels.
    pub(super) indexes: Vec<Option<KeyIndex>>,
    pub(super) children: Vec<State<'s>>,
}

impl<'s> State<'s> {
    /// Nothing is read yet of `node` and what is below it.
    pub(super) fn new(node: &Node, store: &'s mut dyn Store) -> Self {
        let (store, stores) = store.split();
        let mut indexes = Vec::with_capacity(node.children.len());
        let mut children = Vec::with_capacity(node.children.len());
        for (child, store) in node.children.iter().zip(stores) {
            let index = |relation: &crate::schema::RelationDef, keys: &[usize]| {
                KeyIndex::new(node.table, &relation.from, keys.to_vec())
            };
            let (index, state) = match child {
                Child::Joined(node) => (None, State::new(node, store)),
                Child::Unified(node, keys) | Child::Batched(node, keys) => (
                    node.relation.map(|relation| index(relation.0, keys)),
                    State::new(node, store),
                ),
                Child::Figure(figure, keys, _) => {
                    (Some(index(figure.relation.0, keys)), State::leaf(store))
                }
                Child::Nothing => (None, State::leaf(store)),
            };
            indexes.push(index);
            children.push(state);
        }
        Self {
            indexes,
            children,
            ..Self::empty(store)
        }
    }

    fn leaf(store: &'s mut dyn Store) -> Self {
        Self::empty(store.split().0)
    }

    fn empty(store: &'s mut dyn Push) -> Self {
        Self {
            store,
            rows: 0,
            slots: Vec::new(),
            waiting: Vec::new(),
            sort_keys: Vec::new(),
            seen: HashMap::default(),
            last: None,
            indexes: Vec::new(),
            children: Vec::new(),
        }
    }

    /// Reads the columns of `node` and of its joins from the front of `cells`, for the parent in `slot`.
    pub(super) fn read(&mut self, node: &Node, cells: &[Cell<'_>], slot: u32) -> Result<()> {
        let own = &cells[..node.columns.len()];
        if node.joined && node.key.iter().any(|&ordinal| own[ordinal].is_null()) {
            return Ok(());
        }
        let row = if node.repeats {
            let types = |ordinal: &usize| node.table.columns[node.columns[*ordinal]].sql_type;
            let key = KeyPart::from_cells(
                node.key
                    .iter()
                    .map(|ordinal| (&own[*ordinal], types(ordinal))),
            );
            match key {
                Some(key) => match self.known(slot, &key) {
                    Some(row) => row,
                    None => {
                        let row = self.push(node, own, slot)?;
                        self.seen.insert((slot, key.clone()), row);
                        self.last = Some((slot, key, row));
                        row
                    }
                },
                None => self.push(node, own, slot)?,
            }
        } else {
            self.push(node, own, slot)?
        };
        let mut at = node.columns.len();
        for (child, state) in node.children.iter().zip(&mut self.children) {
            if let Child::Joined(child) = child {
                state.read(child, &cells[at..], row)?;
                at += child.width();
            }
        }
        Ok(())
    }

    fn known(&self, slot: u32, key: &KeyPart) -> Option<u32> {
        match &self.last {
            Some((last_slot, last_key, row)) if *last_slot == slot && last_key == key => Some(*row),
            _ => self.seen.get(&(slot, key.clone())).copied(),
        }
    }

    fn push(&mut self, node: &Node, own: &[Cell<'_>], slot: u32) -> Result<u32> {
        self.store.push(&mut Row::new(&own[..node.visible]))?;
        for index in self.indexes.iter_mut().flatten() {
            index.add_row(own);
        }
        if node.sort_by_key
            && let [ordinal] = node.key[..]
        {
            self.sort_keys.push(match own[ordinal] {
                Cell::Int(key) => key,
                _ => 0,
            });
        }
        let row = self.rows;
        self.rows += 1;
        self.slots.push(slot);
        Ok(row)
    }

    /// Reads a row whose `link` columns say which parent in `index` it belongs to. A row that comes before its
    /// parent waits if `may_wait`; a row of no parent is left out.
    pub(super) fn read_linked(
        &mut self,
        node: &Node,
        index: &KeyIndex,
        cells: &[Cell<'_>],
        link: &LinkColumns,
        may_wait: bool,
    ) -> Result<()> {
        let Some(key) = index.link(cells, link) else {
            return Ok(());
        };
        match index.slot(&key) {
            Some(slot) => self.read(node, &cells[link.width..], slot),
            None if may_wait => {
                let row = self.rows;
                self.read(node, &cells[link.width..], NO_SLOT)?;
                self.waiting.push((row, key));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Reads a figure, which has link columns and one value.
    pub(super) fn read_figure(
        &mut self,
        index: &KeyIndex,
        cells: &[Cell<'_>],
        link: &LinkColumns,
    ) -> Result<()> {
        let Some(key) = index.link(cells, link) else {
            return Ok(());
        };
        self.store
            .push(&mut Row::new(&cells[link.width..=link.width]))?;
        let row = self.rows;
        self.rows += 1;
        match index.slot(&key) {
            Some(slot) => self.slots.push(slot),
            None => {
                self.slots.push(NO_SLOT);
                self.waiting.push((row, key));
            }
        }
        Ok(())
    }

    /// Notes the place of the row just read in the order asked for.
    pub(super) fn rank(&mut self, rank: &Cell<'_>) {
        if let Cell::Int(rank) = rank
            && self.sort_keys.len() + 1 == self.rows as usize
        {
            self.sort_keys.push(*rank);
        }
    }

    /// Finds the parents of rows that came before them.
    pub(super) fn resolve(&mut self, index: &KeyIndex) {
        for (row, key) in self.waiting.drain(..) {
            if let Some(slot) = index.slot(&key) {
                self.slots[row as usize] = slot;
            }
        }
    }

    /// The order in which the rows are to be taken, if not as they came.
    pub(super) fn order(&self) -> Option<Vec<u32>> {
        (self.sort_keys.len() == self.rows as usize)
            .then(|| order_by(&self.sort_keys))
            .flatten()
    }

    /// The links of the levels below, and for whom more than one row was found where one is expected.
    pub(super) fn links(self, node: &Node, crowded: &mut Vec<&'static str>) -> Vec<Links> {
        let rows = self.rows;
        node.children
            .iter()
            .zip(self.indexes)
            .zip(self.children)
            .map(|((child, index), state)| {
                let order = state.order();
                let (parents, slot_count) = match index {
                    Some(index) => {
                        let count = index.len();
                        (index.parents, count)
                    }
                    None => ((0..rows).collect(), rows as usize),
                };
                let slots = state.slots.clone();
                let children = match child {
                    Child::Joined(node) | Child::Unified(node, _) | Child::Batched(node, _) => {
                        if let Some(relation) = node.relation
                            && relation.cardinality.is_to_one()
                            && is_crowded(&slots, slot_count)
                        {
                            crowded.push(relation.path);
                        }
                        state.links(node, crowded)
                    }
                    Child::Figure(..) | Child::Nothing => Vec::new(),
                };
                Links {
                    parents,
                    slots,
                    order,
                    slot_count,
                    children,
                }
            })
            .collect()
    }
}

/// Whether any slot has more than one row.
fn is_crowded(slots: &[u32], slot_count: usize) -> bool {
    let mut seen = vec![false; slot_count];
    slots.iter().any(|&slot| {
        seen.get_mut(slot as usize)
            .is_some_and(|seen| std::mem::replace(seen, true))
    })
}
