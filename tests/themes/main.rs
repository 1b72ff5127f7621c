//! The themes of the generated harness against a bank that is broken on purpose.
//!
//! The harness of the bank's ontology is compiled here as its user would compile it, but for a bank, a
//! store and a read database of which one mutation at a time breaks one thing. As ordinary tests the
//! harness runs without a mutation: then everything must be green. For each mutation [`mutations`] runs
//! it again, in a process of its own, and holds that the tests turn red that are there for it.

mod bank;
mod commands;
mod immediate;
mod mutations;
mod reads;
mod red;
mod store;
mod views;

/// In the place of `on_every_store!`: a test on the store under test.
macro_rules! on_the_store_under_test {
    ($($name:ident = $check:expr;)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            #[test]
            fn holds() -> eventloom_runtime::testing::Check {
                ($check)(crate::store::UnderTest)
            }
        }
    )+};
}

pub(crate) use on_the_store_under_test;

#[rustfmt::skip] // as the emitter writes it
mod harness {
    /// Where the harness looks for the ontology's code.
    mod ontology {
        pub(super) use crate::bank as bank_account;
    }

    include!(concat!(env!("OUT_DIR"), "/harness_under_test.rs"));
}
