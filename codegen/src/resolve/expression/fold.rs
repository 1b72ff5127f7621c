//! What a default is worked out to: it stands where nothing can fail, so the build calculates it.
//!
//! Exact as the runtime is, or refused. Only values, constants and arithmetic become values here; the rest is no
//! default.

use rust_decimal::Decimal;

use super::checker::Checker;
use crate::catalogue::types::DEFAULT;
use crate::diagnostic::Diagnostic;
use crate::model::{Arithmetic, Expression, ExpressionKind as Kind, Type};
use crate::source::Span;

/// Why a default is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A result beyond what its type holds.
    Range,
    /// `1 / 0`
    Zero,
    /// Something other than values and arithmetic.
    Other,
}

impl Checker<'_> {
    /// The value of a default, or of a part of one; elsewhere the expression as it is.
    pub(super) fn folded(&mut self, found: Expression, span: Span) -> Option<Expression> {
        if !self.scope.folds {
            return Some(found);
        }
        let shown = self.show(&found.result);
        fold(found).map_or_else(|fault| self.refuse(refusal(fault, &shown, span)), Some)
    }
}

fn refusal(fault: Fault, shown: &str, span: Span) -> Diagnostic {
    let (title, label, help) = match fault {
        Fault::Range => (
            format!("this default is beyond what `{shown}` holds"),
            "too large",
            "an integer has 64 bits, a decimal 28 digits, a duration 292,000 years, a time the years 0 to 9999",
        ),
        Fault::Zero => {
            ("this default divides by zero".into(), "no number", "divide by another number")
        }
        Fault::Other => (
            "this default is no value".into(),
            "cannot be worked out in the build",
            "write the value out: literals, constants, `+ - * / %`, and lists and records of them are what a default has",
        ),
    };
    Diagnostic::error(&DEFAULT, title, span, label).help(help)
}

fn fold(expression: Expression) -> Result<Expression, Fault> {
    let Expression { kind, result } = expression;
    let all = |items: Vec<Expression>| items.into_iter().map(fold).collect::<Result<Vec<_>, _>>();
    let kind = match kind {
        Kind::String(_) | Kind::Integer(_) | Kind::Decimal(_) | Kind::Boolean(_) => kind,
        Kind::Duration(_) | Kind::Timestamp(_) | Kind::Date(_) | Kind::Uuid(_) => kind,
        Kind::Bytes(_) | Kind::None | Kind::Variant(_) => kind,
        Kind::Some(inner) => Kind::Some(Box::new(fold(*inner)?)),
        Kind::Wrap(inner) => Kind::Wrap(Box::new(fold(*inner)?)),
        Kind::Plain(inner) => match fold(*inner)?.kind {
            Kind::Wrap(value) => value.kind,
            _ => return Err(Fault::Other),
        },
        Kind::Widen(inner) => match fold(*inner)?.kind {
            Kind::Integer(number) => Kind::Decimal(number.to_string()),
            _ => return Err(Fault::Other),
        },
        Kind::Field(base, name) => match fold(*base)?.kind {
            Kind::Record(fields, None) => named(fields, &name)?,
            _ => return Err(Fault::Other),
        },
        Kind::List(items) => Kind::List(all(items)?),
        Kind::Set(members) => Kind::Set(all(members)?),
        Kind::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Ok((fold(key)?, fold(value)?)));
            Kind::Map(entries.collect::<Result<_, _>>()?)
        }
        Kind::Record(fields, None) => {
            let fields = fields.into_iter().map(|(name, value)| Ok((name, fold(value)?)));
            Kind::Record(fields.collect::<Result<_, _>>()?, None)
        }
        Kind::Negate(inner) => {
            let zero = match &inner.result {
                Type::Decimal(_) => Kind::Decimal("0".into()),
                Type::Duration => Kind::Duration(0),
                _ => Kind::Integer(0),
            };
            calculated(Arithmetic::Subtract, &zero, &fold(*inner)?.kind)?
        }
        Kind::Arithmetic(operator, left, right) => {
            calculated(operator, &fold(*left)?.kind, &fold(*right)?.kind)?
        }
        _ => return Err(Fault::Other),
    };
    Ok(Expression { kind, result })
}

fn named(fields: Vec<(String, Expression)>, name: &str) -> Result<Kind, Fault> {
    let found = fields.into_iter().find(|(field, _)| field == name);
    found.map(|(_, value)| value.kind).ok_or(Fault::Other)
}

fn calculated(operator: Arithmetic, left: &Kind, right: &Kind) -> Result<Kind, Fault> {
    match (left, right) {
        (Kind::Integer(a), Kind::Integer(b)) => integers(operator, *a, *b).map(Kind::Integer),
        (Kind::Duration(a), Kind::Duration(b)) => integers(operator, *a, *b).map(Kind::Duration),
        (Kind::Decimal(a), Kind::Decimal(b)) => decimals(operator, a, b).map(Kind::Decimal),
        (Kind::Timestamp(a), Kind::Timestamp(b)) => integers(operator, *a, *b).map(Kind::Duration),
        (Kind::Timestamp(a), Kind::Duration(b)) => {
            let micros = integers(operator, *a, *b)?;
            let range = YEAR_0..YEAR_10_000;
            range.contains(&micros).then_some(Kind::Timestamp(micros)).ok_or(Fault::Range)
        }
        _ => Err(Fault::Other),
    }
}

/// The first microsecond that a time can be, counted from 1970, and the first that is beyond.
const YEAR_0: i64 = -62_167_219_200_000_000;
const YEAR_10_000: i64 = 253_402_300_800_000_000;

fn integers(operator: Arithmetic, a: i64, b: i64) -> Result<i64, Fault> {
    let result = match operator {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => return Err(Fault::Zero),
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Remainder => a.checked_rem(b),
    };
    result.ok_or(Fault::Range)
}

fn decimals(operator: Arithmetic, a: &str, b: &str) -> Result<String, Fault> {
    let read = |text| Decimal::from_str_exact(text).map_err(|_| Fault::Range);
    let (a, b) = (read(a)?, read(b)?);
    let scale = a.scale().max(b.scale());
    let raised = |it: Decimal| 10_i128.pow(scale - it.scale()).checked_mul(it.mantissa());
    let (number, scale) = match operator {
        Arithmetic::Multiply => (a.mantissa().checked_mul(b.mantissa()), a.scale() + b.scale()),
        Arithmetic::Add | Arithmetic::Subtract => {
            let (Some(a), Some(b)) = (raised(a), raised(b)) else { return Err(Fault::Range) };
            let subtracts = operator == Arithmetic::Subtract;
            (if subtracts { a.checked_sub(b) } else { a.checked_add(b) }, scale)
        }
        Arithmetic::Divide | Arithmetic::Remainder => return Err(Fault::Other),
    };
    number.and_then(|number| exact(number, scale)).ok_or(Fault::Range)
}

/// The canonical text of `mantissa / 10^scale`; none where a decimal doesn't hold all of it.
fn exact(mut mantissa: i128, mut scale: u32) -> Option<String> {
    while scale > 0 && mantissa % 10 == 0 {
        (mantissa, scale) = (mantissa / 10, scale - 1);
    }
    Some(Decimal::try_from_i128_with_scale(mantissa, scale).ok()?.normalize().to_string())
}
