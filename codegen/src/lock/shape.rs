//! The canonical text of a shape as a structure, to tell what differs between two of them.
//!
//! [`crate::model::Definitions::shape`] writes the text, which is what stores and locks compare: two shapes
//! of one text are one, and of two texts never, whatever is read here. What a later language writes is
//! kept as text.

use std::fmt;

/// A shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A scalar type, and what else is only a name: a record within itself.
    Name(String),
    /// `decimal(p,s)`
    Decimal(u32, u32),
    /// `enum[A, B]`
    Enum(Vec<String>),
    /// `{name: T}`
    Record(Vec<(String, Shape)>),
    /// `list<T>`, `set<T>`, `map<K, V>`
    Of(String, Vec<Shape>),
    /// `T?`
    Optional(Box<Shape>),
    /// What is none of these.
    Unknown(String),
}

impl Shape {
    /// Reads the text of a shape.
    pub(super) fn parse(text: &str) -> Self {
        let mut reader = Reader { rest: text };
        match reader.shape() {
            Some(shape) if reader.rest.is_empty() => shape,
            _ => Self::Unknown(text.to_owned()),
        }
    }

    /// The fields; none of what is no record.
    pub(super) fn fields(&self) -> &[(String, Shape)] {
        match self {
            Self::Record(fields) => fields,
            _ => &[],
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) | Self::Unknown(name) => f.write_str(name),
            Self::Decimal(digits, scale) => write!(f, "decimal({digits},{scale})"),
            Self::Enum(variants) => write!(f, "enum[{}]", variants.join(", ")),
            Self::Record(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, shape)| format!("{name}: {shape}")).collect();
                write!(f, "{{{}}}", fields.join(", "))
            }
            Self::Of(name, of) => {
                let of: Vec<String> = of.iter().map(ToString::to_string).collect();
                write!(f, "{name}<{}>", of.join(", "))
            }
            Self::Optional(inner) => write!(f, "{inner}?"),
        }
    }
}

/// Deep enough for every type that the loader takes.
const MAX_DEPTH: usize = 256;

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn shape(&mut self) -> Option<Shape> {
        self.within(MAX_DEPTH)
    }

    fn within(&mut self, depth: usize) -> Option<Shape> {
        let depth = depth.checked_sub(1)?;
        let mut shape = self.plain(depth)?;
        while self.take("?") {
            shape = Shape::Optional(Box::new(shape));
        }
        Some(shape)
    }

    fn plain(&mut self, depth: usize) -> Option<Shape> {
        if self.take("{") {
            return self.items("}", |reader| reader.field(depth)).map(Shape::Record);
        }
        let name = self.word()?;
        if name == "enum" && self.take("[") {
            return self.items("]", Self::word).map(Shape::Enum);
        }
        if name == "decimal" && self.take("(") {
            let digits = self.items(")", |reader| reader.word()?.parse().ok())?;
            let [digits, scale] = digits[..] else { return None };
            return Some(Shape::Decimal(digits, scale));
        }
        if self.take("<") {
            return self.items(">", |reader| reader.within(depth)).map(|of| Shape::Of(name, of));
        }
        Some(Shape::Name(name))
    }

    fn field(&mut self, depth: usize) -> Option<(String, Shape)> {
        let name = self.word()?;
        self.take(": ").then_some(())?;
        Some((name, self.within(depth)?))
    }

    fn items<T>(
        &mut self,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        while !self.take(end) {
            if !items.is_empty() {
                (self.take(", ") || self.take(",")).then_some(())?;
            }
            items.push(item(self)?);
        }
        Some(items)
    }

    fn word(&mut self) -> Option<String> {
        let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let (word, rest) = self.rest.split_at(self.rest.find(is_end).unwrap_or(self.rest.len()));
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn what_is_read_is_written_again() {
        for text in [
            "{}",
            "{accountId: string, amount: decimal(12,2)?}",
            "{lines: list<{sku: string, size: enum[Small, Large]}>, of: map<string, set<uuid>?>}",
            "{parts: list<Part>}",
        ] {
            let shape = Shape::parse(text);
            assert!(matches!(shape, Shape::Record(_)), "{text}: {shape:?}");
            assert_eq!(shape.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_understood_stays_a_text() {
        let deep = "list<".repeat(10_000);
        for text in
            ["", "{a string}", "decimal(1)", "string matching [A-Z]{3}", "{a: list<}", &deep]
        {
            assert_eq!(Shape::parse(text), Shape::Unknown(text.to_owned()));
        }
    }
}
