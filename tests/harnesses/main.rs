//! The generated harness of every ontology of `data/ok`, run as its user would, on every store.
//!
//! The build script generates them all; the code that they test is the goldens.

use std::collections::BTreeSet;
use std::fs;

/// The harness of a case without hand-written parts.
macro_rules! harness {
    ($case:ident) => {
        mod $case {
            use eventloom_tests::goldens::$case as ontology;
            include!(concat!(env!("OUT_DIR"), "/", stringify!($case), "/harness.rs"));
        }
    };
}

harness!(bank);
mod by_hand;
harness!(certain);
harness!(choices);
mod custom;
harness!(emit);
harness!(enums);
harness!(expressions);
harness!(invariants);
mod letters;
harness!(lists);
harness!(literals);
harness!(minimal);
harness!(names);
harness!(namesakes);
harness!(prose);
harness!(reference);
harness!(rows);
harness!(scalars);
mod seed;
harness!(shared);
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
