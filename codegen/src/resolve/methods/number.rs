//! Methods of integers and decimals.

use super::Receiver::{Decimal, Integer};
use super::{Shape as S, Signature, method};
use crate::model::{Method, Rounding};

/// Methods of integers and decimals.
pub(super) const NUMBERS: &[Signature] = &[
    method(Integer, "abs", &[], S::Integer, Method::Abs, "without its sign"),
    method(
        Integer,
        "min",
        &[("other", S::Receiver)],
        S::Receiver,
        Method::Min,
        "the smaller of the two",
    ),
    method(
        Integer,
        "max",
        &[("other", S::Receiver)],
        S::Receiver,
        Method::Max,
        "the greater of the two",
    ),
    method(
        Integer,
        "clamp",
        &[("low", S::Receiver), ("high", S::Receiver)],
        S::Receiver,
        Method::Clamp,
        "the nearest value between the two",
    ),
    method(Integer, "to_decimal", &[], S::Decimal, Method::ToDecimal, "as a decimal"),
    method(Decimal, "abs", &[], S::Decimal, Method::Abs, "without its sign"),
    method(
        Decimal,
        "min",
        &[("other", S::Decimal)],
        S::Decimal,
        Method::Min,
        "the smaller of the two",
    ),
    method(
        Decimal,
        "max",
        &[("other", S::Decimal)],
        S::Decimal,
        Method::Max,
        "the greater of the two",
    ),
    method(
        Decimal,
        "clamp",
        &[("low", S::Decimal), ("high", S::Decimal)],
        S::Decimal,
        Method::Clamp,
        "the nearest value between the two",
    ),
    method(
        Decimal,
        "round",
        &[("scale", S::Integer)],
        S::Decimal,
        Method::Round,
        "with so many digits after the point, half to even",
    ),
    method(
        Decimal,
        "div",
        &[("by", S::Decimal), ("scale", S::Integer), ("mode", S::Rounding)],
        S::Decimal,
        Method::Div(Rounding::HalfEven),
        "divided, with so many digits after the point, rounded `half_even` or `half_up`",
    ),
    method(
        Decimal,
        "to_integer",
        &[],
        S::Integer,
        Method::ToInteger,
        "without the digits after the point",
    ),
];
