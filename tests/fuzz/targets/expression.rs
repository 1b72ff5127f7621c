//! Any bytes as an expression: the first says where it stands.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| eventloom_fuzz::expression(bytes));
