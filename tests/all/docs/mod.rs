//! Tests that hold the documents to their word: paths exist, snippets are taken from tested files,
//! every YAML block of the language reference does what its text says.

mod architecture;
mod evolution;
mod five_steps;
mod language;
mod markdown;
mod merge;
mod snippets;
mod tour;
