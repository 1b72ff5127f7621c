//! Generates the bank's harness once more, for `themes/`: there its tests run on one store, which can be
//! broken on purpose, instead of on every store that is switched on.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    eventloom_codegen::Build::new("../ontology").out_dir(out.join("bank")).compile_or_exit();
    on_the_store_under_test(&out.join("bank/harness.rs"), &out.join("harness_under_test.rs"));
}

fn on_the_store_under_test(harness: &Path, under_test: &Path) {
    const ON_EVERY_STORE: &str = "eventloom_runtime::on_every_store!";
    let harness = fs::read_to_string(harness).expect("the harness was generated");
    assert!(harness.contains(ON_EVERY_STORE), "the harness no longer says {ON_EVERY_STORE}");
    let harness = harness.replace(ON_EVERY_STORE, "crate::on_the_store_under_test!");
    fs::write(under_test, harness).expect("the output folder is writable");
}
