//! Points and spans of time, in microseconds, and their text forms.
//!
//! Times are read and written here rather than by a calendar library: RFC 3339 with years 0000 to
//! 9999 is a small fixed form, and it is read once per event.

use std::fmt;
use std::str::{self, FromStr};

use jiff::SignedDuration;
use jiff::fmt::temporal::SpanParser;

use super::RangeError;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

/// A point in time: UTC, in microseconds since 1970-01-01T00:00:00Z, within the years 0000 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A span of time in microseconds; may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

impl Timestamp {
    /// The earliest time, 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(days_from_civil(0, 1, 1) * MICROS_PER_DAY);
    /// The latest time, 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(days_from_civil(10_000, 1, 1) * MICROS_PER_DAY - 1);

    /// The time so many microseconds after 1970-01-01T00:00:00Z; a number beyond [`Self::MIN`] or
    /// [`Self::MAX`] gives that limit. See [`Self::try_from_micros`].
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// The time so many microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`RangeError`] outside the years 0000 to 9999.
    pub fn try_from_micros(micros: i64) -> Result<Self, RangeError> {
        let time = Self::from_micros(micros);
        if time.0 == micros {
            Ok(time)
        } else {
            Err(RangeError::new("a time lies within the years 0000 to 9999"))
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time now, by the system's clock.
    pub fn now() -> Self {
        let micros = match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Self::from_micros(micros)
    }

    /// The time a span later, or none outside the years 0000 to 9999.
    pub fn checked_add(self, span: Duration) -> Option<Self> {
        Self::try_from_micros(self.0.checked_add(span.0)?).ok()
    }

    /// The time a span earlier, or none outside the years 0000 to 9999.
    pub fn checked_sub(self, span: Duration) -> Option<Self> {
        Self::try_from_micros(self.0.checked_sub(span.0)?).ok()
    }

    /// The span from `earlier` to this time, negative where that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0 - earlier.0)
    }

    /// The day of this time in UTC.
    pub fn date(self) -> super::Date {
        let [year, month, day] = civil_from_days(self.0.div_euclid(MICROS_PER_DAY));
        // Within the years 0000 to 9999 each part fits its type.
        jiff::civil::date(year as i16, month as i8, day as i8)
    }

    /// The same time of day, so many calendar months earlier; none outside the years 0000 to 9999.
    pub(crate) fn months_earlier(self, months: u32) -> Option<Self> {
        let months = jiff::Span::new().try_months(i64::from(months)).ok()?;
        let day = self.date().checked_sub(months).ok()?;
        let [year, month, day] = [
            u32::try_from(day.year()).ok()?,
            day.month().unsigned_abs().into(),
            day.day().unsigned_abs().into(),
        ];
        let days = days_from_civil(year, month, day);
        Self::try_from_micros(days * MICROS_PER_DAY + self.0.rem_euclid(MICROS_PER_DAY)).ok()
    }

    pub(crate) fn rfc3339(self) -> Rfc3339 {
        Rfc3339::new(self)
    }

    /// RFC 3339 with all six digits of the fraction, so that texts sort as times do.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sortable(self) -> Rfc3339 {
        Rfc3339::with_digits(self, |_| 6)
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of so many microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The span in microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with `Z`, for example `2026-11-21T09:30:00Z`; a fraction has no trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.rfc3339().as_str())
    }
}

impl fmt::Debug for Timestamp {
    /// As it is displayed: what a test that fails shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = RangeError;

    /// Reads RFC 3339, with any offset, to the microsecond. Leap seconds and digits beyond the
    /// microsecond are refused: they could not be kept.
    fn from_str(text: &str) -> Result<Self, RangeError> {
        parse_rfc3339(text.as_bytes())
    }
}

impl fmt::Display for Duration {
    /// ISO 8601 in hours, minutes and seconds, for example `PT1H30M`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&SignedDuration::from_micros(self.0), f)
    }
}

impl fmt::Debug for Duration {
    /// As it is displayed: what a test that fails shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Duration {
    type Err = RangeError;

    /// Reads ISO 8601 in hours, minutes and seconds.
    fn from_str(text: &str) -> Result<Self, RangeError> {
        let span = SpanParser::new()
            .parse_duration(text)
            .map_err(|error| RangeError::new(error.to_string()))?;
        if span.subsec_nanos() % 1000 != 0 {
            return Err(RangeError::new("it is finer than a microsecond"));
        }
        i64::try_from(span.as_micros())
            .map(Self)
            .map_err(|_| RangeError::new("it is longer than 292,000 years"))
    }
}

/// The text of a time, built in place.
pub(crate) struct Rfc3339 {
    text: [u8; 27],
    len: usize,
}

impl Rfc3339 {
    fn new(time: Timestamp) -> Self {
        Self::with_digits(time, |fraction| {
            6 - fraction.iter().rev().take_while(|it| **it == b'0').count()
        })
    }

    /// With as many digits of the fraction as `digits` says of it.
    fn with_digits(time: Timestamp, digits: impl FnOnce(&[u8]) -> usize) -> Self {
        let (day, micros) = (time.0.div_euclid(MICROS_PER_DAY), time.0.rem_euclid(MICROS_PER_DAY));
        // Within a day, both parts are small and not negative.
        let seconds = (micros / MICROS_PER_SECOND) as u32;
        let fraction = (micros % MICROS_PER_SECOND) as u32;
        let [year, month, date] = civil_from_days(day);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], date);
        put(&mut text[11..13], seconds / 3600);
        put(&mut text[14..16], seconds / 60 % 60);
        put(&mut text[17..19], seconds % 60);
        put(&mut text[20..26], fraction);
        let len = match digits(&text[20..26]) {
            0 => 19,
            digits => 20 + digits,
        };
        text[len] = b'Z';
        Self { text, len: len + 1 }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).expect("digits and punctuation are ASCII")
    }
}

/// Writes a number in decimal digits, as many as there is room for.
fn put(room: &mut [u8], mut number: u32) {
    for digit in room.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn parse_rfc3339(text: &[u8]) -> Result<Timestamp, RangeError> {
    let Some((fixed, rest)) = text.split_first_chunk::<19>() else { return Err(not_rfc3339()) };
    let [date @ .., _, _, _, _, _, _, _, _, _] = fixed;
    let [.., b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = fixed else {
        return Err(not_rfc3339());
    };
    let date = parse_ymd(date).ok_or_else(not_rfc3339)?;
    let part = |tens, ones| number(&[tens, ones]).ok_or_else(not_rfc3339);
    let (hour, minute, second) = (part(*h1, *h2)?, part(*m1, *m2)?, part(*s1, *s2)?);
    let day = day_number(date)?;
    let (micros, rest) = parse_fraction(rest)?;
    let offset = parse_offset(rest)?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(RangeError::new("there is no such time of day (leap seconds cannot be kept)"));
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second) - offset;
    Timestamp::try_from_micros(day * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + micros)
}

#[cold]
fn not_rfc3339() -> RangeError {
    RangeError::new("expected the form 2026-11-21T09:30:00Z")
}

/// Reads `2026-11-21` to its parts, whose ranges are unchecked.
pub(super) fn parse_ymd(text: &[u8]) -> Option<[u32; 3]> {
    match *text {
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] => {
            Some([number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?])
        }
        _ => None,
    }
}

/// Reads a few digits.
fn number<const N: usize>(digits: &[u8; N]) -> Option<u32> {
    let mut sum = 0;
    for digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        sum = sum * 10 + u32::from(value);
    }
    Some(sum)
}

fn day_number([year, month, day]: [u32; 3]) -> Result<i64, RangeError> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if day == 0 || day > days {
        return Err(RangeError::new("there is no such day"));
    }
    Ok(days_from_civil(year, month, day))
}

/// Reads an optional fraction to microseconds; gives what follows it.
fn parse_fraction(text: &[u8]) -> Result<(i64, &[u8]), RangeError> {
    let [b'.', digits @ ..] = text else { return Ok((0, text)) };
    let (mut micros, mut unit, mut len) = (0, 100_000, 0);
    while let Some(digit @ b'0'..=b'9') = digits.get(len) {
        let digit = i64::from(digit - b'0');
        if unit == 0 && digit != 0 {
            return Err(RangeError::new("it is finer than a microsecond"));
        }
        micros += digit * unit;
        unit /= 10;
        len += 1;
    }
    if len == 0 {
        return Err(RangeError::new("expected digits after the point"));
    }
    Ok((micros, &digits[len..]))
}

/// Reads `Z` or `±hh:mm` to seconds east of UTC.
fn parse_offset(text: &[u8]) -> Result<i64, RangeError> {
    let form =
        || RangeError::new("expected an offset at its end: Z, or hours and minutes as +01:00");
    let (sign, hours, minutes) = match *text {
        [b'Z' | b'z'] => return Ok(0),
        [b'+', h1, h2, b':', m1, m2] => (1, number(&[h1, h2]), number(&[m1, m2])),
        [b'-', h1, h2, b':', m1, m2] => (-1, number(&[h1, h2]), number(&[m1, m2])),
        _ => return Err(form()),
    };
    match (hours, minutes) {
        (Some(hours @ 0..=23), Some(minutes @ 0..=59)) => {
            Ok(sign * i64::from(hours * 3600 + minutes * 60))
        }
        _ => Err(form()),
    }
}

/// Days from 0000-03-01, less one era of 400 years, to 1970-01-01. The era keeps January and February
/// of the year 0, which are counted to the year before, above zero.
const EPOCH: u32 = 719_468 + DAYS_PER_ERA;
const DAYS_PER_ERA: u32 = 146_097;

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar, in the years from 0. Years are
/// counted from March, so that the leap day ends them.
const fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let year = year + 400 - (month <= 2) as u32;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    days as i64 - EPOCH as i64
}

/// The inverse of [`days_from_civil`], for the days of a [`Timestamp`].
const fn civil_from_days(days: i64) -> [u32; 3] {
    let days = (days + EPOCH as i64) as u32;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + (month <= 2) as u32 - 400;
    [year, month, day]
}
