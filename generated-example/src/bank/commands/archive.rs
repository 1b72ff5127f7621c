//! `bank archive`: what is older than the bank keeps it leaves the database for compressed files.

use std::path::PathBuf;

use clap::Args;
use eventloom_runtime::Position;
use eventloom_runtime::aggregate::Retention;
use eventloom_runtime::store::archive::{AggregateReport, ArchiveReport, Archiver};
use generated_example::bank_account::BankAccount;
use serde_json::{Value, json};

use crate::database::Database;
use crate::failure::Failure;
use crate::ledger::Place;
use crate::progress::Progress;
use crate::screen::Screen;

const ABOUT: &str = "\
Events go that are older than the ontology's retentionPolicy and come before a snapshot of their account.
Nothing is forgotten: other commands read what is archived from DIR, which the database remembers; where
it has moved, name it with --archive, or archive to where it is now, which is remembered though nothing
should have aged out. Keep it as safe as the database. Others may use the bank meanwhile.

Example:
  bank archive --to archive --dry-run";

/// Move what is older than the bank keeps it to compressed files.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Archive {
    /// The folder of the files, always the same one for a bank.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// Only say what would be archived.
    #[arg(long)]
    dry_run: bool,
}

impl Archive {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        if let Some(other) = place.archive() {
            return Err(Failure::Usage(format!(
                "`bank archive` reads and writes the folder of --to alone, and --archive names another ({}): leave that \
                 out; --to is the folder as it is called now",
                other.display()
            )));
        }
        let store = place.events_with_archive(&self.to).await?;
        let progress = Progress::counting("archiving", 0);
        let archiver = Archiver::new(&store).aggregate::<BankAccount>().dry_run(self.dry_run);
        let report = archiver.run(|it| progress.at(it.position, it.head)).await;
        progress.clear();
        let report = report?;
        if screen.is_json() {
            return screen.json(&told(&report));
        }
        let gone = format!(
            "{} of {}",
            counted(report.events(), "event"),
            counted(report.streams(), "account")
        );
        let to = self.to.display();
        if self.dry_run {
            screen.good("would archive", format_args!("{gone} to {to}"))?;
        } else {
            let files = counted(report.segments.len() as u64, "file");
            let bytes = counted(report.bytes(), "byte");
            screen.good("archived", format_args!("{gone} to {to}: {files} with {bytes}"))?;
        }
        for aggregate in &report.aggregates {
            screen.quiet(stayed(aggregate, report.head))?;
        }
        for file in &report.unknown_files {
            // While nobody is kept from archiving, what nobody needs may be needed a moment later.
            let what = match self.dry_run {
                true => {
                    "is not known to this bank now: keep it; `bank archive` without --dry-run tells what it is"
                }
                false => {
                    "holds nothing that this bank needs: a run was cut off before any event left for it. It was left as it \
                     is, and may be deleted with its manifest, unless a copy of this database archives to the folder too"
                }
            };
            screen.quiet(format_args!("{file} {what}"))?;
        }
        Ok(())
    }
}

/// Why events stayed, in words.
fn stayed(of: &AggregateReport, head: Position) -> String {
    let Some(before) = of.before else {
        return format!("{} keeps its events for ever", of.aggregate);
    };
    // What lies behind is young too, and was not looked at.
    let more = if of.looked_up_to < head { " or more" } else { "" };
    format!(
        "{} keeps its events for {}; what stayed: {}{more} recorded since {before}, {} that no snapshot lies behind, {} behind a \
         younger one",
        of.aggregate,
        kept(of.retention),
        of.young,
        of.uncovered,
        of.behind_young
    )
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn kept(retention: Retention) -> String {
    match retention {
        Retention::Forever => "ever".to_owned(),
        Retention::Days(days) => counted(days.into(), "day"),
        Retention::Months(months) if months % 12 == 0 => counted((months / 12).into(), "year"),
        Retention::Months(months) => counted(months.into(), "month"),
    }
}

fn told(report: &ArchiveReport) -> Value {
    let aggregate = |of: &AggregateReport| {
        json!({
            "aggregate": of.aggregate,
            "before": of.before.map(|before| before.to_string()),
            "events": of.events,
            "streams": of.streams,
            "lookedUpTo": of.looked_up_to,
            "stayed": {
                "young": of.young,
                "uncovered": of.uncovered,
                "behindYoung": of.behind_young,
            },
        })
    };
    let files = report.segments.iter();
    let files = files.map(|it| json!({"file": it.file, "events": it.events, "bytes": it.bytes}));
    json!({
        "dryRun": report.is_dry_run,
        "head": report.head,
        "events": report.events(),
        "streams": report.streams(),
        "aggregates": report.aggregates.iter().map(aggregate).collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
        "unknownFiles": report.unknown_files,
    })
}
