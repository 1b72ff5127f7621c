//! `bank copy`: a whole bank into another database.

use std::path::Path;

use clap::Args;
use eventloom_runtime::projection::{ProjectorOptions, Skip};
use eventloom_runtime::store::whole::{self, Copied, CopyError, CopyStep};
use serde_json::json;

use crate::database::{Database, Named};
use crate::failure::Failure;
use crate::ledger::{Ledger, View};
use crate::progress::Progress;
use crate::screen::Screen;

const ABOUT: &str = "\
Events keep their order, ids and times, and what was decided before is still known, also which events
read models leave out. At the end both are read once more and compared. What is archived is copied too,
and lies with the rest. A copy that was cut off has a part of the bank alone, and every other command
refuses it: run it again, and it goes on. Let nobody use either of the two meanwhile. Where an event that
read models of the one leave out can be folded in the other, it is counted there: that is told, with exit
code 3, and the copy is otherwise whole.

Example:
  bank copy --from bank.db --to postgres://bank@localhost/bank";

/// Copy a whole bank into another database, which is empty.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Copy {
    /// The database that is copied.
    #[arg(long, value_name = "FILE|URL", value_parser = crate::cli::named())]
    from: Named,

    /// The database that is filled.
    #[arg(long, value_name = "FILE|URL", value_parser = crate::cli::named())]
    to: Named,
}

impl Copy {
    pub(crate) async fn run(
        self,
        archive: Option<&Path>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        match (self.from.with_archive(archive.map(Path::to_owned)), self.to) {
            (Named::File(from), Named::File(to)) => copy(&from, &to, screen).await,
            #[cfg(feature = "postgres")]
            (Named::File(from), Named::Server(to)) => copy(&from, &to, screen).await,
            #[cfg(feature = "postgres")]
            (Named::Server(from), Named::File(to)) => copy(&from, &to, screen).await,
            #[cfg(feature = "postgres")]
            (Named::Server(from), Named::Server(to)) => copy(&from, &to, screen).await,
            #[cfg(not(feature = "postgres"))]
            _ => Err(crate::database::without_postgres()),
        }
    }
}

async fn copy(
    from: &impl Database,
    to: &impl Database,
    screen: &mut Screen,
) -> Result<(), Failure> {
    from.check_there().await?;
    let decided = Ledger::open(from, ProjectorOptions::default()).await?.skips().await?;
    let (target, from, to) = (to, from.events(None).await?, to.to_be_filled().await?);
    let progress = Progress::counting("copying", 0);
    let copied = whole::copy(&from, &to, |it| {
        let done = match it.step {
            CopyStep::Events | CopyStep::Records => it.position,
            // Both are read.
            CopyStep::Verifying => it.head,
        };
        progress.at(done, it.head);
    });
    let copied = copied.await;
    progress.clear();
    let Copied { events, records, hash } = copied.map_err(not_copied)?;
    let undone = decide(target, &decided).await?;
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    if screen.is_json() && undone.is_none() {
        return screen.json(&json!({"events": events, "records": records, "sha256": hash}));
    }
    screen.good(
        "copied",
        format_args!("{events} events and {records} commands and keys, sha256 {}…", &hash[..16]),
    )?;
    undone.map_or(Ok(()), Err)
}

/// Leaves out of the rows of a copy what those of its source leave out; gives the failure to tell where some of it can't be.
/// A copy that is whole, and was cut off here, comes here again: nothing of this is left to the mark that it had.
async fn decide(
    target: &impl Database,
    decided: &[(View, Skip)],
) -> Result<Option<Failure>, Failure> {
    if decided.is_empty() {
        return Ok(None);
    }
    let ledger = Ledger::open(target, ProjectorOptions::default()).await?;
    let undone = ledger.skip_as(decided).await?;
    if undone.is_empty() {
        return Ok(None);
    }
    let poison = ledger.poison().await?;
    let told = undone.into_iter().map(|(view, skip)| {
        let before = poison.iter().find(|(of, it)| {
            of == view
                && it.position < skip.position
                && (it.stops || it.stream_id == skip.stream_id)
        });
        let (position, operator, reason) = (skip.position, &skip.operator, &skip.reason);
        let event = format!(
            "{view}: position {position}, {} v{} of `{}`, which {operator} skipped because: {reason}",
            skip.event_type, skip.version, skip.stream_id
        );
        match before {
            Some((_, it)) => format!(
                "{event}: it waits behind position {}; decide about that in the copy with `bank poison`, and run this \
                 again",
                it.position
            ),
            None => format!("{event}: it can be folded here, and the rows of the copy count it"),
        }
    });
    let told: Vec<String> = told.collect();
    Ok(Some(Failure::failed(
        "SkipsNotCopied",
        format_args!(
            "all events are copied, but not every decision to leave one out of the rows: {}. What is counted and must not \
             be is to be put right by a movement against it; until then stay with the bank that was copied",
            told.join("; ")
        ),
    )))
}

fn not_copied(error: CopyError) -> Failure {
    match error {
        CopyError::Itself => Failure::Usage(error.to_string()),
        error => Failure::failed("NotCopied", error),
    }
}
