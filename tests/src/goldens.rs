//! The goldens of `data/ok`, compiled: whatever they would be warned of is an error. Their examples run
//! as tests of this package's documentation.

#![deny(warnings)]

/// The bank of the example.
#[path = "../data/ok/bank/expected.rs"]
pub mod bank;

/// A fold, a decision and two read models that are written by hand.
#[path = "../data/ok/custom/expected.rs"]
pub mod custom;

/// Every form of deciding.
#[path = "../data/ok/emit/expected.rs"]
pub mod emit;

/// Enums everywhere.
#[path = "../data/ok/enums/expected.rs"]
pub mod enums;

/// Every operator and method.
#[path = "../data/ok/expressions/expected.rs"]
pub mod expressions;

/// Every sentence.
#[path = "../data/ok/invariants/expected.rs"]
pub mod invariants;

/// Lists, records and optionals.
#[path = "../data/ok/lists/expected.rs"]
pub mod lists;

/// As little as there can be.
#[path = "../data/ok/minimal/expected.rs"]
pub mod minimal;

/// Names that mean something to Rust or to the runtime.
#[path = "../data/ok/names/expected.rs"]
pub mod names;

/// Texts that mean something to Markdown, HTML or Rust.
#[path = "../data/ok/prose/expected.rs"]
pub mod prose;

/// Read models with every verb.
#[path = "../data/ok/rows/expected.rs"]
pub mod rows;

/// Every type in every place.
#[path = "../data/ok/scalars/expected.rs"]
pub mod scalars;

/// The ontology that says the least: a hand-written state and hand-written read models.
#[path = "../data/ok/seed/expected.rs"]
pub mod seed;

/// Two aggregates that share types.
#[path = "../data/ok/shared/expected.rs"]
pub mod shared;

/// Versions one to three.
#[path = "../data/ok/upcasts/expected.rs"]
pub mod upcasts;
