//! The embedded store: events in one SQLite file, no server.
//!
//! [`SqliteDatabase`] is the file: one writing thread, a few reading connections; read models stand
//! on it too. [`SqliteStore`] is the event store on it: appends in groups, reads in pages.

mod append;
mod archive;
mod catalog;
mod connection;
mod copying;
mod database;
mod decimal;
mod fault;
mod group;
mod numbers;
mod open;
mod readers;
mod reads;
mod store;
pub(crate) mod text;
mod whole;
mod writer;

pub use database::{SqliteDatabase, SqliteOptions, Synchronous};
pub use decimal::DECIMAL_COLLATION;
pub use fault::{JobError, store_error};
pub use store::SqliteStore;
