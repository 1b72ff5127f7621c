//! A bank of its own for each test: a folder, a database, and the binary to run on it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use eventloom_runtime::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

/// A bank in a folder of its own.
pub(crate) struct Bank {
    folder: TempDir,
    /// The address of its database, where that is no file in the folder.
    url: Option<String>,
}

/// A time within the next hours, so many seconds after others: rows of a file are dated no earlier than their account was
/// opened, and not in another year.
pub(crate) fn soon(seconds: i64) -> Timestamp {
    let now = Timestamp::now().as_micros() / 1_000_000;
    Timestamp::from_micros((now + 7_200 + seconds) * 1_000_000)
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; none where it was killed.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Bank {
    /// A bank without a database.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), url: None }
    }

    /// A bank on this database.
    #[cfg(feature = "testing-postgres")]
    pub(crate) fn on(url: &str) -> Self {
        Self { url: Some(url.to_owned()), ..Self::new() }
    }

    /// A bank with account A1 of customer C1, opened with 1000.
    pub(crate) fn with_account() -> Self {
        let bank = Self::new();
        bank.run(["open", "A1", "--customer", "C1", "--balance", "1000"]).succeeded();
        bank
    }

    /// A file in the bank's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the bank's folder.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the folder can be written");
        path
    }

    /// The text of a file in the bank's folder.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect(name)
    }

    /// The command, ready to run in the bank's folder.
    pub(crate) fn command<I: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some(url) = &self.url {
            command.args(["--db", url]);
        }
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Ran {
        self.command(arguments).output().expect("the binary runs").into()
    }

    /// Runs a successful command and reads its JSON.
    pub(crate) fn json<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Value {
        let mut command = self.command(arguments);
        command.arg("--json");
        Ran::from(command.output().expect("the binary runs")).succeeded().json()
    }

    /// Every event, as exported.
    pub(crate) fn events(&self) -> Vec<Value> {
        let exported = self.run(["export"]).succeeded();
        let lines = exported.stdout.lines();
        lines.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// The binary under test.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_bank"))
}

impl Ran {
    /// This run, which must have ended well.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.ended_with(0)
    }

    /// This run, which must have ended with this code.
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// This run, whose standard error must hold each of these.
    #[track_caller]
    pub(crate) fn said(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in: {}", self.stderr);
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is UTF-8");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
