//! Importing a file: rows are read in order, decided many accounts at a time, and answered in order.
//!
//! Each row is a command with its own time and its own id ([`row`]), so the bank decides it once, however
//! often the file is sent. The rows of one account are decided one after the other, in the order of the
//! file; different accounts don't wait for each other, and their commits share a sync. Memory is bounded by
//! the batch: one is decided while the next one is read.
//!
//! A run that is killed at any point and started again ends in the same state, with the same rejected
//! file: whatever was decided is decided, and each account goes on where it stopped.

mod lanes;
mod lines;
mod rejected;
mod row;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use self::lanes::Answer;
use self::lines::Lines;
use self::rejected::Rejected;
use self::row::{COLUMNS, Fields, Row};
use crate::failure::Failure;
use crate::ledger::Ledger;
use crate::progress::Progress;

/// Rows that are decided together: enough to keep a thousand accounts busy, some ten megabytes.
const BATCH: usize = 16_384;
/// Malformed rows that are told of one by one; all of them are in the rejected file.
const TOLD: u64 = 20;
/// What stands in the rejected file in place of a refusal's name.
const MALFORMED: &str = "MalformedRow";

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Rows read, malformed ones included.
    pub(crate) rows: u64,
    /// Rows that were applied now.
    pub(crate) applied: u64,
    /// Rows that had been applied before.
    pub(crate) unchanged: u64,
    /// Rows that the bank refused, now or before.
    pub(crate) refused: u64,
    /// Rows that could not be read.
    pub(crate) malformed: u64,
    /// Where refused and malformed rows stand, if there are any.
    pub(crate) rejected: Option<PathBuf>,
}

impl Report {
    fn count(&mut self, answer: &Answer) {
        self.rows += 1;
        *match answer {
            Answer::Applied => &mut self.applied,
            Answer::Unchanged => &mut self.unchanged,
            Answer::Refused { .. } => &mut self.refused,
            Answer::Malformed { .. } => &mut self.malformed,
        } += 1;
    }
}

/// Lines that were read together.
#[derive(Default)]
struct Batch {
    /// The number of each line and its fields, as far as they could be told apart.
    lines: Vec<(u64, Fields)>,
    /// What each line asks, or why it is no row.
    rows: Vec<Result<Row, String>>,
    /// Where in the file they end.
    bytes: u64,
}

/// A file that can be imported.
pub(crate) struct Source {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    length: u64,
}

impl Source {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let usage =
            |error: io::Error| Failure::Usage(format!("can't read {}: {error}", path.display()));
        let file = File::open(path).map_err(usage)?;
        let length = file.metadata().map_err(usage)?.len();
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file)).map_err(usage)?;
        let header = lines.next().map_err(usage)?;
        check_header(header.map(|line| line.text)).map_err(|found| {
            let expected = COLUMNS.join(",");
            let path = path.display();
            Failure::Usage(format!("{path}: the first line should be `{expected}`, but {found}"))
        })?;
        Ok(Self { path: path.to_owned(), lines, length })
    }

    /// Decides every row.
    pub(crate) async fn import(self, ledger: &Ledger) -> Result<Report, Failure> {
        let rejected = Rejected::create(&self.path)?;
        let progress = Progress::reading("importing", self.length);
        let done = decide_all(ledger, self.lines, rejected, &progress).await;
        progress.clear();
        done
    }
}

/// What is wrong with the first line, if it isn't the header.
fn check_header(line: Option<Result<&str, &'static str>>) -> Result<(), String> {
    let text = line.ok_or("the file is empty")??;
    if row::split(text).is_ok_and(|fields| fields == COLUMNS[..]) {
        return Ok(());
    }
    let start: String = text.chars().take(100).collect();
    Err(format!("it is `{}`", start.escape_debug()))
}

async fn decide_all(
    ledger: &Ledger,
    lines: Lines<BufReader<File>>,
    mut rejected: Rejected,
    progress: &Progress,
) -> Result<Report, Failure> {
    let (sender, mut batches) = mpsc::channel(1);
    let reader = tokio::task::spawn_blocking(move || read(lines, &sender));
    let mut report = Report::default();
    while let Some(Batch { lines, rows, bytes }) = batches.recv().await {
        let answers = lanes::decide(ledger.accounts(), rows).await?;
        for ((line, fields), answer) in lines.iter().zip(answers) {
            report.count(&answer);
            if let Answer::Malformed { reason } = &answer
                && report.malformed <= TOLD
            {
                progress.tell(&format!("line {line} could not be read: {reason}"));
            }
            reject(*line, fields, answer, &mut rejected)?;
        }
        progress.reach(bytes);
    }
    match reader.await {
        Ok(read) => read.map_err(|error| cannot_read(&error))?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
    if report.malformed > TOLD {
        progress.tell(&format!("{} further rows could not be read", report.malformed - TOLD));
    }
    report.rejected = rejected.finish()?;
    Ok(report)
}

/// Writes a row down if it was not applied.
fn reject(
    line: u64,
    fields: &Fields,
    answer: Answer,
    rejected: &mut Rejected,
) -> Result<(), Failure> {
    match answer {
        Answer::Applied | Answer::Unchanged => Ok(()),
        Answer::Refused { error, message } => rejected.add(line, fields, &error, &message),
        Answer::Malformed { reason } => rejected.add(line, fields, MALFORMED, &reason),
    }
}

/// Reads the rows, as fast as batches are taken.
fn read(mut lines: Lines<BufReader<File>>, batches: &mpsc::Sender<Batch>) -> io::Result<()> {
    loop {
        let mut batch = Batch::default();
        while batch.rows.len() < BATCH
            && let Some(line) = lines.next()?
        {
            // An empty line is how many files end, and no row.
            if line.text != Ok("") {
                batch.add(line.number, line.text);
            }
        }
        let at_end = batch.rows.len() < BATCH;
        batch.bytes = lines.bytes();
        // Nobody takes batches any more after a failure, which is told there.
        if batches.blocking_send(batch).is_err() || at_end {
            return Ok(());
        }
    }
}

impl Batch {
    fn add(&mut self, number: u64, text: Result<&str, &'static str>) {
        let split = text.map_err(ToOwned::to_owned).and_then(row::split);
        let (fields, row) = match split {
            Ok(fields) => {
                let row = row::read(&fields);
                (fields, row)
            }
            Err(reason) => (Fields::new(), Err(reason)),
        };
        self.lines.push((number, fields));
        self.rows.push(row);
    }
}

fn cannot_read(error: &io::Error) -> Failure {
    Failure::failed("FileUnreadable", format_args!("can't read on: {error}"))
}
