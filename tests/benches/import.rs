//! `bank import` of a large file beside a raw loop that inserts the same events, 100 to a transaction.
//!
//! `cargo bench -p eventloom-tests --bench import -- [ROWS …]`; 200000 and 2000000 rows by default.
//! Prints rates, the ratio of those of events, and the peak memory of each import. Where a ratio is below
//! its floor, the exit code is 1.
#![allow(clippy::disallowed_types, clippy::float_arithmetic)] // figures for people, no money
#![allow(missing_docs)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

#[path = "support/raw.rs"]
#[allow(dead_code)]
mod raw;

const ACCOUNTS: usize = 1_000;
const FLOOR: f64 = 0.3;

fn main() -> ExitCode {
    let asked: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![200_000, 2_000_000] } else { asked };
    let bank = build_bank();
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!(
        "{:>10} {:>14} {:>16} {:>14} {:>7} {:>7} {:>12}",
        "rows", "import rows/s", "import events/s", "raw events/s", "ratio", "floor", "peak memory"
    );
    let mut held = true;
    for rows in sizes {
        held &= measure(&bank, folder.path(), rows);
    }
    ExitCode::from(u8::from(!held))
}

/// Imports so many rows, and inserts the events that came of them; tells whether the ratio is not
/// below its floor.
fn measure(bank: &Path, folder: &Path, rows: usize) -> bool {
    let file = folder.join(format!("{rows}.csv"));
    write_rows(&file, rows);
    let database = folder.join(format!("{rows}.db"));
    let started = Instant::now();
    let peak = run_import(bank, &file, &database);
    let seconds = started.elapsed().as_secs_f64();
    let events = stored_events(&database);
    let (rows_rate, import) = (rows as f64 / seconds, events.len() as f64 / seconds);
    let connection = raw::create(&folder.join(format!("{rows}-raw.db")));
    let started = Instant::now();
    raw::insert_all(&connection, &events, 100);
    let raw = events.len() as f64 / started.elapsed().as_secs_f64();
    let held = import / raw >= FLOOR;
    let verdict = if held { "" } else { "  BELOW" };
    println!(
        "{rows:>10} {rows_rate:>14.0} {import:>16.0} {raw:>14.0} {:>7.2} {FLOOR:>7.2} {:>8} MiB{verdict}",
        import / raw,
        peak / 1024
    );
    for left in [file, database] {
        fs::remove_file(left).expect("the file was there");
    }
    held
}

/// Runs the import to its end; gives its peak resident memory in KiB, as last seen while it ran.
fn run_import(bank: &Path, file: &Path, database: &Path) -> u64 {
    let mut child = Command::new(bank)
        .args(["--db".as_ref(), database.as_os_str(), "import".as_ref(), file.as_os_str()])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("bank starts");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    loop {
        if let Ok(text) = fs::read_to_string(&status) {
            let line = text.lines().find(|line| line.starts_with("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
            peak = peak.max(kib.unwrap_or(0));
        }
        if let Some(status) = child.try_wait().expect("bank runs") {
            assert!(status.success(), "the import failed: {status}");
            return peak;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Rows over all accounts in turn: opened first, then deposits and withdrawals, some of them refused.
fn write_rows(file: &Path, rows: usize) {
    let mut out = BufWriter::new(File::create(file).expect("a file"));
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    writeln!(out, "account_id,customer_id,transaction_id,kind,amount,at").expect("written");
    for row in 0..rows {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let account = if row < ACCOUNTS { row } else { random as usize % ACCOUNTS };
        let cents = 1 + random % 9_999;
        let kind = match row {
            _ if row < ACCOUNTS => "open",
            _ if random >> 40 & 1 == 0 => "withdraw",
            _ => "deposit",
        };
        let customer = if kind == "open" { format!("C{account}") } else { String::new() };
        let (day, second) = (1 + row / 86_400, row % 86_400);
        writeln!(
            out,
            "A{account:04},{customer},T{row:08},{kind},{}.{:02},2026-01-{day:02}T{:02}:{:02}:{:02}Z",
            cents / 100,
            cents % 100,
            second / 3_600,
            second / 60 % 60,
            second % 60,
        )
        .expect("written");
    }
    out.flush().expect("written");
}

fn stored_events(database: &Path) -> Vec<raw::RawEvent> {
    let connection = rusqlite::Connection::open(database).expect("the imported database");
    let mut select = connection
        .prepare("SELECT stream_id, sequence, event_type, data FROM event_log ORDER BY position")
        .expect("the event log");
    let events = select.query_map([], |row| {
        Ok(raw::RawEvent {
            stream: row.get(0)?,
            sequence: row.get::<_, i64>(1)?.unsigned_abs(),
            event_type: if row.get::<_, String>(2)? == "AccountOpened" {
                "AccountOpened"
            } else {
                "MoneyDeposited"
            },
            data: row.get(3)?,
        })
    });
    events.expect("events").collect::<Result<_, _>>().expect("events")
}

fn build_bank() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "-p", "generated-example"])
        .status()
        .expect("cargo runs");
    assert!(built.success(), "bank does not build");
    // target/release/deps/import-…: bank lies two folders up.
    let own = std::env::current_exe().expect("the bench's own path");
    own.ancestors().nth(2).expect("target/release").join("bank")
}
