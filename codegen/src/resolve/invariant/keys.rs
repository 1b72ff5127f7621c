//! Sentences about unique fields.
//!
//! A key is told apart by its field's name and its value as text, so all events that have the field
//! must spell it in one way and give it one type.

use super::{Resolver, Said, UniqueKey};
use crate::catalogue::invariants::{ACROSS, NOT_A_KEY};
use crate::diagnostic::Diagnostic;
use crate::model::{Rule, Type, UniqueField};
use crate::naming;
use crate::resolve::command::text;
use crate::resolve::expression::{beneath_optional, same, span_within};
use crate::resolve::fields::Field;
use crate::resolve::sentence::{Part, normalised};
use crate::source::Span;

impl Resolver<'_> {
    pub(super) fn unique(
        &mut self,
        said: &Said<'_>,
        subject: &Part,
        idempotent: bool,
        across: Option<&Part>,
    ) -> Option<()> {
        let name = said.written.text[subject.clone()].to_owned();
        if let Some(across) = across {
            self.names_aggregate(said, across)?;
        }
        let fields = self.event_fields(&name);
        let place = span_within(said.written, subject.clone());
        let Some((_, first)) = fields.first() else {
            return self.unknown_subject(said, subject, "field of an event");
        };
        let field_name = first.name.clone();
        if self.rules.keys.iter().any(|key| key.field == field_name) {
            let title = format!("`{field_name}` is unique by two rules");
            let found = Diagnostic::error(&NOT_A_KEY, title, place, "unique already");
            return self.refuse(found.help("keep the rule that is meant"));
        }
        if self.declared.partition_key == Some(field_name.as_str()) {
            let title = format!("`{field_name}` names the stream and stands in each of its events");
            let found = Diagnostic::error(&NOT_A_KEY, title, place, "the partition key");
            return self.refuse(
                found.help("a stream exists once by itself: `target: new` refuses a second"),
            );
        }
        let places: Vec<&Field> = fields.iter().map(|(_, field)| *field).collect();
        self.one_key(&places, place)?;
        for (event, _) in fields {
            let unique =
                UniqueField { field: field_name.clone(), across_all: across.is_some(), idempotent };
            self.rules.unique.push((event.name.value.clone(), unique));
        }
        let default = format!("Duplicate{}", naming::rust_type(&field_name));
        let refusal = said.refusal.clone().unwrap_or(default);
        self.push(&said.written.text, &refusal, text(said.text()), Rule::Unique);
        let sentence = said.written.text.trim().to_owned();
        self.rules.keys.push(UniqueKey { field: field_name, refusal, text: sentence });
        Some(())
    }

    /// One field in all its events: of one spelling, and of one type that can be a key.
    fn one_key(&mut self, fields: &[&Field], place: Span) -> Option<()> {
        let types = &self.declared.types;
        let mut known: Option<(&Field, &Type)> = None;
        for field in fields {
            let Some(of) = field.field_type.as_ref().map(beneath_optional) else { continue };
            let shown = types.show(of);
            if !is_key(of) {
                let title = format!("a value of `{shown}` cannot be a unique key");
                let found = Diagnostic::error(&NOT_A_KEY, title, place, "this field");
                return self.refuse(found.place(field.span, format!("`{shown}`")));
            }
            let (first, first_type) = *known.get_or_insert((field, of));
            let (title, help) = if field.name != first.name {
                let title = format!("`{}` and `{}` would be two keys", first.name, field.name);
                (title, "spell the field in one way in all events")
            } else if !same(of, first_type) {
                let title = format!("`{}` would be a key of two types", field.name);
                (title, "give the field one type in all events")
            } else {
                continue;
            };
            let as_written = |field: &Field| {
                let shown = field.field_type.as_ref().map(|of| types.show(of)).unwrap_or_default();
                format!("`{}` is `{shown}`", field.name)
            };
            return self.refuse(
                Diagnostic::error(&NOT_A_KEY, title, place, "this field")
                    .place(first.span, as_written(first))
                    .place(field.span, as_written(field))
                    .note("what is unique is told apart by the field's name and its value")
                    .help(help),
            );
        }
        Some(())
    }

    /// `across all bank accounts`: the aggregate's name or its last word, in the plural.
    pub(super) fn names_aggregate(&mut self, said: &Said<'_>, part: &Part) -> Option<()> {
        let named = normalised(&said.written.text[part.clone()]);
        let aggregate = &self.declared.syntax.name.value;
        let words = naming::snake(aggregate);
        let last = words.rsplit('_').next().unwrap_or_default();
        let fits = [normalised(aggregate).as_str(), last]
            .iter()
            .any(|name| plurals(name).contains(&named));
        if fits {
            return Some(());
        }
        let plain = words.replace('_', " ");
        let title =
            format!("`{}` are not the streams of `{aggregate}`", &said.written.text[part.clone()]);
        let place = span_within(said.written, part.clone());
        let found = Diagnostic::error(&ACROSS, title, place, "another kind");
        self.refuse(found.help(format!("write `across all {}`", plurals(&plain)[1])))
    }
}

fn is_key(of: &Type) -> bool {
    match of {
        Type::String
        | Type::Integer
        | Type::Decimal(_)
        | Type::Timestamp
        | Type::Date
        | Type::Uuid
        | Type::Enum(_) => true,
        Type::Newtype(_, base) => is_key(base),
        Type::Optional(_)
        | Type::Boolean
        | Type::Duration
        | Type::Bytes
        | Type::Record(_)
        | Type::List(_)
        | Type::Set(_)
        | Type::Map(..) => false,
    }
}

/// A noun as it is and in its likely plurals, the likeliest first of them.
fn plurals(noun: &str) -> Vec<String> {
    let likely = match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") || noun.ends_with("sh") => {
            format!("{noun}es")
        }
        _ => format!("{noun}s"),
    };
    let mut plurals = vec![noun.to_owned(), likely, format!("{noun}s"), format!("{noun}es")];
    // Shelves and knives, beside roofs and cafes.
    let stem = noun.strip_suffix('f').or_else(|| noun.strip_suffix("fe"));
    plurals.extend(stem.map(|stem| format!("{stem}ves")));
    plurals
}
