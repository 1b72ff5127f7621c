//! The generated harness, in so far as it does not depend on the ontology: one module per theme.
//!
//! Generated tests name a function of here, an aggregate or projection, and what the ontology says of
//! it. Every function returns what it found, so that a mutation of the code under test can show that
//! the function notices.

mod commands;
pub mod concurrency;
pub mod figures;
mod history;
pub mod idempotency;
pub mod invariants;
mod keys;
pub mod migration;
mod order;
pub mod ordering;
mod path;
pub mod projection;
pub mod queries;
pub mod replay;
pub mod schema;
pub mod snapshot;
pub mod tracing;
mod world;

/// One stored event as the ontology says it: its type, its version, and its data to the byte.
#[derive(Clone, Copy, Debug)]
pub struct Golden {
    /// Stored name of the type.
    pub event_type: &'static str,
    /// The version.
    pub version: u32,
    /// The data.
    pub data: &'static str,
}
