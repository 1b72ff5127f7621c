//! `bank import`: decides every row of a file, once.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::database::Database;
use crate::failure::Failure;
use crate::import::{Report, Source};
use crate::ledger::Place;
use crate::screen::Screen;

const FORMAT: &str = "\
The file begins with the header
  account_id,customer_id,transaction_id,kind,amount,at
where kind is open, deposit, withdraw or close, and at is a time such as 2026-01-05T09:00:00Z.

Each row is decided once, by what it says: the same row again, in a second run or another file, gets
its first answer. Rows that are refused or can't be read don't stop the rest: they go with the reason
to movements.rejected.csv where the file is movements.csv, and to NAME.rejected for any other NAME.
An import that was cut off goes on when it is run again.

Example:
  bank import movements.csv";

/// Decide every row of a CSV file, once.
#[derive(Debug, Args)]
#[command(after_help = FORMAT)]
pub(crate) struct Import {
    /// The file.
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
}

impl Import {
    pub(crate) async fn run(
        self,
        place: &Place<impl Database>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let source = Source::open(&self.file)?;
        let ledger = place.create().await?;
        let started = Instant::now();
        let report = source.import(&ledger).await.map_err(cut_off)?;
        ledger.catch_up().await?;
        let took = started.elapsed();
        if screen.is_json() {
            return screen.json(&json!({
                "rows": report.rows,
                "applied": report.applied,
                "unchanged": report.unchanged,
                "refused": report.refused,
                "malformed": report.malformed,
                "rejectedFile": report.rejected.map(|path| path.display().to_string()),
                "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "rowsPerSecond": per_second(report.rows, took),
            }));
        }
        tell(&report, took, screen)
    }
}

/// What stopped an import undid nothing of what came before.
fn cut_off(failure: Failure) -> Failure {
    match failure {
        Failure::Failed { error, message } => Failure::failed(
            error,
            format_args!(
                "{message}; the import was cut off here: rows decided before stay decided, and the \
                 same import goes on when it is run again"
            ),
        ),
        other => other,
    }
}

fn tell(report: &Report, took: Duration, screen: &mut Screen) -> Result<(), Failure> {
    let lines = [
        (report.rows, "rows"),
        (report.applied, "applied"),
        (report.unchanged, "decided before"),
        (report.refused, "refused"),
        (report.malformed, "could not be read"),
    ];
    for (count, what) in lines {
        screen.line(format_args!("{count:>10}  {what}"))?;
    }
    let rate = per_second(report.rows, took);
    screen.line(format_args!("{rate:>10}  rows/s"))?;
    match &report.rejected {
        Some(path) => {
            screen.line(format_args!("what was not applied stands in {}", path.display()))
        }
        None => Ok(()),
    }
}

fn per_second(rows: u64, took: Duration) -> u64 {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    rows.saturating_mul(1000) / milliseconds
}
