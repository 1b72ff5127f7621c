//! Compiles an ontology to Rust: load, resolve, check, lock, emit, write.
//!
//! Called from a build script; see [`Build`]. The stages never call each other: this file does.

mod compile;

pub use compile::{Outcome, compile_sources};

pub mod catalogue;
pub mod diagnostic;
pub mod emit;
pub mod load;
pub mod model;
pub mod naming;
pub mod render;
pub mod source;
pub mod suggest;
pub mod syntax;
