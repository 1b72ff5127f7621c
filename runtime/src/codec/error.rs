//! What can be wrong with bytes, and with the values of fields.

use std::fmt;

use crate::event::DomainEvent;

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
    /// The data as a whole is not of its shape.
    #[error("{0}")]
    Invalid(String),
    /// A part of the data is not of its shape.
    #[error("{path}: {reason}")]
    InvalidAt {
        /// The part, for example `lines[2].price`.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl DecodeError {
    /// The data is not of its shape, for this reason.
    pub fn invalid(reason: impl fmt::Display) -> Self {
        Self::Invalid(reason.to_string())
    }

    /// No member of `E` has this type and version.
    pub fn unknown<E: DomainEvent>(event_type: &str, version: u32) -> Self {
        let event_type = event_type.to_owned();
        if E::SHAPES.iter().any(|shape| shape.event_type == event_type) {
            Self::UnknownVersion { event_type, version }
        } else {
            Self::UnknownType(event_type)
        }
    }

    /// The same error, seen from outside the field `name`.
    pub(super) fn in_field(self, name: &str) -> Self {
        self.within(name.to_owned())
    }

    /// The same error, seen from outside the list that holds it at `index`.
    pub(super) fn in_item(self, index: usize) -> Self {
        self.within(format!("[{index}]"))
    }

    /// The same error, seen from outside the map that holds it under `key`.
    pub(super) fn in_entry(self, key: &str) -> Self {
        self.within(format!("[{key:?}]"))
    }

    fn within(self, place: String) -> Self {
        match self {
            Self::Invalid(reason) => Self::InvalidAt { path: place, reason },
            Self::InvalidAt { path, reason } if path.starts_with('[') => {
                Self::InvalidAt { path: place + &path, reason }
            }
            Self::InvalidAt { path, reason } => {
                Self::InvalidAt { path: format!("{place}.{path}"), reason }
            }
            Self::UnknownType(_) | Self::UnknownVersion { .. } => self,
        }
    }
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
