//! Shared support of the cross-package tests.
