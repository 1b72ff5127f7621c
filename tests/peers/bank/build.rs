//! Compiles the domain that all of them have.

fn main() {
    eventloom_codegen::Build::new("account.yaml").compile_or_exit();
}
