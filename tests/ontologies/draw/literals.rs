//! Values that are written out: in expressions, as defaults, and as plain data.

use super::Draw;
use super::types::Type;
use super::yaml::Yaml;

/// Where a value is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In an expression, where times, days, ids and bytes can't be.
    Expression,
    /// As a default, where texts stand for them.
    Default,
}

const TEXTS: [&str; 12] = [
    "",
    "a",
    "B-7",
    "déjà vu",
    "it's",
    "a \"b\" c",
    "back\\slash",
    "🦀",
    " ",
    "none",
    "100%",
    "#1: {x}",
];
const INTEGERS: [i64; 11] = [0, 1, 2, 3, 7, -1, -3, 10, 100, 65_536, i64::MAX];
const TIMESTAMPS: [&str; 2] = ["2026-01-31T12:00:00Z", "1999-12-31T23:59:59.999999Z"];
const DATES: [&str; 3] = ["2026-02-28", "1970-01-01", "2000-02-29"];
const UUIDS: [&str; 2] =
    ["67e55044-10b1-426f-9247-bb680e5fe0c8", "00000000-0000-4000-8000-000000000001"];
const BYTES: [&str; 2] = ["AAEC", ""];
const SPANS: [&str; 4] = ["90s", "5m", "24h", "7d"];

impl Draw {
    /// The value as an expression writes it; none where its type can't be written out there.
    pub(crate) fn literal(&mut self, of: &Type, place: Place) -> Option<String> {
        let as_text = |text: &str| (place == Place::Default).then(|| quoted(text));
        match of {
            Type::String => Some(quoted(self.word(&TEXTS))),
            Type::Integer => Some(self.one(&INTEGERS).to_string()),
            Type::Decimal(digits) => Some(self.decimal(*digits)),
            Type::Boolean => Some(self.random.bool().to_string()),
            Type::Timestamp => as_text(self.word(&TIMESTAMPS)),
            Type::Date => as_text(self.word(&DATES)),
            Type::Uuid => as_text(self.word(&UUIDS)),
            Type::Bytes => as_text(self.word(&BYTES)),
            Type::Duration => Some(self.word(&SPANS).to_owned()),
            Type::Enum(name, variants) => {
                let variant = self.one(variants).clone();
                Some(self.variant(name.as_deref(), &variant))
            }
            Type::Newtype(name, base) => match self.sample(name) {
                Some(sample) if **base == Type::String => Some(quoted(&sample)),
                Some(sample) => Some(sample),
                None => self.literal(base, place),
            },
            Type::Record(name) => {
                let fields = self.record(name);
                let values: Option<Vec<String>> = fields
                    .iter()
                    .map(|field| {
                        Some(format!("{}: {}", field.name, self.literal(&field.of, place)?))
                    })
                    .collect();
                Some(format!("{name} {{ {} }}", values?.join(", ")))
            }
            Type::List(of) => self.several(of, place),
            Type::Set(of) => match self.literal(of, place) {
                Some(one) if self.random.bool() => Some(format!("[{one}]")),
                _ => Some("[]".to_owned()),
            },
            Type::Map(..) => Some("[]".to_owned()),
            Type::Optional(of) => match self.literal(of, place) {
                Some(some) if self.random.bool() => Some(some),
                _ => Some("none".to_owned()),
            },
        }
    }

    /// A variant, with its enum where it has to be, and elsewhere now and then.
    pub(crate) fn variant(&mut self, owner: Option<&str>, variant: &str) -> String {
        match owner {
            Some(owner) if variant == "type" || self.random.bool() => format!("{owner}::{variant}"),
            _ => variant.to_owned(),
        }
    }

    fn several(&mut self, of: &Type, place: Place) -> Option<String> {
        let count = self.random.usize(..3);
        let values: Option<Vec<String>> = (0..count).map(|_| self.literal(of, place)).collect();
        Some(format!("[{}]", values.unwrap_or_default().join(", ")))
    }

    fn decimal(&mut self, digits: Option<(u32, u32)>) -> String {
        let (whole, scale) = digits.map_or((9, 4), |(digits, scale)| (digits - scale, scale));
        let whole = 10_u64.pow(self.random.u32(..=whole.min(9)));
        let sign = if self.random.u8(..4) == 0 { "-" } else { "" };
        let number = self.random.u64(..whole);
        match self.random.u32(..=scale.min(4)) {
            0 => format!("{sign}{number}"),
            places => {
                let fraction = self.random.u64(1..10_u64.pow(places));
                format!("{sign}{number}.{fraction:0places$}", places = places as usize)
            }
        }
    }

    /// The value as plain data.
    pub(crate) fn data(&mut self, of: &Type) -> Yaml {
        match of {
            Type::String => Yaml::text(self.word(&TEXTS)),
            Type::Integer => Yaml::text(self.one(&INTEGERS).to_string()),
            Type::Decimal(digits) => Yaml::text(self.decimal(*digits)),
            Type::Boolean => Yaml::word(self.random.bool().to_string()),
            Type::Timestamp => Yaml::text(self.word(&TIMESTAMPS)),
            Type::Date => Yaml::text(self.word(&DATES)),
            Type::Uuid => Yaml::text(self.word(&UUIDS)),
            Type::Bytes => Yaml::text(self.word(&BYTES)),
            Type::Duration => Yaml::text("90s"),
            Type::Enum(_, variants) => Yaml::word(self.one(variants).clone()),
            Type::Newtype(name, base) => match self.sample(name) {
                Some(sample) => Yaml::text(sample),
                None => self.data(base),
            },
            Type::Record(name) => {
                let fields = self.record(name);
                let values = fields.iter().map(|field| (field.name.clone(), self.data(&field.of)));
                Yaml::Map(values.collect())
            }
            Type::List(of) => {
                let count = self.random.usize(..3);
                Yaml::List((0..count).map(|_| self.data(of)).collect())
            }
            Type::Set(of) => Yaml::List(vec![self.data(of)]),
            Type::Map(key, value) => match self.data(key) {
                Yaml::Word(key) => Yaml::one(key, self.data(value)),
                Yaml::Text(key) => {
                    Yaml::one(format!("'{}'", key.replace('\'', "''")), self.data(value))
                }
                Yaml::List(_) | Yaml::Map(_) => Yaml::Map(Vec::new()),
            },
            Type::Optional(of) if self.random.bool() => self.data(of),
            Type::Optional(_) => Yaml::word("null"),
        }
    }
}

/// A text as expressions write it.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
