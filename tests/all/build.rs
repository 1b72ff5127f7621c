//! Building from a folder: what is read, what is written, and what is told.

use std::fs;
use std::path::Path;

use eventloom_codegen::{Build, Failure, ROOT_FILE};
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
