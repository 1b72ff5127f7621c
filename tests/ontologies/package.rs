//! A cargo package of its own that holds many ontologies as modules, with the harness of each.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use eventloom_codegen::Build;

/// A package that is written into a temporary folder.
pub(crate) struct Package {
    folder: tempfile::TempDir,
    name: String,
}

impl Package {
    /// With these ontologies, each under its number.
    ///
    /// Cargo tells packages in one target folder apart by their names, so the name says which they are.
    pub(crate) fn of(ontologies: &[(u64, String)]) -> Self {
        let first = ontologies.first().map_or(0, |(number, _)| *number);
        let name = format!("ontologies-from-{first}-{}", ontologies.len());
        let this = Self { folder: tempfile::tempdir().expect("a temporary folder"), name };
        let (mut library, mut harness) = (
            "//! Random ontologies.\n\n#![deny(warnings)]\n".to_owned(),
            "//! Their harnesses.\n\n#![deny(warnings)]\n".to_owned(),
        );
        let root = this.name.replace('-', "_");
        for (number, text) in ontologies {
            this.generate(*number, text);
            writeln!(library, "\n/// Number {number}.\npub mod o{number} {{\n    include!(\"../o{number}/eventloom.rs\");\n}}").expect("text");
            writeln!(harness, "\nmod o{number} {{\n    use {root}::o{number} as ontology;\n    include!(\"../o{number}/harness.rs\");\n}}").expect("text");
        }
        this.write("src/lib.rs", &library);
        this.write("tests/harness.rs", &harness);
        this.write("Cargo.toml", &this.manifest());
        fs::copy(repository().join("Cargo.lock"), this.folder.path().join("Cargo.lock"))
            .expect("the lock file");
        this
    }

    fn generate(&self, number: u64, text: &str) {
        let folder = format!("o{number}");
        self.write(&format!("{folder}/ontology.yaml"), text);
        let module = format!("{}::{folder}", self.name.replace('-', "_"));
        let folder = self.folder.path().join(folder);
        let build = Build::new(folder.join("ontology.yaml")).out_dir(&folder).module_path(module);
        build.compile().unwrap_or_else(|failure| panic!("number {number}: {failure}\n{text}"));
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn manifest(&self) -> String {
        let (name, root) = (&self.name, repository());
        let runtime = root.join("runtime");
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [lib]\ndoctest = false\n\n\
             [dependencies]\neventloom-runtime = {{ path = \"{runtime}\", features = [\"testing\"] }}\n\n\
             [profile.dev]\ndebug = \"line-tables-only\"\n\n[workspace]\n",
            runtime = runtime.display(),
        )
    }

    /// Compiles all of it and runs every harness; what was said where that fails.
    pub(crate) fn test(self) -> Result<(), String> {
        let output = Command::new(env!("CARGO"))
            .args(["test", "--offline", "--quiet", "--no-fail-fast"])
            .current_dir(self.folder.path())
            .env("CARGO_TARGET_DIR", target_folder())
            .env("CARGO_TERM_COLOR", "never")
            .output()
            .expect("cargo runs");
        if output.status.success() {
            return Ok(());
        }
        let said =
            [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned());
        let kept = self.folder.keep();
        Err(format!("{}\nthe package is kept in {}", said.concat(), kept.display()))
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_path_buf()
}

/// The target folder of the running test: two above the test binary's folder.
fn target_folder() -> PathBuf {
    let binary = std::env::current_exe().expect("the test's own path");
    binary.ancestors().nth(3).expect("target/debug/deps/test").to_path_buf()
}
