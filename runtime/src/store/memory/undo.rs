//! What puts rows in memory back where an append to a store in memory fails after they were written.

use std::cell::{Cell, RefCell};

/// How to take back what has been written in one transaction of a [`super::MemoryStore`]. A read
/// database finds it as [`crate::store::AppendTransaction::database`] and adds to it whatever it
/// writes; a transaction that fails or panics takes all of it back, the latest first.
#[derive(Default)]
pub struct UndoLog {
    steps: RefCell<Vec<Box<dyn FnOnce()>>>,
    kept: Cell<bool>,
}

impl UndoLog {
    /// Adds how to take back a write that has just been made. It must not panic, nor write anything
    /// through a transaction.
    pub fn push(&self, step: impl FnOnce() + 'static) {
        self.steps.borrow_mut().push(Box::new(step));
    }

    /// Nothing is taken back any more.
    pub(super) fn keep(&self) {
        self.kept.set(true);
    }
}

impl Drop for UndoLog {
    fn drop(&mut self) {
        if !self.kept.get() {
            self.steps.get_mut().drain(..).rev().for_each(|step| step());
        }
    }
}
