//! Values that are written as text: times, dates, ids and bytes in defaults and scenarios.

use crate::model::{ExpressionKind, Type};

/// The value of a text as one of this type: none where texts don't stand for the type, and the
/// right form where the text is not of it.
pub(crate) fn parse(text: &str, expected: &Type) -> Option<Result<ExpressionKind, &'static str>> {
    match expected {
        Type::Timestamp => {
            Some(timestamp(text).map(ExpressionKind::Timestamp).ok_or(
                "RFC 3339 with at most six digits after the second, as `2026-01-01T09:30:00Z`",
            ))
        }
        Type::Date => Some(date(text).map(ExpressionKind::Date).ok_or("`2026-01-31`")),
        Type::Uuid => {
            Some(uuid(text).map(ExpressionKind::Uuid).ok_or(
                "`8-4-4-4-12` hexadecimal digits, as `67e55044-10b1-426f-9247-bb680e5fe0c8`",
            ))
        }
        Type::Bytes => Some(
            base64(text).map(ExpressionKind::Bytes).ok_or("base64 with padding, as `aGVsbG8=`"),
        ),
        _ => None,
    }
}

/// Microseconds since 1970 of an RFC 3339 time.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let days = days_since_1970(date)?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = rest.split_at(zone_at);
    let micros = micros_of_day(time)? - offset_micros(zone)?;
    days.checked_mul(86_400_000_000)?.checked_add(micros)
}

fn micros_of_day(time: &str) -> Option<i64> {
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers::<3>(clock, ':', &[2, 2, 2])?;
    let digits = fraction.len();
    let sound = hour < 24 && minute < 60 && second < 60 && (1..=6).contains(&digits);
    let fraction = digits_only(fraction)?;
    let scale = 10_i64.pow(u32::try_from(6_usize.checked_sub(digits)?).ok()?);
    sound.then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction * scale)
}

fn offset_micros(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = numbers::<2>(zone.get(1..)?, ':', &[2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000_000)
}

fn date(text: &str) -> Option<String> {
    days_since_1970(text).map(|_| text.to_owned())
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_1970(text: &str) -> Option<i64> {
    let [year, month, day] = numbers::<3>(text, '-', &[4, 2, 2])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = lengths.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    if !(1..=*length).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let (from_march, march_year) = ((month + 9) % 12, if month < 3 { year - 1 } else { year });
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let leap_days =
        march_year.div_euclid(4) - march_year.div_euclid(100) + march_year.div_euclid(400);
    Some(march_year * 365 + leap_days + day_of_year - 719_468)
}

/// Numbers of fixed widths between separators.
fn numbers<const N: usize>(text: &str, separator: char, widths: &[usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut found = [0; N];
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == *width)?;
        *slot = digits_only(part)?;
    }
    parts.next().is_none().then_some(found)
}

fn digits_only(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn uuid(text: &str) -> Option<String> {
    let mut groups = text.split('-');
    let sound = [8, 4, 4, 4, 12].iter().all(|width| {
        let group = groups.next().unwrap_or("");
        group.len() == *width && group.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    (sound && groups.next().is_none()).then(|| text.to_ascii_lowercase())
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let body = text.trim_end_matches('=');
    if text.len() - body.len() > 2 {
        return None;
    }
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in body.bytes() {
        let six = ALPHABET.iter().position(|known| *known == byte)?;
        bits = bits << 6 | u32::try_from(six).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    // Left-over bits of another text than the canonical one would be lost.
    (bits & ((1 << held) - 1) == 0).then_some(bytes)
}
