//! Methods of optionals.

use super::Receiver::Optional;
use super::{OF_EACH, Shape as S, Signature, TEST, method};
use crate::model::Method;

/// Methods of optionals.
pub(super) const OPTIONALS: &[Signature] = &[
    method(Optional, "is_some", &[], S::Boolean, Method::IsSome, "whether there is a value"),
    method(Optional, "is_none", &[], S::Boolean, Method::IsNone, "whether there is no value"),
    method(
        Optional,
        "unwrap_or",
        &[("otherwise", S::Element)],
        S::Element,
        Method::UnwrapOr,
        "the value, or another one for none",
    ),
    method(
        Optional,
        "or",
        &[("otherwise", S::Receiver)],
        S::Receiver,
        Method::Or,
        "itself where there is a value, else the other",
    ),
    method(
        Optional,
        "is_some_and",
        &[("|x| condition", TEST)],
        S::Boolean,
        Method::IsSomeAnd,
        "whether there is a value for which the condition holds",
    ),
    method(
        Optional,
        "and_then",
        &[("|x| optional", S::Function(&[S::Element], &S::Optional(&S::Result)))],
        S::Optional(&S::Result),
        Method::AndThen,
        "what the function gives for the value, which may be none; none for none",
    ),
    method(
        Optional,
        "map",
        &[("|x| value", OF_EACH)],
        S::Optional(&S::Result),
        Method::OptionalMap,
        "what the function gives for the value; none for none",
    ),
];
