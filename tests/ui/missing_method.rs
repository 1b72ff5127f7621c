//! A hand-written behaviour that forgets a fold and what a rule asks for.

#[path = "../data/ok/seed/expected.rs"]
mod seed;

use eventloom_runtime::aggregate::ApplyError;
use eventloom_runtime::Metadata;
use seed::bank_account::{AccountOpened, BankAccountBehavior, MoneyDeposited};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account;

impl BankAccountBehavior for Account {
    const REVISION: u32 = 1;

    fn apply_account_opened(&mut self, _: &AccountOpened, _: &Metadata) -> Result<(), ApplyError> {
        Ok(())
    }

    fn apply_money_deposited(&mut self, _: &MoneyDeposited, _: &Metadata) -> Result<(), ApplyError> {
        Ok(())
    }
}

fn main() {}
