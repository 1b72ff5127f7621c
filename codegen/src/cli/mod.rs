//! The `eventloom` command: what can be asked, and which file answers.
//!
//! Only with the feature `cli`: a build script, which calls the library, does without all of this.
//! Standard output carries what was asked for, standard error what went wrong.

mod check;
mod diff;
mod expand;
mod explain;
mod failure;
mod generate;
pub mod json_schema;
mod lock;
mod new;
mod ontology;
mod report;
mod revision;
mod schema;
mod screen;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use self::failure::Failure;
use self::screen::Screen;

const CODES: &str = "\
Exit codes:
  0  done, nothing found
  1  something was found: a mistake, a stale file
  2  it could not run: wrong arguments, a path that can't be read or written";

/// Compiles ontologies: event-sourced domains in YAML that become typed Rust.
#[derive(Debug, Parser)]
#[command(name = "eventloom", version, after_help = CODES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Explain(explain::Explain),
    Generate(generate::Generate),
    Expand(expand::Expand),
    Schema(schema::Schema),
    Lock(lock::Lock),
    Diff(diff::Diff),
    New(new::New),
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TextOrJson {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// Whether something was found that the one who asked must look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Nothing.
    Nothing,
    /// Something; it has been told.
    Something,
}

/// Runs the command with these arguments, the first of which is its own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done where even that fails; the exit code still tells.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut screen = Screen::new();
    match answer(cli.command, &mut screen) {
        Ok(Found::Nothing) => ExitCode::SUCCESS,
        Ok(Found::Something) => ExitCode::from(1),
        Err(failure) => {
            screen.fail(&failure);
            ExitCode::from(2)
        }
    }
}

fn answer(command: Command, screen: &mut Screen) -> Result<Found, Failure> {
    let found = match command {
        Command::Check(check) => check.run(screen),
        Command::Explain(explain) => explain.run(screen),
        Command::Generate(generate) => generate.run(screen),
        Command::Expand(expand) => expand.run(screen),
        Command::Schema(schema) => schema.run(screen),
        Command::Lock(lock) => lock.run(screen),
        Command::Diff(diff) => diff.run(screen),
        Command::New(new) => new.run(screen),
    }?;
    screen.flush()?;
    Ok(found)
}
