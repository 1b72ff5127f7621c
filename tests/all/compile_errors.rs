//! Mistakes in the program around the generated code: each is a compile error that says what is wrong.
//!
//! A case includes the goldens it needs as modules of its own: rustc lists what else implements a
//! trait, and a golden that is none of the case's business would change its message.

#[test]
fn mistakes_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*.rs");
}
