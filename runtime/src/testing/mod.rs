//! Support for tests: of an ontology's code, of stores, of programs on top of both.
//!
//! - [`kit`]: given, when, then;
//! - [`conformance`]: the promises of a store, run for every store;
//! - [`clock`]: clocks and ids under a test's control;
//! - [`faults`]: a store to which things happen that happen in production;
//! - [`intercept`]: a store with anything in between;
//! - [`spans`]: the spans and events of a piece of work;
//! - [`draw`] and [`property`]: values for property tests;
//! - [`harness`]: the generated tests' themes; [`shape`]: what a stored event must look like;
//! - [`subject`] and [`fold`]: an aggregate under test, and its streams without a store;
//! - [`failure`]: what a check returns where it fails;
//! - `postgres` (feature `testing-postgres`): temporary servers and databases.
//!
//! Nothing here is part of a running program: the feature `testing` belongs into
//! `[dev-dependencies]`.

pub mod clock;
pub mod conformance;
pub mod draw;
pub mod failure;
pub mod faults;
pub mod fold;
pub mod harness;
pub mod intercept;
pub mod kit;
mod macros;
#[cfg(feature = "testing-postgres")]
pub mod postgres;
pub mod property;
mod run;
pub mod shape;
pub mod spans;
pub mod stores;
pub mod subject;

pub use clock::{CountingIds, GivenIds, JumpingClock, START, TestClock};
pub use draw::{Draw, Range};
pub use failure::{Check, Context, Failure, equal};
pub use harness::Golden;
pub use kit::{Given, given};
pub use proptest;
pub use run::{block_on, run};
#[cfg(feature = "testing-postgres")]
pub use stores::Postgres;
#[cfg(feature = "sqlite")]
pub use stores::Sqlite;
pub use stores::{Memory, StoreKind, WithReads};
pub use subject::{AnyCommand, RecordEvent, Story, Subject, Visit};
