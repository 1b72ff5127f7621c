//! Runs every promise of the conformance suite on every store there is, and draws the table.
//!
//! ```sh
//! cargo run -p eventloom-runtime --features testing-postgres --example conformance
//! ```
//!
//! Exit code 1 says that a promise is broken, 2 that it was asked wrongly.

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use eventloom_runtime::store::{Snapshot, StreamKey};
use eventloom_runtime::testing::conformance::table::{Column, Table};
use eventloom_runtime::testing::conformance::themes;
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::testing::{Memory, StoreKind};
use eventloom_runtime::{MemoryStore, Sequence, StoreError};

const HELP: &str = "\
Runs every promise of the conformance suite on every store there is, and draws the table.

Usage: conformance [--json] [--broken]

  --json    the table as JSON
  --broken  a store too that forgets its snapshots: to see what red looks like

✓ kept, ✗ broken, – not run, with the reason below. Exit code 1 where anything is broken.

Example:
  cargo run -p eventloom-runtime --features testing-postgres --example conformance
";

fn main() -> ExitCode {
    let (mut json, mut broken) = (false, false);
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--json") => json = true,
            Some("--broken") => broken = true,
            Some("--help" | "-h") => return print(HELP, ExitCode::SUCCESS),
            _ => {
                eprintln!("error: there is no `{}`\n\n{HELP}", argument.display());
                return ExitCode::from(2);
            }
        }
    }
    let hook = panic::take_hook();
    // Some promises are about code that panics; what else does is told in the table.
    panic::set_hook(Box::new(|_| {}));
    let table = Table::of(columns(broken));
    panic::set_hook(hook);
    let code = ExitCode::from(u8::from(table.is_red()));
    if json {
        return print(&format!("{:#}\n", table.to_json()), code);
    }
    let coloured = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    print(&table.drawn(coloured), code)
}

/// Nobody may be there to read it; the exit code tells all the same.
fn print(text: &str, code: ExitCode) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: can't write the output: {error}");
            ExitCode::FAILURE
        }
        _ => code,
    }
}

fn columns(broken: bool) -> Vec<Column> {
    let mut columns = vec![run(Memory), sqlite(), postgres()];
    if broken {
        columns.push(run(Forgetting));
    }
    columns
}

#[cfg(feature = "sqlite")]
fn sqlite() -> Column {
    run(eventloom_runtime::testing::Sqlite)
}

#[cfg(not(feature = "sqlite"))]
fn sqlite() -> Column {
    Column::absent("sqlite", "this was built without it: build it with `--features sqlite`")
}

#[cfg(feature = "testing-postgres")]
fn postgres() -> Column {
    use eventloom_runtime::testing::{Postgres, postgres};
    match postgres::check_server() {
        Ok(()) => run(Postgres),
        Err(because) => Column::absent(Postgres::NAME, because),
    }
}

#[cfg(not(feature = "testing-postgres"))]
fn postgres() -> Column {
    let because = "this was built without it: build it with `--features testing-postgres`";
    Column::absent("postgres", because)
}

/// Runs all promises on a store; how far it is shows on a terminal.
fn run<K: StoreKind>(kind: K) -> Column {
    let (all, done) =
        (themes().iter().map(|(_, promises)| promises.len()).sum(), AtomicUsize::new(0));
    let show = io::stderr().is_terminal();
    let column = Column::run(kind, |promise| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if show {
            progress(K::NAME, done, all, promise);
        }
    });
    if show {
        eprint!("\r\x1b[2K");
    }
    column
}

fn progress(store: &str, done: usize, all: usize, promise: &str) {
    const WIDTH: usize = 30;
    let filled = WIDTH * done / all.max(1);
    let bar = format!("{}{}", "█".repeat(filled), "░".repeat(WIDTH - filled));
    // Cut, so that it stays one line.
    let promise: String = promise.replace('_', " ").chars().take(30).collect();
    eprint!("\r\x1b[2K{store:9} {bar} {done}/{all} {promise}");
}

/// A store in memory that forgets its snapshots.
#[derive(Clone, Copy)]
struct Forgetting;

impl StoreKind for Forgetting {
    const NAME: &'static str = "broken";
    const CASES: u32 = 1;

    type Store = Intercepted<MemoryStore, Self>;
    type Place = MemoryStore;

    fn new_place(self) -> MemoryStore {
        MemoryStore::new()
    }

    async fn open(self, place: &MemoryStore) -> Result<Self::Store, StoreError> {
        Ok(Intercepted::new(place.clone(), self))
    }
}

impl Interceptor<MemoryStore> for Forgetting {
    async fn snapshot(
        &self,
        _: &MemoryStore,
        _: &StreamKey,
        _: u64,
        _: Sequence,
    ) -> Result<Option<Snapshot>, StoreError> {
        Ok(None)
    }
}
