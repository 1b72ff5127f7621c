//! What the fuzzer starts from, and what it has found: each keeps what holds for any bytes, and in time.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use eventloom_codegen::compile_sources;
use eventloom_codegen::diagnostic::has_errors;
use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;

#[allow(unreachable_pub)] // public in the package of the fuzz targets
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

/// Far more than any of them takes, on a machine that does something else too.
const IN_TIME: Duration = Duration::from_secs(10);

fn each_of(corpus: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let mut tried = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is part of the repository") {
        let path = entry.expect("readable").path();
        // The last line that is told names the file, where one panics.
        println!("{}", path.display());
        let started = Instant::now();
        check(&fs::read(&path).expect("readable"));
        assert!(started.elapsed() < IN_TIME, "took {:?}", started.elapsed());
        tried += 1;
    }
    assert!(tried >= 10, "{} holds {tried} files", folder.display());
}

#[test]
fn ontologies_of_the_corpus_are_never_a_panic() {
    each_of("ontology", fuzz::ontology);
}

#[test]
fn expressions_of_the_corpus_are_never_a_panic() {
    each_of("expression", fuzz::expression);
}

/// In an ontology that is wrong by itself, every expression would be.
#[test]
fn expressions_stand_in_a_sound_ontology() {
    let sources = Sources::from_texts([("fuzz.yaml", fuzz::base())]);
    let outcome = compile_sources(&sources, &Options::for_package("fuzz"));
    let report = render(&outcome.diagnostics, &sources, Colour::Plain);
    assert!(!has_errors(&outcome.diagnostics), "{report}");
    (b'0'..=b'7').for_each(|place| fuzz::expression(&[place, b'1']));
}
