//! Methods of times and spans of time.

use super::Receiver::{Duration, Timestamp};
use super::{Shape as S, Signature, method};
use crate::model::Method;

/// Methods of times and spans of time.
pub(super) const TIMES: &[Signature] = &[
    method(Timestamp, "date", &[], S::Date, Method::TimestampDate, "the calendar day in UTC"),
    method(Duration, "days", &[], S::Integer, Method::DurationDays, "the whole days"),
    method(Duration, "hours", &[], S::Integer, Method::DurationHours, "the whole hours"),
    method(Duration, "minutes", &[], S::Integer, Method::DurationMinutes, "the whole minutes"),
    method(Duration, "seconds", &[], S::Integer, Method::DurationSeconds, "the whole seconds"),
];
