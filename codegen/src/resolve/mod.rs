//! From the ontology as written to the ontology as meant: names resolved, expressions typed.
pub(crate) mod assign;
pub(crate) mod defaults;
pub(crate) mod expression;
pub(crate) mod fields;
pub mod methods;
pub(crate) mod text_value;
pub(crate) mod types;
