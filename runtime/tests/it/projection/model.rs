//! What the rows must be, worked out another way: one event after the other, without batches, keys to
//! load, checkpoints or databases.

use std::collections::BTreeMap;

use eventloom_runtime::{Decimal, Position};

use super::ledger::{Balance, Entry};

/// The rows of `Balances` after a history, and the positions of the events that are poison.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expected {
    pub(crate) balances: BTreeMap<String, Balance>,
    pub(crate) poison: BTreeMap<String, Position>,
}

impl Expected {
    /// After events of streams, in order of position, the first of which is 1.
    pub(crate) fn of<'a>(history: impl IntoIterator<Item = (&'a str, &'a Entry)>) -> Self {
        let mut expected = Self::default();
        for ((stream, entry), position) in history.into_iter().zip(1..) {
            if !expected.poison.contains_key(stream) && !expected.apply(stream, entry) {
                expected.poison.insert(stream.to_owned(), position);
            }
        }
        expected
    }

    pub(crate) fn rows(&self) -> Vec<Balance> {
        self.balances.values().cloned().collect()
    }

    fn apply(&mut self, stream: &str, entry: &Entry) -> bool {
        let exists = self.balances.contains_key(stream);
        match entry {
            Entry::Tagged { .. } => true,
            Entry::Opened { owner } if !exists => {
                let (id, owner) = (stream.to_owned(), owner.clone());
                let row = Balance { id, owner, amount: Decimal::ZERO, moves: 0 };
                self.balances.insert(stream.to_owned(), row);
                true
            }
            Entry::Moved { amount } if exists => {
                let row = self.balances.get_mut(stream).expect("it exists");
                row.amount += amount;
                row.moves += 1;
                true
            }
            Entry::Closed if exists => self.balances.remove(stream).is_some(),
            _ => false,
        }
    }
}
