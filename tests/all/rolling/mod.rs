//! A rolling deployment for real: two builds of one program, with different folds, as two processes on one
//! file.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use eventloom_codegen::Build;
use rusqlite::Connection;

use crate::cases::repository;
use crate::edits::target_folder;

const PROGRAM: &str = include_str!("program.rs");

const OLD: &str = "\
aggregateRoot: Till
state: {balance: decimal, moves: integer}
events:
  MoneyMoved:
    version: v1
    schema: {amount: decimal, movedAt: timestamp}
    apply: {balance: balance + amount, moves: moves + 1}
  NoteTaken:
    version: v1
    schema: {note: string, takenAt: timestamp}
    apply: {}
commands:
  MoveMoney:
    target: any
    input: {amount: decimal}
    emit: MoneyMoved
  TakeNote:
    input: {note: string}
    emit: NoteTaken
eventStore: {partitionKey: tillId, snapshotStrategy: every 2 events}
projections:
  Balances:
    source: [MoneyMoved]
    target: read_db.balances
    updateStrategy: eventually_consistent
    key: tillId
    columns: {tillId: string, balance: decimal, moves: integer}
    on:
      MoneyMoved:
        upsert: {balance: row.balance + amount, moves: row.moves + 1}
";

/// The next build counts moves by tens, in the state and in the rows, and writes a version more.
fn new() -> String {
    OLD.replace("moves + 1}", "moves + 10}")
        .replace(
            "    version: v1\n    schema: {amount: decimal, movedAt: timestamp}\n",
            "    version: v2\n    schema: {amount: decimal, channel: string, movedAt: timestamp}\n    \
             history: {v1: {schema: {amount: decimal, movedAt: timestamp}, upcast: {channel: '\"?\"'}}}\n",
        )
        .replace("emit: MoneyMoved", "emit: {MoneyMoved: {channel: '\"web\"'}}")
}

/// Both builds, compiled.
struct Builds {
    _folder: tempfile::TempDir,
    old: PathBuf,
    new: PathBuf,
}

impl Builds {
    fn compile() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        for (name, ontology) in [("old", OLD.to_owned()), ("new", new())] {
            write(root, &format!("{name}/ontology.yaml"), &ontology);
            let out = root.join(name);
            let build = Build::new(out.join("ontology.yaml")).out_dir(&out);
            build.compile().unwrap_or_else(|failure| panic!("{failure}"));
            let program = PROGRAM.replace("ONTOLOGY", name);
            write(root, &format!("src/bin/rolling-{name}.rs"), &program);
        }
        let runtime = repository().join("runtime");
        let manifest = format!(
            "[package]\nname = \"rolling\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\neventloom-runtime = {{ path = \"{}\" }}\n\n\
             [profile.dev]\ndebug = \"line-tables-only\"\n\n[workspace]\n",
            runtime.display()
        );
        write(root, "Cargo.toml", &manifest);
        fs::copy(repository().join("Cargo.lock"), root.join("Cargo.lock")).expect("the lock file");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--offline", "--quiet"])
            .current_dir(root)
            .env("CARGO_TARGET_DIR", target_folder())
            .output()
            .expect("cargo runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let program = |name: &str| target_folder().join(format!("debug/rolling-{name}"));
        Self { old: program("old"), new: program("new"), _folder: folder }
    }
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// A program that runs.
struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(program: &Path, file: &Path) -> Self {
        let mut child = Command::new(program)
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, input, output }
    }

    /// Has it do something, and gives its answer.
    fn ask(&mut self, what: &str) -> String {
        writeln!(self.input, "{what}").expect("it listens");
        let mut said = String::new();
        self.output.read_line(&mut said).expect("it answers");
        said.trim_end().to_owned()
    }

    fn stop(mut self) {
        drop(self.input);
        assert!(self.child.wait().expect("its end").success());
    }
}

/// What somebody sees who looks at the public view with SQL: each till with how often it was moved.
fn public_view(file: &Path) -> Vec<(String, i64)> {
    let other = Connection::open(file).expect("the file");
    other.create_collation("decimal", str::cmp).expect("a collation that nothing is sorted by");
    let mut rows = other.prepare("SELECT tillId, moves FROM balances ORDER BY 1").expect("a view");
    let rows = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}

fn seen(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|(till, moves)| ((*till).to_owned(), *moves)).collect()
}

/// How many snapshots there are of a stream's state, of any meaning.
fn snapshots(file: &Path, till: &str) -> i64 {
    let other = Connection::open(file).expect("the file");
    let count = "SELECT count(*) FROM snapshots JOIN streams ON stream = no WHERE id = ?1";
    other.query_row(count, [till], |row| row.get(0)).expect("a count")
}

/// The whole of a deployment, in the order of its days.
#[test]
fn two_builds_with_different_folds_serve_side_by_side_until_the_old_one_stops() {
    let builds = Builds::compile();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("till.db");

    // The old build is alone.
    let mut old = Running::start(&builds.old, &file);
    assert_eq!(old.ask("move A 5"), "5 in 1");
    assert_eq!(old.ask("move A 5"), "10 in 2");
    assert_eq!(old.ask("follow"), "to 2");
    assert_eq!(public_view(&file), seen(&[("A", 2)]));

    // The new one starts beside it: what the old one has kept is of another meaning, and is not used.
    let mut new = Running::start(&builds.new, &file);
    assert_eq!(new.ask("state A"), "10 in 20");
    let unbuilt = new.ask("row A");
    assert!(unbuilt.contains("BeingBuilt"), "half of the rows are shown: {unbuilt}");
    assert_eq!(public_view(&file), seen(&[("A", 2)]), "rows that are not complete are shown");
    assert_eq!(old.ask("move B 1"), "1 in 1");
    assert_eq!(old.ask("follow"), "to 3");
    assert_eq!(public_view(&file), seen(&[("A", 2), ("B", 1)]));

    // It has its own rows beside those of the old one, and the view moves to them.
    assert_eq!(new.ask("follow"), "to 3");
    assert_eq!((new.ask("row A"), new.ask("row B")), ("10 in 20".into(), "1 in 10".into()));
    assert_eq!(public_view(&file), seen(&[("A", 20), ("B", 10)]));
    assert_eq!(old.ask("row A"), "10 in 2", "the old rows serve on");

    // And not back, though the old one goes on, and is even started anew.
    assert_eq!(old.ask("move A 1"), "11 in 3");
    assert_eq!(old.ask("follow"), "to 4");
    old.stop();
    let mut old = Running::start(&builds.old, &file);
    assert_eq!(old.ask("row A"), "11 in 3", "the old rows were built anew");
    assert_eq!(old.ask("move B 1"), "2 in 2");
    assert_eq!(old.ask("follow"), "to 5");
    assert_eq!(public_view(&file), seen(&[("A", 20), ("B", 10)]));
    assert_eq!(new.ask("follow"), "to 5");
    assert_eq!(public_view(&file), seen(&[("A", 30), ("B", 20)]));

    // Each takes its own snapshots: B has one of the old meaning, and gets one of the new.
    assert_eq!(snapshots(&file, "B"), 1);
    assert_eq!(new.ask("note B x"), "2 in 20");
    assert_eq!(new.ask("note B y"), "2 in 20");
    assert_eq!(snapshots(&file, "B"), 2);
    assert_eq!(old.ask("note B z"), "2 in 2");
    assert_eq!(new.ask("state B"), "2 in 20");

    // What only the new one knows halts the old one: its rows stay, and nothing is parked.
    assert_eq!(new.ask("move A 2"), "13 in 40");
    assert_eq!(old.ask("move B 1"), "3 in 3", "the old one goes on where it knows all there is");
    let halted = old.ask("follow");
    assert!(halted.contains("UnknownVersion") && halted.contains("version: 2"), "{halted}");
    let refused = old.ask("move A 1");
    assert!(refused.starts_with("error: "), "decided on half of what happened: {refused}");
    assert_eq!(old.ask("row A"), "11 in 3");
    assert!(old.ask("status").ends_with(", 0 parked"));
    assert_eq!(new.ask("follow"), "to 10");
    assert_eq!(public_view(&file), seen(&[("A", 40), ("B", 30)]));

    // The old one stops, and nothing changes.
    old.stop();
    assert_eq!(new.ask("state B"), "3 in 30");
    assert_eq!(public_view(&file), seen(&[("A", 40), ("B", 30)]));
    assert!(new.ask("status").starts_with("at 10, 0 parked"));
    new.stop();
}
