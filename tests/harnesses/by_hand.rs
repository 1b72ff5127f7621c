//! The harness of a state that is written by hand, with rules on the values that it shows.

use eventloom_runtime::eval::add;
use eventloom_runtime::{ApplyError, Decimal, Metadata};
use eventloom_tests::goldens::by_hand as ontology;
use ontology::purse::{Filled, PurseBehavior};
use serde::{Deserialize, Serialize};

include!(concat!(env!("OUT_DIR"), "/by_hand/harness.rs"));

struct HarnessFixture;

impl purse::Fixture for HarnessFixture {
    type Behavior = Coins;
}

/// The balance, and how often the purse was filled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Coins {
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
