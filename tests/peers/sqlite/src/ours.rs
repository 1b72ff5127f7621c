//! The program that has Eventloom and the bare driver: built, started, and asked line by line.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use common::work::{Ran, Work};

pub(crate) struct Ours {
    told: ChildStdin,
    tells: BufReader<ChildStdout>,
    /// It ends when nothing more is told.
    _program: Child,
}

impl Ours {
    /// Builds the program and starts it, with a folder for its databases.
    pub(crate) fn start(folder: &Path) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/ours/Cargo.toml");
        let mut program = Command::new(cargo)
            .args(["run", "--quiet", "--release", "--locked", "--manifest-path", manifest, "--"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo runs");
        let told = program.stdin.take().expect("it is piped");
        let tells = BufReader::new(program.stdout.take().expect("it is piped"));
        Self { told, tells, _program: program }
    }

    /// Has it do something, and gives what it ran.
    pub(crate) fn ask(&mut self, line: &str) -> Ran {
        writeln!(self.told, "{line}").expect("the program of Eventloom runs");
        let mut ran = String::new();
        self.tells.read_line(&mut ran).expect("the program of Eventloom runs");
        Ran::heard(&ran).unwrap_or_else(|| panic!("`{line}` failed; see what is told above"))
    }
}

/// What it is asked to do, as work of a contender: it knows itself for how long.
pub(crate) fn asked<'a>(ours: &'a RefCell<Ours>, line: &str) -> Work<'a> {
    let line = line.to_owned();
    Box::new(move |_| {
        let line = line.clone();
        Box::pin(async move { ours.borrow_mut().ask(&line) })
    })
}
