//! The schema every generated crate describes.
//!
//! Entity `n` of a group belongs to the next one and to the one after that, and has many of the one before it: three
//! relations. Its columns: `id`, `next_id`, `other_id`, `name`, `amount`, `note` (nullable), `active`.

/// How many entities, and how they hang together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) entities: usize,
    pub(crate) group: usize,
}

impl Shape {
    /// The entity `steps` further in the same group.
    pub(crate) fn neighbour(&self, entity: usize, steps: usize) -> usize {
        let first = entity - entity % self.group;
        first + (entity - first + steps) % self.group
    }

    /// The one it belongs to by `next_id`.
    pub(crate) fn next(&self, entity: usize) -> usize {
        self.neighbour(entity, 1)
    }

    /// The one it belongs to by `other_id`.
    pub(crate) fn other(&self, entity: usize) -> usize {
        self.neighbour(entity, 2)
    }

    /// The one it has many of.
    pub(crate) fn previous(&self, entity: usize) -> usize {
        self.neighbour(entity, self.group - 1)
    }
}

/// The module and table of an entity.
pub(crate) fn module(entity: usize) -> String {
    format!("item{entity:02}")
}

/// The struct of an entity.
pub(crate) fn type_name(entity: usize) -> String {
    format!("Item{entity:02}")
}

/// A `lib.rs` of one module per entity.
pub(crate) fn modules(shape: &Shape) -> String {
    (0..shape.entities)
        .map(|entity| format!("pub mod {};\n", module(entity)))
        .collect()
}
