//! Types as text: `list<Line>?`, `decimal(12,2)`, `enum[A, B]`, and fields with their defaults.

use std::ops::Range;

use super::Lowering;
use super::section::{Section, Wanted, example};
use crate::catalogue::names as codes;
use crate::diagnostic::Diagnostic;
use crate::load::keys::Place;
use crate::load::tree::{Entry, Node, Value};
use crate::naming::Kind;
use crate::source::{Span, Spanned};
use crate::suggest::nearest;
use crate::syntax::{
    ConstantValue, Expression, Field, Map, Text, TypeDeclaration, TypeExpression, TypeKind,
};

pub(super) mod aggregate;
mod rules;

/// How deep types may stand in each other.
const MAX_DEPTH: usize = 16;

impl Lowering<'_> {
    /// `types:`
    pub(super) fn declared_types(&mut self, section: &Section<'_>) -> Map<TypeDeclaration> {
        let entries = self.declared(section, "types", Kind::Type).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.declared_type(entry)?)))
            .collect()
    }

    fn declared_type(&mut self, entry: &Entry) -> Option<TypeDeclaration> {
        let Value::Scalar(scalar) = &entry.value.value else {
            let rule =
                "a type is an enum, a scalar with rules, or a record as a mapping of its fields";
            let entries = match &entry.value.value {
                Value::Map(entries) => entries,
                _ => {
                    let example = example(Place::File, "types").unwrap_or_default();
                    self.wrong_shape(&entry.key, &entry.value, &Wanted::Rule(rule), example);
                    return None;
                }
            };
            return Some(TypeDeclaration::Record(self.fields_of(entries)));
        };
        let expression = self.expression(&entry.key, &entry.value);
        let variants = scalar.text.trim_start().strip_prefix("enum");
        if !variants.is_some_and(|variants| variants.trim_start().starts_with('[')) {
            return self.newtype(&expression).map(TypeDeclaration::Newtype);
        }
        match self.parse_type(&expression, 0..expression.text.len()).kind {
            TypeKind::Enum(variants) => Some(TypeDeclaration::Enum(variants)),
            TypeKind::Broken => {
                self.complete = false;
                None
            }
            // `enum[A, B]?`
            _ => self.newtype(&expression).map(TypeDeclaration::Newtype),
        }
    }

    /// `constants:`
    pub(super) fn constants(
        &mut self,
        section: &Section<'_>,
    ) -> Map<(TypeExpression, ConstantValue)> {
        let entries = self.declared(section, "constants", Kind::Field).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.constant(entry)?)))
            .collect()
    }

    fn constant(&mut self, entry: &Entry) -> Option<(TypeExpression, ConstantValue)> {
        if let Value::Map(entries) = &entry.value.value {
            return self.table(entry, entries);
        }
        let field = self.field(&entry.key, &entry.value);
        if let Some(default) = field.default {
            if let (TypeKind::Map(..), true) =
                (&field.field_type.kind, default.text.starts_with('{'))
            {
                let title = "the entries of a map are no expression";
                let label = "these are YAML";
                let diagnostic =
                    Diagnostic::error(&codes::CONSTANT_VALUE, title, default.span, label);
                self.lose(diagnostic.help(as_table(&entry.key.value)));
                return None;
            }
            return Some((field.field_type, ConstantValue::Expression(default)));
        }
        self.complete = false;
        if field.field_type.kind != TypeKind::Broken {
            let label = "a type without a value";
            let title = format!("the constant `{}` has no value", entry.key.value);
            let diagnostic =
                Diagnostic::error(&codes::CONSTANT_VALUE, title, field.field_type.span, label);
            self.report(diagnostic.help("write `name: type = value`"));
        }
        None
    }

    /// `{type: …, value: …}`
    fn table(
        &mut self,
        entry: &Entry,
        entries: &[Entry],
    ) -> Option<(TypeExpression, ConstantValue)> {
        if !entries.iter().any(|part| ["type", "value"].contains(&part.key.value.as_str())) {
            let title = format!("the constant `{}` does not say its type", entry.key.value);
            let label = "a value without a type";
            let diagnostic =
                Diagnostic::error(&codes::CONSTANT_VALUE, title, entry.key.span, label);
            self.lose(diagnostic.help(as_table(&entry.key.value)));
            return None;
        }
        let section = self.section(Place::Constant, &entry.key, &entry.value)?;
        self.require(&section);
        let (of, value) = (self.expression_at(&section, "type")?, section.get("value")?);
        let of = self.parse_type(&of, 0..of.text.len());
        let value = self.literal(&value.key, &value.value)?;
        Some((of, ConstantValue::Plain(value)))
    }

    /// A mapping of fields by its key.
    pub(super) fn fields(&mut self, section: &Section<'_>, name: &str) -> Option<Map<Field>> {
        let entry = section.get(name)?;
        let example = example(section.place, name).unwrap_or_default();
        let entries = self.mapping_of(entry, example)?;
        Some(self.fields_of(entries))
    }

    fn fields_of(&mut self, entries: &[Entry]) -> Map<Field> {
        let mut fields = Map::new();
        for entry in entries {
            self.check_name(&entry.key, Kind::Field);
            fields.push((entry.key.clone(), self.field(&entry.key, &entry.value)));
        }
        fields
    }

    fn field(&mut self, key: &Text, node: &Node) -> Field {
        match &node.value {
            Value::Scalar(scalar) if !scalar.text.trim().is_empty() => {
                let expression = self.expression(key, node);
                self.field_text(&expression)
            }
            Value::Map(_) => {
                // Every key of a field is refused with its own reason.
                let _ = self.section(Place::Field, key, node);
                broken_field(node.span)
            }
            Value::Scalar(_) | Value::Empty => {
                let label = "a type follows the name";
                let title = format!("`{}` has no type", key.value);
                let diagnostic = Diagnostic::error(&codes::TYPE_SYNTAX, title, key.span, label);
                self.report(diagnostic.help(format!("for example `{}: string`", key.value)));
                broken_field(key.span)
            }
            Value::List(_) => {
                let diagnostic = Diagnostic::error(
                    &codes::TYPE_SYNTAX,
                    format!("`{}` has a list where its type belongs", key.value),
                    node.span,
                    "this is a list",
                );
                self.report(
                    diagnostic.help("write `enum[A, B]` for an enum, `list<T>` for a list"),
                );
                broken_field(node.span)
            }
            Value::Broken => broken_field(node.span),
        }
    }

    /// `T` or `T = default`.
    fn field_text(&mut self, text: &Expression) -> Field {
        let Some(equals) = text.text.find('=') else {
            return Field { field_type: self.parse_type(text, 0..text.text.len()), default: None };
        };
        let field_type = self.parse_type(text, 0..equals);
        let default = part(text, equals + 1..text.text.len());
        if default.text.is_empty() {
            let place = text.place(equals..equals + 1);
            let title = "a default follows the `=`";
            let diagnostic = Diagnostic::error(&codes::NO_DEFAULT, title, place, "nothing follows");
            self.report(diagnostic.help("write the value, or remove the `=`"));
        }
        Field { field_type, default: Some(default) }
    }

    /// The type that a part of a text is; a broken one, reported, where it is none.
    fn parse_type(&mut self, text: &Expression, range: Range<usize>) -> TypeExpression {
        let mut parser = Parser { text, at: range.start, end: range.end, depth: 0 };
        let parsed = parser.whole();
        match parsed {
            Ok(parsed) => {
                self.check_variants(&parsed);
                parsed
            }
            Err(diagnostic) => {
                self.report(*diagnostic);
                broken_type(text.span)
            }
        }
    }

    fn check_variants(&mut self, parsed: &TypeExpression) {
        match &parsed.kind {
            TypeKind::Enum(variants) => {
                for variant in variants {
                    self.check_name(variant, Kind::Variant);
                }
            }
            TypeKind::List(inner) | TypeKind::Set(inner) | TypeKind::Optional(inner) => {
                self.check_variants(inner);
            }
            TypeKind::Map(key, value) => {
                self.check_variants(key);
                self.check_variants(value);
            }
            TypeKind::Name { .. } | TypeKind::Broken => {}
        }
    }
}

/// How a constant of several values is written.
fn as_table(name: &str) -> String {
    format!(
        "write `{name}: {{type: \"map<string, decimal>\", value: {{key: value}}}}`, or each in a line of its own"
    )
}

fn broken_field(span: Span) -> Field {
    Field { field_type: broken_type(span), default: None }
}

fn broken_type(span: Span) -> TypeExpression {
    TypeExpression { kind: TypeKind::Broken, span }
}

/// A part of an expression, without white space around it.
fn part(whole: &Expression, range: Range<usize>) -> Expression {
    let text = &whole.text[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    let text = text.trim();
    let range = start..start + text.len();
    Expression {
        text: text.to_owned(),
        span: whole.place(range.clone()),
        offsets: whole.offsets.as_ref().map(|offsets| offsets[range.start..=range.end].to_vec()),
    }
}

/// Why a text is no type.
type Refused = Box<Diagnostic>;

/// Reads a type from a part of a text.
struct Parser<'a> {
    text: &'a Expression,
    at: usize,
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn whole(&mut self) -> Result<TypeExpression, Refused> {
        let parsed = self.one()?;
        match self.peek() {
            None => Ok(parsed),
            Some(_) if rules::begins(self.rest()) => Err(self
                .refuse(self.at..self.end, "rules of a value belong to a type with a name")
                .map_help(&format!(
                    "declare it under `types:`, as `Name: {}`, and write `Name` here",
                    self.text.text.trim()
                ))),
            Some(c) => Err(self
                .refuse_next(format!("the type ends before `{c}`"))
                .map_help("a default is written `name: type = value`")),
        }
    }

    fn one(&mut self) -> Result<TypeExpression, Refused> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self
                .refuse_next("types stand too deep in each other".to_owned())
                .map_help("declare the inner ones under `types`"));
        }
        self.skip_space();
        let start = self.at;
        let name = self.name("a type")?;
        let kind = match name.value.as_str() {
            "enum" => TypeKind::Enum(self.variants()?),
            "list" => TypeKind::List(Box::new(self.only_argument("list")?)),
            "set" => TypeKind::Set(Box::new(self.only_argument("set")?)),
            "map" => {
                let (key, value) = self.two_arguments()?;
                TypeKind::Map(Box::new(key), Box::new(value))
            }
            _ => self.named(name)?,
        };
        let mut parsed = TypeExpression { kind, span: self.text.place(start..self.at) };
        if self.take('?') {
            let span = self.text.place(start..self.at);
            parsed = TypeExpression { kind: TypeKind::Optional(Box::new(parsed)), span };
        }
        if self.peek() == Some('?') {
            return Err(self
                .refuse_next("one `?` is enough".to_owned())
                .map_help("a value is there or it is not: there is no third case"));
        }
        self.depth -= 1;
        Ok(parsed)
    }

    fn named(&mut self, name: Text) -> Result<TypeKind, Refused> {
        let mut arguments = Vec::new();
        if self.peek() == Some('<') {
            return Err(self.not_generic(&name));
        }
        if self.peek() == Some('[') {
            return Err(self.refuse_next(format!("`{}` takes no `[`", name.value)).map_help(
                if name.value == "List" {
                    "a list is written `list<T>`"
                } else {
                    "an enum is written `enum[A, B]`, a list `list<T>`"
                },
            ));
        }
        if self.take('(') {
            arguments.push(self.number()?);
            while self.take(',') {
                arguments.push(self.number()?);
            }
            self.expect(')')?;
        }
        Ok(TypeKind::Name { name, arguments })
    }

    fn not_generic(&self, name: &Text) -> Refused {
        let refused = self.refuse_next(format!("`{}` takes no other type", name.value));
        match nearest(&name.value, ["list", "set", "map"]) {
            Some(known) => refused.map_help(&format!("did you mean `{known}<T>`?")),
            None if name.value.eq_ignore_ascii_case("option") => {
                refused.map_help("an optional value is written `T?`")
            }
            None => refused.map_help("only `list<T>`, `set<T>` and `map<K, V>` do"),
        }
    }

    fn variants(&mut self) -> Result<Vec<Text>, Refused> {
        self.expect('[')?;
        let mut variants = vec![self.name("a variant")?];
        while self.take(',') {
            variants.push(self.name("a variant")?);
        }
        self.expect(']')?;
        Ok(variants)
    }

    fn only_argument(&mut self, name: &str) -> Result<TypeExpression, Refused> {
        if self.peek() == Some('[') {
            let refused = self.refuse_next(format!("`{name}` takes its type in `< >`"));
            return Err(refused.map_help(&format!("write `{name}<T>`")));
        }
        self.expect('<')?;
        let argument = self.one()?;
        self.expect('>')?;
        Ok(argument)
    }

    fn two_arguments(&mut self) -> Result<(TypeExpression, TypeExpression), Refused> {
        self.expect('<')?;
        let key = self.one()?;
        self.expect(',')?;
        let value = self.one()?;
        self.expect('>')?;
        Ok((key, value))
    }

    /// A run of characters that can't end a name; whether it is a proper one is asked later.
    fn name(&mut self, what: &str) -> Result<Text, Refused> {
        self.skip_space();
        let rest = self.rest();
        let length = rest
            .find(|c: char| c.is_whitespace() || "()[]{}<>,?=|\"'".contains(c))
            .unwrap_or(rest.len());
        if length == 0 {
            return Err(match self.peek() {
                Some(c) => self.refuse_next(format!("{what} belongs here, not `{c}`")),
                None => self.refuse_next(format!("{what} is missing")),
            });
        }
        let range = self.at..self.at + length;
        self.at = range.end;
        Ok(Spanned { value: rest[..length].to_owned(), span: self.text.place(range) })
    }

    fn number(&mut self) -> Result<Spanned<u32>, Refused> {
        let name = self.name("a number")?;
        match name.value.parse() {
            Ok(value) => Ok(Spanned { value, span: name.span }),
            Err(_) => Err(Refused::from(
                Diagnostic::error(
                    &codes::TYPE_SYNTAX,
                    format!("`{}` is no number of digits", name.value),
                    name.span,
                    "a small whole number belongs here",
                )
                .help("`decimal(12,2)` has 12 digits, 2 of them after the point"),
            )),
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), Refused> {
        if self.take(wanted) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(found) => self.refuse_next(format!("`{wanted}` belongs here, not `{found}`")),
            None => self.refuse_next(format!("a `{wanted}` is missing")),
        })
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn rest(&self) -> &'a str {
        &self.text.text[self.at..self.end]
    }

    /// Refuses the next character, or the end.
    fn refuse_next(&self, title: String) -> Refused {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        self.refuse(self.at..self.at + length, &title)
    }

    fn refuse(&self, range: Range<usize>, title: &str) -> Refused {
        let place = self.text.place(range);
        Box::new(Diagnostic::error(&codes::TYPE_SYNTAX, title, place, "in this type"))
    }
}

/// Adds help to a refusal.
trait MapHelp {
    fn map_help(self, help: &str) -> Self;
}

impl MapHelp for Refused {
    fn map_help(self, help: &str) -> Self {
        Box::new(self.help(help))
    }
}
