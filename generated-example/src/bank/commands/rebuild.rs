//! `bank rebuild`: builds the read models anew from the events, while the old ones serve.

use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::ledger::Place;
use crate::progress::Progress;
use crate::screen::Screen;

/// Build the read models anew from the events.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bank rebuild")]
pub(crate) struct Rebuild {}

impl Rebuild {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let ledger = place.open().await?;
        let started = Instant::now();
        let progress = Progress::counting("rebuilding", 0);
        let rebuilt = ledger.rebuild(&progress).await;
        progress.clear();
        let events = rebuilt?;
        let milliseconds = started.elapsed().as_millis();
        let views = ["AccountBalanceView", "TransactionHistoryView"];
        if screen.is_json() {
            let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
            return screen
                .json(&json!({"rebuilt": views, "events": events, "milliseconds": milliseconds}));
        }
        screen.good(
            "rebuilt",
            format_args!("{} from {events} events in {milliseconds} ms", views.join(" and ")),
        )
    }
}
