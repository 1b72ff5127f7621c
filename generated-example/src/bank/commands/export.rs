//! `bank export`: events in their stored form, one JSON object a line.

use clap::Args;

use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::{Ledger, Place};
use crate::screen::Screen;

/// Write events as NDJSON: all of them, or those of one account.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank export > events.ndjson\n  bank export A1")]
pub(crate) struct Export {
    /// Id of the account; all accounts if left out.
    #[arg(value_parser = input::id)]
    account: Option<String>,
}

impl Export {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.open().await?;
        match self.account {
            Some(account) => one(&ledger, &account, screen).await,
            None => all(&ledger, screen).await,
        }
    }
}

async fn one(
    ledger: &Ledger<impl Database>,
    account: &str,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let page = ledger.events(account, after).await?;
        for event in page.iter() {
            screen.raw(&event.to_json())?;
            after = event.meta.sequence;
        }
        if page.at_end() {
            return Ok(());
        }
    }
}

async fn all(ledger: &Ledger<impl Database>, screen: &mut Screen) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let page = ledger.all_events(after).await?;
        for event in page.events.iter() {
            screen.raw(&event.to_json())?;
        }
        after = page.next;
        if page.events.at_end() {
            return Ok(());
        }
    }
}
