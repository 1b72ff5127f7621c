//! Integers, checked, and decimals, exact on the integers behind them.

use std::cmp::Ordering;

use crate::model::{Arithmetic, ExpressionKind};

/// Beyond these digits there is no opinion on a decimal.
const DIGITS: usize = 28;

/// `-a`
pub(super) fn negated(a: &ExpressionKind) -> Option<ExpressionKind> {
    match a {
        ExpressionKind::Integer(a) => a.checked_neg().map(ExpressionKind::Integer),
        ExpressionKind::Decimal(a) => {
            let Exact { mantissa, scale } = Exact::of(a)?;
            Exact { mantissa: -mantissa, scale }.written()
        }
        _ => None,
    }
}

/// `a + b` and its kin, of integers and decimals.
pub(super) fn arithmetic(
    operator: Arithmetic,
    a: &ExpressionKind,
    b: &ExpressionKind,
) -> Option<ExpressionKind> {
    match (a, b) {
        (ExpressionKind::Integer(a), ExpressionKind::Integer(b)) => {
            integers(operator, *a, *b).map(ExpressionKind::Integer)
        }
        (ExpressionKind::Decimal(a), ExpressionKind::Decimal(b)) => {
            decimals(operator, Exact::of(a)?, Exact::of(b)?)?.written()
        }
        _ => None,
    }
}

fn integers(operator: Arithmetic, a: i64, b: i64) -> Option<i64> {
    match operator {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Remainder => a.checked_rem(b),
    }
}

fn decimals(operator: Arithmetic, a: Exact, b: Exact) -> Option<Exact> {
    match operator {
        Arithmetic::Add => {
            let (a, b, scale) = aligned(a, b)?;
            Some(Exact { mantissa: a.checked_add(b)?, scale })
        }
        Arithmetic::Subtract => {
            let (a, b, scale) = aligned(a, b)?;
            Some(Exact { mantissa: a.checked_sub(b)?, scale })
        }
        Arithmetic::Multiply => {
            Some(Exact { mantissa: a.mantissa.checked_mul(b.mantissa)?, scale: a.scale + b.scale })
        }
        Arithmetic::Divide | Arithmetic::Remainder => None,
    }
}

/// The order of two numbers, times or spans of time.
pub(super) fn order(a: &ExpressionKind, b: &ExpressionKind) -> Option<Ordering> {
    use ExpressionKind::{Decimal, Duration, Integer, Timestamp};
    match (a, b) {
        (Integer(a), Integer(b)) | (Duration(a), Duration(b)) | (Timestamp(a), Timestamp(b)) => {
            Some(a.cmp(b))
        }
        (Decimal(a), Decimal(b)) => {
            aligned(Exact::of(a)?, Exact::of(b)?).map(|(a, b, _)| a.cmp(&b))
        }
        _ => None,
    }
}

/// A decimal: `mantissa / 10^scale`.
#[derive(Clone, Copy, Debug)]
struct Exact {
    mantissa: i128,
    scale: usize,
}

impl Exact {
    fn of(text: &str) -> Option<Self> {
        let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        Some(Self { mantissa: text.replace('.', "").parse().ok()?, scale })
    }

    /// In canonical text.
    fn written(self) -> Option<ExpressionKind> {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = format!("{:0>1$}", self.mantissa.unsigned_abs(), self.scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale);
        let fraction = fraction.trim_end_matches('0');
        let count = whole.trim_start_matches('0').len() + fraction.len();
        let point = if fraction.is_empty() { "" } else { "." };
        (count <= DIGITS)
            .then(|| ExpressionKind::Decimal(format!("{sign}{whole}{point}{fraction}")))
    }
}

/// Two mantissas of one scale, and the scale.
fn aligned(a: Exact, b: Exact) -> Option<(i128, i128, usize)> {
    let scale = a.scale.max(b.scale);
    let raised = |it: Exact| {
        let by = u32::try_from(scale - it.scale).ok()?;
        it.mantissa.checked_mul(10_i128.checked_pow(by)?)
    };
    Some((raised(a)?, raised(b)?, scale))
}
