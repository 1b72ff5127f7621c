//! The tests of the compiler, and of what crosses packages, in one binary.

mod cases;
mod docs;
mod seeds;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod sync_before_ack;
