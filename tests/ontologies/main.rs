//! Random ontologies: each is compiled without a finding, what is generated compiles with warnings denied,
//! and its harness is green.
//!
//! An ontology is its number. A plain run takes the same few each time; a longer one takes others:
//!
//! ```sh
//! EVENTLOOM_ONTOLOGIES=200 cargo test -p eventloom-tests --test ontologies
//! EVENTLOOM_ONTOLOGIES=1 EVENTLOOM_FIRST=1234 cargo test -p eventloom-tests --test ontologies
//! ```

mod draw;
mod package;

use std::env;
use std::ops::Range;

use eventloom_codegen::compile_sources;
use eventloom_codegen::diagnostic::Severity;
use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use package::Package;

/// How many are compiled in one package.
const BATCH: usize = 20;

/// Those that a plain run compiles as far as cargo, each in a moment.
const MANY: Range<u64> = 0..60;

/// Those that a plain run goes all the way with.
const FEW: Range<u64> = 1..4;

/// Codes of what the draw doesn't foresee: names that meet in what is generated, and keys that a refusal keeps beside
/// emissions without one.
const UNFORESEEN: [&str; 4] = ["EL0130", "EL0131", "EL0132", "EL0423"];

/// The ontology, if it has nothing that the draw doesn't foresee. Whatever else is found is a mistake: of the draw, or of a check.
fn sound(number: u64) -> Result<Option<String>, String> {
    let text = draw::ontology(number);
    let sources = Sources::from_texts([("ontology.yaml", text.as_str())]);
    let outcome = compile_sources(&sources, &Options::for_package("random"));
    let mut errors = outcome.diagnostics;
    errors.retain(|found| found.severity == Severity::Error);
    if errors.iter().all(|found| UNFORESEEN.contains(&found.code.id)) {
        return Ok(Some(text).filter(|_| errors.is_empty()));
    }
    let report = render(&errors, &sources, Colour::Plain);
    Err(format!("number {number}:\n{report}\n{text}"))
}

#[test]
fn random_ontologies_are_compiled_without_a_finding() {
    let numbers = numbers(MANY);
    let drawn: Vec<_> = numbers.iter().map(|number| sound(*number)).collect();
    let sound = drawn.iter().filter(|drawn| matches!(drawn, Ok(Some(_)))).count();
    let wrong: Vec<String> = drawn.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(2 * sound > numbers.len(), "only {sound} are sound");
}

#[test]
fn what_is_generated_from_random_ontologies_compiles_and_its_harness_is_green() {
    let (mut red, mut drawn) = (Vec::new(), Vec::new());
    for number in numbers(FEW) {
        match sound(number) {
            Ok(text) => drawn.extend(text.map(|text| (number, text))),
            Err(report) => red.push(report),
        }
    }
    for batch in drawn.chunks(BATCH) {
        red.extend(Package::of(batch).test().err());
    }
    assert!(red.is_empty(), "{}", red.join("\n"));
}

/// Which ontologies are tried: these, if nothing else is asked for.
fn numbers(plain: Range<u64>) -> Vec<u64> {
    let number = |name: &str| Some(env::var(name).ok()?.parse::<u64>().expect("a number"));
    let Some(count) = number("EVENTLOOM_ONTOLOGIES") else { return plain.collect() };
    let first = number("EVENTLOOM_FIRST").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    println!("ontologies {first} to {}: EVENTLOOM_FIRST={first} repeats them", first + count - 1);
    (first..first + count).collect()
}
