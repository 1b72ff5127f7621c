//! The command line: what can be asked, and which file answers.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};

use crate::commands::{
    archive::Archive, as_of::AsOf, balance::Balance, close::Close, copy::Copy, demo::Demo,
    deposit::Deposit, export::Export, history::History, import::Import, open::Open, poison::Poison,
    projections::Projections, rebuild::Rebuild, run_projections::RunProjections,
    timeline::Timeline, withdraw::Withdraw,
};
use crate::database::{Database, Named};
use crate::failure::Failure;
use crate::input;
use crate::ledger::Place;
use crate::screen::Screen;

const CODES: &str = "\
Exit codes:
  0  done
  1  refused by the bank's rules; nothing was appended
  2  asked wrongly (arguments, a missing file, a wrong header)
  3  the store or a file failed";

/// A small bank: event-sourced, on one SQLite file or a PostgreSQL database.
#[derive(Debug, Parser)]
#[command(name = "bank", version, after_help = CODES)]
pub(crate) struct Cli {
    /// The bank's database: a file, or `postgres://user:password@host/database`.
    #[arg(
        long, global = true, value_name = "FILE|URL", default_value = "bank.db", value_parser = named()
    )]
    db: Named,

    /// The folder with what `bank archive` has archived, where it is no longer the one that was named then.
    #[arg(long, global = true, value_name = "DIR")]
    archive: Option<PathBuf>,

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
    Projections(Projections),
    Poison(Poison),
    RunProjections(RunProjections),
    Rebuild(Rebuild),
    Import(Import),
    Copy(Copy),
    Archive(Archive),
}

impl Cli {
    /// Reads the arguments. Where that is not a command to run, what is to be said about it has been
    /// said: help, or what is wrong, as JSON where that is asked for.
    pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> Result<Self, ExitCode> {
        let arguments: Vec<OsString> = arguments.collect();
        Self::try_parse_from(&arguments).map_err(|error| {
            let wrong = error.use_stderr();
            let mut options = arguments.iter().take_while(|argument| *argument != "--");
            if wrong && options.any(|option| option == "--json") {
                let failure = Failure::Usage(message(&tame(error)));
                Screen::new(true).fail(&failure);
                return failure.exit_code();
            }
            // Nothing can be done where even that fails; the exit code still tells.
            let _ = tame(error).print();
            ExitCode::from(if wrong { 2 } else { 0 })
        })
    }

    /// Does what was asked.
    pub(crate) async fn run(self, screen: &mut Screen) -> Result<(), Failure> {
        let command = self.command.unwrap_or(Command::Demo(Demo {}));
        match self.db.with_archive(self.archive) {
            Named::File(file) => command.run(&Place::new(file), screen).await,
            #[cfg(feature = "postgres")]
            Named::Server(server) => command.run(&Place::new(server), screen).await,
            #[cfg(not(feature = "postgres"))]
            Named::Server => Err(crate::database::without_postgres()),
        }
    }
}

impl Command {
    async fn run(self, place: &Place<impl Database>, screen: &mut Screen) -> Result<(), Failure> {
        match self {
            Self::Demo(demo) => demo.run(screen).await,
            Self::Open(open) => open.run(place, screen).await,
            Self::Deposit(deposit) => deposit.run(place, screen).await,
            Self::Withdraw(withdraw) => withdraw.run(place, screen).await,
            Self::Close(close) => close.run(place, screen).await,
            Self::Balance(balance) => balance.run(place, screen).await,
            Self::History(history) => history.run(place, screen).await,
            Self::AsOf(as_of) => as_of.run(place, screen).await,
            Self::Timeline(timeline) => timeline.run(place, screen).await,
            Self::Export(export) => export.run(place, screen).await,
            Self::Projections(projections) => projections.run(place, screen).await,
            Self::Poison(poison) => poison.run(place, screen).await,
            Self::RunProjections(running) => running.run(place, screen).await,
            Self::Rebuild(rebuild) => rebuild.run(place, screen).await,
            Self::Import(import) => import.run(place, screen).await,
            Self::Copy(copy) => copy.run(place.archive(), screen).await,
            Self::Archive(archive) => archive.run(place, screen).await,
        }
    }
}

/// Takes anything for a file that is no address.
pub(crate) fn named() -> impl TypedValueParser<Value = Named> {
    OsStringValueParser::new().map(Named::from)
}

/// What clap has to say, in one line and without its advice to ask for help.
fn message(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let told: Vec<&str> = lines.take_while(|line| !line.starts_with("For more info")).collect();
    told.join(" ").trim_start_matches("error: ").to_owned()
}

/// Arguments are shown in messages; those that would upset a terminal are made harmless, and long
/// ones short.
fn tame(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand]
    {
        if let Some(ContextValue::String(value)) = error.get(kind) {
            let shown = input::shown(value);
            error.insert(kind, ContextValue::String(shown));
        }
    }
    error
}
