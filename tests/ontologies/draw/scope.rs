//! What an expression may read.

use super::types::Type;
use super::{Draw, Field};

/// A value that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// As it is written.
    pub(crate) path: String,
    pub(crate) of: Type,
    /// Whether it is kept: were it put together with other kept things at each event, it would double
    /// with each.
    pub(crate) kept: bool,
    /// Whether it is put in as it is written out, and so must fit the digits of its place.
    pub(crate) constant: bool,
}

/// All that can be read in a place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) reads: Vec<Read>,
    /// Whether there is a clock.
    pub(crate) clock: bool,
    /// Whether nothing may fail: a row that can't be folded is a mistake of the model.
    pub(crate) infallible: bool,
}

impl Scope {
    /// Without what is kept.
    pub(crate) fn fresh(&self) -> Self {
        let reads = self.reads.iter().filter(|read| !read.kept).cloned().collect();
        Self { reads, ..*self }
    }

    /// With a local.
    pub(crate) fn with(&self, local: &str, of: &Type) -> Self {
        let mut scope = self.clone();
        scope.reads.push(Read {
            path: local.to_owned(),
            of: of.clone(),
            kept: true,
            constant: false,
        });
        scope
    }

    /// What can be read where this condition has held, or has not: what it says about optionals may be known
    /// there, so that they would be no optionals any more.
    pub(crate) fn beside(&self, condition: &str) -> Self {
        let mut scope = self.clone();
        let unclear = |read: &Read| {
            let asked = matches!(read.of, Type::Optional(_) | Type::Record(_));
            asked && condition.contains(&read.path)
        };
        scope.reads.retain(|read| !unclear(read));
        scope
    }

    /// With an optional known to be present.
    pub(crate) fn knowing(&self, path: &str) -> Self {
        let mut scope = self.clone();
        // What is asked of a record may be asked of this field of it.
        scope.reads.retain(|read| {
            !(matches!(read.of, Type::Record(_)) && path.starts_with(&format!("{}.", read.path)))
        });
        for read in &mut scope.reads {
            if let (true, Type::Optional(of)) = (read.path == path, &read.of) {
                read.of = (**of).clone();
            }
        }
        scope
    }
}

impl Draw {
    /// Adds the fields of a scope, bare where nothing else has their name.
    pub(crate) fn see(&mut self, scope: &mut Scope, of: &str, fields: &[Field], others: &[Field]) {
        let kept = !matches!(of, "event" | "input");
        for field in fields {
            let alone = super::names::is_common(&field.name)
                && !others.iter().any(|other| other.name == field.name);
            let may_be_bare = alone && !matches!(of, "row" | "after" | "before");
            let path = match may_be_bare && self.random.bool() {
                true => field.name.clone(),
                false => format!("{of}.{}", field.name),
            };
            if let Type::Record(name) = &field.of {
                for inner in self.record(name) {
                    let path = format!("{path}.{}", inner.name);
                    scope.reads.push(Read { path, of: inner.of, kept, constant: false });
                }
            }
            scope.reads.push(Read { path, of: field.of.clone(), kept, constant: false });
        }
    }

    /// Adds the state where names that come later may be those of its fields.
    pub(crate) fn see_state(&mut self, scope: &mut Scope) {
        let state = self.state.clone();
        self.see(scope, "state", &state, &state);
        self.see_derived(scope, "state.");
    }

    /// Adds the constants.
    pub(crate) fn see_constants(&self, scope: &mut Scope) {
        for constant in &self.constants {
            let (path, of) = (constant.name.clone(), constant.of.clone());
            scope.reads.push(Read { path, of, kept: false, constant: true });
        }
    }

    /// Adds what is known of an event beside its fields.
    pub(crate) fn see_meta(&self, scope: &mut Scope) {
        self.see_own_meta(scope);
        for (name, of) in [
            ("recordedAt", Type::Timestamp),
            ("actor", Type::String.optional()),
            ("correlationId", Type::String.optional()),
        ] {
            let path = format!("meta.{name}");
            scope.reads.push(Read { path, of, kept: false, constant: false });
        }
    }

    /// Adds what an event has by itself: who sent its command, and when it was stored, the harness makes up
    /// differently for a fold and for a store.
    pub(crate) fn see_own_meta(&self, scope: &mut Scope) {
        for (name, of) in
            [("at", Type::Timestamp), ("sequence", Type::Integer), ("streamId", Type::String)]
        {
            let path = format!("meta.{name}");
            scope.reads.push(Read { path, of, kept: false, constant: false });
        }
    }
}
