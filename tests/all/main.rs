//! The tests of the compiler, and of what crosses packages, in one binary.

mod build;
mod cases;
mod compile_errors;
mod docs;
mod edits;
mod fuzzed;
mod hostile;
mod level5;
mod lock;
mod oracle;
mod rolling;
mod schema;
mod seeds;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod sync_before_ack;
