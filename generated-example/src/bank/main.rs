//! The `bank` command: a small real bank on the generated code of this package.
//!
//! This file parses the command line and turns the outcome into output and exit code. What the
//! commands do stands in [`commands`], one file each; rules stand in the ontology and nowhere else.

mod cli;
mod commands;
mod failure;
mod import;
mod input;
mod ledger;
mod progress;
mod screen;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::screen::Screen;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut screen = Screen::new(cli.json);
    let done = match cli.run(&mut screen).await {
        Ok(()) => screen.flush(),
        Err(failure) => Err(failure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen.fail(&failure);
            failure.exit_code()
        }
    }
}
