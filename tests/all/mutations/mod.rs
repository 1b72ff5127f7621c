//! Mutations: each breaks one thing on purpose, and shows that a check notices.
//!
//! A check that nothing can turn red proves nothing. Here every promise of the conformance suite, and
//! every theme of the generated harness, meets code that does not keep it.

mod erased;
mod stores;
