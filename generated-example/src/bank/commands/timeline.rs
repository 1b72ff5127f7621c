//! `bank timeline`: every event of an account in words.

use clap::Args;
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;
use crate::table::Align::{Left, Right};

/// Show everything that happened to an account.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank timeline A1")]
pub(crate) struct Timeline {
    /// Id of the account.
    #[arg(value_parser = input::id)]
    account: String,
}

impl Timeline {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.open().await?;
        let mut page = ledger.timeline(&self.account, 0).await?;
        if screen.is_json() {
            let mut array = screen.array();
            while let Some(last) = page.last().map(|entry| entry.sequence) {
                for entry in page {
                    array.push(&json!({
                        "sequence": entry.sequence,
                        "at": entry.time.to_string(),
                        "type": entry.event_type,
                        "description": entry.description,
                    }))?;
                }
                page = ledger.timeline(&self.account, last).await?;
            }
            return array.finish();
        }
        let mut table = screen.table(&[("#", Right), ("at", Left), ("what happened", Left)]);
        while let Some(last) = page.last().map(|entry| entry.sequence) {
            for entry in page {
                table.row(vec![
                    entry.sequence.to_string(),
                    entry.time.to_string(),
                    entry.description,
                ])?;
            }
            page = ledger.timeline(&self.account, last).await?;
        }
        Ok(table.finish()?)
    }
}
