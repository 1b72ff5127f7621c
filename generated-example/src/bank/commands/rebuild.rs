//! `bank rebuild`: builds the read models anew from the events, while the old ones serve.

use std::time::Instant;

use clap::Args;
use eventloom_runtime::Timestamp;
use eventloom_runtime::projection::Selection;
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::{Ledger, Place};
use crate::progress::Progress;
use crate::screen::Screen;

/// Build the read models anew from the events.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bank rebuild --parallel 4\n  bank rebuild --account A1\n  \
                  bank rebuild --event MoneyWithdrawn --from 2026-01-01T00:00:00Z")]
pub(crate) struct Rebuild {
    /// How many read the events at once [default: as many as there are processors, up to 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: Option<u8>,

    #[command(flatten)]
    balances: Balances,
}

/// Which balances, where not everything is meant.
#[derive(Debug, Args)]
#[group(conflicts_with = "parallel")]
struct Balances {
    /// Only the balance of this account
    #[arg(long, value_name = "ID", value_parser = input::id)]
    account: Option<String>,

    /// Only balances of accounts with an event of this type; may be given several times
    #[arg(long, value_name = "TYPE", value_parser = input::event_type)]
    event: Vec<&'static str>,

    /// Only balances of accounts with an event that was recorded then or later
    #[arg(long, value_name = "RFC 3339", value_parser = input::time)]
    from: Option<Timestamp>,

    /// Only balances of accounts with an event that was recorded before then
    #[arg(long, value_name = "RFC 3339", value_parser = input::time)]
    until: Option<Timestamp>,
}

impl Rebuild {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let selection = self.balances.selection()?;
        let ledger = place.open().await?;
        if let Some(selection) = selection {
            return some(&ledger, &selection, screen).await;
        }
        let readers = self.parallel.map_or_else(processors, usize::from);
        let started = Instant::now();
        let progress = Progress::counting("rebuilding", 0);
        let rebuilt = ledger.rebuild(readers, &progress).await;
        progress.clear();
        let events = rebuilt?;
        let milliseconds = started.elapsed().as_millis();
        let poison = ledger.poison().await?.len();
        let views = ["AccountBalanceView", "TransactionHistoryView"];
        if screen.is_json() {
            let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
            return screen
                .json(&json!({"rebuilt": views, "events": events, "milliseconds": milliseconds, "poison": poison}));
        }
        screen.good(
            "rebuilt",
            format_args!("{} from {events} events in {milliseconds} ms", views.join(" and ")),
        )?;
        if poison > 0 {
            let wait = "that can't be folded hold back what comes after them: see `bank poison`";
            screen.bad("but", format_args!("{poison} of them {wait}"))?;
        }
        Ok(())
    }
}

impl Balances {
    fn selection(self) -> Result<Option<Selection>, Failure> {
        let Self { account, event: event_types, from, until } = self;
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            return Err(Failure::Usage(format!(
                "--from {from} is not before --until {until}: nothing was recorded in between"
            )));
        }
        let selection = Selection { stream: account.map(Into::into), event_types, from, until };
        Ok((selection != Selection::default()).then_some(selection))
    }
}

/// Builds the balances of some accounts anew, in place.
async fn some(
    ledger: &Ledger<impl Database>,
    selection: &Selection,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let started = Instant::now();
    let progress = Progress::counting("rebuilding", 0);
    let rebuilt = ledger.rebuild_balances(selection, &progress).await;
    progress.clear();
    let accounts = rebuilt?;
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if screen.is_json() {
        let views = ["AccountBalanceView"];
        return screen
            .json(&json!({"rebuilt": views, "accounts": accounts, "milliseconds": milliseconds}));
    }
    let of = if accounts == 1 { "account" } else { "accounts" };
    screen
        .good("rebuilt", format_args!("AccountBalanceView of {accounts} {of} in {milliseconds} ms"))
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |number| number.get().min(8))
}
