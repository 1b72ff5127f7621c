//! `bank balance`: the row of `AccountBalanceView`.

use clap::Args;
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;

/// Show an account's balance.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank balance A1")]
pub(crate) struct Balance {
    /// Id of the account.
    #[arg(value_parser = input::id)]
    account: String,
}

impl Balance {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let row = place.open().await?.balance(&self.account).await?;
        let balance = row.balance.normalize();
        if screen.is_json() {
            return screen.json(&json!({
                "accountId": row.account_id,
                "customerId": row.customer_id,
                "balance": balance.to_string(),
                "version": row.version,
                "updatedAt": row.updated_at.to_string(),
            }));
        }
        screen.heading(format_args!("{balance}"))?;
        screen.quiet(format_args!(
            "account {}, customer {}, version {}, updated {}",
            row.account_id, row.customer_id, row.version, row.updated_at
        ))
    }
}
