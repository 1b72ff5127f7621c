//! Importing a file: rows are read in order, decided many accounts at a time, and answered in order.
//!
//! Each row is a command with its own time and its own id ([`row`]), so the bank decides it once, however
//! often the file is sent. The rows of one account are decided one after the other, in the order of the
//! file; different accounts don't wait for each other, and their commits share a sync ([`lanes`]). Memory
//! is bounded by the [`window`] of rows that are on their way, in rows and in bytes.
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
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use eventloom_runtime::{Duration, EventStore, Timestamp};
use tokio::sync::mpsc;

use self::lanes::{Answer, Lanes};
use self::lines::{Line, Lines};
use self::rejected::Rejected;
use self::report::Tally;
use self::row::{COLUMNS, Fields, Row};
use self::window::{Entry, Window};
use crate::database::Database;
use crate::failure::Failure;
use crate::input;
use crate::ledger::Ledger;
use crate::progress::Progress;

pub(crate) use self::report::Report;

/// Rows that are handed over together.
const CHUNK: usize = 256;
/// Bytes of fields after which no further row is handed over with them.
const CHUNK_BYTES: usize = 256 * 1024;
/// How far a row may be ahead of this machine's clock: it may be another's time zone, and is no mistake of a century.
const DAY: Duration = Duration::from_micros(86_400_000_000);

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
    pub(crate) async fn import(self, ledger: &Ledger<impl Database>) -> Result<Report, Failure> {
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
    ledger: &Ledger<impl Database>,
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
fn admit(chunk: Vec<ReadRow>, window: &mut Window, lanes: &mut Lanes<impl EventStore>) {
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
fn read_all(mut lines: Lines<impl BufRead>, chunks: &mpsc::Sender<Vec<ReadRow>>) -> io::Result<()> {
    let latest = Timestamp::now().checked_add(DAY).unwrap_or(Timestamp::MAX);
    loop {
        let chunk = read_chunk(&mut lines, latest)?;
        // Nobody takes them any more after a failure, which is told there.
        if chunk.is_empty() || chunks.blocking_send(chunk).is_err() {
            return Ok(());
        }
    }
}

/// The next rows; none at the end of the file.
fn read_chunk(lines: &mut Lines<impl BufRead>, latest: Timestamp) -> io::Result<Vec<ReadRow>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut bytes = 0;
    while chunk.len() < CHUNK
        && bytes < CHUNK_BYTES
        && let Some(line) = lines.next()?
    {
        // An empty line is how many files end, and no row.
        if line.text != Ok("") {
            let row = read_row(line, latest);
            bytes += row.fields.as_slice().len();
            chunk.push(row);
        }
    }
    Ok(chunk)
}

fn read_row(Line { number, text, end }: Line<'_>, latest: Timestamp) -> ReadRow {
    let (fields, row) = match text.map_err(ToOwned::to_owned).and_then(row::split) {
        Ok(fields) => {
            let row = row::read(&fields, latest);
            (kept(fields), row)
        }
        Err(reason) => (Fields::new(), Err(reason)),
    };
    ReadRow { line: number, fields, row, end }
}

/// The fields that a rejected row shows. A line of nothing but commas has thousands, and each takes
/// more memory than its comma.
fn kept(fields: Fields) -> Fields {
    if fields.len() > COLUMNS.len() { fields.iter().take(COLUMNS.len()).collect() } else { fields }
}

fn cannot_read(error: &io::Error) -> Failure {
    Failure::failed("FileUnreadable", format_args!("can't read on: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(file: &[u8]) -> Vec<Vec<ReadRow>> {
        let mut lines = Lines::new(file).expect("bytes can be read");
        let next = || Some(read_chunk(&mut lines, Timestamp::MAX).expect("bytes can be read"));
        std::iter::from_fn(next).take_while(|chunk| !chunk.is_empty()).collect()
    }

    #[test]
    fn rows_are_handed_over_in_the_order_of_the_file() {
        let file: String =
            (0..1_000).map(|row| format!("\nA{row},,T{row},deposit,1,at\n")).collect();
        let chunks = chunks(file.as_bytes());
        assert!(chunks.iter().rev().skip(1).all(|chunk| chunk.len() == CHUNK));
        let ids: Vec<_> = chunks.iter().flatten().map(|row| row.fields[0].to_owned()).collect();
        assert_eq!(ids, (0..1_000).map(|row| format!("A{row}")).collect::<Vec<_>>());
    }

    /// Chunks were counted in rows alone: six of them under way, of 16 KiB a row, took 25 MiB.
    #[test]
    fn long_rows_are_handed_over_few_at_a_time() {
        let row = format!("A1,{},T1,deposit,1,2026-01-05T09:00:00Z\n", "x".repeat(16_000));
        let chunks = chunks(row.repeat(100).as_bytes());
        assert_eq!(chunks.iter().map(Vec::len).sum::<usize>(), 100);
        let longest = chunks.iter().map(Vec::len).max();
        assert!(longest.is_some_and(|rows| rows * 16_000 < CHUNK_BYTES + 16_384), "{longest:?}");
    }

    /// All fields of a spoilt line were kept: the places of those of 16 KiB of commas took 128 KiB.
    #[test]
    fn a_line_of_commas_is_told_and_not_kept() {
        let mut chunks = chunks(",".repeat(16_000).as_bytes());
        let row = chunks.remove(0).remove(0);
        assert_eq!(row.fields.len(), COLUMNS.len());
        assert_eq!(row.row, Err("16001 fields instead of 6".to_owned()));
    }
}
