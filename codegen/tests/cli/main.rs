//! The `eventloom` command as a process: what it says, where, and how it ends.

mod check;
mod document;
mod explain;
mod generate;
mod lock;
mod new;
mod schema;
mod usage;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// An ontology without a mistake.
pub(crate) const SOUND: &str = "\
aggregateRoot: Till
state: {balance: decimal}
events:
  MoneyDeposited:
    version: v1
    schema: {tillId: string, paymentId: string, amount: decimal}
    apply: {balance: balance + amount}
commands:
  DepositMoney:
    target: any
    input: {paymentId: string, amount: decimal}
    reject: {TillIsFull: balance > 1000}
    emit: MoneyDeposited
invariants: [PaymentId must be unique (idempotency)]
eventStore: {partitionKey: tillId}
";

/// What a run said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder to run the command in.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().expect("a temporary folder"));
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    /// A folder with this ontology in the file that the examples name.
    pub(crate) fn with_ontology(text: &str) -> Self {
        Self::new(&[("ontology/till.yaml", text)])
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The command, without what a terminal around the tests would tell it.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eventloom"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for variable in ["CLICOLOR", "CLICOLOR_FORCE", "NO_COLOR"] {
            command.env_remove(variable);
        }
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Said {
        let output = self.command(arguments).output().expect("the command starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}
