//! Any bytes as the file of an ontology.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| eventloom_fuzz::ontology(bytes));
