//! Values that keep the rules of a type, for examples, golden bytes and random commands.

use std::str::FromStr;

use regex_syntax::hir::{Class, Hir, HirKind};
use rust_decimal::Decimal;

use crate::model::{ExpressionKind, Newtype, Type, ValueRule, whole};
use crate::resolve::types::fits_digits;

/// More than these would show nothing new.
const MOST: usize = 6;
/// How many texts are made of a pattern to find some that keep all rules.
const TRIES: u64 = 200;
/// No text is longer.
const LONGEST: usize = 4_096;
/// What careless code breaks on.
const CARELESS: &str = "Zoë \"Z\" O'Neil\\\n日本";

/// Values that keep all rules, the simplest first; none where none was found.
pub(super) fn of(newtype: &Newtype) -> Vec<ExpressionKind> {
    let candidates = match &newtype.base {
        Type::Integer => integers(&newtype.rules),
        Type::Decimal(digits) => decimals(&newtype.rules, *digits),
        Type::String => texts(&newtype.rules),
        _ => Vec::new(),
    };
    let mut found: Vec<ExpressionKind> = Vec::new();
    for candidate in candidates {
        let keeps = newtype.rules.iter().all(|rule| rule.allows(&candidate));
        if keeps && !found.contains(&candidate) && found.len() < MOST {
            found.push(candidate);
        }
    }
    found
}

/// The limits below and above, as far as there are any; `unit` is the distance to what is excluded.
fn limits(rules: &[ValueRule], unit: Decimal) -> (Option<Decimal>, Option<Decimal>) {
    let number = |text: &String| Decimal::from_str(text).ok();
    let low = rules.iter().filter_map(|rule| match rule {
        ValueRule::AtLeast(limit) => number(limit),
        ValueRule::GreaterThan(limit) => number(limit)?.checked_add(unit),
        _ => None,
    });
    let high = rules.iter().filter_map(|rule| match rule {
        ValueRule::AtMost(limit) => number(limit),
        ValueRule::LessThan(limit) => number(limit)?.checked_sub(unit),
        _ => None,
    });
    (low.max(), high.min())
}

/// Numbers in and around the limits.
fn numbers(rules: &[ValueRule], unit: Decimal) -> Vec<Decimal> {
    let (low, high) = limits(rules, unit);
    let middle = low.zip(high).and_then(|(low, high)| {
        let sum = low.checked_add(high)?;
        sum.checked_div(Decimal::TWO)
    });
    let simple = [Some(Decimal::ONE), Some(Decimal::ZERO)];
    let near = [
        low,
        low.and_then(|low| low.checked_add(unit)),
        middle,
        high.and_then(|high| high.checked_sub(unit)),
        high,
    ];
    simple.into_iter().chain(near).flatten().map(|number| number.normalize()).collect()
}

fn integers(rules: &[ValueRule]) -> Vec<ExpressionKind> {
    let whole = numbers(rules, Decimal::ONE).into_iter().map(|number| number.trunc());
    whole.filter_map(|it| i64::try_from(it).ok().map(ExpressionKind::Integer)).collect()
}

fn decimals(rules: &[ValueRule], digits: Option<(u32, u32)>) -> Vec<ExpressionKind> {
    let scale = digits.map_or(2, |(_, scale)| scale);
    let texts = numbers(rules, Decimal::new(1, scale)).into_iter().map(|it| it.to_string());
    let fits =
        |text: &String| digits.is_none_or(|(digits, scale)| fits_digits(text, digits, scale));
    texts.filter(fits).map(ExpressionKind::Decimal).collect()
}

fn texts(rules: &[ValueRule]) -> Vec<ExpressionKind> {
    let pattern = rules.iter().find_map(|rule| match rule {
        ValueRule::Matching(pattern) => Some(pattern),
        _ => None,
    });
    let texts = match pattern {
        Some(pattern) => matching(pattern),
        None => of_length(rules),
    };
    texts.into_iter().map(ExpressionKind::String).collect()
}

/// The shortest text, and a careless one.
fn of_length(rules: &[ValueRule]) -> Vec<String> {
    let (mut least, mut most) = (0, usize::MAX);
    for rule in rules {
        if let ValueRule::Characters { least: low, most: high } = rule {
            least = least.max(low.map_or(0, |low| low as usize));
            most = most.min(high.map_or(usize::MAX, |high| high as usize));
        }
    }
    let careless =
        CARELESS.chars().cycle().take(CARELESS.chars().count().clamp(least, most.max(least)));
    vec!["a".repeat(least.min(LONGEST)), careless.take(LONGEST).collect()]
}

fn matching(pattern: &str) -> Vec<String> {
    let Ok(hir) = regex_syntax::parse(&whole(pattern)) else { return Vec::new() };
    let texts = (0..TRIES).map(|seed| {
        let mut text = String::new();
        write(&hir, &mut Chance(seed), &mut text);
        text
    });
    texts.collect()
}

/// Numbers that look like chance, and are the same in every build. All zeros from seed 0.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(self.0.min(1));
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

/// Writes a text that the pattern may match: what it looks around for is asked afterwards.
fn write(hir: &Hir, chance: &mut Chance, text: &mut String) {
    if text.len() > LONGEST {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(member(class, chance)),
        HirKind::Repetition(repeated) => {
            let most = repeated
                .max
                .unwrap_or(repeated.min.saturating_add(3))
                .min(repeated.min.saturating_add(3));
            let more = chance.below((most - repeated.min) as usize + 1);
            for _ in 0..repeated.min as usize + more {
                write(&repeated.sub, chance, text);
                if text.len() > LONGEST {
                    return;
                }
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, chance, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, chance, text)),
        HirKind::Alternation(ways) => {
            if let Some(way) = ways.get(chance.below(ways.len())) {
                write(way, chance, text);
            }
        }
    }
}

/// A character of a class, of its first few ranges.
fn member(class: &Class, chance: &mut Chance) -> Option<char> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            class.ranges().iter().map(|it| (u32::from(it.start()), u32::from(it.end()))).collect()
        }
        Class::Bytes(class) => {
            class.ranges().iter().map(|it| (u32::from(it.start()), u32::from(it.end()))).collect()
        }
    };
    let (start, end) = *ranges.get(chance.below(ranges.len().min(4)))?;
    // Control characters only where there is nothing else.
    let start = if end >= 0x20 { start.max(0x20) } else { start };
    let within = chance.below((end - start) as usize + 1);
    char::from_u32(start + u32::try_from(within).ok()?)
}
