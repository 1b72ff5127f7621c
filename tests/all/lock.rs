//! Evolution of what was released: every change as a script, each rule with `cargo build`, and one story
//! of the bank.
//!
//! The scripts stand in `codegen/tests`, where they run while this package does not compile.

use std::fs;

use crate::cases::repository;
use crate::edits::Copy;

#[path = "../../codegen/tests/lock.rs"]
mod script;

/// The first change for each rule that a build can break, with what heeds it.
fn one_for_each_rule() -> Vec<script::Case> {
    let mut cases: Vec<script::Case> = script::cases();
    cases.retain(|case| {
        case.read("fixed.yaml").is_some() && case.text("report.txt").contains("error[")
    });
    cases.dedup_by(|next, kept| next.code() == kept.code());
    cases
}

/// The parcels of the scripts have no commands, so that events are recorded as they are.
const HARNESS: &str = "//! The generated harness.

eventloom_runtime::include_harness!();

struct HarnessFixture;

impl parcel::Fixture for HarnessFixture {}
";

/// What a script shows of the library holds for a user's package: the build is refused with the whole
/// report, and what the report says to do builds and passes its harness.
#[test]
fn each_rule_stops_the_build_until_it_is_heeded() {
    let (file, mut codes) = ("ontology/banking-account.yaml", Vec::new());
    let copy = Copy::edited("each-rule", &[]);
    copy.write("tests/harness.rs", HARNESS);
    for case in one_for_each_rule() {
        copy.write("ontology/eventloom.lock", &case.lock());
        copy.write(file, &case.text("after.yaml"));
        let report = case.text("report.txt");
        let said: Vec<&str> = report.lines().filter(|line| !line.contains("-->")).collect();
        copy.cargo(&["build"]).assert_failed_with(&said);

        copy.write(file, &case.text("fixed.yaml"));
        copy.cargo(&["test", "--test", "harness"]).assert_passed();
        codes.push(case.code().to_owned());
    }
    let rules: Vec<String> = (1..=14).map(|number| format!("EL09{number:02}")).collect();
    assert_eq!(codes, rules);
}

/// What the report of a change says under `help:`, as lines to paste.
fn to_paste<'r>(report: &'r str, after: &str) -> Vec<&'r str> {
    let lines = report.lines().skip_while(|line| !line.contains(after)).skip(1);
    lines.take_while(|line| !line.contains("= help") && !line.is_empty()).collect()
}

/// The whole way: a release, a change that the build refuses, the fix pasted as it is told, a harness that
/// reads events of both versions.
#[test]
fn a_field_that_is_added_to_a_released_event_becomes_a_new_version() {
    const RELEASED: &str = "      accountId: string
      amount: decimal
      transactionId: string
      depositedAt: timestamp
";
    let copy = Copy::edited("a-lock", &[]);
    let lock = fs::read_to_string(repository().join("ontology/eventloom.lock"));
    copy.write("ontology/eventloom.lock", &lock.expect("the bank was released"));
    let file = "ontology/banking-account.yaml";
    let ontology = fs::read_to_string(copy.path(file)).expect("readable");

    let changed = ontology
        .replace(
            RELEASED,
            &RELEASED.replace("      deposited", "      channel: string\n      deposited"),
        )
        .replace("emit: MoneyDeposited", "emit: {MoneyDeposited: {channel: '\"web\"'}}")
        .replace("- MoneyDeposited: {", "- MoneyDeposited: {channel: web, ");
    copy.write(file, &changed);
    let built = copy.cargo(&["build"]);
    built.assert_failed_with(&[
        "error[EL0903]: `channel` was added to `MoneyDeposited` v1",
        "released as v1: {accountId: string, amount: decimal, depositedAt: timestamp, transactionId: string}",
    ]);

    let pasted = to_paste(built.text(), "make it v2, and keep v1");
    let indent = pasted.first().map_or(0, |line| line.len() - line.trim_start().len());
    let pasted: Vec<String> =
        pasted.iter().map(|line| format!("    {}", &line[indent..])).collect();
    let event = "    description: Money came in.\n    version: v1\n";
    assert!(changed.contains(event), "{changed}");
    let fixed = changed
        .replace(event, &format!("    description: Money came in.\n{}\n", pasted.join("\n")));
    copy.write(file, &fixed);
    copy.cargo(&["build"]).assert_passed();
    copy.cargo(&["test", "--test", "harness"]).assert_passed();
}
