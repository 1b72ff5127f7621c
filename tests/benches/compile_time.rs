//! How long generated code takes to compile, beside the same types with serde's derives; and how long a
//! user waits between an edit of the bank's ontology and the end of `cargo check`.
//!
//! `cargo bench -p eventloom-tests --bench compile_time -- [TYPES]`; 100 event types by default.
//! Two packages of one temporary workspace (`support/many_types.rs` has their texts) are compiled in
//! turn, each alone, after everything they depend on was built. Each figure is the best of three
//! rounds, the start of cargo included and incremental compilation off, so that each round compiles
//! the whole package. What counts is the ratio, not the figure. Runs offline, on the versions of the
//! repository's `Cargo.lock`. The bank is checked as cargo does it by default, incrementally.
//!
//! The generated code does more than the derived: it checks arithmetic, describes events in words and
//! knows their versions. None of that is taken out for the comparison.
#![allow(clippy::disallowed_types, clippy::float_arithmetic)] // figures for people, no money
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

#[path = "support/many_types.rs"]
mod many_types;

const ROUNDS: usize = 3;
const TYPES: usize = 100;
/// Generated code takes at most half as long.
const FLOOR: f64 = 2.0;
/// An edit of the ontology is checked in less, in seconds.
const EDIT_LIMIT: f64 = 2.0;
/// Two ways to put one fold of the bank: each edit goes from one to the other.
const FOLDS: [&str; 2] = ["balance: balance + amount", "balance: amount + balance"];

const WORKSPACE: &str =
    "[workspace]\nresolver = \"3\"\nmembers = [\"ours\", \"derives\", \"bank\"]\n";
/// Versions are the lock file's; features are what such a package needs.
const DERIVES_DEPENDENCIES: &str = r#"
jiff = { version = "*", default-features = false, features = ["std", "serde"] }
rust_decimal = { version = "*", default-features = false, features = ["std", "serde"] }
serde = { version = "*", features = ["derive"] }
serde_json = "*"
"#;

fn main() {
    let types = asked();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::create(folder.path(), types);
    println!("{types} event types");
    println!("{:<24} {:>8} {:>10} {:>7} {:>7}", "", "ours s", "derives s", "ratio", "floor");
    workspace.compare("cargo check", &["check"]);
    workspace.compare("cargo build --release", &["build", "--release"]);
    println!("\n{:<24} {:>8} {:>10} {:>7}", "", "s", "limit s", "ratio");
    workspace.edit_the_bank();
}

fn asked() -> usize {
    let argument = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    argument.map_or(TYPES, |types| {
        types.parse().unwrap_or_else(|why| panic!("`{types}` is not a number of types: {why}"))
    })
}

/// The packages `ours` and `derives` over one target folder.
struct Workspace {
    root: PathBuf,
}

impl Workspace {
    fn create(root: &Path, types: usize) -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let runtime = repository.join("runtime").canonicalize().expect("in the repository");
        write(&root.join("Cargo.toml"), WORKSPACE);
        fs::copy(repository.join("Cargo.lock"), root.join("Cargo.lock")).expect("a lock file");
        // A literal string of TOML: paths of Windows have backslashes.
        let runtime = format!("eventloom-runtime = {{ path = '{}' }}\n", runtime.display());
        bank(root, &repository, &runtime);
        package(root, "ours", &runtime, &many_types::generated(types));
        package(root, "derives", DERIVES_DEPENDENCIES, &many_types::derived(types));
        Self { root: root.to_owned() }
    }

    /// Builds both once, with all they depend on, then times them in turn.
    fn compare(&self, name: &str, command: &[&str]) {
        self.compile("ours", command);
        self.compile("derives", command);
        let (mut ours, mut derives) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            ours = ours.min(self.compile("ours", command));
            derives = derives.min(self.compile("derives", command));
        }
        let ratio = derives / ours;
        let verdict = if ratio < FLOOR { "  BELOW" } else { "" };
        println!("{name:<24} {ours:>8.2} {derives:>10.2} {ratio:>7.2} {FLOOR:>7.2}{verdict}");
    }

    /// An edit of the bank's ontology, which becomes another fold, to the end of `cargo check`.
    fn edit_the_bank(&self) {
        let file = self.root.join("bank/ontology/banking-account.yaml");
        let mut best = f64::INFINITY;
        for round in 0..=2 * ROUNDS {
            let ontology = fs::read_to_string(&file).expect("written before");
            let [from, to] = [FOLDS[round % 2], FOLDS[(round + 1) % 2]];
            assert!(ontology.contains(from), "the bank has no `{from}`");
            write(&file, &ontology.replace(from, to));
            let mut cargo = self.cargo();
            cargo.env_remove("CARGO_INCREMENTAL");
            cargo.args(["check", "--package", "bank"]);
            let seconds = timed(cargo, "bank");
            // The first builds all that the bank depends on.
            best = if round == 0 { best } else { best.min(seconds) };
        }
        let (ratio, verdict) = (best / EDIT_LIMIT, if best > EDIT_LIMIT { "  ABOVE" } else { "" });
        println!("{:<24} {best:>8.2} {EDIT_LIMIT:>10.2} {ratio:>7.2}{verdict}", "edit of the bank");
    }

    /// Seconds of one compilation of a package that is out of date.
    fn compile(&self, package: &str, command: &[&str]) -> f64 {
        let source = self.root.join(package).join("src/lib.rs");
        let file = fs::File::options().append(true).open(&source).expect("written before");
        file.set_modified(std::time::SystemTime::now()).expect("our own file");
        let mut cargo = self.cargo();
        cargo.args(command).args(["--package", package]);
        timed(cargo, package)
    }

    /// Cargo with its defaults, whatever the environment says of folders, profiles and flags.
    fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").expect("run by cargo bench"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PROFILE_") || text.ends_with("RUSTFLAGS") {
                cargo.env_remove(&name);
            }
        }
        cargo.current_dir(&self.root);
        cargo.env("CARGO_TARGET_DIR", self.root.join("target"));
        cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_TERM_COLOR", "never");
        cargo.env_remove("CARGO_BUILD_TARGET");
        cargo
    }
}

/// Seconds that cargo takes to compile a package that is out of date.
fn timed(mut cargo: Command, package: &str) -> f64 {
    cargo.arg("--offline");
    let started = Instant::now();
    let output = cargo.output().expect("cargo starts");
    let seconds = started.elapsed().as_secs_f64();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{package}` does not compile:\n{log}");
    assert!(log.contains(&format!("{package} v0.0.0")), "nothing was compiled:\n{log}");
    seconds
}

/// The bank of the example, as a library of its ontology alone.
fn bank(root: &Path, repository: &Path, runtime: &str) {
    let codegen = repository.join("codegen").canonicalize().expect("in the repository");
    let codegen = format!("eventloom-codegen = {{ path = '{}' }}\n", codegen.display());
    let dependencies = format!("{runtime}\n[build-dependencies]\n{codegen}");
    let source = "//! The bank.\n\neventloom_runtime::include_ontology!();\n";
    package(root, "bank", &dependencies, source);
    let folder = root.join("bank");
    let build = "fn main() { eventloom_codegen::Build::new(\"ontology\").compile_or_exit(); }\n";
    write(&folder.join("build.rs"), build);
    let ontology = repository.join("ontology/banking-account.yaml");
    let ontology = fs::read_to_string(ontology).expect("in the repository");
    fs::create_dir_all(folder.join("ontology")).expect("a temporary folder takes folders");
    write(&folder.join("ontology/banking-account.yaml"), &ontology);
}

fn package(root: &Path, name: &str, dependencies: &str, source: &str) {
    let folder = root.join(name);
    fs::create_dir_all(folder.join("src")).expect("a temporary folder takes folders");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}"
    );
    write(&folder.join("Cargo.toml"), &manifest);
    write(&folder.join("src/lib.rs"), source);
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
}
