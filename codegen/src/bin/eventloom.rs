//! The `eventloom` command. Everything it does is in [`eventloom_codegen::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    eventloom_codegen::cli::run(std::env::args_os())
}
