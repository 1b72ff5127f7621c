//! Types as an ontology writes them, and which become which by themselves.

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Integer,
    Decimal(Option<(u32, u32)>),
    Boolean,
    Timestamp,
    Date,
    Duration,
    Uuid,
    Bytes,
    /// With its name, where it is declared.
    Enum(Option<String>, Vec<String>),
    Record(String),
    Newtype(String, Box<Type>),
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Optional(Box<Type>),
}

impl Type {
    pub(crate) fn optional(self) -> Self {
        match self {
            Self::Optional(_) => self,
            other => Self::Optional(Box::new(other)),
        }
    }

    pub(crate) fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// As it stands in an ontology.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::String => "string".into(),
            Self::Integer => "integer".into(),
            Self::Decimal(None) => "decimal".into(),
            Self::Decimal(Some((digits, scale))) => format!("decimal({digits},{scale})"),
            Self::Boolean => "boolean".into(),
            Self::Timestamp => "timestamp".into(),
            Self::Date => "date".into(),
            Self::Duration => "duration".into(),
            Self::Uuid => "uuid".into(),
            Self::Bytes => "bytes".into(),
            Self::Enum(None, variants) => format!("enum[{}]", variants.join(", ")),
            Self::Enum(Some(name), _) | Self::Record(name) | Self::Newtype(name, _) => name.clone(),
            Self::List(of) => format!("list<{}>", of.written()),
            Self::Set(of) => format!("set<{}>", of.written()),
            Self::Map(key, value) => format!("map<{}, {}>", key.written(), value.written()),
            Self::Optional(of) => format!("{}?", of.written()),
        }
    }

    /// What a named value is without its name.
    pub(crate) fn plain(&self) -> &Self {
        match self {
            Self::Newtype(_, base) => base,
            other => other,
        }
    }

    /// Whether values are less or greater than each other.
    pub(crate) fn is_ordered(&self) -> bool {
        use Type::{Date, Decimal, Duration, Integer, String, Timestamp};
        matches!(self.plain(), String | Integer | Decimal(_) | Date | Duration | Timestamp)
    }

    /// Whether it can be a member of a set or the key of a map.
    pub(crate) fn is_key(&self) -> bool {
        use Type::{Date, Enum, Integer, String, Uuid};
        matches!(self.plain(), String | Integer | Enum(..) | Uuid | Date)
    }

    /// Whether it is one value, which can be the key of a row.
    pub(crate) fn is_single(&self) -> bool {
        use Type::{List, Map, Optional, Record, Set};
        !matches!(self, List(_) | Map(..) | Optional(_) | Record(_) | Set(_))
    }

    /// Whether values have a limit of digits somewhere.
    pub(crate) fn has_digits(&self) -> bool {
        match self {
            Self::Decimal(digits) => digits.is_some(),
            Self::List(of) | Self::Set(of) | Self::Optional(of) | Self::Map(_, of) => {
                of.has_digits()
            }
            Self::Newtype(_, base) => base.has_digits(),
            _ => false,
        }
    }

    /// Whether two types are one in expressions, which calculate without a limit of digits.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Decimal(_), Self::Decimal(_)) => true,
            (Self::Optional(a), Self::Optional(b))
            | (Self::List(a), Self::List(b))
            | (Self::Set(a), Self::Set(b)) => a.same(b),
            (Self::Map(ak, a), Self::Map(bk, b)) => ak.same(bk) && a.same(b),
            (a, b) => a == b,
        }
    }

    /// Whether a value of it becomes one of the other by itself.
    pub(crate) fn becomes(&self, to: &Self) -> bool {
        match (self, to) {
            (a, b) if a.same(b) => true,
            (Self::Newtype(..), Self::Newtype(..)) => false,
            (Self::Newtype(_, base), to) => base.becomes(to),
            (Self::Optional(from), Self::Optional(to)) => match (&**from, &**to) {
                (Self::Newtype(_, base), to) => base.same(to),
                _ => false,
            },
            (Self::Integer, Self::Decimal(_)) => true,
            (Self::Optional(_), _) => false,
            (from, Self::Optional(to)) => from.becomes(to),
            _ => false,
        }
    }
}
