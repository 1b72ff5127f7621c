//! One file per command of `bank`: its arguments, its example, and what it does.

pub(crate) mod archive;
pub(crate) mod as_of;
pub(crate) mod balance;
pub(crate) mod close;
pub(crate) mod copy;
pub(crate) mod decide;
pub(crate) mod demo;
pub(crate) mod deposit;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod open;
pub(crate) mod poison;
pub(crate) mod projections;
pub(crate) mod rebuild;
pub(crate) mod run_projections;
pub(crate) mod timeline;
pub(crate) mod withdraw;
