//! The generated harness of every ontology of `data/ok`, run as its user would, on every store.
//!
//! The build script generates them all; the code that they test is the goldens.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// The harness of a case without hand-written parts.
macro_rules! harness {
    ($case:ident) => {
        mod $case {
            use eventloom_tests::goldens::$case as ontology;
            include!(concat!(env!("OUT_DIR"), "/", stringify!($case), "/harness.rs"));
        }
    };
}

harness!(aggregates);
harness!(bank);
mod by_hand;
harness!(callers);
harness!(cart);
harness!(certain);
harness!(choices);
harness!(closures);
harness!(collections);
harness!(config);
mod custom;
harness!(derived);
harness!(drawn);
harness!(emit);
harness!(enums);
harness!(expressions);
harness!(figures);
harness!(functions);
harness!(groups);
harness!(invariants);
mod letters;
harness!(lists);
harness!(literals);
harness!(minimal);
harness!(names);
harness!(namesakes);
harness!(newtypes);
mod one_stream;
harness!(prose);
harness!(queries);
harness!(reference);
harness!(release);
mod retried;
harness!(rows);
harness!(scalars);
harness!(seats);
mod seed;
harness!(several);
harness!(shared);
mod steps;
mod stories;
harness!(upcasts);

#[test]
fn every_ontology_has_its_harness_here() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/ok");
    let cases = fs::read_dir(folder).expect("the cases are part of the repository");
    let cases: BTreeSet<String> =
        cases.map(|case| case.expect("readable").file_name().display().to_string()).collect();
    let included = include_str!("main.rs").lines().filter_map(|line| {
        let name = line.strip_prefix("harness!(").map(|rest| rest.strip_suffix(");"));
        name.unwrap_or_else(|| line.strip_prefix("mod ")?.strip_suffix(';')).map(str::to_owned)
    });
    assert_eq!(included.collect::<BTreeSet<_>>(), cases);
}

/// The distance of snapshots was cut to what is tried, and what had to be found with it: then there was
/// nothing to compare, and nobody was told that the tests showed nothing.
#[test]
fn snapshots_that_are_too_far_off_are_told() {
    const DISTANCE: &str = "9223372036854775807";
    let is_taken = format!("is_taken_every_{DISTANCE}_events");
    for name in [
        &*is_taken,
        "with_its_tail_equals_full_replay",
        "that_cannot_be_trusted_is_ignored",
        "of_another_meaning_is_never_used",
    ] {
        let test = format!("namesakes::till::snapshot::{name}::on_memory");
        let this = std::env::current_exe().expect("the test's own path");
        let output = Command::new(this).args(["--exact", &test]).output().expect("a test runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("1 passed"), "{said}");
        let told = String::from_utf8_lossy(&output.stderr);
        let expected = format!("shows nothing: there is a snapshot after {DISTANCE} events");
        assert!(told.contains(&expected), "{test} says nothing: {told}");
    }
}
