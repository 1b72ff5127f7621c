//! What `open`, `deposit`, `withdraw` and `close` have in common: a command is sent and its outcome told.

use clap::Args;
use eventloom_runtime::repository::{Executed, Recorded};
use eventloom_runtime::{Command, CommandContext, DomainEvent, Duration, Metadata, Uuid};
use generated_example::bank_account::BankAccount;
use serde_json::{Value, json};

use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Ledger;
use crate::screen::Screen;

const MINUTE: Duration = Duration::from_micros(60_000_000);

/// The id by which a command that is sent again is recognised.
#[derive(Debug, Args)]
pub(crate) struct CommandId {
    /// Id of this command: sent again with it, it has its first outcome again, a refusal included.
    #[arg(long, value_name = "ID", value_parser = input::id)]
    command_id: Option<String>,
}

/// The transaction that was named, or a new one.
pub(crate) fn transaction_id(named: Option<String>) -> String {
    named.unwrap_or_else(|| format!("T-{}", Uuid::now_v7()))
}

/// Sends a command and tells what came of it.
pub(crate) async fn decide<C: Command<BankAccount>>(
    ledger: &Ledger<impl Database>,
    account: &str,
    command: C,
    id: CommandId,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let mut context = CommandContext::new();
    context.command_id = id.command_id.map(Into::into);
    let executed = ledger.execute(account, command, context).await?;
    if screen.is_json() {
        return screen.json(&outcome(account, &executed)?);
    }
    tell(&executed, screen)?;
    let balance = executed.state.balance.normalize();
    screen.line(format_args!("      {account} is {} with {balance}", executed.state.status))
}

/// Tells the events that a command led to, one a line with its sequence number.
pub(crate) fn tell(executed: &Executed<BankAccount>, screen: &mut Screen) -> Result<(), Failure> {
    for Recorded { event, meta } in &executed.events {
        screen.good(&format!("{:>5}", format!("#{}", meta.sequence)), event.describe())?;
    }
    if let Some(ahead) = ahead(executed) {
        let Metadata { at, recorded_at, .. } = ahead;
        screen.bad(
            "but",
            format_args!(
                "dated {at}, which is after {recorded_at}, when it was recorded: no event is dated before the one before \
                 it, and one of the clocks that were asked is or was wrong"
            ),
        )?;
    }
    if executed.duplicate {
        screen.good("no-op", "this was decided before, as told above: nothing was appended")?;
    }
    Ok(())
}

/// The first event that is dated after it was recorded.
fn ahead(executed: &Executed<BankAccount>) -> Option<&Metadata> {
    executed.events.iter().map(|it| &it.meta).find(|meta| is_ahead(meta))
}

/// Whether an event is dated after it was recorded, and not by the difference of two good clocks.
fn is_ahead(meta: &Metadata) -> bool {
    meta.recorded_at.checked_add(MINUTE).is_some_and(|late| meta.at > late)
}

/// What came of a command, as one JSON object; its events in the event form.
fn outcome(account: &str, executed: &Executed<BankAccount>) -> Result<Value, Failure> {
    let events = executed.events.iter().map(|recorded| serde_json::from_str(&recorded.to_json()));
    let events: Vec<Value> = events
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::failed("EventNotShown", error))?;
    Ok(json!({
        "outcome": if executed.duplicate { "unchanged" } else { "applied" },
        "accountId": account,
        "events": events,
        "status": executed.state.status.to_string(),
        "balance": executed.state.balance.normalize().to_string(),
        "datedAhead": ahead(executed).map(|meta| json!({
            "at": meta.at.to_string(),
            "recordedAt": meta.recorded_at.to_string(),
        })),
    }))
}
