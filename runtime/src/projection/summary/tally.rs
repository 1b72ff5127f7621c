//! One figure of one group while its rows come in.

use super::exact::Exact;
use super::{Figure, ReadDatabaseError, TableSpec};
use crate::eval::{Rounding, div};
use crate::projection::{ColumnType, Value};
use crate::values::Decimal;

/// What has come in.
#[derive(Clone)]
pub(super) enum Tally {
    /// The group's own value.
    Own(Value),
    Count(i64),
    Integers(i128),
    Decimals(Exact),
    Least(Value),
    Greatest(Value),
    Average {
        sum: Exact,
        count: i64,
        scale: u32,
    },
}

/// Why there is no figure.
pub(super) enum Fault {
    /// It leaves the range of its type.
    Overflow,
    /// A column does not hold what is to be worked out.
    NoNumber,
}

impl Fault {
    /// Of this figure.
    pub(super) fn of(self, spec: &TableSpec, figure: Figure) -> ReadDatabaseError {
        let projection = spec.full_name();
        let name = match figure {
            Figure::Count => "the number of rows".to_owned(),
            Figure::Average(column, _) => format!("the average of `{column}`"),
            figure => format!("the sum of `{}`", figure.column().unwrap_or_default()),
        };
        match self {
            Self::Overflow => ReadDatabaseError::Overflow { projection, figure: name },
            Self::NoNumber => ReadDatabaseError::Corrupt(format!(
                "{name} of {projection}: the column holds no number"
            )),
        }
    }
}

impl Tally {
    /// Of a column of this type, or of none.
    pub(super) fn new(figure: Figure, of: Option<ColumnType>) -> Self {
        match figure {
            Figure::Column(_) => Self::Own(Value::Null),
            Figure::Count => Self::Count(0),
            Figure::Sum(_) if of == Some(ColumnType::Integer) => Self::Integers(0),
            Figure::Sum(_) => Self::Decimals(Exact::default()),
            Figure::Min(_) => Self::Least(Value::Null),
            Figure::Max(_) => Self::Greatest(Value::Null),
            Figure::Average(_, scale) => Self::Average { sum: Exact::default(), count: 0, scale },
        }
    }

    /// Takes the value of a row; for the number of rows it is of no interest.
    pub(super) fn take(&mut self, value: Value) -> Result<(), Fault> {
        if let Self::Count(count) = self {
            *count = count.checked_add(1).ok_or(Fault::Overflow)?;
            return Ok(());
        }
        if value == Value::Null {
            return Ok(());
        }
        match self {
            Self::Own(own) => *own = value,
            Self::Least(least) if *least == Value::Null || value < *least => *least = value,
            Self::Greatest(greatest) if value > *greatest => *greatest = value,
            Self::Least(_) | Self::Greatest(_) | Self::Count(_) => {}
            Self::Integers(sum) => {
                let Value::Integer(number) = value else { return Err(Fault::NoNumber) };
                *sum = sum.checked_add(number.into()).ok_or(Fault::Overflow)?;
            }
            Self::Decimals(sum) => *sum = plus(*sum, decimal(&value)?)?,
            Self::Average { sum, count, .. } => {
                *sum = plus(*sum, decimal(&value)?)?;
                *count = count.checked_add(1).ok_or(Fault::Overflow)?;
            }
        }
        Ok(())
    }

    pub(super) fn value(self) -> Result<Value, Fault> {
        Ok(match self {
            Self::Own(value) | Self::Least(value) | Self::Greatest(value) => value,
            Self::Count(count) => Value::Integer(count),
            Self::Integers(sum) => Value::Integer(i64::try_from(sum).map_err(|_| Fault::Overflow)?),
            Self::Decimals(sum) => Value::Decimal(sum.value().ok_or(Fault::Overflow)?),
            Self::Average { count: 0, .. } => Value::Null,
            Self::Average { sum, count, scale } => {
                let sum = sum.value().ok_or(Fault::Overflow)?;
                let average = div(sum, count.into(), scale.into(), Rounding::HalfEven);
                Value::Decimal(average.map_err(|_| Fault::Overflow)?)
            }
        })
    }
}

fn plus(sum: Exact, number: Decimal) -> Result<Exact, Fault> {
    sum.plus(number).ok_or(Fault::Overflow)
}

fn decimal(value: &Value) -> Result<Decimal, Fault> {
    match value {
        Value::Integer(number) => Ok(Decimal::from(*number)),
        Value::Decimal(number) => Ok(*number),
        _ => Err(Fault::NoNumber),
    }
}
