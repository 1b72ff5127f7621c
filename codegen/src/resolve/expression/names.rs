//! Names: bare, qualified by a scope, fields of records, and variants.

use super::checker::{Checker, value};
use super::meant::FOR_TEXT;
use super::scope::{META, SCOPES, meta_type, scope_name};
use super::tree::{Node, NodeKind};
use crate::catalogue::expressions::{
    AMBIGUOUS_NAME, NO_FIELDS, NOT_HERE, NOT_YET, TYPE_MISMATCH, UNKNOWN_NAME, UNKNOWN_VARIANT,
};
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Scope, Type};
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::Text;

impl Checker<'_> {
    /// A bare name, in the order of the language: locals, the place's own, the state, variants.
    pub(super) fn name(
        &mut self,
        name: &str,
        span: Span,
        expected: Option<&Type>,
    ) -> Option<Expression> {
        let local = self.locals.iter().rev().find(|local| local.written.as_deref() == Some(name));
        if let Some(local) = local {
            local.used.set(true);
            let local_type = local.local_type.clone()?;
            let read = value(ExpressionKind::Local(local.name.clone()), local_type);
            return Some(self.narrowed(read));
        }
        if name == "none" {
            return self.none(span, expected);
        }
        let places = self.bare_places(name);
        if let ([reach], true) = (places.as_slice(), self.scope.types.constants.contains_key(name))
        {
            let qualified = reach.qualified(name);
            let title = format!("`{name}` could be {qualified} or the constant");
            let found = Diagnostic::error(&AMBIGUOUS_NAME, title, span, "which one?");
            let found = self.place_of(found, reach, name);
            return self.refuse(found.help(format!("write {qualified}, or rename the constant")));
        }
        match places.as_slice() {
            [Reach::Field(scope)] => self.field_of(*scope, name, span),
            [Reach::Stream] => Some(value(ExpressionKind::StreamId, Type::String)),
            [] => match self.scope.types.constants.get(name) {
                Some(constant) => constant.clone(),
                None => self.bare_variant(name, span, expected),
            },
            several => {
                let ways: Vec<String> = several.iter().map(|reach| reach.qualified(name)).collect();
                let title = format!("`{name}` could be {}", ways.join(" or "));
                let found = Diagnostic::error(&AMBIGUOUS_NAME, title, span, "which one?");
                let found =
                    several.iter().fold(found, |found, reach| self.place_of(found, reach, name));
                self.refuse(found.help(format!("write {}", ways.join(" or "))))
            }
        }
    }

    /// What a bare name reaches, the place's own first.
    fn bare_places(&self, name: &str) -> Vec<Reach> {
        let fields = self.scope.places.iter().filter(|place| place.bare);
        let mut reached: Vec<Reach> = fields
            .filter(|place| place.fields.contains(name) || self.scope.derives(place.scope, name))
            .map(|place| Reach::Field(place.scope))
            .collect();
        let own = |reach: &Reach| matches!(reach, Reach::Field(Scope::Event | Scope::Input));
        if self.scope.stream == Some(name) && !reached.iter().any(own) {
            reached.insert(0, Reach::Stream);
        }
        reached
    }

    fn place_of(&self, found: Diagnostic, reach: &Reach, name: &str) -> Diagnostic {
        let Reach::Field(scope) = reach else { return found };
        let field = self.scope.fields(*scope).and_then(|fields| fields.get(name));
        let derived = self.scope.types.derived.find(name).map(|(_, written)| written.name.span);
        match field.map(|field| field.span).or(derived) {
            Some(span) => found.place(span, format!("`{}`", reach.qualified_bare(name))),
            None => found,
        }
    }

    fn none(&mut self, span: Span, expected: Option<&Type>) -> Option<Expression> {
        match expected {
            Some(Type::Optional(_)) => {
                Some(value(ExpressionKind::None, expected.cloned().unwrap_or(Type::Boolean)))
            }
            Some(other) => {
                let title = format!("`{}` is never none", self.show(other));
                self.refuse(
                    Diagnostic::error(&TYPE_MISMATCH, title, span, "none does not fit here").help(
                        format!("give a value, or declare the type as `{}?`", self.show(other)),
                    ),
                )
            }
            None => self.not_known("`none`", span, "compare an optional with `.is_none()`"),
        }
    }

    fn field_of(&mut self, scope: Scope, name: &str, span: Span) -> Option<Expression> {
        let fields = self.scope.fields(scope)?;
        let Some(field) = fields.get(name) else {
            if self.scope.derives(scope, name) {
                return self.derived_value(scope, name, span);
            }
            return self.unknown_field(scope, name, span);
        };
        let field_type = field.field_type.clone()?;
        let read = value(ExpressionKind::Read(scope, name.to_owned()), field_type);
        Some(self.narrowed(read))
    }

    fn unknown_field<T>(&mut self, scope: Scope, name: &str, span: Span) -> Option<T> {
        let of = scope_name(scope);
        let title = format!("`{of}` has no field `{name}`");
        let found = Diagnostic::error(&UNKNOWN_NAME, title, span, "unknown field");
        let names = self.scope.names_of(scope);
        self.refuse(match nearest(name, names.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help(format!("`{of}` has {}", listed(&names))),
        })
    }

    /// The local that holds the present value of this optional, where it is known to be present.
    pub(super) fn narrowed(&mut self, read: Expression) -> Expression {
        super::scope::known_present(&self.locals, read)
    }

    /// `x.y`: a field of a scope, of `meta`, of a record, or of an optional record.
    pub(super) fn member(&mut self, base: &Node, field: &Text) -> Option<Expression> {
        if let NodeKind::Name(name) = &base.kind {
            if name == "meta" {
                return self.meta(field, base.span);
            }
            if let Some(scope) = self.scope.scope_named(name) {
                return self.scoped(scope, field, base.span);
            }
        }
        let base_span = base.span;
        let base = self.infer(base, None)?;
        let (record, optional) = match &base.result {
            Type::Record(record) => (record.clone(), false),
            Type::Optional(inner) => match inner.as_ref() {
                Type::Record(record) => (record.clone(), true),
                _ => return self.no_fields(&base.result, field, base_span),
            },
            _ => return self.no_fields(&base.result, field, base_span),
        };
        let field_type = self.record_field(&record, field)?;
        let name = field.value.clone();
        let read = if optional {
            let result = match field_type {
                Type::Optional(_) => field_type,
                plain => Type::Optional(Box::new(plain)),
            };
            value(ExpressionKind::OptionalField(Box::new(base), name), result)
        } else {
            value(ExpressionKind::Field(Box::new(base), name), field_type)
        };
        Some(self.narrowed(read))
    }

    fn scoped(&mut self, scope: Scope, field: &Text, place: Span) -> Option<Expression> {
        if self.scope.fields(scope).is_some() {
            return self.field_of(scope, &field.value, field.span);
        }
        let name = scope_name(scope);
        if scope == Scope::Config && self.scope.reads_config && self.scope.types.config.0.is_empty()
        {
            let title = "there is no `config:`";
            let found = Diagnostic::error(&UNKNOWN_NAME, title, place, "nothing is declared");
            let help = format!("declare it: `config: {{{}: type = value}}`", field.value);
            return self.refuse(found.help(help));
        }
        let title = format!("`{name}` cannot be read in {}", self.scope.stands_in);
        if scope == Scope::Config {
            return self.refuse(super::derived::without_config(title, place));
        }
        let found = Diagnostic::error(&NOT_HERE, title, place, "not here");
        if self.scope.state_by_hand && matches!(scope, Scope::State | Scope::After) {
            return self.refuse(found.note(STATE_BY_HAND).help(DECLARE_OR_DECIDE));
        }
        let seen: Vec<&str> =
            self.scope.places.iter().map(|place| scope_name(place.scope)).collect();
        let meta = (!self.scope.meta.is_empty()).then_some("meta");
        let seen: Vec<&str> = seen.into_iter().chain(meta).collect();
        self.refuse(match seen.as_slice() {
            [] => found.help("only constant values can stand here"),
            seen => found.help(format!("what can be read here is {}", listed(seen))),
        })
    }

    fn meta(&mut self, field: &Text, place: Span) -> Option<Expression> {
        if self.scope.meta.is_empty() {
            let title = format!("`meta` cannot be read in {}", self.scope.stands_in);
            return self.refuse(Diagnostic::error(&NOT_HERE, title, place, "not here"));
        }
        let known = META.iter().find(|(name, _)| *name == field.value);
        match known {
            Some((_, meta)) => {
                let read = value(ExpressionKind::Meta(*meta), meta_type(*meta));
                Some(self.narrowed(read))
            }
            None if field.value == "position" => {
                let title = "`meta.position` is not supported yet";
                let found = Diagnostic::error(&NOT_YET, title, field.span, "not yet");
                self.refuse(found.help("`meta.sequence` counts the events of one stream"))
            }
            None => {
                let title = format!("`meta` has no field `{}`", field.value);
                let found = Diagnostic::error(&UNKNOWN_NAME, title, field.span, "unknown field");
                let names: Vec<&str> = META.iter().map(|(name, _)| *name).collect();
                self.refuse(match nearest(&field.value, names.iter().copied()) {
                    Some(meant) => found.help(format!("did you mean `{meant}`?")),
                    None => found.help(format!("`meta` has {}", listed(&names))),
                })
            }
        }
    }

    fn no_fields<T>(&mut self, of: &Type, field: &Text, base: Span) -> Option<T> {
        let title = format!("`{}` has no fields, so no `{}`", self.show(of), field.value);
        let label = format!("this is `{}`", self.show(of));
        let found = Diagnostic::error(&NO_FIELDS, title, base, label);
        let is_method = crate::resolve::methods::has(of, &field.value);
        self.refuse(match (is_method, of) {
            (true, _) => found.help(format!("a method has parentheses: `.{}()`", field.value)),
            (false, Type::Enum(_)) => found.help("compare it with a variant: `status == Open`"),
            (false, _) => found.help("only records have fields; what a value can do are methods"),
        })
    }

    /// The type of a record's field; none where it is unknown or broken.
    pub(super) fn record_field(&mut self, record: &str, field: &Text) -> Option<Type> {
        let fields = self.scope.types.record(record)?;
        if let Some(found) = fields.get(&field.value) {
            return found.field_type.clone();
        }
        let shown = self.show(&Type::Record(record.to_owned()));
        let title = format!("`{shown}` has no field `{}`", field.value);
        let found = Diagnostic::error(&UNKNOWN_NAME, title, field.span, "unknown field");
        let names: Vec<&str> = fields.names().collect();
        self.refuse(match nearest(&field.value, names.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help(format!("`{shown}` has {}", listed(&names))),
        })
    }

    /// `Status::Open`
    pub(super) fn owned_variant(&mut self, owner: &Text, variant: &Text) -> Option<Expression> {
        let of = self.owner(owner)?;
        let Type::Enum(rust) = &of else { return None };
        let name = self.variant_of(rust, &variant.value, variant.span)?;
        Some(value(ExpressionKind::Variant(name), of))
    }

    /// The enum that qualifies a variant.
    pub(super) fn owner(&mut self, owner: &Text) -> Option<Type> {
        match self.scope.types.declared(&owner.value) {
            Some(found @ Type::Enum(_)) => Some(found),
            Some(Type::Newtype(..)) => {
                let title = format!("`{}` is a single value and has no variants", owner.value);
                let found = Diagnostic::error(&UNKNOWN_VARIANT, title, owner.span, "not an enum");
                self.refuse(found.help("write the value itself: it becomes one by itself"))
            }
            Some(_) => {
                let title = format!("`{}` is a record and has no variants", owner.value);
                let found = Diagnostic::error(&UNKNOWN_VARIANT, title, owner.span, "not an enum");
                self.refuse(found.help("a record is built as `Line { … }`"))
            }
            None => {
                let title = format!("there is no enum `{}`", owner.value);
                let found = Diagnostic::error(&UNKNOWN_VARIANT, title, owner.span, "unknown type");
                let names = self.scope.types.declared_names();
                let meant = nearest(&owner.value, names).map(str::to_owned);
                self.refuse(match meant {
                    Some(meant) => found.help(format!("did you mean `{meant}`?")),
                    None => found.help("an enum that stands inline has no name: write the variant alone, or declare the enum under `types:`"),
                })
            }
        }
    }

    /// The variant of this name, or a finding.
    pub(super) fn variant_of(&mut self, rust: &str, name: &str, span: Span) -> Option<String> {
        let variants = self.scope.types.variants(rust);
        if variants.iter().any(|variant| variant == name) {
            return Some(name.to_owned());
        }
        let shown = self.show(&Type::Enum(rust.to_owned()));
        let title = format!("`{shown}` has no variant `{name}`");
        let found = Diagnostic::error(&UNKNOWN_VARIANT, title, span, "unknown variant");
        let names: Vec<&str> = variants.iter().map(String::as_str).collect();
        self.refuse(match nearest(name, names.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help(format!("the variants are {}", listed(&names))),
        })
    }

    fn bare_variant(
        &mut self,
        name: &str,
        span: Span,
        expected: Option<&Type>,
    ) -> Option<Expression> {
        let (of, rust) = match expected.map(beneath_optional) {
            Some(of @ Type::Enum(rust)) => (of, rust),
            Some(Type::Boolean) => return self.unknown_name(name, span, &BOOLEANS),
            Some(Type::String) => {
                let unknown = self.unknown_name(name, span, &[]);
                if let Some(found) = self.findings.last_mut() {
                    found.help.push(format!("{FOR_TEXT} `\"{name}\"`"));
                }
                return unknown;
            }
            _ => return self.unknown_name(name, span, &[]),
        };
        let variants = self.scope.types.variants(rust);
        if variants.iter().any(|variant| variant == name) {
            return Some(value(ExpressionKind::Variant(name.to_owned()), of.clone()));
        }
        let variants: Vec<&str> = variants.iter().map(String::as_str).collect();
        self.unknown_name(name, span, &variants)
    }

    /// Nothing has this name: the nearest thing that could have been meant.
    fn unknown_name<T>(&mut self, name: &str, span: Span, variants: &[&str]) -> Option<T> {
        if SCOPES.iter().any(|(scope, _)| *scope == name) || name == "meta" {
            let title = format!("`{name}` is not a value by itself");
            let found = Diagnostic::error(&UNKNOWN_NAME, title, span, "name one of its fields");
            return self.refuse(found.help(format!("write `{name}.field`")));
        }
        if let Some(elsewhere) = self.scope.elsewhere.filter(|it| it.name.value == name) {
            let title = format!("`{name}` cannot be read in `{}`", elsewhere.not_in);
            let found = Diagnostic::error(&NOT_HERE, title, span, "not here");
            let found = found.place(elsewhere.name.span, elsewhere.reason);
            return self.refuse(found.help(elsewhere.help));
        }
        let title = format!("nothing here is named `{name}`");
        let found = Diagnostic::error(&UNKNOWN_NAME, title, span, "unknown name");
        let help = self.help_for_unknown(name, variants);
        let found = help.into_iter().fold(found, Diagnostic::help);
        self.refuse(if self.scope.state_by_hand { found.note(STATE_BY_HAND) } else { found })
    }

    fn help_for_unknown(&self, name: &str, variants: &[&str]) -> Option<String> {
        let has = |place: &&super::scope::Place<'_>| {
            place.fields.contains(name) || self.scope.derives(place.scope, name)
        };
        let hidden = self.scope.places.iter().find(|place| !place.bare && has(place));
        if let Some(place) = hidden {
            return Some(format!("did you mean `{}.{name}`?", scope_name(place.scope)));
        }
        match name {
            "None" | "null" | "nil" => return Some("write `none`".into()),
            "True" | "TRUE" => return Some("write `true`".into()),
            "False" | "FALSE" => return Some("write `false`".into()),
            // YAML 1.1 took these for booleans, which people remember.
            "yes" | "Yes" | "YES" | "on" | "On" | "ON" if variants == BOOLEANS => {
                return Some("write `true`".into());
            }
            "no" | "No" | "NO" | "off" | "Off" | "OFF" if variants == BOOLEANS => {
                return Some("write `false`".into());
            }
            _ => {}
        }
        let locals = self.locals.iter().filter_map(|local| local.written.as_deref());
        let fields = self.scope.places.iter().filter(|place| place.bare);
        let fields = fields.flat_map(|place| self.scope.names_of(place.scope));
        let constants = self.scope.types.constants.keys().map(String::as_str);
        let values = locals.chain(fields).chain(self.scope.stream).chain(constants);
        let mut candidates: Vec<&str> = Vec::new();
        for name in values.chain(variants.iter().copied()) {
            if !candidates.contains(&name) {
                candidates.push(name);
            }
        }
        if let Some(meant) = nearest(name, candidates.iter().copied()) {
            return Some(format!("did you mean `{meant}`?"));
        }
        let qualified = self.scope.places.iter().filter(|place| !place.bare).find_map(|place| {
            let meant = nearest(name, self.scope.names_of(place.scope))?;
            Some(format!("did you mean `{}.{meant}`?", scope_name(place.scope)))
        });
        qualified.or_else(|| {
            Some(match candidates.as_slice() {
                [] => "nothing has a name here: write the value itself".to_owned(),
                names => format!("the names here are {}", listed(names)),
            })
        })
    }

    /// Whether the node's type depends on its neighbour, which must be looked at first.
    pub(super) fn needs_context(&self, node: &Node) -> bool {
        match &node.kind {
            // Whatever fields there are: one of that name is read as `event.none`.
            NodeKind::Name(name) if name == "none" => true,
            NodeKind::Name(name) => {
                let is_local = self.locals.iter().any(|local| local.written.as_ref() == Some(name));
                let is_constant = self.scope.types.constants.contains_key(name);
                !is_local && !is_constant && self.bare_places(name).is_empty()
            }
            NodeKind::List(elements) => elements.iter().all(|it| self.needs_context(it)),
            // An integer that is written out is a decimal where its neighbour is one.
            NodeKind::Integer(_) => true,
            NodeKind::Negate(inner) => matches!(inner.kind, NodeKind::Integer(_)),
            _ => false,
        }
    }
}

/// The values of a boolean, as if they were variants.
const BOOLEANS: [&str; 2] = ["true", "false"];

/// Why no field of the state can be read.
const STATE_BY_HAND: &str =
    "there is no `state:`, so the state is written by hand and its fields are not known here";

/// What to do about it.
const DECLARE_OR_DECIDE: &str =
    "declare the field under `state:`, or decide by hand too: `handler: custom`";

/// What a bare name reaches.
enum Reach {
    Field(Scope),
    Stream,
}

impl Reach {
    fn qualified(&self, name: &str) -> String {
        format!("`{}`", self.qualified_bare(name))
    }

    fn qualified_bare(&self, name: &str) -> String {
        match self {
            Self::Field(scope) => format!("{}.{name}", scope_name(*scope)),
            Self::Stream => "meta.streamId".into(),
        }
    }
}

/// A type without its `?`.
pub(crate) fn beneath_optional(of: &Type) -> &Type {
    match of {
        Type::Optional(inner) => inner,
        plain => plain,
    }
}

/// Names in a row, as people write them.
pub(crate) fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let mut quoted: Vec<String> =
        names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        quoted.push(format!("{} more", names.len() - SHOWN));
    }
    match quoted.split_last() {
        None => "nothing".into(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}
