//! The runtime's behaviour through its public API, in one binary so that it links once.

mod codec;
mod conformance;
mod repository;
#[cfg(feature = "sqlite")]
mod sqlite;
mod wallet;
