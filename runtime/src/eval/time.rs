//! Points and spans of time.

use super::{Add, EvalError, Signed, Subtract};
use crate::values::{Date, Duration, Timestamp};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl Add<Duration> for Timestamp {
    type Sum = Self;

    fn add(self, span: Duration) -> Result<Self, EvalError> {
        self.checked_add(span).ok_or_else(|| left_calendar(self))
    }
}

impl Subtract<Duration> for Timestamp {
    type Difference = Self;

    fn subtract(self, span: Duration) -> Result<Self, EvalError> {
        self.checked_sub(span).ok_or_else(|| left_calendar(self))
    }
}

impl Subtract for Timestamp {
    type Difference = Duration;

    fn subtract(self, earlier: Self) -> Result<Duration, EvalError> {
        Ok(self.since(earlier))
    }
}

impl Add for Duration {
    type Sum = Self;

    fn add(self, other: Self) -> Result<Self, EvalError> {
        spanned(self.as_micros().checked_add(other.as_micros()))
    }
}

impl Subtract for Duration {
    type Difference = Self;

    fn subtract(self, other: Self) -> Result<Self, EvalError> {
        spanned(self.as_micros().checked_sub(other.as_micros()))
    }
}

impl Signed for Duration {
    fn negate(self) -> Result<Self, EvalError> {
        spanned(self.as_micros().checked_neg())
    }
}

/// The UTC date of a point in time.
///
/// # Errors
/// None: every time has a date.
pub fn date(time: Timestamp) -> Result<Date, EvalError> {
    Ok(time.date())
}

/// Whole days of 24 hours in a span; the rest is dropped.
pub fn days(span: Duration) -> i64 {
    span.as_micros() / DAY
}

/// Whole hours in a span; the rest is dropped.
pub fn hours(span: Duration) -> i64 {
    span.as_micros() / HOUR
}

/// Whole minutes in a span; the rest is dropped.
pub fn minutes(span: Duration) -> i64 {
    span.as_micros() / MINUTE
}

/// Whole seconds in a span; the rest is dropped.
pub fn seconds(span: Duration) -> i64 {
    span.as_micros() / SECOND
}

fn left_calendar(from: Timestamp) -> EvalError {
    EvalError::Overflow(format!("a time near {from} leaves the years 0000 to 9999"))
}

fn spanned(micros: Option<i64>) -> Result<Duration, EvalError> {
    micros
        .map(Duration::from_micros)
        .ok_or_else(|| EvalError::Overflow("a span of time leaves 292,000 years".to_string()))
}
