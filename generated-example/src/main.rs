//! The `bank` command.

fn main() {}
