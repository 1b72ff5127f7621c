//! The tests that the ontology's code comes with.

eventloom_runtime::include_harness!();
