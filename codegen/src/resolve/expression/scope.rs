//! What an expression may see: fields, `meta`, the clock, locals, and which optionals are present.

use std::cell::Cell;
use std::rc::Rc;

use crate::model::{self, ExpressionKind, MetaField, Type};
use crate::naming;
use crate::resolve::fields::Fields;
use crate::resolve::types::Types;
use crate::source::Span;
use crate::syntax::Text;

/// Fields that can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Where they are from.
    pub(crate) scope: model::Scope,
    /// The fields.
    pub(crate) fields: &'a Fields,
    /// Whether a bare name reaches them.
    pub(crate) bare: bool,
}

/// A name that an expression or a step gave to a value.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    /// The name by which the ontology reads it; none for what narrowing made.
    pub(crate) written: Option<String>,
    /// The name in generated code.
    pub(crate) name: String,
    /// The type; none where the value is wrong and has been reported.
    pub(crate) local_type: Option<Type>,
    /// Where it is named.
    pub(crate) span: Option<Span>,
    /// The optional whose present value this is.
    pub(crate) narrows: Option<ExpressionKind>,
    /// Whether anything reads it.
    pub(crate) used: Rc<Cell<bool>>,
}

/// A name that can be read next to an expression, but not in it.
#[derive(Clone, Copy)]
pub(crate) struct Elsewhere<'a> {
    /// The name.
    pub(crate) name: &'a Text,
    /// The key whose expression can't read it.
    pub(crate) not_in: &'static str,
    /// What it is, and why it is not here.
    pub(crate) reason: &'static str,
    /// What to do instead.
    pub(crate) help: &'static str,
}

/// Everything an expression may see.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    /// The types.
    pub(crate) types: &'a Types,
    /// Where the expression stands, in words: `the apply of MoneyDeposited`.
    pub(crate) stands_in: String,
    /// Fields, the place's own first.
    pub(crate) places: Vec<Place<'a>>,
    /// Which fields of `meta` can be read.
    pub(crate) meta: &'static [MetaField],
    /// The partition key's name, where the stream's id can be read by it.
    pub(crate) stream: Option<&'a str>,
    /// Whether `now()` and `new_id()` can be called.
    pub(crate) clock: bool,
    /// Whether it may depend on what the program is set to.
    pub(crate) reads_config: bool,
    /// A name that can be read next to here, but not here: why, and what to do.
    pub(crate) elsewhere: Option<Elsewhere<'a>>,
    /// Whether texts stand for times, dates, ids and bytes, as in defaults.
    pub(crate) texts_are_values: bool,
    /// Whether what is written must be a value, which the build works out.
    pub(crate) folds: bool,
    /// Whether the rules of named types are checked before anything is recorded, or never: then a plain
    /// value may become one of such a type.
    pub(crate) checks_later: bool,
    /// Whether there is a state, but written by hand.
    pub(crate) state_by_hand: bool,
    /// Which state `state.x` reads: another one than usual where a derived value is one of it.
    pub(crate) state_is: model::Scope,
    /// Locals, the innermost last.
    pub(crate) locals: Vec<Local>,
}

/// Every field of `meta` by name, with its type.
pub(crate) const META: &[(&str, MetaField)] = &[
    ("at", MetaField::At),
    ("sequence", MetaField::Sequence),
    ("recordedAt", MetaField::RecordedAt),
    ("streamId", MetaField::StreamId),
    ("actor", MetaField::Actor),
    ("correlationId", MetaField::CorrelationId),
    ("causationId", MetaField::CausationId),
];

/// The name of a field of `meta`.
fn meta_name(field: MetaField) -> &'static str {
    META.iter().find(|(_, listed)| *listed == field).map_or("meta", |(name, _)| name)
}

/// All of `meta`.
pub(crate) const ALL_META: &[MetaField] = &[
    MetaField::At,
    MetaField::Sequence,
    MetaField::RecordedAt,
    MetaField::StreamId,
    MetaField::Actor,
    MetaField::CorrelationId,
    MetaField::CausationId,
];

/// The type of a field of `meta`.
pub(crate) fn meta_type(field: MetaField) -> Type {
    match field {
        MetaField::At | MetaField::RecordedAt => Type::Timestamp,
        MetaField::Sequence => Type::Integer,
        MetaField::StreamId => Type::String,
        MetaField::Actor | MetaField::CorrelationId | MetaField::CausationId => {
            Type::Optional(Box::new(Type::String))
        }
    }
}

/// The scopes by the names that qualify a field.
pub(crate) const SCOPES: &[(&str, model::Scope)] = &[
    ("state", model::Scope::State),
    ("before", model::Scope::Before),
    ("after", model::Scope::After),
    ("event", model::Scope::Event),
    ("input", model::Scope::Input),
    ("row", model::Scope::Row),
    ("config", model::Scope::Config),
];

/// The name that qualifies a field of this scope.
pub(crate) fn scope_name(scope: model::Scope) -> &'static str {
    SCOPES.iter().find(|(_, listed)| *listed == scope).map_or("state", |(name, _)| name)
}

/// Names that a local can't take, because they mean something everywhere.
pub(crate) const RESERVED_LOCALS: &[&str] = &[
    "state", "before", "after", "event", "input", "row", "meta", "config", "none", "true", "false",
    "now", "new_id", "format",
];

impl<'a> Scope<'a> {
    /// A scope without any value.
    pub(crate) fn empty(types: &'a Types, stands_in: impl Into<String>) -> Self {
        Self {
            types,
            stands_in: stands_in.into(),
            places: Vec::new(),
            meta: &[],
            stream: None,
            clock: false,
            reads_config: false,
            elsewhere: None,
            texts_are_values: false,
            folds: false,
            checks_later: false,
            state_by_hand: false,
            state_is: model::Scope::State,
            locals: Vec::new(),
        }
    }

    /// With fields that a bare name reaches.
    #[must_use]
    pub(crate) fn bare(mut self, scope: model::Scope, fields: &'a Fields) -> Self {
        self.places.push(Place { scope, fields, bare: true });
        self
    }

    /// With fields that must be qualified.
    #[must_use]
    pub(crate) fn qualified(mut self, scope: model::Scope, fields: &'a Fields) -> Self {
        self.places.push(Place { scope, fields, bare: false });
        self
    }

    /// With what the program is set to, where the ontology has any of it.
    #[must_use]
    pub(crate) fn with_config(mut self) -> Self {
        self.reads_config = true;
        let config = &self.types.config;
        if config.0.is_empty() { self } else { self.qualified(model::Scope::Config, config) }
    }

    /// Where the rules of named types are checked before anything is recorded, or nothing is.
    #[must_use]
    pub(crate) fn checking_later(mut self) -> Self {
        self.checks_later = true;
        self
    }

    /// With all of `meta`.
    #[must_use]
    pub(crate) fn with_meta(mut self) -> Self {
        self.meta = ALL_META;
        self
    }

    /// With the stream's id under the partition key's name.
    #[must_use]
    pub(crate) fn with_stream(mut self, partition_key: Option<&'a str>) -> Self {
        self.stream = partition_key;
        self
    }

    /// The fields of a scope.
    pub(crate) fn fields(&self, scope: model::Scope) -> Option<&'a Fields> {
        self.places.iter().find(|place| place.scope == scope).map(|place| place.fields)
    }

    /// The local that holds the present value of this optional, where a step has made sure of it.
    pub(crate) fn known_present(&self, read: model::Expression) -> model::Expression {
        known_present(&self.locals, read)
    }

    /// Makes known that these optionals are present. Gives the local for the value of each.
    pub(crate) fn narrow(
        &mut self,
        present: Vec<model::Expression>,
    ) -> Vec<(Local, model::Expression)> {
        let mut narrowed = Vec::new();
        for optional in present {
            if let Some(local) = self.narrowing_local(&self.locals, &optional) {
                self.locals.push(local.clone());
                narrowed.push((local, optional));
            }
        }
        narrowed
    }

    /// The local for the present value of an optional.
    pub(crate) fn narrowing_local(
        &self,
        locals: &[Local],
        optional: &model::Expression,
    ) -> Option<Local> {
        let Type::Optional(inner) = &optional.result else { return None };
        let wanted = match &optional.kind {
            ExpressionKind::Read(_, name)
            | ExpressionKind::Local(name)
            | ExpressionKind::Field(_, name)
            | ExpressionKind::OptionalField(_, name) => name.as_str(),
            ExpressionKind::Meta(field) => meta_name(*field),
            ExpressionKind::Derived(call) => call.name.as_str(),
            _ => "present",
        };
        Some(Local {
            written: None,
            name: fresh_local(locals, wanted),
            local_type: Some(inner.as_ref().clone()),
            span: None,
            narrows: Some(optional.kind.clone()),
            used: Rc::default(),
        })
    }

    /// The local that the ontology gives this name.
    pub(crate) fn named_local(
        &self,
        locals: &[Local],
        written: &Text,
        local_type: Option<Type>,
    ) -> Local {
        Local {
            written: Some(written.value.clone()),
            name: fresh_local(locals, &written.value),
            local_type,
            span: Some(written.span),
            narrows: None,
            used: Rc::default(),
        }
    }
}

/// A name for generated code that meets no other local's in Rust.
fn fresh_local(locals: &[Local], wanted: &str) -> String {
    let meets = |name: &str| {
        let key = naming::collision_key(name);
        locals.iter().any(|local| naming::collision_key(&local.name) == key)
    };
    let mut name = wanted.to_owned();
    while RESERVED_LOCALS.contains(&name.as_str()) || meets(&name) {
        name.push_str("Value");
    }
    name
}

/// The innermost local that holds the present value of this optional; itself where there is none.
pub(crate) fn known_present(locals: &[Local], read: model::Expression) -> model::Expression {
    let local = locals.iter().rev().find(|local| local.narrows.as_ref() == Some(&read.kind));
    match local.and_then(|local| Some((local, local.local_type.clone()?))) {
        Some((local, result)) => {
            local.used.set(true);
            model::Expression { kind: ExpressionKind::Local(local.name.clone()), result }
        }
        None => read,
    }
}
