//! Runs the harness with one mutation, and tells what turned red.

use std::collections::BTreeMap;
use std::process::Command;

use crate::mutations::{MUTATION, Mutation};

/// Environment variable: what random histories are drawn from. The same in every run, unless it is set.
const SEED: &str = "EVENTLOOM_SEED";
/// Before the names of the harness's tests.
const HARNESS: &str = "harness::bank_account::";
/// After the name of one that runs on a store.
const ON_THE_STORE: &str = "::holds";

/// Holds that these tests of the harness are red under a mutation, each saying these words, or others
/// after a `|`: which way a random history fails may depend on its length.
#[track_caller]
pub(crate) fn assert_red(mutation: Mutation, expected: &[(&str, &str)]) {
    let all = tests();
    let names = expected.iter().map(|(test, _)| {
        let known = all.get(*test);
        known.unwrap_or_else(|| panic!("the harness has no test `{test}`")).as_str()
    });
    let names: Vec<&str> = names.collect();
    let output = Command::new(std::env::current_exe().expect("the test's own path"))
        .args(&names)
        .arg("--exact")
        .env(MUTATION, mutation.name())
        .env(SEED, std::env::var(SEED).unwrap_or_else(|_| "1".to_owned()))
        // Nobody reads how short a failing history can be made.
        .env("PROPTEST_MAX_SHRINK_TIME", "200")
        .env_remove("EVENTLOOM_CASES")
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("the harness runs");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut wrong = Vec::new();
    for (name, (_, words)) in names.iter().zip(expected) {
        match report(&output, name) {
            Some(report) if words.split(" | ").any(|words| report.contains(words)) => {}
            Some(report) => wrong.push(format!("{name} does not say `{words}`: {report}")),
            None => wrong.push(format!("{name} is green")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What a test that failed has printed.
fn report<'o>(output: &'o str, name: &str) -> Option<&'o str> {
    let (_, report) = output.split_once(&format!("---- {name} stdout ----\n"))?;
    report.split("\n---- ").next()?.split("\nfailures:").next()
}

/// The harness's tests: by theme and name, with their names in this binary.
pub(crate) fn tests() -> BTreeMap<String, String> {
    let output = Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--list", "--format", "terse"])
        .output()
        .expect("the tests can be listed");
    let output = String::from_utf8(output.stdout).expect("names are text");
    let tests = output.lines().filter_map(|line| line.strip_suffix(": test"));
    let short = |name: &str| {
        let test = name.strip_prefix(HARNESS)?;
        Some((test.strip_suffix(ON_THE_STORE).unwrap_or(test).to_owned(), name.to_owned()))
    };
    tests.filter_map(short).collect()
}
