//! The goldens of `data/ok`, compiled: whatever they would be warned of is an error. Their examples run
//! as tests of this package's documentation.

#![deny(warnings)]

/// Columns that are aggregates of events.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/aggregates/expected.rs"]
pub mod aggregates;

/// The bank of the example.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/bank/expected.rs"]
pub mod bank;

/// A state that is written by hand, with rules on it.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/by_hand/expected.rs"]
pub mod by_hand;

/// Conditions that can have but one outcome.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/certain/expected.rs"]
pub mod certain;

/// Who asked and why, wherever it can be read.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/callers/expected.rs"]
pub mod callers;

/// A shopping cart whose lines are merged, and go.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/cart/expected.rs"]
pub mod cart;

/// Choices, blocks and conditions where Rust could read them differently.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/choices/expected.rs"]
pub mod choices;

/// Functions on lists and optionals.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/closures/expected.rs"]
pub mod closures;

/// Sets and maps wherever a type may stand.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/collections/expected.rs"]
pub mod collections;

/// Decisions, rules and derived values that depend on what the program is set to.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/config/expected.rs"]
pub mod config;

/// A fold, a decision and two read models that are written by hand.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/custom/expected.rs"]
pub mod custom;

/// Derived values of every kind, wherever they can be named.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/derived/expected.rs"]
pub mod derived;

/// What random ontologies have found.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/drawn/expected.rs"]
pub mod drawn;

/// Every form of deciding.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/emit/expected.rs"]
pub mod emit;

/// Enums everywhere.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/enums/expected.rs"]
pub mod enums;

/// Every operator and method.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/expressions/expected.rs"]
pub mod expressions;

/// What queries work out of rows.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/figures/expected.rs"]
pub mod figures;

/// Every form that a function can take.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/functions/expected.rs"]
pub mod functions;

/// Lists that become maps, and functions on sets and maps.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/groups/expected.rs"]
pub mod groups;

/// Every sentence.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/invariants/expected.rs"]
pub mod invariants;

/// Names of one letter.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/letters/expected.rs"]
pub mod letters;

/// Lists, records and optionals.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/lists/expected.rs"]
pub mod lists;

/// Lists and numbers that are written out.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/literals/expected.rs"]
pub mod literals;

/// As little as there can be.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/minimal/expected.rs"]
pub mod minimal;

/// Names that mean something to Rust or to the runtime.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/names/expected.rs"]
pub mod names;

/// Refusals of one name, and keys that are not always claimed.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/namesakes/expected.rs"]
pub mod namesakes;

/// Single values with types of their own.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/newtypes/expected.rs"]
pub mod newtypes;

/// An aggregate that is one stream.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/one_stream/expected.rs"]
pub mod one_stream;

/// Texts that mean something to Markdown, HTML or Rust.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/prose/expected.rs"]
pub mod prose;

/// Rows that are found on every condition.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/queries/expected.rs"]
pub mod queries;

/// Every block of the language reference, in one.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/reference/expected.rs"]
pub mod reference;

/// Unique keys that become free.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/release/expected.rs"]
pub mod release;

/// Keys by which commands that are sent again are recognised, told by their input in roundabout ways.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/retried/expected.rs"]
pub mod retried;

/// Read models with every verb.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/rows/expected.rs"]
pub mod rows;

/// Every type in every place.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/scalars/expected.rs"]
pub mod scalars;

/// Seats of a showing, of which those are granted that are free.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/seats/expected.rs"]
pub mod seats;

/// The ontology that says the least: a hand-written state and hand-written read models.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/seed/expected.rs"]
pub mod seed;

/// Events that concern several rows.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/several/expected.rs"]
pub mod several;

/// Two aggregates that share types.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/shared/expected.rs"]
pub mod shared;

/// Checks that have their place among the steps.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/steps/expected.rs"]
pub mod steps;

/// Scenarios of every form.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/stories/expected.rs"]
pub mod stories;

/// Versions one to three.
#[rustfmt::skip] // as the emitter writes it
#[path = "../data/ok/upcasts/expected.rs"]
pub mod upcasts;
