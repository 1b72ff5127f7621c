//! The methods of the language, each with its signature: checking and the reference read this table.
//!
//! A method without an implementation stands here too, so that using it says "not yet" rather than
//! "unknown".

use crate::model::{Method, Rounding, Type};

/// What a method is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `decimal`
    Decimal,
    /// `T?`
    Optional,
    /// `list<T>`
    List,
    /// `set<T>`
    Set,
    /// `map<K, V>`
    Map,
    /// `timestamp`
    Timestamp,
    /// `duration`
    Duration,
}

/// The type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The receiver's own type.
    Receiver,
    /// `T` of `T?` or `list<T>`.
    Element,
    /// `T?` of `list<T>`.
    OptionalElement,
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `decimal`
    Decimal,
    /// `boolean`
    Boolean,
    /// `date`
    Date,
    /// `half_even` or `half_up`
    Rounding,
    /// A function of an element, as `|i| i.price`.
    Function,
}

/// One method.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// What it is called on.
    pub receiver: Receiver,
    /// The name.
    pub name: &'static str,
    /// The parameters with their names.
    pub parameters: &'static [(&'static str, Shape)],
    /// The result.
    pub result: Shape,
    /// What it does.
    pub what: &'static str,
    /// What it is compiled to; none where it is not supported yet. Of `div`, the rounding tells which.
    pub method: Option<Method>,
}

const fn method(
    receiver: Receiver,
    name: &'static str,
    parameters: &'static [(&'static str, Shape)],
    result: Shape,
    method: Method,
    what: &'static str,
) -> Signature {
    Signature { receiver, name, parameters, result, what, method: Some(method) }
}

const fn later(receiver: Receiver, name: &'static str) -> Signature {
    Signature { receiver, name, parameters: &[], result: Shape::Receiver, what: "", method: None }
}

/// Every method.
pub const METHODS: &[Signature] = {
    use Receiver::{Decimal, Duration, Integer, List, Map, Optional, Set, String, Timestamp};
    use Shape as S;
    &[
        method(String, "len", &[], S::Integer, Method::StringLen, "the number of characters"),
        method(
            String,
            "is_empty",
            &[],
            S::Boolean,
            Method::StringIsEmpty,
            "whether there is no character",
        ),
        method(
            String,
            "trim",
            &[],
            S::String,
            Method::StringTrim,
            "without white space at both ends",
        ),
        method(
            String,
            "to_lowercase",
            &[],
            S::String,
            Method::StringToLowercase,
            "in small letters",
        ),
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
        later(String, "matches"),
        later(String, "replace_matching"),
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
        later(Optional, "is_some_and"),
        later(Optional, "and_then"),
        later(Optional, "map"),
        method(List, "len", &[], S::Integer, Method::ListLen, "the number of elements"),
        method(
            List,
            "is_empty",
            &[],
            S::Boolean,
            Method::ListIsEmpty,
            "whether there is no element",
        ),
        method(
            List,
            "contains",
            &[("element", S::Element)],
            S::Boolean,
            Method::ListContains,
            "whether an element equals the value",
        ),
        method(
            List,
            "push",
            &[("element", S::Element)],
            S::Receiver,
            Method::ListPush,
            "with the value at the end",
        ),
        method(
            List,
            "extend",
            &[("others", S::Receiver)],
            S::Receiver,
            Method::ListExtend,
            "with the elements of the other list at the end",
        ),
        method(
            List,
            "first",
            &[],
            S::OptionalElement,
            Method::ListFirst,
            "the first element, or none",
        ),
        method(
            List,
            "last",
            &[],
            S::OptionalElement,
            Method::ListLast,
            "the last element, or none",
        ),
        method(
            List,
            "get",
            &[("index", S::Integer)],
            S::OptionalElement,
            Method::ListGet,
            "the element at the index, counted from 0, or none",
        ),
        later(List, "remove_where"),
        later(List, "remove_first"),
        later(List, "replace_where"),
        later(List, "upsert_by"),
        later(List, "any"),
        later(List, "all"),
        later(List, "count"),
        later(List, "sum"),
        later(List, "min"),
        later(List, "max"),
        later(List, "min_by"),
        later(List, "max_by"),
        later(List, "sort_by"),
        later(List, "sort_by_desc"),
        later(List, "map"),
        later(List, "flat_map"),
        later(List, "filter"),
        later(List, "fold"),
        later(List, "find"),
        later(List, "position"),
        later(List, "enumerate"),
        later(List, "distinct"),
        later(List, "group_by"),
        later(List, "to_map"),
        later(Set, "len"),
        later(Map, "len"),
        method(Timestamp, "date", &[], S::Date, Method::TimestampDate, "the calendar day in UTC"),
        method(Duration, "days", &[], S::Integer, Method::DurationDays, "the whole days"),
        method(Duration, "hours", &[], S::Integer, Method::DurationHours, "the whole hours"),
        method(Duration, "minutes", &[], S::Integer, Method::DurationMinutes, "the whole minutes"),
        method(Duration, "seconds", &[], S::Integer, Method::DurationSeconds, "the whole seconds"),
    ]
};

/// What methods a type has.
pub(crate) fn receiver(of: &Type) -> Option<Receiver> {
    Some(match of {
        Type::String => Receiver::String,
        Type::Integer => Receiver::Integer,
        Type::Decimal(_) => Receiver::Decimal,
        Type::Optional(_) => Receiver::Optional,
        Type::List(_) => Receiver::List,
        Type::Timestamp => Receiver::Timestamp,
        Type::Duration => Receiver::Duration,
        Type::Boolean | Type::Date | Type::Uuid | Type::Bytes | Type::Enum(_) | Type::Record(_) => {
            return None;
        }
    })
}

/// The method of this name on this type.
pub(crate) fn find(of: &Type, name: &str) -> Option<&'static Signature> {
    let receiver = receiver(of)?;
    METHODS.iter().find(|listed| listed.receiver == receiver && listed.name == name)
}

/// The names of the methods on this type that are supported.
pub(crate) fn names(of: &Type) -> Vec<&'static str> {
    let receiver = receiver(of);
    let listed = METHODS.iter().filter(|listed| Some(listed.receiver) == receiver);
    listed.filter(|listed| listed.method.is_some()).map(|listed| listed.name).collect()
}
