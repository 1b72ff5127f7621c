//! Values for property tests, drawn from numbers that proptest chooses and shrinks.
//!
//! One number makes one value, and a smaller number a simpler one, so that a failing case shrinks to
//! something a person can read. Generated code draws field by field; no strategy is compiled per type.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::Strategy;

use crate::codec::Label;
use crate::testing::clock::START;
use crate::values::{Bytes, Date, Decimal, Duration, Timestamp, Uuid};

/// What values are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// For commands: values that a person might send, and now and then an odd one.
    Likely,
    /// For round trips: everything that the type can hold.
    Wide,
}

/// Draws values.
#[derive(Clone, Debug)]
pub struct Draw {
    numbers: std::vec::IntoIter<u64>,
    range: Range,
}

impl Draw {
    /// Draws from these numbers, and from zeros after their end.
    pub fn new(numbers: Vec<u64>, range: Range) -> Self {
        Self { numbers: numbers.into_iter(), range }
    }

    /// A proptest strategy of what a function draws, for tests of your own.
    pub fn strategy<T: std::fmt::Debug>(
        range: Range,
        draw: impl Fn(&mut Self) -> T + Clone,
    ) -> impl Strategy<Value = T> {
        vec(any::<u64>(), 64).prop_map(move |numbers| draw(&mut Self::new(numbers, range)))
    }

    fn next(&mut self) -> Number {
        let number = self.numbers.next().unwrap_or(0);
        Number { class: number >> 56, rest: number & ((1 << 56) - 1), range: self.range }
    }

    /// A number below a limit; 0 where the limit is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let number = self.numbers.next().unwrap_or(0);
        let scaled = (u128::from(number) * limit as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }

    /// A seed for draws of any number.
    pub(super) fn seed(&mut self) -> u64 {
        self.numbers.next().unwrap_or(0)
    }

    /// Half of the time one of the given values, else what the function draws.
    pub fn often<T: Clone>(&mut self, given: &[T], draw: impl FnOnce(&mut Self) -> T) -> T {
        match given.get(self.below(given.len() * 2)) {
            Some(value) => value.clone(),
            None => draw(self),
        }
    }

    /// One of several values.
    ///
    /// # Panics
    /// Where there are none.
    pub fn one_of<T: Clone>(&mut self, given: &[T]) -> T {
        given[self.below(given.len())].clone()
    }

    /// `string`
    pub fn text(&mut self) -> String {
        let number = self.next();
        match number.class {
            0..=79 => name(number.rest % 4),
            80..=199 => name(number.rest % 100_000),
            200..=229 if number.range == Range::Likely => name(number.rest % 20),
            200..=229 => number.any_text(),
            _ => ODD_TEXTS[number.index(ODD_TEXTS.len())].to_owned(),
        }
    }

    /// `integer`
    pub fn integer(&mut self) -> i64 {
        let number = self.next();
        let small = number.below(20);
        match number.class {
            0..=199 if number.range == Range::Likely => small,
            0..=99 => small,
            100..=219 => number.below(100_000) - 50_000,
            220..=235 => number.mixed() as i64,
            236..=243 => i64::MAX - small,
            244..=247 => i64::MIN + small,
            _ => -small,
        }
    }

    /// `decimal`
    pub fn decimal(&mut self) -> Decimal {
        let number = self.next();
        let cents = Decimal::new(number.below(100_000), 2);
        match number.class {
            0..=39 => Decimal::from(number.below(10)),
            40..=199 => cents,
            200..=219 => -cents,
            220..=239 if number.range == Range::Likely => Decimal::from(number.below(1_000_000)),
            _ => number.any_decimal(28),
        }
    }

    /// `decimal(digits,scale)`: at most so many digits, so many of them after the point.
    pub fn decimal_of(&mut self, digits: u32, scale: u32) -> Decimal {
        let number = self.next();
        let limit = 10_i128.pow(digits.min(28));
        let amount = match number.class {
            0..=39 => i128::from(number.below(10)) * 10_i128.pow(scale),
            40..=219 => i128::from(number.below(100_000)),
            _ => (number.wide() % limit as u128) as i128,
        };
        let negative = (200..=219).contains(&number.class) || number.class > 247;
        let mantissa = if negative { -(amount % limit) } else { amount % limit };
        Decimal::from_i128_with_scale(mantissa, scale)
    }

    /// `boolean`
    pub fn boolean(&mut self) -> bool {
        self.below(2) == 1
    }

    /// `timestamp`
    pub fn timestamp(&mut self) -> Timestamp {
        let number = self.next();
        let micros = match number.class {
            0..=99 => START.as_micros() + number.below(1_000) * 1_000_000,
            100..=199 => START.as_micros() + number.below(1_000_000_000_000),
            _ if number.range == Range::Likely => START.as_micros() - number.below(1_000_000_000),
            200..=219 => number.below(1_000_000),
            _ => number.mixed() as i64 % Timestamp::MAX.as_micros(),
        };
        Timestamp::from_micros(micros)
    }

    /// `date`
    pub fn date(&mut self) -> Date {
        self.timestamp().date()
    }

    /// `duration`
    pub fn duration(&mut self) -> Duration {
        let number = self.next();
        Duration::from_micros(match number.class {
            0..=99 => number.below(3_600) * 1_000_000,
            100..=199 => number.below(1_000_000_000_000),
            _ if number.range == Range::Likely => 0,
            200..=239 => -number.below(1_000_000_000_000),
            _ => number.mixed() as i64,
        })
    }

    /// `uuid`
    pub fn uuid(&mut self) -> Uuid {
        let number = self.next();
        match number.class {
            0..=79 => Uuid::from_u128(u128::from(number.rest % 4)),
            _ => Uuid::from_u128(number.wide()),
        }
    }

    /// `bytes`
    pub fn bytes(&mut self) -> Bytes {
        let number = self.next();
        let bytes = number.wide().to_le_bytes();
        Bytes(bytes[..number.index(bytes.len() + 1)].to_vec())
    }

    /// An enum.
    ///
    /// # Panics
    /// Where the enum has no variants, which no ontology can declare.
    pub fn label<L: Label>(&mut self) -> L {
        let index = self.below(L::NAMES.len());
        L::from_index(index).expect("an index below the number of names has a variant")
    }

    /// `T?`
    pub fn optional<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.below(4) == 0 { None } else { Some(draw(self)) }
    }

    /// `list<T>`
    pub fn list<T>(&mut self, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let len = self.below(5);
        (0..len).map(|_| draw(self)).collect()
    }

    /// `set<T>`
    pub fn set<T: Ord>(&mut self, draw: impl FnMut(&mut Self) -> T) -> BTreeSet<T> {
        self.list(draw).into_iter().collect()
    }

    /// `map<K, V>`
    pub fn map<K: Ord, V>(
        &mut self,
        mut key: impl FnMut(&mut Self) -> K,
        mut value: impl FnMut(&mut Self) -> V,
    ) -> BTreeMap<K, V> {
        self.list(|draw| (key(draw), value(draw))).into_iter().collect()
    }
}

/// One number that proptest chose: which kind of value, and which of the kind.
#[derive(Clone, Copy)]
struct Number {
    /// 0 to 255.
    class: u64,
    /// 56 bits.
    rest: u64,
    range: Range,
}

impl Number {
    fn below(self, limit: u64) -> i64 {
        i64::try_from(self.rest % limit).unwrap_or(0)
    }

    fn index(self, len: usize) -> usize {
        usize::try_from(self.rest % len as u64).unwrap_or(0)
    }

    /// 64 bits that look like chance (the finaliser of SplitMix64).
    fn mixed(self) -> u64 {
        let mut mixed = self.rest.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn wide(self) -> u128 {
        let low = Self { rest: self.mixed() >> 8, ..self };
        u128::from(self.mixed()) << 64 | u128::from(low.mixed())
    }

    /// Any decimal of at most so many digits, at any scale.
    fn any_decimal(self, digits: u32) -> Decimal {
        let kept = 1 + self.mixed() as u32 % digits;
        let mantissa = (self.wide() % 10_u128.pow(kept)) as i128;
        let scale = (self.rest % u64::from(digits + 1)) as u32;
        let value = Decimal::from_i128_with_scale(mantissa, scale);
        if self.class.is_multiple_of(2) { value } else { -value }
    }

    /// Up to eleven characters from anywhere in Unicode.
    fn any_text(self) -> String {
        let mut number = self;
        let mut text = String::new();
        for _ in 0..self.rest % 12 {
            number.rest = number.mixed() >> 8;
            text.extend(char::from_u32(number.rest as u32 % 0x11_0000));
        }
        text
    }
}

/// `A` to `Z`, then `A1` and so on.
fn name(number: u64) -> String {
    let letter = char::from(b'A' + (number % 26) as u8);
    match number / 26 {
        0 => letter.to_string(),
        more => format!("{letter}{more}"),
    }
}

/// Texts at which careless code breaks.
const ODD_TEXTS: [&str; 24] = [
    "",
    " ",
    " padded ",
    "a\tb\nc",
    "it's",
    "\"quoted\"",
    "back\\slash",
    "{braces}",
    "{\"json\": 1}",
    "null",
    "true",
    "0",
    "1.0",
    "-1",
    "é",
    "e\u{301}",
    "ß and ẞ",
    "日本語",
    "🦀👩‍👩‍👧",
    "\u{202e}mirrored",
    "\u{7f}\u{1f}",
    "%_*?[a-z]",
    "a'; DROP TABLE events; --",
    "a long text of more than thirty-two characters, as people like to write them into a field",
];
