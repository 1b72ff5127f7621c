//! The methods of the language, each with its signature: checking and the reference read this table.

mod collection;
mod list;
mod number;
mod optional;
mod text;
mod time;

use crate::model::{Method, Type};

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
    /// `date`
    Date,
    /// `duration`
    Duration,
}

/// The type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The receiver's own type.
    Receiver,
    /// `T` of `T?`, `list<T>` or `set<T>`.
    Element,
    /// `K` of `map<K, V>`.
    Key,
    /// `V` of `map<K, V>`.
    Value,
    /// `U`: whatever the first that has this shape gives.
    Result,
    /// `U` of numbers and spans of time, which can be added.
    Sum,
    /// `U` of values that are less or greater than each other.
    Ordered,
    /// `K` of values that can be keys of a map: whatever the function gives that has this shape.
    NewKey,
    /// `X?`
    Optional(&'static Self),
    /// `list<X>`
    List(&'static Self),
    /// `map<K, X>`, of the keys that a function gives.
    MapOf(&'static Self),
    /// `map<K, X>`, of the keys of the receiver.
    MapTo(&'static Self),
    /// Any type: what is compared with `==` and not kept.
    Any,
    /// A pattern for text, which is written out and checked.
    Pattern,
    /// A function from these to that, as `|x| x.price`.
    Function(&'static [Self], &'static Self),
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
}

/// What a method asks of the elements of its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// Nothing.
    Any,
    /// That they can be added: see [`Shape::Sum`].
    Sum,
    /// That they are less or greater than each other.
    Ordered,
}

/// One method.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// What it is called on.
    pub receiver: Receiver,
    /// The name.
    pub name: &'static str,
    /// What it asks of the elements of its list.
    pub elements: Elements,
    /// The parameters with their names; a function's shows its form.
    pub parameters: &'static [(&'static str, Shape)],
    /// The result.
    pub result: Shape,
    /// What it does.
    pub what: &'static str,
    /// What it is compiled to. Of `div`, the rounding tells which.
    pub method: Method,
}

impl Signature {
    /// The parameters as they are written: `old, new`, or `|x| condition`.
    #[must_use]
    pub fn form(&self) -> String {
        let names: Vec<&str> = self.parameters.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// Whether a parameter is a function.
    #[must_use]
    pub fn takes_function(&self) -> bool {
        self.parameters.iter().any(|(_, shape)| matches!(shape, Shape::Function(..)))
    }
}

const fn method(
    receiver: Receiver,
    name: &'static str,
    parameters: &'static [(&'static str, Shape)],
    result: Shape,
    method: Method,
    what: &'static str,
) -> Signature {
    let elements = Elements::Any;
    Signature { receiver, name, elements, parameters, result, what, method }
}

/// The same, for lists of some elements only.
const fn of(elements: Elements, signature: Signature) -> Signature {
    Signature { elements, ..signature }
}

/// A condition on an element.
const TEST: Shape = Shape::Function(&[Shape::Element], &Shape::Boolean);
/// A value for each element.
const OF_EACH: Shape = Shape::Function(&[Shape::Element], &Shape::Result);

/// A key to put elements under.
const NEW_KEY: Shape = Shape::Function(&[Shape::Element], &Shape::NewKey);

/// A key to put elements in order by.
const KEY: Shape = Shape::Function(&[Shape::Element], &Shape::Ordered);

/// The tables, in the order of the reference. Methods of one name on one receiver differ in the number of
/// parameters.
const TABLES: &[&[Signature]] = &[
    text::TEXTS,
    number::NUMBERS,
    optional::OPTIONALS,
    list::LISTS,
    collection::COLLECTIONS,
    time::TIMES,
];

/// Every method.
pub fn methods() -> impl Iterator<Item = &'static Signature> + Clone {
    TABLES.iter().copied().flatten()
}

/// What methods a type has.
pub(crate) fn receiver(of: &Type) -> Option<Receiver> {
    Some(match of {
        Type::Newtype(_, base) => return receiver(base),
        Type::String => Receiver::String,
        Type::Integer => Receiver::Integer,
        Type::Decimal(_) => Receiver::Decimal,
        Type::Optional(_) => Receiver::Optional,
        Type::List(_) => Receiver::List,
        Type::Set(_) => Receiver::Set,
        Type::Map(..) => Receiver::Map,
        Type::Timestamp => Receiver::Timestamp,
        Type::Date => Receiver::Date,
        Type::Duration => Receiver::Duration,
        Type::Boolean | Type::Uuid | Type::Bytes | Type::Enum(_) | Type::Record(_) => {
            return None;
        }
    })
}

/// The method of this name on this type that takes so many arguments; if none does, any of this name.
pub(crate) fn find(of: &Type, name: &str, arguments: usize) -> Option<&'static Signature> {
    let receiver = receiver(of)?;
    let mut named =
        methods().filter(move |listed| listed.receiver == receiver && listed.name == name);
    let exact = named.clone().find(|listed| listed.parameters.len() == arguments);
    exact.or_else(|| named.next())
}

/// Whether the type has a method of this name.
pub(crate) fn has(of: &Type, name: &str) -> bool {
    find(of, name, 0).is_some()
}

/// The names of the methods on this type.
pub(crate) fn names(of: &Type) -> Vec<&'static str> {
    let receiver = receiver(of);
    let listed = methods().filter(|listed| Some(listed.receiver) == receiver);
    let mut names: Vec<&str> = listed.map(|listed| listed.name).collect();
    names.dedup();
    names
}
