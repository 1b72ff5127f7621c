//! `bank history`: an account's rows of `TransactionHistoryView`.

use clap::Args;
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;
use crate::table::Align::{Left, Right};

/// Show an account's movements of money.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank history A1")]
pub(crate) struct History {
    /// Id of the account.
    #[arg(value_parser = input::id)]
    account: String,
}

impl History {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let rows = place.open().await?.transactions(&self.account).await?;
        if screen.is_json() {
            let mut array = screen.array();
            for row in rows {
                array.push(&json!({
                    "accountId": row.account_id,
                    "transactionId": row.transaction_id,
                    "kind": row.kind.to_string(),
                    "amount": row.amount.normalize().to_string(),
                    "sequence": row.sequence,
                    "at": row.at.to_string(),
                }))?;
            }
            return array.finish();
        }
        let mut table = screen.table(&[
            ("#", Right),
            ("at", Left),
            ("kind", Left),
            ("amount", Right),
            ("transaction", Left),
        ]);
        for row in rows {
            table.row(vec![
                row.sequence.to_string(),
                row.at.to_string(),
                row.kind.to_string(),
                row.amount.normalize().to_string(),
                row.transaction_id,
            ])?;
        }
        Ok(table.finish()?)
    }
}
