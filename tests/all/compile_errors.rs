//! Mistakes in the program around the generated code: each is a compile error that says what is wrong.

#[test]
fn mistakes_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*.rs");
}
