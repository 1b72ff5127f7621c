//! The command line: what can be asked, and which file answers.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    as_of::AsOf, balance::Balance, close::Close, demo::Demo, deposit::Deposit, export::Export,
    history::History, import::Import, open::Open, rebuild::Rebuild, timeline::Timeline,
    withdraw::Withdraw,
};
use crate::failure::Failure;
use crate::ledger::Place;
use crate::screen::Screen;

const CODES: &str = "\
Exit codes:
  0  done
  1  refused by the bank's rules; nothing was appended
  2  asked wrongly (arguments, a missing file, a wrong header)
  3  the store or a file failed";

/// A small bank: event-sourced, on one SQLite file.
#[derive(Debug, Parser)]
#[command(name = "bank", version, after_help = CODES)]
pub(crate) struct Cli {
    /// The bank's database.
    #[arg(long, global = true, value_name = "FILE", default_value = "bank.db")]
    db: PathBuf,

    /// Answer with JSON on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(Demo),
    Open(Open),
    Deposit(Deposit),
    Withdraw(Withdraw),
    Close(Close),
    Balance(Balance),
    History(History),
    AsOf(AsOf),
    Timeline(Timeline),
    Export(Export),
    Rebuild(Rebuild),
    Import(Import),
}

impl Cli {
    /// Does what was asked.
    pub(crate) async fn run(self, screen: &mut Screen) -> Result<(), Failure> {
        let place = Place::new(self.db);
        match self.command.unwrap_or(Command::Demo(Demo {})) {
            Command::Demo(demo) => demo.run(screen).await,
            Command::Open(open) => open.run(&place, screen).await,
            Command::Deposit(deposit) => deposit.run(&place, screen).await,
            Command::Withdraw(withdraw) => withdraw.run(&place, screen).await,
            Command::Close(close) => close.run(&place, screen).await,
            Command::Balance(balance) => balance.run(&place, screen).await,
            Command::History(history) => history.run(&place, screen).await,
            Command::AsOf(as_of) => as_of.run(&place, screen).await,
            Command::Timeline(timeline) => timeline.run(&place, screen).await,
            Command::Export(export) => export.run(&place, screen).await,
            Command::Rebuild(rebuild) => rebuild.run(&place, screen).await,
            Command::Import(import) => import.run(&place, screen).await,
        }
    }
}
