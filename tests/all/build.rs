//! Building from a folder: what is read, what is written, and what is told.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use eventloom_codegen::lock::{self, Current};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{Build, Failure, ROOT_FILE, understand};
use tempfile::TempDir;

const SMALL: &str = "\
aggregateRoot: BankAccount
state: {balance: decimal}
events:
  MoneyDeposited:
    version: v1
    schema: {accountId: string, amount: decimal}
    apply: {balance: balance + amount}
commands:
  DepositMoney:
    target: any
    input: {amount: decimal}
    emit: MoneyDeposited
eventStore: {partitionKey: accountId}
";

/// A folder with an ontology, and one for the output.
struct Project {
    ontology: TempDir,
    out: TempDir,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            ontology: TempDir::new().expect("a temporary folder"),
            out: TempDir::new().expect("a temporary folder"),
        };
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.ontology.path().join(name), text).expect("writable");
    }

    fn build(&self) -> Result<Vec<String>, String> {
        self.build_of(self.ontology.path())
    }

    fn build_of(&self, ontology: &Path) -> Result<Vec<String>, String> {
        match Build::new(ontology).out_dir(self.out.path()).compile() {
            Ok(report) => Ok(report
                .written
                .iter()
                .map(|path| {
                    path.strip_prefix(self.out.path()).expect("inside").display().to_string()
                })
                .collect()),
            Err(failure) => Err(format!("{failure:?}")),
        }
    }

    fn output(&self) -> Vec<String> {
        let entries = fs::read_dir(self.out.path()).expect("readable");
        entries.map(|entry| entry.expect("readable").file_name().display().to_string()).collect()
    }
}

#[test]
fn only_what_changed_is_written() {
    let project = Project::new(&[("bank.yaml", SMALL)]);
    let first = project.build().unwrap_or_else(|report| panic!("{report}"));
    assert!(first.contains(&ROOT_FILE.to_owned()), "{first:?}");
    assert_eq!(project.build(), Ok(Vec::new()), "nothing changed");
    project.write("bank.yaml", &SMALL.replace("balance + amount", "balance - amount"));
    assert!(!project.build().expect("still right").is_empty());
    assert_eq!(project.output().len(), first.len(), "nothing is left over: {:?}", project.output());
}

#[test]
fn nothing_is_written_where_anything_is_wrong() {
    let project = Project::new(&[("bank.yaml", SMALL)]);
    project.build().unwrap_or_else(|report| panic!("{report}"));
    let before = fs::read(project.out.path().join(ROOT_FILE)).expect("written");
    project.write("types.yaml", "types: [A]\n");
    let report = project.build().expect_err("a mistake");
    assert!(report.contains("types.yaml:1:8"), "{report}");
    assert!(report.ends_with("error: the ontology has 1 error; nothing was generated"), "{report}");
    assert_eq!(fs::read(project.out.path().join(ROOT_FILE)).expect("kept"), before);
}

#[test]
fn a_path_that_is_not_there_says_so() {
    let project = Project::new(&[]);
    let report = project.build_of(Path::new("../no/such/ontology")).expect_err("no such path");
    assert!(report.contains("EL0001"), "{report}");
    assert!(report.contains("`no/such/ontology`"), "the path as people see it:\n{report}");
    assert!(report.contains("Cargo.toml"), "where it starts:\n{report}");
    assert!(project.output().is_empty());
}

#[test]
fn a_folder_without_an_ontology_says_so() {
    let project =
        Project::new(&[("notes.txt", ""), (".hidden.yaml", SMALL), ("eventloom.lock", "")]);
    fs::create_dir(project.ontology.path().join("inner.yaml")).expect("a folder");
    let report = project.build().expect_err("no ontology");
    assert!(report.contains("EL0002"), "{report}");
}

#[test]
fn a_file_above_the_limit_is_named() {
    let project = Project::new(&[("huge.yaml", &"#".repeat(1_048_577))]);
    let report = project.build().expect_err("too large");
    assert!(report.contains("EL0003") && report.contains("huge.yaml"), "{report}");
}

#[test]
fn files_are_read_in_the_order_of_their_names_and_one_may_stand_alone() {
    let wrong = "events: []\n";
    let project = Project::new(&[("b.yml", wrong), ("a.yaml", wrong), ("C.YAML", wrong)]);
    let report = project.build().expect_err("mistakes");
    let places: Vec<_> = ["C.YAML:1", "a.yaml:1", "b.yml:1"].map(|p| report.find(p)).to_vec();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{report}");
    let alone = project.build_of(&project.ontology.path().join("a.yaml")).expect_err("mistakes");
    assert!(alone.contains("a.yaml:1") && !alone.contains("b.yml"), "{alone}");
}

#[test]
fn an_output_that_can_not_be_written_is_no_mistake_of_the_ontology() {
    let project = Project::new(&[("bank.yaml", SMALL)]);
    let file = project.out.path().join("a-file");
    fs::write(&file, "").expect("writable");
    let failure =
        Build::new(project.ontology.path()).out_dir(&file).compile().expect_err("no folder");
    assert!(matches!(failure, Failure::Output { .. }), "{failure}");
    assert!(failure.to_string().contains("a-file"), "{failure}");
}

/// Where the build script that a test starts finds its ontology.
const ONTOLOGY_OF_SCRIPT: &str = "EVENTLOOM_TEST_ONTOLOGY";

/// Not a test of its own: the build script that the tests below start, as cargo starts one. Without
/// their variable it has nothing to do.
#[test]
fn build_script() {
    if let Some(ontology) = std::env::var_os(ONTOLOGY_OF_SCRIPT) {
        Build::new(ontology).compile_or_exit();
    }
}

/// What a build script prints and how it ends, and what it leaves in its folder.
struct Script<'p> {
    project: &'p Project,
    ontology: &'p Path,
}

impl Script<'_> {
    fn run(&self, variables: &[(&str, &str)]) -> Output {
        let program = std::env::current_exe().expect("this test has a file");
        let mut script = Command::new(program);
        script.args(["--exact", "build::build_script", "--nocapture"]);
        for name in ["RUSTC_WRAPPER", "RA_RUSTC_WRAPPER", "CARGO_TERM_COLOR"] {
            script.env_remove(name);
        }
        script.env(ONTOLOGY_OF_SCRIPT, self.ontology).env("OUT_DIR", self.project.out.path());
        script.envs(variables.iter().copied()).output().expect("a program that was just started")
    }

    /// The lines that are meant for cargo.
    fn told(&self, output: &Output) -> Vec<String> {
        let text = String::from_utf8(output.stdout.clone()).expect("text");
        let told = text.lines().filter_map(|line| line.split_once("cargo::"));
        told.map(|(_, line)| line.replace(&self.ontology.display().to_string(), "ontology"))
            .collect()
    }

    /// What cargo is told to watch, beside the warnings that it shows.
    fn watched(&self, output: &Output) -> Vec<String> {
        let mut told = self.told(output);
        told.retain(|line| !line.starts_with("warning="));
        told
    }

    fn generated(&self) -> String {
        fs::read_to_string(self.project.out.path().join(ROOT_FILE)).unwrap_or_default()
    }
}

#[test]
fn cargo_is_told_of_every_input() {
    let project = Project::new(&[("bank.yaml", SMALL), ("types.yaml", "types:\n  K: enum[A]\n")]);
    let script = Script { project: &project, ontology: project.ontology.path() };
    let output = script.run(&[]);
    assert!(output.status.success(), "{output:?}");
    let inputs = ["ontology", "ontology/bank.yaml", "ontology/types.yaml"];
    assert_eq!(script.watched(&output), inputs.map(|input| format!("rerun-if-changed={input}")));
    let alone = project.ontology.path().join("bank.yaml");
    let script = Script { project: &project, ontology: &alone };
    assert_eq!(script.watched(&script.run(&[])), ["rerun-if-changed=ontology"]);
}

/// The lock of the small ontology, as it is released.
fn lock_of(project: &Project) -> String {
    let sources = Sources::read(project.ontology.path());
    let understood = understand(&sources);
    let current = Current::of(&understood, &sources).expect("a sound ontology");
    lock::write(current, None, &[]).expect("nothing was released before")
}

#[test]
fn a_build_is_held_to_the_lock_and_never_writes_it() {
    let project = Project::new(&[("bank.yaml", SMALL)]);
    project.build().unwrap_or_else(|report| panic!("{report}"));
    let lock = lock_of(&project);
    project.write("eventloom.lock", &lock);
    assert_eq!(project.build(), Ok(Vec::new()), "as it was released");
    let changed = SMALL.replace("amount: decimal}\n    apply", "amount: integer}\n    apply");
    project.write(
        "bank.yaml",
        &changed.replace("input: {amount: decimal}", "input: {amount: integer}"),
    );
    for ontology in [project.ontology.path().to_owned(), project.ontology.path().join("bank.yaml")]
    {
        let report = project.build_of(&ontology).expect_err("released as a decimal");
        assert!(report.contains("EL0905") && report.contains("bank.yaml:6:33"), "{report}");
    }
    let kept = fs::read_to_string(project.ontology.path().join("eventloom.lock"));
    assert_eq!(kept.expect("readable"), lock, "a build only verifies");
    fs::remove_file(project.ontology.path().join("eventloom.lock")).expect("removable");
    project
        .build()
        .unwrap_or_else(|report| panic!("what was never locked changes freely: {report}"));
}

/// Of two files that share a lock, a build may take one: the other's aggregate is not missing.
#[test]
fn a_single_file_answers_for_its_own_aggregate() {
    let project =
        Project::new(&[("bank.yaml", SMALL), ("card.yaml", &SMALL.replace("BankAccount", "Card"))]);
    project.write("eventloom.lock", &lock_of(&project));
    let alone = project.ontology.path().join("bank.yaml");
    project.build_of(&alone).unwrap_or_else(|report| panic!("{report}"));
    fs::remove_file(project.ontology.path().join("card.yaml")).expect("removable");
    let report = project.build_of(&alone).expect_err("the card is gone");
    assert!(report.contains("EL0901") && report.contains("eventloom.lock:"), "{report}");
}

/// A lock that is there and can't be used must never pass for none.
#[test]
fn a_lock_that_can_not_be_read_fails_the_build() {
    let project = Project::new(&[("bank.yaml", SMALL)]);
    let lock = project.ontology.path().join("eventloom.lock");
    fs::create_dir(&lock).expect("a folder");
    let report = project.build().expect_err("a folder");
    assert!(report.contains("EL0001") && report.contains("eventloom.lock"), "{report}");
    fs::remove_dir(&lock).expect("removable");
    fs::write(&lock, b"format 1\n\xff\n").expect("writable");
    assert!(project.build().expect_err("no text").contains("EL0004"));
    fs::write(&lock, "").expect("writable");
    assert!(project.build().expect_err("cut off").contains("EL0941"));
}

#[test]
fn cargo_watches_the_lock_where_there_is_one() {
    let project = Project::new(&[("bank.yaml", SMALL)]);
    let alone = project.ontology.path().join("bank.yaml");
    let folder = project.ontology.path().display().to_string();
    let told = |ontology: &Path| {
        let script = Script { project: &project, ontology };
        let output = script.run(&[]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        let told = text.lines().filter_map(|line| line.split_once("cargo::rerun-if-changed="));
        told.map(|(_, path)| path.replace(&folder, "ontology")).collect::<Vec<_>>()
    };
    // A missing file would count as changed, and the script would run with every build.
    assert_eq!(told(project.ontology.path()), ["ontology", "ontology/bank.yaml"]);
    assert_eq!(told(&alone), ["ontology/bank.yaml"]);
    project.write("eventloom.lock", &lock_of(&project));
    let all = ["ontology", "ontology/bank.yaml", "ontology/eventloom.lock"];
    assert_eq!(told(project.ontology.path()), all);
    assert_eq!(told(&alone), ["ontology/bank.yaml", "ontology/eventloom.lock"]);
}

#[test]
fn a_mistake_ends_the_build_and_keeps_the_last_output() {
    let project = Project::new(&[("bank.yaml", SMALL)]);
    let script = Script { project: &project, ontology: project.ontology.path() };
    assert!(script.run(&[]).status.success());
    let good = script.generated();
    project.write("bank.yaml", &SMALL.replace("balance + amount", "balance + ammount"));
    let output = script.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(report.contains("bank.yaml:7:32") && report.contains("^^^^^^^"), "{report}");
    assert_eq!(script.generated(), good);
    assert!(script.told(&output).contains(&"rerun-if-changed=ontology/bank.yaml".to_owned()));
}

#[test]
fn an_ide_keeps_the_types_beside_the_mistake() {
    let ide = [("RA_RUSTC_WRAPPER", "1"), ("RUSTC_WRAPPER", "/opt/rust-analyzer")];
    let project = Project::new(&[("bank.yaml", SMALL)]);
    let script = Script { project: &project, ontology: project.ontology.path() };
    assert!(script.run(&ide).status.success());
    let good = script.generated();
    for wrong in ["balance + ammount", "balance + true"] {
        project.write("bank.yaml", &SMALL.replace("balance + amount", wrong));
        let output = script.run(&ide);
        assert!(output.status.success(), "{output:?}");
        let text = script.generated();
        let (mistake, rest) = text.split_once('\n').expect("two lines");
        assert!(mistake.starts_with("compile_error!(") && mistake.contains(":7:"), "{mistake}");
        assert_eq!(rest, good, "the types stay, under one mistake");
        // A build from the command line shares the folder, and must find the mistake again.
        let told = script.told(&output);
        assert!(told.contains(&"rerun-if-env-changed=RUSTC_WRAPPER".to_owned()), "{told:?}");
        assert_eq!(script.run(&[]).status.code(), Some(1));
    }
    project.write("bank.yaml", SMALL);
    assert!(script.run(&ide).status.success());
    assert_eq!(script.generated(), good);
}

/// In an IDE a missing ontology was no failure for cargo, which had been told of no file: when the ontology
/// came, nothing was generated until something else changed.
#[test]
fn an_ide_waits_for_an_ontology_that_is_not_there() {
    let project = Project::new(&[]);
    let missing = project.ontology.path().join("bank.yaml");
    let script = Script { project: &project, ontology: &missing };
    let output = script.run(&[("RA_RUSTC_WRAPPER", "1")]);
    assert!(output.status.success(), "{output:?}");
    assert!(script.generated().starts_with("compile_error!("), "{}", script.generated());
    let told = script.told(&output);
    assert!(told.contains(&"rerun-if-changed=ontology".to_owned()), "{told:?}");
    assert_eq!(script.run(&[]).status.code(), Some(1));
}
