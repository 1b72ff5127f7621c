//! From the ontology's names to Rust's and SQL's: the only place where names are derived.
