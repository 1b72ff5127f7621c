//! `bank deposit`: pays money into an account.

use clap::Args;
use eventloom_runtime::Decimal;
use generated_example::bank_account::DepositMoney;

use super::decide::{CommandId, decide, transaction_id};
use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;

/// Pay money into an account.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank deposit A1 500 --transaction T1")]
pub(crate) struct Deposit {
    /// Id of the account.
    #[arg(value_parser = input::id)]
    account: String,

    /// How much.
    #[arg(value_parser = input::amount, allow_hyphen_values = true)]
    amount: Decimal,

    /// Id of the transaction: the same deposit sent again with it is done once. A new one if left out.
    #[arg(long, value_name = "ID", value_parser = input::id)]
    transaction: Option<String>,

    #[command(flatten)]
    id: CommandId,
}

impl Deposit {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.open().await?;
        let transaction_id = transaction_id(self.transaction);
        let command = DepositMoney { amount: self.amount, transaction_id };
        decide(&ledger, &self.account, command, self.id, screen).await
    }
}
