//! From the shapes of a signature to types, for one call: what the receiver tells, and what a function
//! gives.

use super::names::beneath_optional;
use crate::model::Type;
use crate::resolve::methods::Shape;

/// The types that the shapes of one call stand for, as far as they are known.
pub(super) struct Bound<'c> {
    /// The receiver's type.
    pub(super) receiver: &'c Type,
    /// `U`, once something gave it.
    pub(super) result: Option<Type>,
    /// The key that a function gives, once one did.
    key: Option<Type>,
    /// What the place of the call asks `U` to be, if anything.
    pub(super) wanted: Option<Type>,
    /// What the place of the call asks the whole call to be.
    pub(super) expected: Option<&'c Type>,
}

/// Why a shape is no type.
pub(super) enum Missing {
    /// `U` is not known yet, or it is no type but a function or a word.
    Unknown,
    /// It would be an optional of an optional.
    Nested,
}

impl<'c> Bound<'c> {
    /// Before any argument is looked at.
    pub(super) fn new(receiver: &'c Type, result: Shape, expected: Option<&'c Type>) -> Self {
        let wanted = match result {
            // T becomes T? by itself.
            Shape::Result => expected.map(beneath_optional).cloned(),
            _ => expected.and_then(|expected| wanted(result, expected)),
        };
        Self { receiver, result: None, key: None, wanted, expected }
    }

    /// What the place of the call asks a new key to be.
    pub(super) fn wanted_key(&self) -> Option<Type> {
        let (key, _) = entry(beneath_optional(self.expected?)).ok()?;
        Some(key.clone())
    }

    /// The type of a shape.
    pub(super) fn type_of(&self, shape: Shape) -> Result<Type, Missing> {
        Ok(match shape {
            Shape::Receiver => self.receiver.clone(),
            Shape::Element => element(self.receiver).clone(),
            Shape::Key => entry(self.receiver)?.0.clone(),
            Shape::Value => entry(self.receiver)?.1.clone(),
            Shape::Result | Shape::Sum | Shape::Ordered => {
                self.result.clone().ok_or(Missing::Unknown)?
            }
            Shape::NewKey => self.key.clone().ok_or(Missing::Unknown)?,
            Shape::MapOf(inner) => self.map(Shape::NewKey, *inner)?,
            Shape::MapTo(inner) => self.map(Shape::Key, *inner)?,
            Shape::Optional(inner) => match self.type_of(*inner)? {
                Type::Optional(_) => return Err(Missing::Nested),
                plain => Type::Optional(Box::new(plain)),
            },
            Shape::List(item) => Type::List(Box::new(self.type_of(*item)?)),
            Shape::String => Type::String,
            Shape::Integer => Type::Integer,
            Shape::Decimal => Type::Decimal(None),
            Shape::Boolean => Type::Boolean,
            Shape::Date => Type::Date,
            Shape::Any | Shape::Pattern | Shape::Rounding | Shape::Function(..) => {
                return Err(Missing::Unknown);
            }
        })
    }

    fn map(&self, key: Shape, value: Shape) -> Result<Type, Missing> {
        let (key, value) = (self.type_of(key)?, self.type_of(value)?);
        Ok(Type::Map(Box::new(key), Box::new(value)))
    }

    /// Takes `U` from what a function gives, where its result has this shape; whether it fits.
    pub(super) fn take(&mut self, shape: Shape, given: &Type) -> bool {
        match (shape, given) {
            (Shape::Result, given) => {
                self.result.get_or_insert_with(|| given.clone());
                true
            }
            (Shape::NewKey, given) => {
                self.key.get_or_insert_with(|| given.clone());
                true
            }
            (Shape::Sum | Shape::Ordered, given) => {
                self.result.get_or_insert_with(|| calculated(given));
                true
            }
            (Shape::Optional(inner), Type::Optional(given))
            | (Shape::List(inner), Type::List(given)) => self.take(*inner, given),
            _ => false,
        }
    }
}

/// What `U` would be if this shape were the expected type.
fn wanted(shape: Shape, expected: &Type) -> Option<Type> {
    match (shape, expected) {
        (Shape::Result, expected) => Some(expected.clone()),
        (Shape::Optional(inner), Type::Optional(expected)) => wanted(*inner, expected),
        (Shape::List(_), Type::Optional(expected)) => wanted(shape, expected),
        (Shape::MapOf(_) | Shape::MapTo(_), Type::Optional(expected)) => wanted(shape, expected),
        (Shape::List(inner), Type::List(expected))
        | (Shape::MapOf(inner) | Shape::MapTo(inner), Type::Map(_, expected)) => {
            wanted(*inner, expected)
        }
        _ => None,
    }
}

/// `K` and `V` of `map<K, V>`.
fn entry(of: &Type) -> Result<(&Type, &Type), Missing> {
    match of {
        Type::Map(key, value) => Ok((key, value)),
        _ => Err(Missing::Unknown),
    }
}

/// `T` of `T?`, `list<T>` or `set<T>`.
pub(super) fn element(of: &Type) -> &Type {
    match of {
        Type::List(element) | Type::Set(element) | Type::Optional(element) => element,
        other => other,
    }
}

/// The type of a result of arithmetic: digits bind what is stored, not what is calculated.
pub(super) fn calculated(of: &Type) -> Type {
    match of {
        Type::Decimal(_) => Type::Decimal(None),
        other => other.clone(),
    }
}

/// Whether values of the type can be added, with a zero to start from.
pub(super) fn can_be_added(of: &Type) -> bool {
    matches!(of, Type::Integer | Type::Decimal(_) | Type::Duration)
}
