//! `bank withdraw`: pays money out of an account.

use clap::Args;
use eventloom_runtime::Decimal;
use generated_example::bank_account::WithdrawMoney;

use super::decide::{CommandId, decide, transaction_id};
use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;

/// Pay money out of an account.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank withdraw A1 200 --transaction T2")]
pub(crate) struct Withdraw {
    /// Id of the account.
    #[arg(value_parser = input::id)]
    account: String,

    /// How much.
    #[arg(value_parser = input::amount, allow_hyphen_values = true)]
    amount: Decimal,

    /// Id of the transaction: the same withdrawal sent again with it is done once. A new one if left out.
    #[arg(long, value_name = "ID", value_parser = input::id)]
    transaction: Option<String>,

    #[command(flatten)]
    id: CommandId,
}

impl Withdraw {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.open().await?;
        let transaction_id = transaction_id(self.transaction);
        let command = WithdrawMoney { amount: self.amount, transaction_id };
        decide(&ledger, &self.account, command, self.id, screen).await
    }
}
