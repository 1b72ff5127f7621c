//! The `bank` command as its users meet it: the real binary, on real files.

mod archive;
mod bank;
mod commands;
mod copy;
#[cfg(unix)]
mod crash;
mod demo;
mod documents;
mod file;
mod hostile;
mod import;
mod poison;
mod poison_of_rebuild;
#[cfg(feature = "testing-postgres")]
mod postgres;
#[cfg(unix)]
mod projections;
mod trouble;
mod usage;
