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

use std::io::{self, Write as _};
use std::ops::Range;
use std::{env, mem};

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
    let drawn = Drawn::asked_for(MANY);
    assert!(drawn.wrong.is_empty(), "{}", drawn.wrong.join("\n"));
    assert!(2 * drawn.sound.len() as u64 > drawn.tried, "only {} are sound", drawn.sound.len());
    drawn.tell("were compiled");
}

#[test]
fn what_is_generated_from_random_ontologies_compiles_and_its_harness_is_green() {
    let mut drawn = Drawn::asked_for(FEW);
    let mut red = mem::take(&mut drawn.wrong);
    for batch in drawn.sound.chunks(BATCH) {
        red.extend(Package::of(batch).test().err());
    }
    assert!(red.is_empty(), "{}", red.join("\n"));
    drawn.tell("became packages, and their harnesses are green");
}

/// Some draws were left out, and a run that was asked for two hundred ontologies compiled fewer and did not say so.
#[test]
fn so_many_are_tried_as_are_asked_for() {
    // Of these one is left out.
    let drawn = Drawn::until(1_000, 30);
    assert_eq!((drawn.sound.len(), drawn.tried > 30), (30, true));
    let last = drawn.sound.last().map(|(number, _)| *number);
    assert_eq!(last, Some(1_000 + drawn.tried - 1), "none is tried after the last that is wanted");
}

/// Ontologies as they were drawn.
struct Drawn {
    first: u64,
    tried: u64,
    /// Those that are tested, each with its number.
    sound: Vec<(u64, String)>,
    /// Reports of those that should have been and are not.
    wrong: Vec<String>,
}

impl Drawn {
    /// Those of these numbers, or so many as are asked for.
    fn asked_for(plain: Range<u64>) -> Self {
        let number = |name: &str| Some(env::var(name).ok()?.parse::<u64>().expect("a number"));
        let Some(count) = number("EVENTLOOM_ONTOLOGIES") else {
            let mut drawn = Self::before(plain.start);
            plain.for_each(|number| drawn.draw(number));
            return drawn;
        };
        let first = number("EVENTLOOM_FIRST").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
        println!("{count} ontologies from number {first} on: EVENTLOOM_FIRST={first} repeats them");
        Self::until(first, count)
    }

    /// So many that can be tested.
    fn until(first: u64, count: u64) -> Self {
        let mut drawn = Self::before(first);
        // Were most of them left out, the draw would be at fault.
        for number in first..first + 2 * count + 10 {
            if (drawn.sound.len() + drawn.wrong.len()) as u64 >= count {
                break;
            }
            drawn.draw(number);
        }
        drawn
    }

    fn before(first: u64) -> Self {
        Self { first, tried: 0, sound: Vec::new(), wrong: Vec::new() }
    }

    fn draw(&mut self, number: u64) {
        self.tried += 1;
        match sound(number) {
            Ok(text) => self.sound.extend(text.map(|text| (number, text))),
            Err(report) => self.wrong.push(report),
        }
    }

    /// Tells how many there were, also where nothing is told of tests that succeed.
    fn tell(&self, what: &str) {
        let Self { first, tried, .. } = self;
        let (sound, left_out) = (self.sound.len(), *tried - self.sound.len() as u64);
        let said = writeln!(
            io::stderr(),
            "{sound} random ontologies {what}: {tried} were drawn from number {first} on, {left_out} left out because \
             their names meet"
        );
        said.expect("standard error takes it");
    }
}
