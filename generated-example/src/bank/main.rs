//! The `bank` command: a small real bank on the generated code of this package.
//!
//! This file parses the command line and turns the outcome into output and exit code. What the
//! commands do stands in [`commands`], one file each; rules stand in the ontology and nowhere else.

mod cli;
mod commands;
mod database;
mod failure;
mod import;
mod input;
mod ledger;
mod progress;
mod screen;
mod table;

use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::screen::Screen;

/// Threads for reading: a few for the database, one for a file. Each has a heap of its own, so that
/// more of them would mostly cost memory.
const READING_THREADS: usize = 8;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let mut screen = Screen::new(cli.json);
    match run(cli, &mut screen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen.fail(&failure);
            failure.exit_code()
        }
    }
}

/// One thread decides: the database has a thread of its own, which is as busy.
fn run(cli: Cli, screen: &mut Screen) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(READING_THREADS)
        .build()
        .map_err(|error| Failure::failed("NotStarted", error))?;
    runtime.block_on(cli.run(screen))?;
    screen.flush()
}
