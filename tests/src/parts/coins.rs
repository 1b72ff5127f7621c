//! The state of the ontology `by_hand`, with the values that its rules speak of.

use eventloom_runtime::eval::add;
use eventloom_runtime::{ApplyError, Decimal, Metadata};
use serde::{Deserialize, Serialize};

use crate::goldens::by_hand::purse::{Filled, PurseBehavior};

/// The balance, and how often the purse was filled: `before_balance` has nothing to do with the balance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coins {
    balance: Decimal,
    times: u32,
}

impl PurseBehavior for Coins {
    const REVISION: u32 = 1;

    fn apply_filled(&mut self, event: &Filled, _: &Metadata) -> Result<(), ApplyError> {
        self.balance = add(self.balance, event.amount)?;
        self.times += 1;
        Ok(())
    }

    fn balance(&self) -> Decimal {
        self.balance
    }

    fn before_balance(&self) -> Decimal {
        self.times.into()
    }
}
