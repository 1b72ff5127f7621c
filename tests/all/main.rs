//! The tests of the compiler, and of what crosses packages, in one binary.

mod cases;
mod docs;
mod seeds;
