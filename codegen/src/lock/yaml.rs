//! YAML to paste: what a released version looks like in an ontology.

use super::Current;
use super::change::{Change, Kind};
use super::shape::Shape;
use crate::model::{Definitions, Type, TypeDefinition};
use crate::naming;
use crate::syntax::{Field, Map, TypeExpression, TypeKind};

/// What a person must put in place of it.
const OPEN: &str = "…";

/// Writes types by the names that the ontology has for them.
pub(super) struct Writer {
    /// Declared types with their shapes.
    declared: Vec<(String, String)>,
    /// Records that are declared no more: name and fields, for `types:`.
    pub(super) missing: Vec<(String, String)>,
}

impl Writer {
    pub(super) fn new(current: Current<'_>) -> Self {
        let definitions = Definitions::new(&current.model.types, &[]);
        let declared = current.syntax.types.iter().filter_map(|(name, _)| {
            let rust = naming::rust_type(&name.value);
            let of = match definitions.get(&rust)? {
                TypeDefinition::Enum(_) => Type::Enum(rust),
                TypeDefinition::Record(_) => Type::Record(rust),
                // What is stored is the plain value: any text would be taken for one.
                TypeDefinition::Newtype(_) => return None,
            };
            Some((name.value.clone(), definitions.type_shape(&of)))
        });
        Self { declared: declared.collect(), missing: Vec::new() }
    }

    /// A schema in one line, with the fields in the order in which they stand now. Of several types of one
    /// shape, the one that a field has now is meant.
    pub(super) fn schema(&mut self, old: &Shape, now: &Map<Field>, version: u32) -> String {
        let place = |name: &str| now.iter().position(|(field, _)| field.value == name);
        let mut fields: Vec<&(String, Shape)> = old.fields().iter().collect();
        fields.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(name, shape)| {
                let written = place(name).map(|at| &now[at].1.field_type);
                format!("{name}: {}", scalar(&self.of_type(shape, name, written, version)))
            })
            .collect();
        format!("{{{}}}", fields.join(", "))
    }

    fn of_type(
        &mut self,
        shape: &Shape,
        field: &str,
        written: Option<&TypeExpression>,
        version: u32,
    ) -> String {
        let text = shape.to_string();
        let is_it = |known: &&(String, String)| known.1 == text;
        let named = written.and_then(declared_name);
        let of_name = self.declared.iter().filter(is_it).find(|known| named == Some(&known.0));
        if let Some((name, _)) = of_name.or_else(|| self.declared.iter().find(is_it)) {
            return name.clone();
        }
        match shape {
            Shape::Optional(inner) => {
                format!("{}?", self.of_type(inner, field, written, version))
            }
            Shape::Of(name, of) => {
                let of: Vec<String> =
                    of.iter().map(|of| self.of_type(of, field, written, version)).collect();
                format!("{name}<{}>", of.join(", "))
            }
            Shape::Record(_) => {
                let base = written.and_then(declared_name);
                let base = base.map_or_else(|| naming::pascal(field), ToOwned::to_owned);
                let name = format!("{base}V{version}");
                let fields = self.schema(shape, &Vec::new(), version);
                if !self.missing.iter().any(|(known, _)| *known == name) {
                    self.missing.push((name.clone(), fields));
                }
                name
            }
            Shape::Name(_) | Shape::Decimal(..) | Shape::Enum(_) | Shape::Unknown(_) => text,
        }
    }
}

/// The name of the declared type within a type.
pub(super) fn declared_name(written: &TypeExpression) -> Option<&str> {
    match &written.kind {
        TypeKind::Name { name, .. } => Some(&name.value),
        TypeKind::List(inner)
        | TypeKind::Set(inner)
        | TypeKind::Optional(inner)
        | TypeKind::Map(_, inner) => declared_name(inner),
        TypeKind::Enum(_) | TypeKind::Broken => None,
    }
}

/// The lines of the upcast that takes old values to the new fields, as far as they can be known.
pub(super) fn upcast(
    old: &Shape,
    new: &Shape,
    changes: &[Change],
    now: &Map<Field>,
) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for change in changes {
        let line = match change.path.as_slice() {
            [field] => line(change, field, now),
            [field, ..] => of_field(new, field)
                .map(|is| (field.clone(), record(field, of_field(old, field), is, now))),
            [] => None,
        };
        if let Some(line) = line
            && !lines.contains(&line)
        {
            lines.push(line);
        }
    }
    lines
}

fn of_field<'s>(shape: &'s Shape, name: &str) -> Option<&'s Shape> {
    shape.fields().iter().find(|(field, _)| field == name).map(|(_, shape)| shape)
}

fn line(change: &Change, field: &str, now: &Map<Field>) -> Option<(String, String)> {
    let new = change.new.as_ref();
    let value = match &change.kind {
        Kind::Added => {
            let has_default =
                now.iter().any(|(name, of)| name.value == field && of.default.is_some());
            if has_default {
                return None;
            }
            new.map(sample)?
        }
        Kind::Renamed(to) | Kind::Recased(to) => return Some((to.clone(), field.to_owned())),
        Kind::Required => format!("{field}.unwrap_or({})", new.map(sample)?),
        Kind::Narrowed => narrowed(field, change.old.as_ref()?, new?),
        Kind::Retyped => converted(field, change.old.as_ref()?, new?),
        Kind::VariantLost(..) | Kind::Variants => variants(field, change.old.as_ref()?, new?),
        Kind::Removed | Kind::Widened => return None,
    };
    Some((field.to_owned(), value))
}

/// An integer has nothing to round: where it has more digits, its event can't be read.
fn narrowed(field: &str, old: &Shape, new: &Shape) -> String {
    match (old, new) {
        (Shape::Name(name), _) if name == "integer" => field.to_owned(),
        (_, Shape::Decimal(_, scale)) => format!("{field}.round({scale})"),
        _ => field.to_owned(),
    }
}

fn converted(field: &str, old: &Shape, new: &Shape) -> String {
    let name = |shape: &Shape| match shape {
        Shape::Name(name) => name.clone(),
        Shape::Decimal(..) => "decimal".to_owned(),
        _ => String::new(),
    };
    match (name(old).as_str(), name(new).as_str()) {
        ("", _) | ("bytes", "string") => sample(new),
        (_, "string") => format!("format(\"{{{field}}}\")"),
        ("decimal", "integer") => format!("{field}.to_integer()"),
        ("timestamp", "date") => format!("{field}.date()"),
        _ => sample(new),
    }
}

/// A `match` over the old variants; every change of one enum gives the same.
fn variants(field: &str, old: &Shape, new: &Shape) -> String {
    let (Shape::Enum(old), Shape::Enum(new)) = (old, new) else { return OPEN.to_owned() };
    let first = new.first().map_or(OPEN, String::as_str);
    let arms: Vec<String> = old
        .iter()
        .map(|variant| {
            let lost = super::change::compare(&Shape::Enum(old.clone()), &Shape::Enum(new.clone()));
            let to = lost.into_iter().find_map(|change| match change.kind {
                Kind::VariantLost(from, to) if from == *variant => Some(to),
                _ => None,
            });
            let to =
                to.map_or_else(|| variant.clone(), |to| to.unwrap_or_else(|| first.to_owned()));
            format!("{variant} => {to}")
        })
        .collect();
    format!("match {field} {{ {} }}", arms.join(", "))
}

/// A record with the fields that it had, and a value for each new one.
fn record(field: &str, old: Option<&Shape>, new: &Shape, now: &Map<Field>) -> String {
    let written = now.iter().find(|(name, _)| name.value == field).map(|(_, of)| &of.field_type);
    let Some(TypeKind::Name { name, .. }) = written.map(|written| &written.kind) else {
        return OPEN.to_owned(); // of a list, each element would have to be converted
    };
    let kept = |(inner, is): &(String, Shape)| {
        let was = old.and_then(|old| of_field(old, inner));
        match was == Some(is) {
            true => format!("{inner}: {field}.{inner}"),
            false => format!("{inner}: {}", sample(is)),
        }
    };
    let fields: Vec<String> = new.fields().iter().map(kept).collect();
    format!("{} {{ {} }}", name.value, fields.join(", "))
}

/// A value of a type, where one can be told that is sound.
pub(super) fn sample(shape: &Shape) -> String {
    match shape {
        Shape::Optional(_) => "none".to_owned(),
        Shape::Decimal(..) => "0".to_owned(),
        Shape::Enum(variants) => variants.first().map_or(OPEN, String::as_str).to_owned(),
        Shape::Of(name, _) if name == "list" => "[]".to_owned(),
        Shape::Name(name) => match name.as_str() {
            "string" => "\"unknown\"",
            "integer" | "decimal" => "0",
            "boolean" => "false",
            "timestamp" => "meta.at",
            "date" => "meta.at.date()",
            "duration" => "0s",
            _ => OPEN,
        }
        .to_owned(),
        Shape::Of(..) | Shape::Record(_) | Shape::Unknown(_) => OPEN.to_owned(),
    }
}

/// `{field: expression}`
pub(super) fn flow(lines: &[(String, String)]) -> String {
    let lines: Vec<String> =
        lines.iter().map(|(field, value)| format!("{field}: {}", scalar(value))).collect();
    format!("{{{}}}", lines.join(", "))
}

/// A scalar in flow style: quoted where YAML would read something else.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " _.()+-*/<>=?…".contains(c);
    let starts = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '…');
    let ends = !text.ends_with(' ');
    match starts && ends && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}
