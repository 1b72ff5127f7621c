//! What is read by a name besides fields: what a program sets, and what follows from the state.

use super::literals::Place;
use super::scope::{Read, Scope};
use super::types::Type;
use super::yaml::Yaml;
use super::{Draw, Field};

/// A name for an expression over the state.
#[derive(Clone, Debug)]
pub(crate) struct Derived {
    name: String,
    of: Type,
    /// What it is called with wherever it is read, and its type.
    argument: Option<(String, Type)>,
    value: String,
}

impl Draw {
    pub(crate) fn declare_config(&mut self) {
        for at in 0..self.random.usize(..3) {
            let of = match self.of_any(1) {
                Type::Optional(of) => *of,
                of => of,
            };
            let Some(default) = self.literal(&of, Place::Default) else { continue };
            let name = format!("{}Setting{at}", self.word(&["max", "std", "type"]));
            self.config.push(Field { name, of, default: Some(default) });
        }
    }

    /// Adds what a program sets: where it is read, the harness has the defaults.
    pub(crate) fn see_config(&self, scope: &mut Scope) {
        for Field { name, of, .. } in &self.config {
            let path = format!("config.{name}");
            scope.reads.push(Read { path, of: of.clone(), kept: false, constant: false });
        }
    }

    pub(crate) fn declare_derived(&mut self) {
        for at in 0..self.random.usize(..4) {
            let mut scope = Scope::default();
            self.see_state(&mut scope);
            self.see_constants(&mut scope);
            // They are named by others too, but not so that they grow with each. What one says of an
            // optional is known where the name is: it would be asked twice.
            scope.reads.retain(|read| {
                let grows = read.path.contains("derived") && at % 2 == 1;
                !grows && !matches!(read.of, Type::Optional(_) | Type::Record(_))
            });
            let of = self.of_single();
            let argument = Some(of).filter(|of| !of.has_digits() && self.random.bool());
            let argument = argument
                .and_then(|of| self.literal(&of, Place::Expression).map(|value| (value, of)));
            if let Some((_, of)) = &argument {
                scope = scope.with("asked", of);
            }
            let Some((of, value)) = self.derived_value(&scope) else { continue };
            // What nothing reads is told to be removed.
            let argument = argument.filter(|_| value.contains("asked"));
            self.derived.push(Derived { name: format!("derived{at}"), of, argument, value });
        }
    }

    /// Of a type that the expression has by itself.
    fn derived_value(&mut self, scope: &Scope) -> Option<(Type, String)> {
        if self.random.bool() {
            return Some((Type::Boolean, self.two(scope, "||", 2)));
        }
        let read = self.find(scope, |of| !matches!(of, Type::Optional(_)))?;
        if self.chance(3) {
            return Some((read.of, read.path));
        }
        let condition = self.condition(scope, 1);
        let within = scope.beside(&condition);
        let other = self.find(&within, |of| *of == read.of)?;
        let value = format!("if {condition} {{ {} }} else {{ {} }}", read.path, other.path);
        Some((read.of, value))
    }

    /// Adds what follows from a state.
    pub(crate) fn see_derived(&self, scope: &mut Scope, state: &str) {
        for derived in &self.derived {
            let call = derived.argument.as_ref().map(|(value, _)| format!("({value})"));
            let path = format!("{state}{}{}", derived.name, call.unwrap_or_default());
            scope.reads.push(Read { path, of: derived.of.clone(), kept: true, constant: false });
        }
    }

    pub(crate) fn derived(&self) -> Yaml {
        let written = |derived: &Derived| {
            let value = Yaml::text(derived.value.clone());
            let long = derived.argument.as_ref().map(|(_, of)| {
                let input = Yaml::one("asked", Yaml::text(of.written()));
                Yaml::Map(vec![("input".to_owned(), input), ("value".to_owned(), value.clone())])
            });
            (derived.name.clone(), long.unwrap_or(value))
        };
        Yaml::Map(self.derived.iter().map(written).collect())
    }
}
