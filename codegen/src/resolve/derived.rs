//! `derived:` named expressions over the state, and what each stands for where it is named.
//!
//! They may name each other in any order, so each is looked at when it is first asked for. What is wrong
//! with one is told where it is declared; what names it then says nothing more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::expression::scope::Scope;
use super::expression::{local_fault, unused};
use super::fields::Fields;
use super::types::Types;
use crate::catalogue::derived::{BY_HAND, CYCLE, DEFAULT, TAKEN, TOO_MUCH};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Expression};
use crate::naming::collision_key;
use crate::source::Span;
use crate::syntax::{self, Text};

/// How many parts a derived value may have, with all that it names and is asked with written out.
pub(crate) const MAX_PARTS: usize = 1000;

/// How deep derived values may stand in each other.
const MAX_DEPTH: usize = 16;

/// The derived values of an aggregate.
#[derive(Debug, Default)]
pub(crate) struct DerivedValues {
    written: Vec<Written>,
    state: Fields,
    /// By place in `written`, and the state that is read; none for the value with its own names.
    bodies: RefCell<BTreeMap<Asked, Option<Body>>>,
    /// What is being looked at, each with how deep others stand in it so far.
    open: RefCell<Vec<(usize, usize)>>,
    /// What has been refused as a whole.
    refused: RefCell<BTreeSet<usize>>,
    findings: RefCell<Vec<Diagnostic>>,
}

/// One as written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) name: Text,
    /// The parameters.
    pub(crate) input: Fields,
    description: Option<String>,
    parameters: Vec<Text>,
    value: syntax::Expression,
}

/// Which one, of the state of which scope.
type Asked = (usize, Option<model::Scope>);

#[derive(Clone, Debug)]
struct Body {
    value: Expression,
    depth: usize,
}

impl DerivedValues {
    /// Declares them; what they are is found when they are asked for.
    pub(crate) fn declare(
        aggregate: &syntax::Aggregate,
        state: Option<&Fields>,
        types: &mut Types,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let Some(state) = state else {
            findings.extend(aggregate.derived.first().map(|(name, _)| without_state(name)));
            return Self::default();
        };
        let mut this = Self { state: state.clone(), ..Self::default() };
        for (name, derived) in &aggregate.derived {
            findings.extend(taken(name, state));
            findings.extend(derived.input.iter().filter_map(|(name, field)| {
                field.default.as_ref().map(|default| no_default(name, default.span))
            }));
            let input = types.fields(&name.value, &derived.input, findings);
            this.written.push(Written {
                name: name.clone(),
                input,
                description: derived.description.as_ref().map(|text| text.value.clone()),
                parameters: derived.input.iter().map(|(name, _)| name.clone()).collect(),
                value: derived.value.clone(),
            });
        }
        this
    }

    /// All of them as the model keeps them, but for wrong ones, which are reported.
    pub(crate) fn to_model(
        &self,
        types: &Types,
        findings: &mut Vec<Diagnostic>,
    ) -> Vec<model::Derived> {
        let of = |at: usize| {
            let written = &self.written[at];
            Some(model::Derived {
                name: written.name.value.clone(),
                description: written.description.clone(),
                input: written.input.to_model(),
                value: self.body(at, None, written.name.span, types)?,
                text: written.value.text.trim().to_owned(),
            })
        };
        let all = (0..self.written.len()).filter_map(of).collect();
        findings.append(&mut self.findings.borrow_mut());
        all
    }

    /// The one of this name, with its place among all.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, &Written)> {
        self.written.iter().enumerate().find(|(_, written)| written.name.value == name)
    }

    /// Whether there is one of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(|written| written.name.value.as_str())
    }

    /// The value, of the state of a scope; its parameters are locals that [`parameter`] names, or without a
    /// scope of their own names. None where it is wrong, which is reported where it is declared.
    pub(crate) fn body(
        &self,
        at: usize,
        scope: Option<model::Scope>,
        named_at: Span,
        types: &Types,
    ) -> Option<Expression> {
        if self.refused.borrow().contains(&at) || self.is_endless(at, named_at) {
            return None;
        }
        let known = self.bodies.borrow().get(&(at, scope)).cloned();
        let body = match known {
            Some(known) => known?,
            None => {
                if self.is_too_deep() {
                    return None;
                }
                self.open.borrow_mut().push((at, 0));
                let value = self.look_at(at, scope, types);
                let depth = self.open.borrow_mut().pop().map_or(0, |(_, depth)| depth);
                let body = value.map(|value| Body { value, depth });
                let body = body.filter(|body| !self.is_too_much(at, body));
                self.bodies.borrow_mut().insert((at, scope), body.clone());
                body?
            }
        };
        if let Some((_, depth)) = self.open.borrow_mut().last_mut() {
            *depth = (*depth).max(body.depth + 1);
        }
        Some(body.value)
    }

    fn look_at(&self, at: usize, scope: Option<model::Scope>, types: &Types) -> Option<Expression> {
        let written = &self.written[at];
        let stands_in = format!("the derived value `{}`", written.name.value);
        let of = scope.unwrap_or(model::Scope::State);
        let place = Scope { state_is: of, ..Scope::empty(types, stands_in) };
        let mut place = place.bare(of, &self.state).with_config();
        let mut findings = Vec::new();
        for (name, field) in written.parameters.iter().zip(&written.input.0) {
            findings.extend(local_fault(name, &place.locals));
            findings.extend(self.hides(name));
            let mut local = place.named_local(&place.locals, name, field.field_type.clone());
            if scope.is_some() {
                local.name = parameter(&written.name.value, &name.value);
            }
            place.locals.push(local);
        }
        let value = place.infer(&written.value, &mut findings);
        if value.is_some() {
            let locals = written.parameters.iter().zip(&place.locals);
            let unread = locals.filter(|(_, local)| !local.used.get());
            findings.extend(unread.map(|(name, _)| unused(name)));
        }
        // What is wrong is told once.
        if scope.is_none() {
            self.findings.borrow_mut().append(&mut findings);
        }
        value
    }

    /// A parameter of the name of a field: a bare name would mean one or the other.
    fn hides(&self, name: &Text) -> Option<Diagnostic> {
        let field = self.state.get(&name.value)?;
        let title = format!("`{}` is a field of the state, and of the input", name.value);
        let found = Diagnostic::error(&TAKEN, title, name.span, "asked with here");
        Some(found.place(field.span, "kept here").help("rename the input"))
    }

    /// Whether it is asked for while it is looked at. All that name each other are refused then.
    fn is_endless(&self, at: usize, named_at: Span) -> bool {
        let open = self.open.borrow();
        let Some(start) = open.iter().position(|(open, _)| *open == at) else { return false };
        let round = open[start..].iter().map(|(at, _)| *at);
        self.refused.borrow_mut().extend(round.clone());
        let name = |at: usize| self.written[at].name.value.as_str();
        let ways: Vec<String> = round.chain([at]).map(|at| format!("`{}`", name(at))).collect();
        let title = format!("`{}` depends on itself", name(at));
        let found = Diagnostic::error(&CYCLE, title, named_at, "back to where it began");
        let found = match ways.as_slice() {
            [_, _] => found,
            ways => found
                .place(self.written[at].name.span, "it begins here")
                .note(format!("{}: each needs the next", ways.join(" → "))),
        };
        self.findings.borrow_mut().push(found.help("say one of them by fields of the state"));
        true
    }

    /// Whether more stand in each other than are ever written by hand. Told before the next is looked at, and
    /// once: thousands of lines that each name the next must not be followed to their end.
    fn is_too_deep(&self) -> bool {
        let open = self.open.borrow();
        let Some((outermost, _)) = open.first().filter(|_| open.len() > MAX_DEPTH) else {
            return false;
        };
        let is_told = self.findings.borrow().iter().any(|found| found.code.id == TOO_MUCH.id);
        if !is_told {
            let why = format!("derived values stand more than {MAX_DEPTH} deep in each other");
            self.tell_too_much(*outermost, why);
        }
        true
    }

    /// Whether it is more than is ever written by hand: names that name names grow without a limit.
    fn is_too_much(&self, at: usize, body: &Body) -> bool {
        let why = if body.depth >= MAX_DEPTH {
            format!("derived values stand more than {MAX_DEPTH} deep in each other")
        } else if body.value.size() > MAX_PARTS {
            format!("written out, it has more than {MAX_PARTS} parts")
        } else {
            return false;
        };
        self.tell_too_much(at, why);
        true
    }

    fn tell_too_much(&self, at: usize, why: String) {
        if self.refused.borrow_mut().insert(at) {
            let name = &self.written[at].name;
            let title = format!("`{}` is too much for one value", name.value);
            let found = Diagnostic::error(&TOO_MUCH, title, name.span, why);
            let help = "keep a part of it in the state, set by the events that change it";
            self.findings.borrow_mut().push(found.help(help));
        }
    }
}

/// The local for a parameter where a derived value is written out. With its space it is no name that an
/// ontology gives to a local, so an argument can't read another's.
pub(crate) fn parameter(derived: &str, name: &str) -> String {
    format!("{derived} {name}")
}

fn without_state(name: &Text) -> Diagnostic {
    let title = format!("`{}` is derived from a state that is not declared", name.value);
    Diagnostic::error(&BY_HAND, title, name.span, "of which fields?")
        .note("there is no `state:`, so the state is written by hand")
        .help("declare the fields under `state:`, or write a method of the state")
}

/// Why a derived value can't have this name.
fn taken(name: &Text, state: &Fields) -> Option<Diagnostic> {
    let key = collision_key(&name.value);
    if let Some(field) = state.0.iter().find(|field| collision_key(&field.name) == key) {
        let title = format!("`{}` is a field of the state already", name.value);
        let found = Diagnostic::error(&TAKEN, title, name.span, "derived here");
        let label = format!("`{}` is kept here", field.name);
        let help = "rename one of them, or remove the field and what sets it";
        return Some(found.place(field.span, label).help(help));
    }
    if name.value == "format" {
        let title = format!("`{}` is a function of the language", name.value);
        let found = Diagnostic::error(&TAKEN, title, name.span, "choose another name");
        return Some(found.help("say what it is: `label`, `summary`"));
    }
    local_fault(name, &[])
}

fn no_default(name: &Text, default: Span) -> Diagnostic {
    let title = format!("`{}` has a default, which nothing would use", name.value);
    Diagnostic::error(&DEFAULT, title, default, "never used")
        .note("a derived value is asked with all of its input")
        .help("remove the default")
}
