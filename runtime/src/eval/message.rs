//! Values in texts for people: `format("{x} of {y}")` and the messages of refusals.
//!
//! Most values show as they are; generated code shows decimals with `normalize()`, so that the same
//! amount always has the same text. Here is what is left: absent values.

use std::fmt;

/// An optional value in a text; see [`or_none`].
#[derive(Clone, Copy, Debug)]
pub struct OrNone<T>(Option<T>);

/// Shows the value, or `none` where there is none.
pub fn or_none<T: fmt::Display>(value: Option<T>) -> OrNone<T> {
    OrNone(value)
}

impl<T: fmt::Display> fmt::Display for OrNone<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("none"),
        }
    }
}
