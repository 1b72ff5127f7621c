//! Importing a file: rows are read in order, decided many accounts at a time, and answered in order.
//!
//! Each row is a command with its own time and its own id ([`row`]), so the bank decides it once, however
//! often the file is sent. The rows of one account are decided one after the other, in the order of the
//! file; different accounts don't wait for each other, and their commits share a sync ([`lanes`]). Memory
//! is bounded by the [`window`] of rows that are on their way.
//!
//! A run that is killed at any point and started again ends in the same state, with the same rejected
//! file: whatever was decided is decided, and each account goes on where it stopped.

mod lanes;
mod lines;
mod rejected;
mod report;
mod row;
mod window;

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use self::lanes::{Answer, Lanes};
use self::lines::{Line, Lines};
use self::rejected::Rejected;
use self::report::Tally;
use self::row::{COLUMNS, Fields, Row};
use self::window::{Entry, Window};
use crate::failure::Failure;
use crate::input;
use crate::ledger::Ledger;
use crate::progress::Progress;

pub(crate) use self::report::Report;

/// Rows that are handed over together.
const CHUNK: usize = 256;

/// A row that has been read.
struct ReadRow {
    line: u64,
    /// Its fields, as far as they could be told apart.
    fields: Fields,
    /// What it asks, or why it is no row.
    row: Result<Row, String>,
    /// Where in the file it ends.
    end: u64,
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
        let metadata = fs::metadata(path).map_err(usage)?;
        if !metadata.is_file() {
            return Err(not_a_file(path, &metadata));
        }
        let file = File::open(path).map_err(usage)?;
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file)).map_err(usage)?;
        let header = lines.next().map_err(usage)?;
        check_header(header.map(|line| line.text)).map_err(|found| {
            let expected = COLUMNS.join(",");
            let path = path.display();
            Failure::Usage(format!("{path}: the first line should be `{expected}`, but {found}"))
        })?;
        Ok(Self { path: path.to_owned(), lines, length: metadata.len() })
    }

    /// Decides every row.
    pub(crate) async fn import(self, ledger: &Ledger) -> Result<Report, Failure> {
        let rejected = Rejected::create(&self.path)?;
        let progress = Progress::reading("importing", self.length);
        let done = decide_all(ledger, self.lines, Tally::new(rejected, &progress)).await;
        progress.clear();
        done
    }
}

/// An import that was cut off reads its file again, and what comes from a pipe comes once.
fn not_a_file(path: &Path, metadata: &fs::Metadata) -> Failure {
    let path = path.display();
    Failure::Usage(match metadata.is_dir() {
        true => format!("{path} is a folder; name a file"),
        false => format!(
            "{path} is a pipe or a device, which can't be read again if the import is cut off; \
             save it to a file and import that"
        ),
    })
}

/// What is wrong with the first line, if it isn't the header.
fn check_header(line: Option<Result<&str, &'static str>>) -> Result<(), String> {
    let text = line.ok_or("the file is empty")??;
    if row::split(text).is_ok_and(|fields| fields == COLUMNS[..]) {
        return Ok(());
    }
    Err(format!("it is `{}`", input::shown(text)))
}

async fn decide_all(
    ledger: &Ledger,
    lines: Lines<BufReader<File>>,
    mut tally: Tally<'_>,
) -> Result<Report, Failure> {
    let (sender, mut chunks) = mpsc::channel(4);
    let reader = tokio::task::spawn_blocking(move || read_all(lines, &sender));
    let mut lanes = Lanes::new(ledger.accounts());
    let mut window = Window::default();
    let mut reading = true;
    loop {
        tokio::select! {
            chunk = chunks.recv(), if reading && window.has_room() => match chunk {
                Some(chunk) => admit(chunk, &mut window, &mut lanes),
                None => reading = false,
            },
            Some(answers) = lanes.next() => window.answer(answers?),
            else => break,
        }
        while let Some((entry, answer)) = window.pop() {
            tally.add(&entry, answer)?;
        }
    }
    match reader.await {
        Ok(read) => read.map_err(|error| cannot_read(&error))?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
    tally.finish()
}

/// Sends rows on their way.
fn admit(chunk: Vec<ReadRow>, window: &mut Window, lanes: &mut Lanes) {
    for ReadRow { line, fields, row, end } in chunk {
        let (row, answer) = match row {
            Ok(row) => (Some(row), None),
            Err(reason) => (None, Some(Answer::Malformed { reason })),
        };
        let number = window.push(Entry { line, fields, end, answer });
        if let Some(row) = row {
            lanes.add(number, row);
        }
    }
}

/// Reads the rows, as fast as they are taken.
fn read_all(
    mut lines: Lines<BufReader<File>>,
    chunks: &mpsc::Sender<Vec<ReadRow>>,
) -> io::Result<()> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        while chunk.len() < CHUNK
            && let Some(line) = lines.next()?
        {
            // An empty line is how many files end, and no row.
            if line.text != Ok("") {
                chunk.push(read_row(line));
            }
        }
        let at_end = chunk.len() < CHUNK;
        // Nobody takes them any more after a failure, which is told there.
        if chunks.blocking_send(chunk).is_err() || at_end {
            return Ok(());
        }
    }
}

fn read_row(Line { number, text, end }: Line<'_>) -> ReadRow {
    let (fields, row) = match text.map_err(ToOwned::to_owned).and_then(row::split) {
        Ok(fields) => {
            let row = row::read(&fields);
            (fields, row)
        }
        Err(reason) => (Fields::new(), Err(reason)),
    };
    ReadRow { line: number, fields, row, end }
}

fn cannot_read(error: &io::Error) -> Failure {
    Failure::failed("FileUnreadable", format_args!("can't read on: {error}"))
}
