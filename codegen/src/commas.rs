//! Numbers that people write with commas: what each may have meant.
//!
//! A comma parts thousands in one country and is the decimal point in the next, so a number that can be
//! read both ways is never turned into one of the two: a thousand would become a one.

/// What to write instead of a number with commas. `whole` where only a whole number fits.
pub(crate) fn help(written: &str, whole: bool) -> String {
    let number: String = written.split_whitespace().collect();
    match (thousands(&number), decimal(&number).filter(|_| !whole)) {
        (Some(thousands), Some(decimal)) => {
            format!(
                "write `{thousands}`, or with a decimal point `{decimal}`: a comma can mean both"
            )
        }
        (Some(thousands), None) => format!("a number has no comma: `{thousands}`"),
        (None, Some(decimal)) => format!("a decimal has a point, and no comma: `{decimal}`"),
        (None, None) if whole => "write a whole number, without a comma".to_owned(),
        (None, None) => "a number has no comma, and at most one point".to_owned(),
    }
}

/// The number, where its commas can part thousands.
fn thousands(number: &str) -> Option<String> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut groups = whole.trim_start_matches('-').split(',');
    let first = groups.next()?;
    let sound = is_digits(first)
        && first.len() <= 3
        && !first.starts_with('0')
        && groups.all(|group| is_digits(group) && group.len() == 3)
        && (fraction.is_empty() || is_digits(fraction));
    (sound && number.contains(',')).then(|| number.replace(',', ""))
}

/// The number, where its one comma can be the decimal point, with or without points that part thousands.
fn decimal(number: &str) -> Option<String> {
    let (whole, fraction) = number.split_once(',')?;
    let points = whole.replace('.', ",");
    let whole = if points.contains(',') { thousands(&points)? } else { points };
    let sound = is_digits(whole.trim_start_matches('-')) && is_digits(fraction);
    sound.then(|| format!("{whole}.{fraction}"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_readings_that_its_digits_allow() {
        let readings = |written| (thousands(written), decimal(written));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(readings("25,00"), (None, some("25.00")));
        assert_eq!(readings("-0,125"), (None, some("-0.125")));
        assert_eq!(readings("1234,567"), (None, some("1234.567")));
        assert_eq!(readings("1,000"), (some("1000"), some("1.000")));
        assert_eq!(readings("-12,000"), (some("-12000"), some("-12.000")));
        assert_eq!(readings("1,000.00"), (some("1000.00"), None));
        assert_eq!(readings("1,234,567"), (some("1234567"), None));
        assert_eq!(readings("1.234,56"), (None, some("1234.56")));
        assert_eq!(readings("1,5,3"), (None, None));
        assert_eq!(readings("1.5.3"), (None, None));
        assert_eq!(readings("a,b"), (None, None));
        assert_eq!(readings(","), (None, None));
    }

    /// `1,000` was answered with `1.000`, which is one.
    #[test]
    fn a_thousand_is_never_taken_for_a_one() {
        assert!(help("1,000", false).contains("`1000`"));
        assert_eq!(help("1,000", true), "a number has no comma: `1000`");
        assert_eq!(help("25,00", true), "write a whole number, without a comma");
    }
}
