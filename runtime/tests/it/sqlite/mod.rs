//! The embedded event store: what the conformance suite cannot ask of every store.

mod appends;
mod archive;
mod bank;
mod database;
mod faults;
mod groups;
mod log;
mod opening;
mod processes;
mod reads;
