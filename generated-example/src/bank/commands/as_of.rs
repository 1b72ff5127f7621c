//! `bank as-of`: an account as it was.

use clap::Args;
use eventloom_runtime::Timestamp;
use eventloom_runtime::repository::AsOf as Moment;
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;

/// Show an account as it was at a time, or after an event.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bank as-of A1 --time 2026-01-31T23:59:59Z\n  bank as-of A1 --sequence 2"
)]
pub(crate) struct AsOf {
    /// Id of the account.
    #[arg(value_parser = input::id)]
    account: String,

    #[command(flatten)]
    moment: MomentArgs,
}

/// When.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct MomentArgs {
    /// A time, by the events' own timestamps.
    #[arg(long, value_name = "RFC 3339", value_parser = input::time)]
    time: Option<Timestamp>,

    /// After the event with this number.
    #[arg(long, value_name = "NUMBER")]
    sequence: Option<u64>,
}

impl AsOf {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let moment = match (self.moment.time, self.moment.sequence) {
            (Some(time), _) => Moment::Time(time),
            // The group above requires one of them.
            (None, sequence) => Moment::Sequence(sequence.unwrap_or(u64::MAX)),
        };
        let loaded = place.open().await?.account_as_of(&self.account, moment).await?;
        let state = &loaded.state;
        let balance = state.balance.normalize();
        if screen.is_json() {
            return screen.json(&json!({
                "accountId": self.account,
                "sequence": loaded.sequence,
                "at": loaded.last_time.map(|time| time.to_string()),
                "status": state.status.to_string(),
                "customerId": state.customer_id,
                "balance": balance.to_string(),
            }));
        }
        screen.heading(format_args!("{balance}"))?;
        screen.quiet(format_args!(
            "account {}, {}, customer {}, after event #{}{}",
            self.account,
            state.status,
            state.customer_id.as_deref().unwrap_or("none"),
            loaded.sequence,
            loaded.last_time.map(|time| format!(" of {time}")).unwrap_or_default(),
        ))
    }
}
