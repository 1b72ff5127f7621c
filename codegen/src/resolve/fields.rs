//! The fields of a record, event, state, input or row while they are being resolved.
//!
//! They know more than the model keeps: where each stands, whether its default was written, and
//! that a field with a broken type exists, so that reading it is not reported a second time.

use crate::model::{self, Expression, Type};
use crate::source::Span;

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// The ontology's name.
    pub(crate) name: String,
    /// The type; none where it is wrong and has been reported.
    pub(crate) field_type: Option<Type>,
    /// The default, where one is written or the type has a zero.
    pub(crate) default: Option<Expression>,
    /// Whether the default stands in the ontology.
    pub(crate) default_is_written: bool,
    /// Where the name stands.
    pub(crate) span: Span,
}

/// Fields in the order written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<Field>);

impl Fields {
    /// The field of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.name == name)
    }

    /// Whether there is a field of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|field| field.name.as_str())
    }

    /// The fields as the model keeps them, but for broken ones.
    pub(crate) fn to_model(&self) -> Vec<model::Field> {
        let sound = |field: &Field| {
            Some(model::Field {
                name: field.name.clone(),
                field_type: field.field_type.clone()?,
                default: field.default.clone(),
            })
        };
        self.0.iter().filter_map(sound).collect()
    }
}
