//! What the goldens leave to be written by hand, as a user would write it: for their harnesses, and for the
//! tests of what generated code does with it.

pub mod account;
pub mod coins;
pub mod purse;
pub mod wallet;
