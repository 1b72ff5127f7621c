//! The numbers that stand for aggregate, type and version in the tables of stores.

use std::sync::Arc;

use super::{EventFilter, StoredShape};

/// All shapes at one moment.
#[derive(Default)]
pub(super) struct Shapes {
    /// By number, in order: they are few, and looked up for every event.
    by_id: Vec<(i64, Arc<StoredShape>)>,
}

impl Shapes {
    /// Adds a shape; numbers come in their order.
    pub(super) fn push(&mut self, id: i64, shape: StoredShape) {
        self.by_id.push((id, Arc::new(shape)));
    }

    /// The greatest number, or 0.
    pub(super) fn last(&self) -> i64 {
        self.by_id.last().map_or(0, |(id, _)| *id)
    }

    /// The shape of that number.
    pub(super) fn get(&self, id: i64) -> Option<&Arc<StoredShape>> {
        let index = self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.by_id[index].1)
    }

    /// Numbers of the shapes that pass a filter, or of those that don't, in order.
    pub(super) fn passing(&self, filter: &EventFilter, passes: bool) -> Vec<i64> {
        let passing = |shape: &StoredShape| filter.passes(&shape.aggregate, &shape.event_type);
        let found = self.by_id.iter().filter(|(_, shape)| passing(shape) == passes);
        found.map(|(id, _)| *id).collect()
    }
}
