//! Rules: sentences that fit their subject, and conditions.

use super::names::is_common;
use super::scope::Scope;
use super::types::Type;
use super::yaml::Yaml;
use super::{Draw, Event, Field};

impl Draw {
    pub(crate) fn draw_invariants(&mut self) -> Yaml {
        let mut rules = Vec::new();
        for field in self.state.clone() {
            if self.chance(4) && is_common(&field.name) && !self.is_of_event(&field.name) {
                rules.extend(self.about_field(&field).map(Yaml::text));
            }
        }
        if self.chance(3) {
            rules.push(Yaml::text("Events must be ordered by timestamp"));
        }
        if self.chance(3) {
            rules.push(Yaml::text(self.ordering()));
        }
        if self.chance(3) {
            rules.extend(self.unique().map(Yaml::text));
        }
        for _ in 0..self.random.usize(..3) {
            rules.push(self.check());
        }
        match rules.is_empty() {
            true => Yaml::Map(Vec::new()),
            false => Yaml::List(rules),
        }
    }

    fn is_of_event(&self, name: &str) -> bool {
        self.events.iter().flat_map(|event| &event.fields).any(|field| field.name == name)
    }

    fn about_field(&mut self, field: &Field) -> Option<String> {
        let drawn = self.random.u8(..6);
        let name = &field.name;
        let sentence = match field.of.plain() {
            // The limit must fit the digits of the field.
            Type::Decimal(Some(_)) => match drawn {
                0..=2 => format!("{name} cannot be negative"),
                _ => format!("{name} must never decrease"),
            },
            Type::Integer | Type::Decimal(_) => match drawn {
                0 => format!("{name} cannot be negative"),
                1 => format!("{name} must be at least -100"),
                2 => format!("{name} must be at most 1"),
                3 => format!("{name} must be less than 3"),
                4 => format!("{name} must be greater than -1"),
                _ => format!("{name} must never decrease"),
            },
            Type::String => format!("{name} must not be empty"),
            Type::List(_) | Type::Set(_) | Type::Map(..) if drawn == 0 => {
                format!("{name} must not be empty")
            }
            Type::Enum(_, variants) => {
                let moves = variants.iter().zip(variants.iter().cycle().skip(1));
                let moves: Vec<String> =
                    moves.filter(|(a, b)| a != b).map(|(a, b)| format!("{a} → {b}")).collect();
                if moves.is_empty() {
                    return None;
                }
                format!("{name} moves {}", moves.join(", "))
            }
            _ => return None,
        };
        Some(match self.random.bool() {
            true => format!("{sentence}, else {}", self.refusal()),
            false => sentence,
        })
    }

    fn ordering(&mut self) -> String {
        let events: Vec<String> = self.events.iter().map(|event| event.name.clone()).collect();
        let (a, b) = (self.one(&events).clone(), self.one(&events).clone());
        let refusal = self.refusal();
        match self.random.u8(..3) {
            0 if a != b => format!("{a} must precede {b}, else {refusal}"),
            1 => format!("{a} cannot follow {b}, else {refusal}"),
            _ => format!("Nothing can follow {a}, else {refusal}"),
        }
    }

    /// A field of one event alone that can be a unique key.
    fn unique(&mut self) -> Option<String> {
        let fields = self.events.iter().flat_map(|event| &event.fields);
        let fields: Vec<&Field> = fields.collect();
        let fits = |field: &&&Field| {
            let same = fields.iter().filter(|other| other.name == field.name).count();
            let key = matches!(field.of.plain(), Type::Decimal(_)) || field.of.is_key();
            same == 1
                && key
                && is_common(&field.name)
                && !self.state.iter().any(|other| other.name == field.name)
        };
        let names: Vec<String> =
            fields.iter().filter(fits).map(|field| field.name.clone()).collect();
        if names.is_empty() {
            return None;
        }
        let name = self.one(&names).clone();
        let form = match self.random.u8(..3) {
            0 => format!("{name} must be unique"),
            1 => format!("{name} must be unique (idempotency)"),
            _ => format!("{name} must be unique across all {}s", self.aggregate),
        };
        Some(format!("{form}, else {}", self.refusal()))
    }

    fn check(&mut self) -> Yaml {
        let mut scope = Scope::default();
        let state = self.state.clone();
        self.see(&mut scope, "state", &state, &[]);
        self.see(&mut scope, "before", &state, &[]);
        let of = self.word(&["", "before."]);
        self.see_derived(&mut scope, of);
        self.see_constants(&mut scope);
        self.see_config(&mut scope);
        let mut entries = vec![("name".to_owned(), Yaml::word(self.refusal()))];
        let events = self.events.clone();
        if self.random.bool() {
            let event: &Event = self.one(&events);
            let (name, fields) = (event.name.clone(), event.fields.clone());
            let mut of_event = Scope::default();
            self.see(&mut of_event, "event", &fields, &state);
            // Events are never read bare here.
            of_event.reads.retain(|read| read.path.starts_with("event."));
            scope.reads.extend(of_event.reads);
            entries.push(("after".to_owned(), Yaml::List(vec![Yaml::word(name)])));
        }
        let condition = self.two(&scope, "||", 2);
        entries.push(("check".to_owned(), Yaml::text(condition)));
        if self.chance(3) {
            let template = self.template(&scope);
            entries.push(("message".to_owned(), Yaml::text(template)));
        }
        Yaml::Map(entries)
    }
}
