//! A user edits the ontology and builds: what the compiler says, and what the harness catches.
//!
//! Each case builds a copy of the example's package against this repository's crates, in the same
//! target folder, so that dependencies are compiled once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

/// Builds in one target folder wait for each other anyway; one at a time keeps memory low.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    /// A copy of the bank with its ontology edited, as a package of a name of its own.
    ///
    /// Cargo tells packages in one target folder apart by their names and not by where they lie: of
    /// two copies of one name, one was once tested with the binaries of the other.
    pub(crate) fn edited(name: &str, edits: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
        let mut ontology = fs::read_to_string(root.join("ontology/banking-account.yaml"))
            .expect("the ontology is readable");
        for (from, to) in edits {
            assert!(ontology.contains(from), "the ontology has no `{from}`");
            ontology = ontology.replace(from, to);
        }
        let copy = Self { folder };
        copy.write("ontology/banking-account.yaml", &ontology);
        copy.write("Cargo.toml", &manifest(name, root));
        copy.write(
            "build.rs",
            "fn main() { eventloom_codegen::Build::new(\"ontology\").compile_or_exit(); }\n",
        );
        copy.write(
            "src/lib.rs",
            "//! A copy of the bank.\n\neventloom_runtime::include_ontology!();\n",
        );
        copy.write(
            "tests/harness.rs",
            "//! The generated harness.\n\neventloom_runtime::include_harness!();\n",
        );
        fs::copy(root.join("Cargo.lock"), copy.path("Cargo.lock")).expect("the lock file");
        copy
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn cargo(&self, arguments: &[&str]) -> Built {
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .arg("--offline")
            .current_dir(self.folder.path())
            .env("CARGO_TARGET_DIR", target_folder())
            .env("CARGO_TERM_COLOR", "never")
            .output()
            .expect("cargo runs");
        Built::from(output)
    }
}

pub(crate) struct Built {
    success: bool,
    text: String,
}

impl From<Output> for Built {
    fn from(output: Output) -> Self {
        let text =
            [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned());
        Self { success: output.status.success(), text: text.concat() }
    }
}

impl Built {
    /// All that cargo said.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    #[track_caller]
    pub(crate) fn assert_failed_with(&self, parts: &[&str]) {
        assert!(!self.success, "the build passed:\n{}", self.text);
        for part in parts {
            assert!(self.text.contains(part), "no `{part}` in:\n{}", self.text);
        }
    }

    #[track_caller]
    pub(crate) fn assert_passed(&self) {
        assert!(self.success, "failed:\n{}", self.text);
    }
}

/// The target folder of the running test: two above the test binary's folder.
pub(crate) fn target_folder() -> PathBuf {
    let binary = std::env::current_exe().expect("the test's own path");
    binary.ancestors().nth(3).expect("target/debug/deps/test").to_path_buf()
}

fn manifest(name: &str, root: &Path) -> String {
    let root = root.display();
    format!(
        "[package]\nname = \"bank-with-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\neventloom-runtime = {{ path = \"{root}/runtime\" }}\n\n\
         [build-dependencies]\neventloom-codegen = {{ path = \"{root}/codegen\" }}\n\n\
         [dev-dependencies]\neventloom-runtime = {{ path = \"{root}/runtime\", features = [\"testing\"] }}\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\n[workspace]\n"
    )
}

/// Line and column (from 1, in characters) of the nth occurrence of a text in the edited ontology.
fn place(copy: &Copy, text: &str, skip: usize) -> String {
    let ontology =
        fs::read_to_string(copy.path("ontology/banking-account.yaml")).expect("readable");
    let start = ontology.match_indices(text).nth(skip).expect("the text is there").0;
    let line = ontology[..start].matches('\n').count() + 1;
    let column = ontology[..start].chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("banking-account.yaml:{line}:{column}")
}

#[test]
fn a_misspelt_name_is_shown_with_its_place_and_the_right_name() {
    let copy = Copy::edited(
        "a-misspelt-name",
        &[("balance: balance + amount", "balance: balance + ammount")],
    );
    let built = copy.cargo(&["build"]);
    built.assert_failed_with(&[&place(&copy, "ammount", 0), "^^^^^^^", "did you mean `amount`"]);
}

#[test]
fn three_mistakes_in_three_places_are_three_reports_of_one_build() {
    let copy = Copy::edited(
        "three-mistakes",
        &[
            ("balance: balance + amount", "balance: balance + ammount"),
            ("status: Closed\n", "status: Closd\n"),
            ("row.balance - amount", "row.balence - amount"),
        ],
    );
    let built = copy.cargo(&["build"]);
    built.assert_failed_with(&[
        &place(&copy, "ammount", 0),
        &place(&copy, "Closd", 0),
        &place(&copy, "balence", 0),
        "did you mean `amount`",
        "did you mean `Closed`",
        "did you mean `balance`",
    ]);
}

#[test]
fn a_deposit_that_takes_money_away_builds_but_the_harness_is_red() {
    let copy = Copy::edited(
        "a-wrong-apply",
        &[("balance: balance + amount", "balance: balance - amount")],
    );
    copy.cargo(&["build"]).assert_passed();
    let tested = copy.cargo(&["test", "--test", "harness", "--no-fail-fast"]);
    tested.assert_failed_with(&["scenarios::a_deposit_raises_the_balance", "mirrors", "FAILED"]);
}

#[test]
fn scenarios_that_expect_something_else_are_red_and_no_others() {
    let copy = Copy::edited(
        "wrong-scenarios",
        &[
            (
                "MoneyDeposited: {amount: \"500\", transactionId: T1}\n      state",
                "MoneyDeposited: {amount: \"501\", transactionId: T1}\n      state",
            ),
            ("then: {error: InsufficientFunds}", "then: {error: AmountNotPositive}"),
            ("state: {balance: \"0\"}", "state: {balance: \"0.01\"}"),
            ("balance: \"1300\", version: 3", "balance: \"1300\", version: 4"),
        ],
    );
    let tested = copy.cargo(&["test", "--test", "harness", "scenarios", "--no-fail-fast"]);
    tested.assert_failed_with(&[
        "MoneyDeposited.amount differs",
        "the command must be refused as AmountNotPositive",
        "state.balance differs",
        "AccountBalanceView has no such row",
    ]);
    let red = tested.text.lines().filter_map(|line| line.strip_suffix(" ... FAILED"));
    let mut red: Vec<_> = red.filter_map(|test| test.split("::").nth(2)).collect();
    red.sort_unstable();
    red.dedup();
    let expected = [
        "a_deposit_raises_the_balance",
        "an_overdraft_is_refused",
        "money_goes_out_up_to_the_last_cent",
        "the_balance_view_follows_the_account",
    ];
    assert_eq!(red, expected, "{}", tested.text);
}

#[test]
fn a_state_field_renamed_throughout_builds_and_passes_without_an_edit_in_rust() {
    let copy = Copy::edited(
        "a-renamed-field",
        &[
            ("  balance: decimal\n\nevents", "  funds: decimal\n\nevents"),
            ("      balance: initialBalance\n", "      funds: initialBalance\n"),
            ("balance: balance + amount", "funds: funds + amount"),
            ("balance: balance - amount", "funds: funds - amount"),
            ("when: balance < amount", "when: funds < amount"),
            ("balance {balance} is less", "balance {funds} is less"),
            ("when: balance != 0", "when: funds != 0"),
            ("balance {balance} must", "balance {funds} must"),
            ("balance: state.balance", "balance: state.funds"),
            ("Balance cannot be negative", "Funds cannot be negative"),
            ("state: {status: Open, balance:", "state: {status: Open, funds:"),
            ("      state: {balance:", "      state: {funds:"),
        ],
    );
    copy.cargo(&["test", "--test", "harness"]).assert_passed();
}
