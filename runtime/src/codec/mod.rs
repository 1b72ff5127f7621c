//! JSON for generated types, without derives: generated code hands over names and slots.
//!
//! The JSON form of each type: decimals, timestamps (RFC 3339), dates, durations (ISO 8601), ids and
//! bytes (base64) are strings; integers are JSON integers; enums are their variant's name; an absent
//! optional is `null`. A JSON number with a fraction or exponent is never accepted.

mod label;

pub use label::Label;

/// Bytes could not be read as what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The event type is not known to this program.
    #[error("unknown event type `{0}`")]
    UnknownType(String),
    /// The version is not known to this program.
    #[error("unknown version {version} of `{event_type}`")]
    UnknownVersion {
        /// Stored name of the type.
        event_type: String,
        /// The version.
        version: u32,
    },
    /// The data is not of its shape.
    #[error("{0}")]
    Invalid(String),
}

/// A value does not fit the declared type of its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FieldError {
    /// The field, as the ontology names it.
    pub field: &'static str,
    /// Why it does not fit.
    pub reason: String,
}

/// Writes JSON into a buffer.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}
