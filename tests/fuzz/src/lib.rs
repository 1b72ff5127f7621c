//! What holds for any bytes: the compiler ends, and gives either findings with places or code; the same
//! each time.
//!
//! The fuzz targets call this with bytes that a fuzzer makes, and a test of the tests package with those
//! that are kept in `corpus`, of which that package includes this file.

use eventloom_codegen::diagnostic::has_errors;
use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{ROOT_FILE, compile_sources};

/// The bytes as the only file of an ontology.
pub fn ontology(bytes: &[u8]) {
    let mut sources = Sources::default();
    sources.add_bytes("fuzz.yaml", bytes.to_vec());
    holds(&sources);
}

/// The bytes as an expression. The first one says where it stands: `F` in the first place, `G` in the next.
pub fn expression(bytes: &[u8]) {
    let Some((place, text)) = bytes.split_first() else { return };
    let place = PLACES[usize::from(*place) % PLACES.len()];
    assert!(ONTOLOGY.contains(place), "no expression stands in the place of {place}");
    let text = quoted(&String::from_utf8_lossy(text));
    holds(&Sources::from_texts([("fuzz.yaml", ONTOLOGY.replace(place, &text))]));
}

fn holds(sources: &Sources) {
    let options = Options::for_package("fuzz");
    let outcome = compile_sources(sources, &options);
    let report = render(&outcome.diagnostics, sources, Colour::Plain);
    // A report tells of so many, and how many more there are.
    for found in outcome.diagnostics.iter().take(100) {
        assert!(report.contains(found.code.id), "{} is not told", found.code.id);
    }
    match has_errors(&outcome.diagnostics) {
        true => assert!(outcome.files.is_empty(), "something is generated from mistakes"),
        false => assert!(outcome.files.contains_key(ROOT_FILE), "nothing is generated"),
    }
    let again = compile_sources(sources, &options);
    assert_eq!(outcome.files, again.files, "generated otherwise the second time");
    assert_eq!(report, render(&again.diagnostics, sources, Colour::Plain), "told otherwise");
}

/// The ontology in which an expression stands.
#[must_use]
pub fn base() -> &'static str {
    ONTOLOGY
}

/// What stands in the ontology where no expression is put in its place.
const PLACES: [&str; 14] = [
    "'total + price'",
    "'lines'",
    "'quantity <= 0'",
    "'too few: {quantity}'",
    "'total >= 0'",
    "'owner.unwrap_or(sku)'",
    "'row.total + price'",
    "total cannot be negative",
    "'lines.len() + asked'",
    "'config.patience > 1h'",
    "'total >= input.least && row.sku == input.sku'",
    "'row.price != price'",
    "'lines.push(Line { sku: event.sku, quantity: pieces(1), price: event.price })'",
    "'[sku]'",
];

/// An ontology with a value of every type within reach.
const ONTOLOGY: &str = "\
aggregateRoot: Basket
types:
  Line: {sku: string, quantity: integer, price: decimal}
  Size: enum[Small, Large]
  Code: string matching [A-Z]{3}
constants: {most: integer = 10}
config: {patience: duration = 24h}
state:
  total: decimal
  lines: list<Line>
  owner: string?
  size: Size
  tags: set<string>
  rates: map<string, decimal>
  until: timestamp?
  days: date?
  waits: duration
  code: Code = \"EUR\"
derived:
  pieces: {input: {asked: integer}, value: 'lines.len() + asked'}
events:
  Added:
    version: v1
    schema: {sku: string, quantity: integer, price: decimal, addedAt: timestamp}
    apply:
      total: 'total + price'
      lines: 'lines'
      owner: 'owner.unwrap_or(sku)'
  Sold:
    version: v1
    schema: {sku: string, price: decimal, soldAt: timestamp}
    apply:
      lines: 'lines.push(Line { sku: event.sku, quantity: pieces(1), price: event.price })'
commands:
  Add:
    target: any
    input: {sku: string, quantity: integer, price: decimal}
    reject:
      TooFew:
        when: 'quantity <= 0'
        message: 'too few: {quantity}'
    emit: Added
    ensure: {TooLate: 'config.patience > 1h'}
invariants:
  - total cannot be negative
  - {name: Kept, check: 'total >= 0'}
eventStore: {partitionKey: basketId}
projections:
  Totals:
    source: [Added]
    target: read_db.totals
    key: basketId
    columns: {basketId: string, total: decimal}
    on:
      Added: {upsert: {total: 'row.total + price'}}
  Articles:
    source: [Added, Sold]
    target: read_db.articles
    key: {sku: sku}
    columns: {sku: string, price: decimal, total: decimal}
    queries:
      asked:
        input: {least: decimal, sku: string}
        where: 'total >= input.least && row.sku == input.sku'
        limit: 10
    on:
      Added:
        match: 'row.price != price'
        update: {price: event.price}
      Sold:
        forEach: {one: '[sku]'}
        key: {sku: one}
        upsert: {total: 'row.total + price'}
";

/// The text as YAML in double quotes.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() || c == '\u{feff}' => {
                quoted.push_str(&format!("\\U{:08x}", u32::from(c)))
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
