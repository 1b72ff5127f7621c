//! Sums of decimals that are exact whatever their order: a partial sum may need more digits than a decimal
//! has, and be brought back by what follows.

use crate::values::Decimal;

/// Most digits after the point.
const SCALE: u32 = 28;
/// One, in units of the last digit.
const ONE: i128 = 10_i128.pow(SCALE);

/// A sum. Both parts may have either sign.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exact {
    whole: i128,
    /// In units of the last of 28 digits after the point, less than one.
    parts: i128,
}

impl Exact {
    /// With one number more; none after more numbers than any table has rows.
    pub(super) fn plus(self, number: Decimal) -> Option<Self> {
        let unit = 10_i128.pow(number.scale());
        let (whole, rest) = (number.mantissa() / unit, number.mantissa() % unit);
        let parts = self.parts + rest * (ONE / unit);
        let whole = self.whole.checked_add(whole)?.checked_add(parts / ONE)?;
        Some(Self { whole, parts: parts % ONE })
    }

    /// The sum; none where no decimal is exactly it.
    pub(super) fn value(self) -> Option<Decimal> {
        let (mut whole, mut parts, mut scale) = (self.whole, self.parts, SCALE);
        let carried = (parts.signum() - whole.signum()) / 2;
        if carried != 0 {
            (whole, parts) = (whole + carried, parts - carried * ONE);
        }
        while scale > 0 && parts % 10 == 0 {
            (parts, scale) = (parts / 10, scale - 1);
        }
        let digits = whole.checked_mul(10_i128.pow(scale))?.checked_add(parts)?;
        Decimal::try_from_i128_with_scale(digits, scale).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Decimal, Exact};

    fn sum(numbers: &[&str]) -> Option<String> {
        let add = |sum: Exact, number: &&str| {
            sum.plus(number.parse::<Decimal>().expect("a decimal")).expect("few")
        };
        numbers.iter().fold(Exact::default(), add).value().map(|sum| sum.to_string())
    }

    #[test]
    fn sums_are_exact_in_every_order() {
        const MAX: &str = "79228162514264337593543950335";
        const MIN: &str = "-79228162514264337593543950335";
        const TINY: &str = "0.0000000000000000000000000001";
        for (numbers, expected) in [
            (vec![], Some("0")),
            (vec!["0.1", "0.2"], Some("0.3")),
            (vec!["1.5", "-2.25"], Some("-0.75")),
            (vec!["-1.5", "2.25"], Some("0.75")),
            (vec!["2", "-0.5"], Some("1.5")),
            (vec!["-2", "0.5"], Some("-1.5")),
            (vec!["0.99", "0.01"], Some("1")),
            (vec!["-0.99", "-0.01", "-10"], Some("-11")),
            (vec![MAX, "1"], None),
            (vec![MAX, TINY], None),
            (vec![MAX, MAX, MIN], Some(MAX)),
            (vec![TINY, MAX, MIN], Some(TINY)),
            (
                vec!["7.9228162514264337593543950335", "0.0000000000000000000000000005"],
                Some("7.922816251426433759354395034"),
            ),
        ] {
            let mut numbers = numbers;
            assert_eq!(sum(&numbers).as_deref(), expected, "{numbers:?}");
            numbers.reverse();
            assert_eq!(sum(&numbers).as_deref(), expected, "{numbers:?}");
        }
    }
}
