//! What is asked of the rows of a projection: on what condition, in which order, how many.
//!
//! Conditions are plain values, so that every read database can answer them in its own way: SQLite with SQL
//! in which all values are bound, memory by looking at each row with [`Condition::holds`]. Both mean what
//! the expressions of the language mean: decimals are compared as numbers and texts by their bytes, and
//! none equals none. Which of those expressions become conditions is the compiler's to say.

use std::cmp::Ordering;

use super::{ReadDatabaseError, TableSpec, Value};
use crate::values::Decimal;

/// Which rows, in which order, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What holds for the rows.
    pub condition: Condition,
    /// By what they are sorted; rows that are alike in it, and all where it is empty, by their key.
    pub order: Vec<Order>,
    /// How many of them are left out first.
    pub offset: usize,
    /// How many of them there are at most.
    pub limit: usize,
}

/// A column to sort by. None comes before every value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: &'static str,
    /// Whether the greatest value comes first.
    pub descending: bool,
}

impl Order {
    /// The smallest first.
    pub const fn ascending(column: &'static str) -> Self {
        Self { column, descending: false }
    }

    /// The greatest first.
    pub const fn descending(column: &'static str) -> Self {
        Self { column, descending: true }
    }
}

/// What holds for a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// Two values compare so.
    Compare(Operand, Comparison, Operand),
    /// A text begins with another, and the like. Never where one of them is none.
    Text(Operand, TextTest, Operand),
    /// The column is none.
    Absent(&'static str),
    /// The row's key comes after this one.
    After(Vec<Value>),
    /// The same for every row.
    Always(bool),
}

/// How two values compare. None equals none, and is neither less nor greater than anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What is asked of two texts, by their characters: no letter stands for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextTest {
    /// Whether the left begins with the right.
    StartsWith,
    /// Whether the left ends with the right.
    EndsWith,
    /// Whether the right stands in the left.
    Contains,
}

impl TextTest {
    /// The outcome.
    pub fn holds(self, left: &str, right: &str) -> bool {
        match self {
            Self::StartsWith => left.starts_with(right),
            Self::EndsWith => left.ends_with(right),
            Self::Contains => left.contains(right),
        }
    }
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A column.
    Column(&'static str),
    /// An integer column as a decimal.
    Widened(&'static str),
    /// A column of texts in small letters, of any script.
    Lowercase(&'static str),
    /// A value of the other side's type.
    Value(Value),
}

impl Condition {
    /// A column and a value of its type.
    pub fn column(column: &'static str, comparison: Comparison, value: Value) -> Self {
        Self::Compare(Operand::Column(column), comparison, Operand::Value(value))
    }

    /// A column that equals a value of its type.
    pub fn equal(column: &'static str, value: Value) -> Self {
        Self::column(column, Comparison::Equal, value)
    }

    /// That it does not hold.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Whether it holds for a row of these columns.
    pub fn holds(&self, spec: &TableSpec, row: &[Value]) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(spec, row)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(spec, row)),
            Self::Not(inner) => !inner.holds(spec, row),
            Self::Compare(left, comparison, right) => {
                comparison.holds(&left.of(spec, row), &right.of(spec, row))
            }
            Self::Text(left, test, right) => match (left.of(spec, row), right.of(spec, row)) {
                (Value::Text(left), Value::Text(right)) => test.holds(&left, &right),
                _ => false,
            },
            Self::Absent(column) => cell(spec, row, column) == &Value::Null,
            Self::After(key) => row.get(..spec.key_columns).is_some_and(|own| own > key.as_slice()),
            Self::Always(holds) => *holds,
        }
    }

    /// Refuses what the table has no columns for.
    pub(super) fn check(&self, spec: &TableSpec) -> Result<(), ReadDatabaseError> {
        self.columns().into_iter().try_for_each(|name| spec.column(name).map(drop))
    }

    /// The columns that it names.
    fn columns(&self) -> Vec<&'static str> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::columns).collect(),
            Self::Not(inner) => inner.columns(),
            Self::Compare(left, _, right) | Self::Text(left, _, right) => {
                [left, right].into_iter().filter_map(Operand::column).collect()
            }
            Self::Absent(column) => vec![column],
            Self::After(_) | Self::Always(_) => Vec::new(),
        }
    }
}

impl Comparison {
    fn holds(self, left: &Value, right: &Value) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            _ if left == &Value::Null || right == &Value::Null => false,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl Operand {
    /// The column that it reads.
    pub(super) fn column(&self) -> Option<&'static str> {
        match self {
            Self::Column(column) | Self::Widened(column) | Self::Lowercase(column) => Some(column),
            Self::Value(_) => None,
        }
    }

    fn of(&self, spec: &TableSpec, row: &[Value]) -> Value {
        match self {
            Self::Column(column) => cell(spec, row, column).clone(),
            Self::Widened(column) => match cell(spec, row, column) {
                Value::Integer(number) => Value::Decimal(Decimal::from(*number)),
                other => other.clone(),
            },
            Self::Lowercase(column) => match cell(spec, row, column) {
                Value::Text(text) => Value::Text(text.to_lowercase()),
                other => other.clone(),
            },
            Self::Value(value) => value.clone(),
        }
    }
}

/// The value of a column, which [`Query::check`] has found.
fn cell<'r>(spec: &TableSpec, row: &'r [Value], column: &str) -> &'r Value {
    let place = spec.columns.iter().position(|known| known.name == column);
    place.and_then(|place| row.get(place)).unwrap_or(&Value::Null)
}

impl Query {
    /// All rows of which the condition holds.
    pub fn all(condition: Condition) -> Self {
        Self { condition, order: Vec::new(), offset: 0, limit: usize::MAX }
    }

    /// Refuses what the table has no columns for.
    pub(super) fn check(&self, spec: &TableSpec) -> Result<(), ReadDatabaseError> {
        self.condition.check(spec)?;
        self.order.iter().try_for_each(|order| spec.column(order.column).map(drop))
    }

    /// How two rows follow each other, keys apart.
    pub(super) fn compare(&self, spec: &TableSpec, left: &[Value], right: &[Value]) -> Ordering {
        let by = |order: &Order| {
            let ascending = cell(spec, left, order.column).cmp(cell(spec, right, order.column));
            if order.descending { ascending.reverse() } else { ascending }
        };
        self.order.iter().map(by).find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
    }
}
