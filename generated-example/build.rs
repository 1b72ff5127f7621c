//! Compiles the bank's ontology.

fn main() {
    eventloom_codegen::Build::new("../ontology").compile_or_exit();
}
