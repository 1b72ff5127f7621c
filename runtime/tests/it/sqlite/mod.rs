//! The embedded event store: what the conformance suite cannot ask of every store.

mod appends;
mod bank;
mod database;
mod reads;
