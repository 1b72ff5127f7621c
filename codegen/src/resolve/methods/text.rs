//! Methods of texts.

use super::Receiver::String;
use super::{Shape as S, Signature, method};
use crate::model::Method;

/// Methods of texts.
pub(super) const TEXTS: &[Signature] = &[
    method(String, "len", &[], S::Integer, Method::StringLen, "the number of characters"),
    method(
        String,
        "is_empty",
        &[],
        S::Boolean,
        Method::StringIsEmpty,
        "whether there is no character",
    ),
    method(String, "trim", &[], S::String, Method::StringTrim, "without white space at both ends"),
    method(String, "to_lowercase", &[], S::String, Method::StringToLowercase, "in small letters"),
    method(
        String,
        "starts_with",
        &[("text", S::String)],
        S::Boolean,
        Method::StringStartsWith,
        "whether it starts with the text",
    ),
    method(
        String,
        "ends_with",
        &[("text", S::String)],
        S::Boolean,
        Method::StringEndsWith,
        "whether it ends with the text",
    ),
    method(
        String,
        "contains",
        &[("text", S::String)],
        S::Boolean,
        Method::StringContains,
        "whether the text occurs in it",
    ),
    method(
        String,
        "concat",
        &[("text", S::String)],
        S::String,
        Method::StringConcat,
        "followed by the text",
    ),
    method(
        String,
        "replace",
        &[("old", S::String), ("new", S::String)],
        S::String,
        Method::StringReplace,
        "with every occurrence of one text replaced by another",
    ),
    method(
        String,
        "matches",
        &[("pattern", S::Pattern)],
        S::Boolean,
        Method::StringMatches,
        "whether the whole text is what the pattern describes",
    ),
    method(
        String,
        "replace_matching",
        &[("pattern", S::Pattern), ("new", S::String)],
        S::String,
        Method::StringReplaceMatching,
        "with whatever the pattern describes replaced by the text",
    ),
];
