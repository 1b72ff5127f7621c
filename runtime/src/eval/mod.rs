//! What expressions of an ontology are compiled to: exact arithmetic and the methods of the language.
//!
//! Comparisons, boolean operators and what the standard library does well are plain Rust in the
//! generated code; everything that can fail or that needs a rule of its own stands here, as small
//! functions that are cheap to compile:
//! - numbers: [`add`], [`subtract`], [`multiply`], [`divide`], [`remainder`], [`negate`], [`abs`],
//!   [`clamp`], [`div`], [`round`], [`to_integer`], and [`dec!`](crate::dec) for literals;
//! - times and spans: [`add`] and [`subtract`] too, [`days`], [`hours`], [`minutes`], [`seconds`];
//! - texts and lists: [`length`], [`joined`], [`pushed`], [`extended`], [`item`];
//! - lists and functions: [`counted`], [`summed`], and `try_…` for functions that can fail, as [`try_any`];
//! - patterns for text: [`Pattern`], and [`pattern!`](crate::pattern) for literals;
//! - sets: [`with_member`], [`without_member`], [`united`], [`shared`], [`remaining`];
//! - maps: [`with_entry`], [`without_entry`], [`keys`], [`values`];
//! - values in messages: [`or_none`].
//!
//! Nothing here rounds unless it is told to, wraps around, or panics: a value that does not fit is an
//! [`EvalError`].

mod collection;
mod decimal;
mod integer;
mod list;
mod message;
mod pattern;
mod time;

pub use collection::{
    Length, extended, item, joined, kept_entries, keys, length, mapped_values, pushed, remaining,
    shared, try_kept_entries, try_mapped_values, united, values, with_entry, with_member,
    without_entry, without_member,
};
pub use decimal::{Rounding, decimal, div, round, to_integer};
pub use integer::{divide, remainder};
pub use list::{
    counted, distinct, distinct_records, entries_by, grouped_by, replaced_where, sorted_by,
    sorted_by_desc, summed, try_all, try_any, try_entries_by, try_filtered, try_find,
    try_grouped_by, try_max_by, try_min_by, try_position, try_replaced_where, try_sorted_by,
    try_sorted_by_desc, try_summed, try_upserted_by, try_without_first, upserted_by, without_first,
};
pub use message::{OrNone, or_none};
pub use pattern::Pattern;
pub use time::{days, hours, minutes, seconds};

/// An expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The result leaves the range or the 28 digits of its type.
    #[error("arithmetic overflow: {0}")]
    Overflow(String),
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
}

/// What [`add`] takes: integers, decimals, spans of time, or a point in time and a span.
pub trait Add<Other = Self> {
    /// The type of the sum.
    type Sum;
    /// The exact sum.
    ///
    /// # Errors
    /// [`EvalError::Overflow`] where it does not fit its type.
    fn add(self, other: Other) -> Result<Self::Sum, EvalError>;
}

/// What [`subtract`] takes: integers, decimals, spans of time, points in time, or a point and a span.
pub trait Subtract<Other = Self> {
    /// The type of the difference.
    type Difference;
    /// The exact difference.
    ///
    /// # Errors
    /// [`EvalError::Overflow`] where it does not fit its type.
    fn subtract(self, other: Other) -> Result<Self::Difference, EvalError>;
}

/// What [`multiply`] takes: integers or decimals.
pub trait Multiply: Sized {
    /// The exact product.
    ///
    /// # Errors
    /// [`EvalError::Overflow`] where it does not fit its type.
    fn multiply(self, other: Self) -> Result<Self, EvalError>;
}

/// What [`negate`] and [`abs`] take: integers, decimals and spans of time.
pub trait Signed: Sized + PartialOrd + Default {
    /// The number with the other sign.
    ///
    /// # Errors
    /// [`EvalError::Overflow`] for the smallest integer or span, which has no opposite.
    fn negate(self) -> Result<Self, EvalError>;
}

/// `a + b`, exactly.
///
/// # Errors
/// [`EvalError::Overflow`] where the sum does not fit its type.
pub fn add<A: Add<B>, B>(a: A, b: B) -> Result<A::Sum, EvalError> {
    a.add(b)
}

/// `a - b`, exactly.
///
/// # Errors
/// [`EvalError::Overflow`] where the difference does not fit its type.
pub fn subtract<A: Subtract<B>, B>(a: A, b: B) -> Result<A::Difference, EvalError> {
    a.subtract(b)
}

/// `a * b`, exactly.
///
/// # Errors
/// [`EvalError::Overflow`] where the product does not fit its type: a decimal never loses digits.
pub fn multiply<T: Multiply>(a: T, b: T) -> Result<T, EvalError> {
    a.multiply(b)
}

/// `-a`
///
/// # Errors
/// [`EvalError::Overflow`] for the smallest integer or span, which has no opposite.
pub fn negate<T: Signed>(a: T) -> Result<T, EvalError> {
    a.negate()
}

/// `a` without its sign.
///
/// # Errors
/// [`EvalError::Overflow`] for the smallest integer or span, which has no opposite.
pub fn abs<T: Signed>(a: T) -> Result<T, EvalError> {
    if a < T::default() { a.negate() } else { Ok(a) }
}

/// `a`, but at least `low` and at most `high`. Where `low` lies above `high`, the result is `high`.
pub fn clamp<T: Ord>(a: T, low: T, high: T) -> T {
    a.max(low).min(high)
}

#[cfg(test)]
mod list_laws;
#[cfg(test)]
mod tests;
