//! Derived values where they are named: `total`, `after.total`, `holds(sku)`.

use super::checker::{Checker, value};
use super::names::listed;
use super::scope::{SCOPES, Scope, scope_name};
use super::tree::{Node, NodeKind};
use crate::catalogue::derived::{CALL, CONFIG_NOT_HERE, TOO_MUCH};
use crate::catalogue::expressions::UNKNOWN_NAME;
use crate::diagnostic::Diagnostic;
use crate::model::{self, DerivedCall, Expression, ExpressionKind};
use crate::resolve::derived::{MAX_PARTS, Written, parameter};
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::Text;

/// Whether a scope is a state, which has derived values.
pub(super) fn is_state(scope: model::Scope) -> bool {
    matches!(scope, model::Scope::State | model::Scope::Before | model::Scope::After)
}

impl Scope<'_> {
    /// Whether a scope has a derived value of this name.
    pub(super) fn derives(&self, scope: model::Scope, name: &str) -> bool {
        is_state(scope) && self.types.derived.contains(name)
    }

    /// The names of a scope's fields and derived values.
    pub(super) fn names_of(&self, scope: model::Scope) -> Vec<&str> {
        let fields = self.fields(scope).into_iter().flat_map(|fields| fields.names());
        let derived = is_state(scope).then(|| self.types.derived.names());
        fields.chain(derived.into_iter().flatten()).collect()
    }

    /// The scope that a name in front of a dot means.
    pub(super) fn scope_named(&self, name: &str) -> Option<model::Scope> {
        let (_, scope) = SCOPES.iter().find(|(scope, _)| *scope == name)?;
        Some(if *scope == model::Scope::State { self.state_is } else { *scope })
    }
}

impl Checker<'_> {
    /// A derived value without parentheses.
    pub(super) fn derived_value(
        &mut self,
        scope: model::Scope,
        name: &str,
        span: Span,
    ) -> Option<Expression> {
        let types = self.scope.types;
        let (at, written) = types.derived.find(name)?;
        if !written.input.0.is_empty() {
            let title = format!("`{name}` is asked with something");
            let found = Diagnostic::error(&CALL, title, span, "with what?");
            return self.refuse(found.help(form(written)));
        }
        let stands_for = types.derived.body(at, Some(scope), span, types)?;
        self.may_read_config(name, &stands_for, span)?;
        Some(self.derived_call(scope, name, Vec::new(), stands_for))
    }

    /// `holds(sku)`
    pub(super) fn derived_function(
        &mut self,
        scope: model::Scope,
        name: &Text,
        arguments: &[Node],
    ) -> Option<Expression> {
        let types = self.scope.types;
        let (at, written) = types.derived.find(&name.value)?;
        let wanted = written.input.0.len();
        if wanted == 0 {
            let title = format!("`{}` is a value and is not called", name.value);
            let found = Diagnostic::error(&CALL, title, name.span, "no parentheses here");
            return self.refuse(found.help(form(written)));
        }
        if wanted != arguments.len() {
            let plural = if wanted == 1 { "" } else { "s" };
            let given = arguments.len();
            let title = format!("`{}` takes {wanted} value{plural}, {given} are given", name.value);
            let found = Diagnostic::error(&CALL, title, name.span, "this derived value");
            return self.refuse(found.help(form(written)));
        }
        let given: Vec<Option<Expression>> = written
            .input
            .0
            .iter()
            .zip(arguments)
            .map(|(field, argument)| self.check(argument, field.field_type.as_ref()?))
            .collect();
        let body = types.derived.body(at, Some(scope), name.span, types)?;
        self.may_read_config(&name.value, &body, name.span)?;
        let given: Vec<Expression> = given.into_iter().collect::<Option<_>>()?;
        let parameters = written.input.0.iter().zip(given.clone()).rev();
        let stands_for = parameters.fold(body, |body, (field, given)| {
            let (local, result) = (parameter(&name.value, &field.name), body.result.clone());
            value(ExpressionKind::Let(local, Box::new(given), Box::new(body)), result)
        });
        let parts = stands_for.size() + given.iter().map(Expression::size).sum::<usize>();
        if parts > MAX_PARTS {
            let title = format!("`{}` is asked with too much", name.value);
            let label = format!("written out, this has more than {MAX_PARTS} parts");
            let found = Diagnostic::error(&TOO_MUCH, title, name.span, label);
            return self.refuse(found.help("take a part of it apart, with a `let` in front"));
        }
        Some(self.derived_call(scope, &name.value, given, stands_for))
    }

    /// A derived value that reads `config` can be named where that can be read.
    fn may_read_config(&mut self, name: &str, body: &Expression, span: Span) -> Option<()> {
        let config = model::Scope::Config;
        if self.scope.fields(config).is_some() || !body.reads_scope(config) {
            return Some(());
        }
        let stands_in = &self.scope.stands_in;
        let title = format!("`{name}` reads `config`, so it cannot be named in {stands_in}");
        self.refuse(without_config(title, span))
    }

    fn derived_call(
        &mut self,
        scope: model::Scope,
        name: &str,
        arguments: Vec<Expression>,
        stands_for: Expression,
    ) -> Expression {
        let result = stands_for.result.clone();
        let call = DerivedCall { scope, name: name.to_owned(), arguments, stands_for };
        self.narrowed(value(ExpressionKind::Derived(Box::new(call)), result))
    }

    /// The scope of `after` in `after.holds(sku)`, where that is a derived value.
    pub(super) fn state_asked(&self, receiver: &Node, name: &Text) -> Option<model::Scope> {
        let NodeKind::Name(base) = &receiver.kind else { return None };
        let scope = self.scope.scope_named(base)?;
        self.scope.fields(scope)?;
        self.scope.derives(scope, &name.value).then_some(scope)
    }

    /// The state in `state.anything()`, which is no value that has methods.
    pub(super) fn state_named(&self, receiver: &Node) -> Option<model::Scope> {
        let NodeKind::Name(base) = &receiver.kind else { return None };
        let scope = self.scope.scope_named(base).filter(|scope| is_state(*scope))?;
        self.scope.fields(scope).map(|_| scope)
    }

    pub(super) fn unknown_derived<T>(&mut self, scope: model::Scope, name: &Text) -> Option<T> {
        let (of, name, span) = (scope_name(scope), &name.value, name.span);
        let title = format!("`{of}` has no derived value `{name}`");
        let found = Diagnostic::error(&UNKNOWN_NAME, title, span, "unknown derived value");
        let derived: Vec<&str> = self.scope.types.derived.names().collect();
        let is_field = self.scope.fields(scope).is_some_and(|fields| fields.contains(name));
        self.refuse(match nearest(name, derived.iter().copied()) {
            _ if is_field => found.help(format!("a field has no parentheses: `{of}.{name}`")),
            Some(meant) => found.help(format!("did you mean `{of}.{meant}`?")),
            None if derived.is_empty() => {
                found.help(format!("declare it: `derived: {{{name}: {{input: {{…}}, value: …}}}}`"))
            }
            None => found.help(format!("the derived values are {}", listed(&derived))),
        })
    }

    /// The state that bare names reach, where it has a derived value of this name.
    pub(super) fn bare_state(&self, name: &str) -> Option<model::Scope> {
        let mut places = self.scope.places.iter().filter(|place| place.bare);
        places.find(|place| self.scope.derives(place.scope, name)).map(|place| place.scope)
    }
}

/// `config` where results must not depend on it.
pub(super) fn without_config(title: String, place: Span) -> Diagnostic {
    Diagnostic::error(&CONFIG_NOT_HERE, title, place, "not here")
        .note("what is folded again later must give the same, whatever the program is set to then")
        .help("decide by it in a command, and keep what follows in the event")
}

/// How it is written where it is named.
fn form(written: &Written) -> String {
    let name = &written.name.value;
    let names: Vec<&str> = written.input.names().collect();
    match names.as_slice() {
        [] => format!("write `{name}`"),
        names => format!("write `{name}({})`, with {}", names.join(", "), listed(names)),
    }
}
