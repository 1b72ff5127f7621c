//! The runtime's behaviour through its public API, in one binary so that it links once.

mod clock;
mod codec;
mod conformance;
mod projection;
mod repository;
#[cfg(feature = "sqlite")]
mod sqlite;
mod wallet;
