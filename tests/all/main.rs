//! Every test that crosses packages, in one binary.

mod cases;
mod mutations;
mod seeds;
