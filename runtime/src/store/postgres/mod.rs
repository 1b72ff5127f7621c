//! The store on a PostgreSQL server: several programs, on several machines, share it.
//!
//! [`PostgresDatabase`] is the way to a database: bounded numbers of connections, made anew where a server was
//! restarted; read models stand on it too. [`PostgresStore`] is the event store on it: appends in groups, each group one
//! call of a function of the database, reads in pages.

mod append;
mod archive;
mod batch;
mod catalog;
mod copying;
mod database;
mod fault;
mod group;
mod immediate;
pub(crate) mod locks;
mod migrations;
mod options;
mod reads;
mod single;
mod store;
pub(crate) mod text;
mod transaction;
mod types;
mod watch;
mod whole;

pub(crate) use database::{Client, LONGEST_NAME};
pub(crate) use fault::Fault;
pub(crate) use immediate::OpenTransaction;
pub(crate) use migrations::Migrations;
pub(crate) use transaction::Begun;
pub(crate) use types::Time;

pub use archive::ArchiveLock;
pub use database::{Granted, PostgresDatabase};
pub use options::PostgresOptions;
pub use store::PostgresStore;
