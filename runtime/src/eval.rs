//! What expressions of an ontology are compiled to: exact arithmetic and the methods of the language.

/// An expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The result leaves the range or the 28 digits of its type.
    #[error("arithmetic overflow: {0}")]
    Overflow(String),
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
}
