//! A YAML document as a small tree in which everything has its place.
//!
//! Scalars are text whatever they look like: the ontology types them. Made by [`super::yaml`], read
//! by [`super::lower`].

use crate::source::Span;
use crate::syntax::Text;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The place, quotes and brackets included.
    pub(crate) span: Span,
    /// What stands there.
    pub(crate) value: Value,
}

/// The kinds of values.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing, as after `key:`.
    Empty,
    /// Something that has been reported already: whoever meets it says no more.
    Broken,
    /// Text.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping; no key stands twice.
    Map(Vec<Entry>),
}

/// A line of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Text,
    /// The value.
    pub(crate) value: Node,
}

/// Text as YAML decodes it.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// The text.
    pub(crate) text: String,
    /// How it was written.
    pub(crate) style: Style,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `text`
    Plain,
    /// `'text'`
    Single,
    /// `"text"`
    Double,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

impl Node {
    /// What stands here, in the words of a message.
    pub(crate) fn described(&self) -> &'static str {
        match &self.value {
            Value::Empty | Value::Broken => "nothing",
            Value::Scalar(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}
