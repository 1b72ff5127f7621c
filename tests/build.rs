//! Generates the harness of every ontology of `data/ok`, for the test `harnesses`; and the bank's once
//! more, for `themes/`: there its tests run on one store, which can be broken on purpose, instead of on
//! every store that is switched on.

use std::path::{Path, PathBuf};
use std::{env, fs};

use eventloom_codegen::Build;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    println!("cargo::rerun-if-changed=data/ok");
    for case in fs::read_dir("data/ok").expect("the cases are part of the repository") {
        let case = case.expect("readable").path();
        let name = case.file_name().expect("a folder of a folder").to_string_lossy().into_owned();
        let build = Build::new(ontology(&case, &name))
            .out_dir(out.join(&name))
            .module_path(format!("eventloom_tests::goldens::{name}"));
        // Warnings are not told: the cases show what the language can do, not what should be done with it.
        build.compile().unwrap_or_else(|failure| panic!("{failure}"));
    }
    on_the_store_under_test(&out.join("bank/harness.rs"), &out.join("harness_under_test.rs"));
}

/// The folder's own ontology; the bank's stands where the example has it.
fn ontology(case: &Path, name: &str) -> PathBuf {
    match name {
        "bank" => PathBuf::from("../ontology/banking-account.yaml"),
        _ => case.to_owned(),
    }
}

fn on_the_store_under_test(harness: &Path, under_test: &Path) {
    const ON_EVERY_STORE: &str = "eventloom_runtime::on_every_store!";
    let harness = fs::read_to_string(harness).expect("the harness was generated");
    assert!(harness.contains(ON_EVERY_STORE), "the harness no longer says {ON_EVERY_STORE}");
    let harness = harness.replace(ON_EVERY_STORE, "crate::on_the_store_under_test!");
    fs::write(under_test, harness).expect("the output folder is writable");
}
