//! Checks JSON against the shape text of an event version, independently of the code that wrote it.
//!
//! A shape is what [`crate::EventShape`] says: `{name: type, …}` with the types of the language.

use serde_json::Value;

use crate::values::{Duration, Timestamp, decimal};

/// Checks that a document is of a shape.
///
/// # Errors
/// The place and what is wrong there, or that the shape itself cannot be understood.
pub fn conforms(shape: &str, document: &[u8]) -> Result<(), String> {
    let shape = parse(shape)?;
    let value = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    shape.check("the document", &value)
}

/// The names of a shape's fields, each with whether it may be `null`.
///
/// # Errors
/// Where the shape cannot be understood.
pub fn fields(shape: &str) -> Result<Vec<(String, bool)>, String> {
    match parse(shape)? {
        Shape::Record(fields) => Ok(fields
            .into_iter()
            .map(|(name, shape)| (name, matches!(shape, Shape::Optional(_))))
            .collect()),
        other => Err(format!("the shape is no record: {other:?}")),
    }
}

#[derive(Debug, PartialEq)]
enum Shape {
    Scalar(String),
    Decimal(Option<(usize, usize)>),
    Enum(Vec<String>),
    List(Box<Shape>),
    Set(Box<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Optional(Box<Shape>),
    Record(Vec<(String, Shape)>),
    /// A record within itself, which a shape names instead of writing it out again.
    Again,
}

fn parse(text: &str) -> Result<Shape, String> {
    let mut parser = Parser { rest: text };
    let shape = parser.shape()?;
    match parser.rest {
        "" => Ok(shape),
        rest => Err(format!("`{rest}` follows the shape `{text}`")),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn shape(&mut self) -> Result<Shape, String> {
        let mut shape = self.plain()?;
        while self.take("?") {
            shape = Shape::Optional(Box::new(shape));
        }
        Ok(shape)
    }

    fn plain(&mut self) -> Result<Shape, String> {
        if self.take("{") {
            return self.items("}", Self::field).map(Shape::Record);
        }
        let name = self.word();
        match name {
            "enum" if self.take("[") => {
                self.items("]", |parser| Ok(parser.word().to_owned())).map(Shape::Enum)
            }
            "list" if self.take("<") => {
                let item = self.shape()?;
                self.expect(">")?;
                Ok(Shape::List(Box::new(item)))
            }
            "set" if self.take("<") => {
                let member = self.shape()?;
                self.expect(">")?;
                Ok(Shape::Set(Box::new(member)))
            }
            "map" if self.take("<") => {
                let key = self.shape()?;
                self.expect(",")?;
                let value = self.shape()?;
                self.expect(">")?;
                Ok(Shape::Map(Box::new(key), Box::new(value)))
            }
            "decimal" if self.take("(") => self.digits().map(Some).map(Shape::Decimal),
            "decimal" => Ok(Shape::Decimal(None)),
            "string" | "integer" | "boolean" | "timestamp" | "date" | "duration" | "uuid"
            | "bytes" => Ok(Shape::Scalar(name.to_owned())),
            name if name.starts_with(char::is_uppercase) => Ok(Shape::Again),
            _ => Err(format!("`{name}{}` is no type", self.rest)),
        }
    }

    fn field(&mut self) -> Result<(String, Shape), String> {
        let name = self.word().to_owned();
        self.expect(":")?;
        Ok((name, self.shape()?))
    }

    fn digits(&mut self) -> Result<(usize, usize), String> {
        let digits = self.items(")", |parser| {
            parser.word().parse().map_err(|_| "decimal(p,s) takes two numbers".to_owned())
        })?;
        match digits[..] {
            [digits, scale] => Ok((digits, scale)),
            _ => Err("decimal(p,s) takes two numbers".to_owned()),
        }
    }

    fn items<T>(
        &mut self,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut items = Vec::new();
        while !self.take(end) {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let is_end = |character: char| !character.is_ascii_alphanumeric() && character != '_';
        let (word, rest) = self.rest.split_at(self.rest.find(is_end).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest.trim_start().strip_prefix(token);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) {
            Ok(())
        } else {
            Err(format!("expected `{token}` at `{}`", self.rest))
        }
    }
}

impl Shape {
    fn check(&self, place: &str, value: &Value) -> Result<(), String> {
        let fits = match (self, value) {
            (Self::Optional(_), Value::Null) => true,
            (Self::Optional(shape), value) => return shape.check(place, value),
            (Self::Record(fields), Value::Object(found)) => {
                return check_fields(place, fields, found);
            }
            (Self::List(item), Value::Array(items)) => return check_items(place, item, items),
            (Self::Set(member), Value::Array(items)) => {
                check_items(place, member, items)?;
                (1..items.len()).all(|at| !items[..at].contains(&items[at]))
            }
            (Self::Map(key, value), Value::Object(entries)) => {
                return entries.iter().try_for_each(|(name, found)| {
                    let place = format!("{place}[{name:?}]");
                    key.check(&place, &key.key(name))?;
                    value.check(&place, found)
                });
            }
            (Self::Enum(names), Value::String(text)) => names.contains(text),
            (Self::Again, Value::Object(_)) => true,
            (Self::Decimal(limits), Value::String(text)) => is_decimal(text, *limits),
            (Self::Scalar(name), value) => is_scalar(name, value),
            _ => false,
        };
        if fits { Ok(()) } else { Err(format!("{place}: {value} is not of the shape {self:?}")) }
    }
}

impl Shape {
    /// What the key of a map would be as a value.
    fn key(&self, name: &str) -> Value {
        let number = name.parse::<i64>().ok().filter(|number| number.to_string() == name);
        match (self, number) {
            (Self::Scalar(scalar), Some(number)) if scalar == "integer" => number.into(),
            _ => name.into(),
        }
    }
}

fn check_items(place: &str, shape: &Shape, items: &[Value]) -> Result<(), String> {
    items
        .iter()
        .enumerate()
        .try_for_each(|(index, value)| shape.check(&format!("{place}[{index}]"), value))
}

fn check_fields(
    place: &str,
    fields: &[(String, Shape)],
    found: &serde_json::Map<String, Value>,
) -> Result<(), String> {
    for (name, shape) in fields {
        let value = found.get(name).ok_or_else(|| format!("{place}: `{name}` is missing"))?;
        shape.check(&format!("{place}.{name}"), value)?;
    }
    match found.keys().find(|key| fields.iter().all(|(name, _)| name != *key)) {
        Some(key) => Err(format!("{place}: `{key}` is no field")),
        None => Ok(()),
    }
}

/// Canonical, and within the digits.
fn is_decimal(text: &str, limits: Option<(usize, usize)>) -> bool {
    let canonical = decimal::parse(text).is_ok_and(|value| decimal::canonical(&value) == text);
    let digits = text.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0').len();
    canonical
        && limits.is_none_or(|(digits, scale)| fraction.len() <= scale && whole + scale <= digits)
}

fn is_scalar(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("integer", value) => value.is_i64(),
        ("boolean", Value::Bool(_)) | ("string", Value::String(_)) => true,
        ("timestamp", Value::String(text)) => {
            text.parse::<Timestamp>().is_ok_and(|time| time.to_string() == *text)
        }
        ("duration", Value::String(text)) => {
            text.parse::<Duration>().is_ok_and(|span| span.to_string() == *text)
        }
        ("date", Value::String(text)) => crate::values::parse_date(text).is_ok(),
        ("uuid", Value::String(text)) => crate::values::parse_uuid(text).is_ok(),
        ("bytes", Value::String(text)) => text.parse::<crate::values::Bytes>().is_ok(),
        _ => false,
    }
}
