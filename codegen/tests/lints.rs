//! Lints about a condition are allowed where a condition calls for it, and nowhere else.
//!
//! That what is allowed is enough is shown by the golden `certain`, which is compiled with warnings denied.

use eventloom_codegen::diagnostic::has_errors;
use eventloom_codegen::emit::Options;
use eventloom_codegen::source::Sources;
use eventloom_codegen::{ROOT_FILE, compile_sources};

/// Whether the module of an ontology with this condition allows lints about conditions.
fn allows(condition: &str) -> bool {
    let ontology = format!(
        "aggregateRoot: Gauge
state: {{level: integer, kept: decimal, on: boolean, word: string, seen: string?}}
events:
  Moved:
    version: v1
    schema: {{to: integer, seen: string?, movedAt: timestamp}}
    apply: {{level: to, kept: kept + to, on: to > 3, word: word.trim(), seen: event.seen}}
commands:
  Move: {{target: any, input: {{to: integer, seen: string?}}, reject: {{Refused: '{condition}'}}, emit: Moved}}
eventStore: {{partitionKey: gaugeId}}
"
    );
    let sources = Sources::from_texts([("gauge.yaml", ontology.as_str())]);
    let outcome = compile_sources(&sources, &Options::for_package("gauge"));
    assert!(!has_errors(&outcome.diagnostics), "{condition}: {:?}", outcome.diagnostics);
    outcome.files[ROOT_FILE].contains("unused_comparisons")
}

/// `to > 9223372036854775807` is an error of clippy's, and one of rustc's where warnings are denied: a user
/// could do nothing about it but change the ontology.
#[test]
fn a_condition_whose_outcome_is_certain_is_no_warning() {
    for condition in [
        "to > 9223372036854775807",
        "-9223372036854775808 > to",
        "!(to > 9223372036854775807)",
        "!(on || to <= 9223372036854775807)",
        "level < 1 && level > 5",
        "level != level",
        "kept == kept",
        "on && !on",
        "on || level > 3 || on",
        "level > to && to < level",
        "word.is_empty() && !word.is_empty()",
        r#""a".is_empty()"#,
        r#""a" == """#,
        "[1].is_empty()",
    ] {
        assert!(allows(condition), "{condition}");
    }
}

#[test]
fn an_ordinary_condition_allows_nothing() {
    for condition in [
        "to > 3",
        "to > 3 && level < 5",
        "!on && word.is_empty() && level > 1",
        "kept > 0 && kept < level",
        r#"word == "a" || state.seen.is_none()"#,
    ] {
        assert!(!allows(condition), "{condition}");
    }
}
