//! The advisory locks of a database, by their keys. Each is for one thing alone: who holds it for long keeps nobody else
//! waiting than those who want the same.
//!
//! One more, 7311146993704727190, is held by every connection that found no unfinished copy in its database, so that none
//! begins beneath it: see `copying.rs`.

/// Held while the tables of a part of Eventloom are made or changed, to the end of that transaction.
pub(super) const MIGRATIONS: i64 = 7_311_146_993_704_727_155;

/// Held while tables of read models are made, dropped or change places, to the end of that transaction.
pub(crate) const READ_MODELS: i64 = 7_311_146_993_704_727_156;

/// Held by who archives for a whole run, which may take very long.
pub(super) const ARCHIVE: i64 = 7_311_146_993_704_727_157;
