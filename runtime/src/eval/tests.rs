//! The laws of arithmetic, against integers of any size; and each method by example.

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::dec;
use crate::values::{Decimal, Duration, Timestamp};

/// Decimals of every size and scale, most of them near the edges: few and many digits, and many
/// factors of two, five and ten, which is where results can be shortened.
fn decimals() -> impl Strategy<Value = Decimal> {
    let mantissas = prop_oneof![
        (any::<u128>(), 32_u32..128).prop_map(|(bits, shift)| bits >> shift),
        (0_u32..96, 1_u128..1000).prop_map(|(shift, odd)| odd << shift),
        (0_u32..41, 1_u128..100).prop_map(|(power, odd)| odd * 5_u128.pow(power)),
        (0_u32..29, 1_u128..100).prop_map(|(power, odd)| odd * 10_u128.pow(power)),
    ];
    (mantissas, any::<bool>(), 0_u32..=28).prop_map(|(mantissa, negative, scale)| {
        let mantissa = i128::try_from(mantissa & ((1 << 96) - 1)).unwrap();
        Decimal::from_i128_with_scale(if negative { -mantissa } else { mantissa }, scale)
    })
}

fn tens(power: u32) -> BigInt {
    BigInt::from(10).pow(power)
}

fn big(value: Decimal) -> BigInt {
    BigInt::from(value.mantissa())
}

/// The decimal of `mantissa / 10^scale`, or none where no decimal is exactly that.
fn exactly(mut mantissa: BigInt, mut scale: u32) -> Option<Decimal> {
    while scale > 0 && (&mantissa % 10) == BigInt::from(0) {
        mantissa /= 10;
        scale -= 1;
    }
    let mantissa = i128::try_from(mantissa).ok()?;
    let fits = scale <= 28 && mantissa.unsigned_abs() < 1 << 96;
    fits.then(|| Decimal::from_i128_with_scale(mantissa, scale))
}

/// The same value, and the same text: canonical.
fn same(
    actual: Result<Decimal, EvalError>,
    expected: Option<Decimal>,
) -> Result<(), TestCaseError> {
    match (actual, expected) {
        (Ok(actual), Some(expected)) => prop_assert_eq!(actual.to_string(), expected.to_string()),
        (Err(EvalError::Overflow(_)), None) => {}
        (actual, expected) => prop_assert!(false, "{:?} instead of {:?}", actual, expected),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sums_are_exact_or_refused(a in decimals(), b in decimals()) {
        let scale = a.scale().max(b.scale());
        let (x, y) = (big(a) * tens(scale - a.scale()), big(b) * tens(scale - b.scale()));
        same(add(a, b), exactly(&x + &y, scale))?;
        same(subtract(a, b), exactly(x - y, scale))?;
    }

    #[test]
    fn products_are_exact_or_refused(a in decimals(), b in decimals()) {
        same(multiply(a, b), exactly(big(a) * big(b), a.scale() + b.scale()))?;
    }

    #[test]
    fn quotients_are_rounded_once(a in decimals(), b in decimals(), scale in 0_u32..=28) {
        prop_assume!(!b.is_zero());
        for rounding in [Rounding::HalfEven, Rounding::HalfUp] {
            let divisor = (big(b) * tens(a.scale())).magnitude().clone();
            let dividend = (big(a) * tens(b.scale() + scale)).magnitude().clone();
            let (whole, rest) = (&dividend / &divisor, (&dividend % &divisor) * 2_u32);
            let odd = &whole % 2_u32 == 1_u32.into();
            let middle_up = rounding == Rounding::HalfUp || odd;
            let up = rest > divisor || (rest == divisor && middle_up);
            let quotient = BigInt::from(whole + u32::from(up));
            let negative = a.is_sign_negative() != b.is_sign_negative();
            let quotient = if negative { -quotient } else { quotient };
            same(div(a, b, scale.into(), rounding), exactly(quotient, scale))?;
        }
    }

    #[test]
    fn rounding_goes_to_the_nearest(a in decimals(), scale in 0_u32..=28) {
        same(round(a, scale.into()), Some(div(a, Decimal::ONE, scale.into(), Rounding::HalfEven).unwrap()))?;
    }

    #[test]
    fn a_sum_can_be_taken_back(a in any::<i64>(), b in any::<i64>()) {
        if let Ok(sum) = add(a, b) {
            prop_assert_eq!(subtract(sum, b), Ok(a));
        } else {
            prop_assert!(a.checked_add(b).is_none());
        }
    }

    #[test]
    fn a_quotient_and_its_rest_make_the_whole(a in any::<i64>(), b in any::<i64>()) {
        prop_assume!(b != 0 && !(a == i64::MIN && b == -1));
        let (quotient, rest) = (divide(a, b).unwrap(), remainder(a, b).unwrap());
        prop_assert_eq!(add(multiply(quotient, b).unwrap(), rest), Ok(a));
    }

    #[test]
    fn the_whole_part_is_at_most_one_away(a in decimals()) {
        match to_integer(a) {
            Ok(whole) => prop_assert!((a - Decimal::from(whole)).abs() < Decimal::ONE),
            Err(_) => prop_assert!(i64::try_from(a.trunc().mantissa()).is_err()),
        }
    }

    #[test]
    fn spans_move_times_there_and_back(at in -1_000_000_000_000_000_i64..1_000_000_000_000_000, by in -1_000_000_000_000_i64..1_000_000_000_000) {
        let (at, by) = (Timestamp::from_micros(at), Duration::from_micros(by));
        let moved = add(at, by).unwrap();
        prop_assert_eq!(subtract(moved, by), Ok(at));
        prop_assert_eq!(subtract(moved, at), Ok(by));
    }
}

/// `checked_add` of rust_decimal answers 79228162514264337593543950335 here: the half cent is gone.
#[test]
fn what_would_be_rounded_is_refused() {
    let most = Decimal::MAX;
    assert_eq!(most.checked_add(dec!(0.4)), Some(most));
    assert!(matches!(add(most, dec!(0.4)), Err(EvalError::Overflow(_))));
    let tiny = dec!(0.0000000000000000000000000001);
    assert!(matches!(multiply(tiny, dec!(0.1)), Err(EvalError::Overflow(_))));
    assert_eq!(
        add(most, Decimal::ONE).unwrap_err().to_string(),
        "arithmetic overflow: 79228162514264337593543950335 + 1 does not fit the 28 digits of a \
         decimal"
    );
}

#[test]
fn results_have_no_trailing_zeros() {
    assert_eq!(add(dec!(0.50), dec!(0.50)).unwrap().to_string(), "1");
    assert_eq!(subtract(dec!(1.10), dec!(1.10)).unwrap().to_string(), "0");
    assert_eq!(multiply(dec!(0.5), dec!(-0.20)).unwrap().to_string(), "-0.1");
    assert_eq!(negate(dec!(0.00)).unwrap().to_string(), "0");
    assert_eq!(round(dec!(10.50), 1).unwrap().to_string(), "10.5");
    assert_eq!(abs(dec!(-1.50)).unwrap().to_string(), "1.5");
}

#[test]
fn divisions_round_as_told() {
    use Rounding::{HalfEven, HalfUp};
    let quotient = |a, b, scale, rounding| div(a, b, scale, rounding).unwrap().to_string();
    assert_eq!(quotient(dec!(1), dec!(8), 2, HalfEven), "0.12");
    assert_eq!(quotient(dec!(1), dec!(8), 2, HalfUp), "0.13");
    assert_eq!(quotient(dec!(-1), dec!(8), 2, HalfUp), "-0.13");
    assert_eq!(quotient(dec!(2), dec!(3), 28, HalfEven), "0.6666666666666666666666666667");
    assert_eq!(quotient(dec!(0.001), dec!(10000), 2, HalfUp), "0");
    assert_eq!(div(dec!(1), dec!(0.00), 2, HalfUp), Err(EvalError::DivisionByZero));
    assert!(matches!(div(dec!(1), dec!(3), 29, HalfUp), Err(EvalError::Overflow(_))));
    assert!(matches!(div(dec!(1), dec!(3), -1, HalfUp), Err(EvalError::Overflow(_))));
    assert!(matches!(round(dec!(1), 29), Err(EvalError::Overflow(_))));
}

/// The digits of a quotient were counted to fit 128 bits, but for the last of them: this one is 2^127.
#[test]
fn a_quotient_that_just_leaves_the_range_is_refused() {
    let quotient = div(
        dec!(585997177557544756543911331),
        dec!(0.0000000000034441818590834941),
        0,
        Rounding::HalfEven,
    );
    assert!(matches!(quotient, Err(EvalError::Overflow(_))), "{quotient:?}");
}

#[test]
fn the_edges_of_integers() {
    assert!(matches!(divide(i64::MIN, -1), Err(EvalError::Overflow(_))));
    assert_eq!(remainder(i64::MIN, -1), Ok(0));
    assert_eq!(divide(-7, 2), Ok(-3));
    assert_eq!(remainder(-7, 2), Ok(-1));
    assert_eq!(divide(1, 0), Err(EvalError::DivisionByZero));
    assert_eq!(remainder(1, 0), Err(EvalError::DivisionByZero));
    assert!(matches!(abs(i64::MIN), Err(EvalError::Overflow(_))));
    assert!(matches!(negate(i64::MIN), Err(EvalError::Overflow(_))));
    assert_eq!(to_integer(dec!(-1.9)), Ok(-1));
    assert!(matches!(to_integer(Decimal::MAX), Err(EvalError::Overflow(_))));
    assert_eq!(clamp(5, 1, 3), 3);
    assert_eq!(clamp(0, 1, 3), 1);
    assert_eq!(clamp(2, 3, 1), 1);
}

#[test]
fn literals_keep_their_digits() {
    assert_eq!(decimal("79228162514264337593543950335"), Decimal::MAX);
    assert_eq!(decimal("-0.5").to_string(), "-0.5");
    assert!(std::panic::catch_unwind(|| decimal("79228162514264337593543950336")).is_err());
    assert!(std::panic::catch_unwind(|| decimal("1e5")).is_err());
    assert!(std::panic::catch_unwind(|| decimal("")).is_err());
}

#[test]
fn times_and_spans() {
    let noon = Timestamp::from_micros(1_700_000_000_000_000);
    let day = Duration::from_micros(86_400_000_000);
    assert_eq!(add(noon, day).unwrap().to_string(), "2023-11-15T22:13:20Z");
    assert_eq!(days(day), 1);
    assert_eq!(hours(negate(day).unwrap()), -24);
    assert_eq!(minutes(day), 1440);
    assert_eq!(seconds(Duration::from_micros(1_999_999)), 1);
    assert!(matches!(add(Timestamp::MAX, day), Err(EvalError::Overflow(_))));
    assert!(matches!(subtract(Timestamp::MIN, day), Err(EvalError::Overflow(_))));
    assert!(subtract(Timestamp::MIN, Timestamp::MAX).unwrap() < Duration::ZERO);
    let longest = Duration::from_micros(i64::MAX);
    assert!(matches!(add(longest, longest), Err(EvalError::Overflow(_))));
    assert!(matches!(add(noon, longest), Err(EvalError::Overflow(_))));
    assert!(matches!(negate(Duration::from_micros(i64::MIN)), Err(EvalError::Overflow(_))));
}

#[test]
fn texts_and_lists() {
    assert_eq!(length("Zoë"), 3);
    assert_eq!(length(&vec![1, 2]), 2);
    assert_eq!(joined("a", "b"), "ab");
    assert_eq!(pushed(vec![1], 2), [1, 2]);
    assert_eq!(extended(vec![1], vec![2, 3]), [1, 2, 3]);
    assert_eq!(item(&["a"], 0), Some(&"a"));
    assert_eq!(item(&["a"], 1), None);
    assert_eq!(item(&["a"], -1), None);
}

#[test]
fn values_in_messages() {
    assert_eq!(or_none(Some(dec!(1.50).normalize())).to_string(), "1.5");
    assert_eq!(or_none(None::<String>).to_string(), "none");
}
