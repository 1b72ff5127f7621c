//! `bank open`: opens an account.

use clap::Args;
use eventloom_runtime::Decimal;
use generated_example::bank_account::OpenAccount;

use super::decide::{CommandId, decide};
use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;

/// Open an account.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank open A1 --customer C1 --balance 1000")]
pub(crate) struct Open {
    /// Id of the new account.
    #[arg(value_parser = input::id)]
    account: String,

    /// Id of the customer it belongs to.
    #[arg(long, value_name = "ID", value_parser = input::id)]
    customer: String,

    /// First balance.
    #[arg(long, value_name = "AMOUNT", default_value = "0", value_parser = input::amount, allow_hyphen_values = true)]
    balance: Decimal,

    #[command(flatten)]
    id: CommandId,
}

impl Open {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.create().await?;
        let command = OpenAccount { customer_id: self.customer, initial_balance: self.balance };
        decide(&ledger, &self.account, command, self.id, screen).await
    }
}
