//! Shared support of the cross-package tests.

pub mod goldens;
pub mod parts;
