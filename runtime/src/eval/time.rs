//! Points and spans of time.

use super::{Add, EvalError, Signed, Subtract};
use crate::values::{Duration, Timestamp};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl Add<Duration> for Timestamp {
    type Sum = Self;

    fn add(self, span: Duration) -> Result<Self, EvalError> {
        self.checked_add(span).ok_or_else(|| left_the_calendar(self, '+', span))
    }
}

impl Subtract<Duration> for Timestamp {
    type Difference = Self;

    fn subtract(self, span: Duration) -> Result<Self, EvalError> {
        self.checked_sub(span).ok_or_else(|| left_the_calendar(self, '-', span))
    }
}

impl Subtract for Timestamp {
    type Difference = Duration;

    fn subtract(self, earlier: Self) -> Result<Duration, EvalError> {
        // Any two times of the calendar lie 10,000 years apart at most, which a span can hold.
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

#[cold]
fn left_the_calendar(time: Timestamp, operator: char, span: Duration) -> EvalError {
    EvalError::Overflow(format!("{time} {operator} {span} leaves the years 0000 to 9999"))
}

fn spanned(micros: Option<i64>) -> Result<Duration, EvalError> {
    micros.map(Duration::from_micros).ok_or_else(|| {
        EvalError::Overflow("a span of time is longer than 292,000 years".to_owned())
    })
}
