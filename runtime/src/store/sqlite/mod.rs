//! The embedded store: events in one SQLite file, no server.
//!
//! [`SqliteDatabase`] is the file: one writing thread, a few reading connections; read models stand
//! on it too.

mod database;
mod decimal;
mod fault;
mod open;
mod readers;
mod writer;

pub use database::{SqliteDatabase, SqliteOptions, Synchronous};
pub use decimal::DECIMAL_COLLATION;
pub use fault::{JobError, store_error};
