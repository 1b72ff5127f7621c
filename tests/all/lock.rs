//! Evolution of what was released: every rule as a script, and one story for real, with `cargo build`.
//!
//! The scripts stand in `codegen/tests`, where they run while this package does not compile.

use std::fs;

use crate::cases::repository;
use crate::edits::Copy;

#[path = "../../codegen/tests/lock.rs"]
mod script;

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
