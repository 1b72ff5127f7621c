//! The embedded event store: what the conformance suite cannot ask of every store.
#![cfg(feature = "sqlite")]

mod appends;
mod bank;
mod reads;
