//! The program that has Eventloom and the bare driver: built, started, and asked line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

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

    /// Has it do something, and gives how many a second it did.
    pub(crate) fn ask(&mut self, line: &str) -> f64 {
        writeln!(self.told, "{line}").expect("the program of Eventloom runs");
        let mut rate = String::new();
        self.tells.read_line(&mut rate).expect("the program of Eventloom runs");
        rate.trim().parse().unwrap_or_else(|_| panic!("`{line}` failed; see what is told above"))
    }
}
