//! `bank close`: closes an account.

use clap::Args;
use generated_example::bank_account::CloseAccount;

use super::decide::{CommandId, decide};
use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;

/// Close an empty account for good.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank close A1 --reason \"moved abroad\"")]
pub(crate) struct Close {
    /// Id of the account.
    #[arg(value_parser = input::id)]
    account: String,

    /// Why, for whoever reads the history.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    id: CommandId,
}

impl Close {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.open().await?;
        decide(&ledger, &self.account, CloseAccount { reason: self.reason }, self.id, screen).await
    }
}
