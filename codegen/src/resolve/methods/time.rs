//! Methods of times, days and spans of time.

use super::Receiver::{self, Date, Duration, Timestamp};
use super::{Shape as S, Signature, method};
use crate::model::Method;

/// Methods of times, days and spans of time.
pub(super) const TIMES: &[Signature] = &[
    method(Timestamp, "date", &[], S::Date, Method::TimestampDate, "the calendar day in UTC"),
    of_two(Timestamp, "min", Method::Min, "the earlier of the two"),
    of_two(Timestamp, "max", Method::Max, "the later of the two"),
    of_two(Date, "min", Method::Min, "the earlier of the two"),
    of_two(Date, "max", Method::Max, "the later of the two"),
    method(Duration, "days", &[], S::Integer, Method::DurationDays, "the whole days"),
    method(Duration, "hours", &[], S::Integer, Method::DurationHours, "the whole hours"),
    method(Duration, "minutes", &[], S::Integer, Method::DurationMinutes, "the whole minutes"),
    method(Duration, "seconds", &[], S::Integer, Method::DurationSeconds, "the whole seconds"),
    of_two(Duration, "min", Method::Min, "the shorter of the two"),
    of_two(Duration, "max", Method::Max, "the longer of the two"),
];

/// One of two values of a type.
const fn of_two(on: Receiver, name: &'static str, gives: Method, which: &'static str) -> Signature {
    method(on, name, &[("other", S::Receiver)], S::Receiver, gives, which)
}
