//! Invariants: what the subject of a sentence names, and the rule that the sentence means.
//!
//! A subject is a field of the state, else a field of events, else an event. Without `state:` any
//! other subject is a value that the hand-written behaviour shows. The forms of sentences are in
//! [`values`], [`changes`] and [`keys`]; what stands where in a sentence is `sentence`'s.

mod changes;
mod keys;
mod values;

use super::command::text;
use super::declared::{Declared, DeclaredEvent};
use super::expression::scope::Scope;
use super::expression::{MAX_BYTES, listed, span_within};
use super::fields::Field;
use super::sentence::{self, Form, Part, Sentence, normalised};
use super::value_rule;
use crate::catalogue::expressions::TOO_LONG;
use crate::catalogue::invariants::{
    AFTER, NEEDS_STATE, NO_FORM, NOT_AN_EVENT, REFUSAL_NAME, UNKNOWN_SUBJECT,
};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Expression, Invariant, Rule, UniqueField};
use crate::naming;
use crate::suggest::nearest;
use crate::syntax;

/// The rules of an aggregate.
#[derive(Default)]
pub(crate) struct Rules {
    /// In the order written.
    pub(crate) invariants: Vec<Invariant>,
    /// Unique fields with their events.
    pub(crate) unique: Vec<(String, UniqueField)>,
    /// Each unique field with its refusal and sentence, in the order written.
    pub(crate) keys: Vec<UniqueKey>,
}

/// A field that must be unique.
pub(crate) struct UniqueKey {
    pub(crate) field: String,
    pub(crate) refusal: String,
    pub(crate) text: String,
}

/// Resolves all invariants.
pub(crate) fn resolve_all(
    declared: &Declared<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Rules> {
    let mut resolver = Resolver { declared, findings, rules: Rules::default() };
    let mut sound = true;
    for invariant in &declared.syntax.invariants {
        let resolved = match invariant {
            syntax::Invariant::Sentence(written) => resolver.sentence(written),
            syntax::Invariant::Check { name, check, message, after } => {
                resolver.check(name, check, message.as_ref(), after.as_deref())
            }
        };
        sound &= resolved.is_some();
    }
    let rules = resolver.rules;
    sound.then_some(rules)
}

struct Resolver<'a> {
    declared: &'a Declared<'a>,
    findings: &'a mut Vec<Diagnostic>,
    rules: Rules,
}

impl<'a> Resolver<'a> {
    fn refuse<T>(&mut self, found: Diagnostic) -> Option<T> {
        self.findings.push(found);
        None
    }

    fn push(&mut self, text: &str, refusal: &str, message: Expression, rule: Rule) {
        let (text, refusal) = (text.trim().to_owned(), refusal.to_owned());
        self.rules.invariants.push(Invariant { text, refusal, message, rule, tolerated: None });
    }

    /// A mapping `{name, check, message, after}`.
    fn check(
        &mut self,
        name: &syntax::Text,
        check: &syntax::Expression,
        message: Option<&syntax::Expression>,
        after: Option<&[syntax::Text]>,
    ) -> Option<()> {
        let declared = self.declared;
        let mut scope =
            Scope::empty(&declared.types, format!("the rule `{}`", name.value)).checking_later();
        match &declared.state {
            Some(state) => {
                scope =
                    scope.bare(model::Scope::State, state).qualified(model::Scope::Before, state);
            }
            None => {
                let title = format!("`{}` checks the state, but there is no `state:`", name.value);
                let found = Diagnostic::error(&NEEDS_STATE, title, name.span, "nothing to read");
                return self.refuse(found.help("declare the fields under `state:`"));
            }
        }
        scope = scope.with_config();
        if let Some([]) = after {
            let title = format!("`after` of `{}` names no event", name.value);
            let found = Diagnostic::error(&AFTER, title, name.span, "checked after none");
            let help = "name events, or leave `after` out: then it is checked after every command";
            return self.refuse(found.help(help));
        }
        let mut events = Vec::new();
        for (at, event) in after.iter().copied().flatten().enumerate() {
            let before = after.iter().copied().flatten().take(at);
            if let Some(first) = before.into_iter().find(|first| first.value == event.value) {
                let title = format!("`after` of `{}` names `{}` twice", name.value, event.value);
                let found = Diagnostic::error(&AFTER, title, event.span, "again");
                return self.refuse(found.place(first.span, "first").help("remove one of the two"));
            }
            events.push(declared.find_event(event, self.findings)?);
        }
        if let [event] = events.as_slice() {
            scope = scope.qualified(model::Scope::Event, &event.fields);
        }
        let condition = scope.condition(check, self.findings);
        let message = match message {
            Some(message) => scope.template(message, self.findings),
            None => Some(text(&format!("{}: not ({})", name.value, in_one_line(&check.text)))),
        };
        let said = said_of_check(name, check, after);
        let check = condition?;
        let rule = match after {
            Some(_) => {
                let events = events.iter().map(|event| event.name.value.clone()).collect();
                Rule::Event { events, check }
            }
            None => Rule::State(check),
        };
        self.push(&said, &name.value, message?, rule);
        Some(())
    }

    fn sentence(&mut self, written: &syntax::Expression) -> Option<()> {
        if written.text.len() > MAX_BYTES {
            let title =
                format!("the rule has {} bytes, the limit is {MAX_BYTES}", written.text.len());
            let found = Diagnostic::error(&TOO_LONG, title, written.span, "too long");
            return self.refuse(found.help("say it in several rules"));
        }
        let Some(sentence) = sentence::parse(&written.text) else {
            let title = "a rule has none of the forms that rules have";
            let found = Diagnostic::error(&NO_FORM, title, written.span, "not understood");
            let found = match written.text.contains(" else ") {
                true => found.help("the name of a refusal follows a comma: `…, else Name`"),
                false => found,
            };
            return self.refuse(
                found
                    .help(format!(
                        "the nearest form is `{}`",
                        sentence::nearest_form(&written.text)
                    ))
                    .help(format!("the forms are\n{}", sentence::listed_forms()))
                    .help("any other rule is `{name: …, check: …}` over the state"),
            );
        };
        let said = self.said(written, &sentence)?;
        match &sentence.form {
            Form::Bound(subject, comparison, limit) => {
                self.bound(&said, subject, *comparison, limit)
            }
            Form::NotEmpty(subject) => self.not_empty(&said, subject),
            Form::NeverDecreases(subject) => self.never_decreases(&said, subject),
            Form::Moves(subject, moves) => self.moves(&said, subject, moves),
            Form::Unique { subject, idempotent, across } => {
                self.unique(&said, subject, *idempotent, across.as_ref())
            }
            Form::Ordered => {
                let refusal = said.refusal.as_deref().unwrap_or("OutOfOrder");
                self.push(&written.text, refusal, text(said.text()), Rule::OrderedByTime);
                Some(())
            }
            Form::Precedes(first, then) => {
                let place = span_within(written, then.clone());
                let (first, then) = (self.event(&said, first), self.event(&said, then));
                let rule = Rule::Precedes { first: first?, then: then? };
                if matches!(&rule, Rule::Precedes { first, then } if first == then) {
                    let title = "an event that must precede itself can never happen";
                    let found = Diagnostic::error(&NOT_AN_EVENT, title, place, "the same event");
                    return self.refuse(found.help("name two events, or remove the rule"));
                }
                self.ordering(&said, rule)
            }
            Form::CannotFollow(event, after) => {
                let (event, after) = (self.event(&said, event), self.event(&said, after));
                let rule = Rule::CannotFollow { event: event?, after: after? };
                self.ordering(&said, rule)
            }
            Form::NothingFollows(event) => {
                let rule = Rule::NothingFollows { event: self.event(&said, event)? };
                self.ordering(&said, rule)
            }
        }
    }

    /// The sentence with the name that it gives its refusal.
    fn said<'b>(
        &mut self,
        written: &'b syntax::Expression,
        sentence: &Sentence,
    ) -> Option<Said<'b>> {
        let refusal = match &sentence.refusal {
            Some(name) => {
                let text = written.text[name.clone()].to_owned();
                if naming::fault(&text, naming::Kind::Variant).is_some() {
                    let title = format!("`{text}` cannot be the name of a refusal");
                    let place = span_within(written, name.clone());
                    let found = Diagnostic::error(&REFUSAL_NAME, title, place, "not a name");
                    return self.refuse(found.help("write letters and digits, a letter first"));
                }
                Some(text)
            }
            None => None,
        };
        Some(Said { written, body: sentence.body.clone(), refusal })
    }

    /// The refusal of a sentence: after `else`, or made of its words.
    fn refusal(&mut self, said: &Said<'_>) -> Option<String> {
        if let Some(refusal) = &said.refusal {
            return Some(refusal.clone());
        }
        let name = sentence::refusal_name(said.text());
        if naming::fault(&name, naming::Kind::Variant).is_none() {
            return Some(name);
        }
        let title = "the words of this rule make no name for its refusal";
        let found = Diagnostic::error(&REFUSAL_NAME, title, said.written.span, "needs a name");
        self.refuse(found.help("add `, else` and a name"))
    }

    fn ordering(&mut self, said: &Said<'_>, rule: Rule) -> Option<()> {
        let refusal = self.refusal(said)?;
        self.push(&said.written.text, &refusal, text(said.text()), rule);
        Some(())
    }

    /// The event that a part of a sentence names.
    fn event(&mut self, said: &Said<'_>, part: &Part) -> Option<String> {
        let name = &said.written.text[part.clone()];
        let found = self
            .declared
            .events
            .iter()
            .find(|event| normalised(&event.name.value) == normalised(name));
        if let Some(event) = found {
            return Some(event.name.value.clone());
        }
        let title = format!("there is no event `{name}`");
        let place = span_within(said.written, part.clone());
        let found = Diagnostic::error(&NOT_AN_EVENT, title, place, "unknown event");
        let names: Vec<&str> =
            self.declared.events.iter().map(|event| event.name.value.as_str()).collect();
        self.refuse(match nearest(name, names.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help(format!("the events are {}", listed(&names))),
        })
    }

    fn state_field(&self, subject: &str) -> Option<&'a Field> {
        let state = self.declared.state.as_ref()?;
        state.0.iter().find(|field| normalised(&field.name) == normalised(subject))
    }

    fn event_fields(&self, subject: &str) -> Vec<(&'a DeclaredEvent<'a>, &'a Field)> {
        let wanted = normalised(subject);
        let field = |event: &'a DeclaredEvent<'a>| {
            event.fields.0.iter().find(|field| normalised(&field.name) == wanted)
        };
        self.declared.events.iter().filter_map(|event| Some((event, field(event)?))).collect()
    }

    fn unknown_subject<T>(&mut self, said: &Said<'_>, part: &Part, what: &str) -> Option<T> {
        let subject = &said.written.text[part.clone()];
        let place = span_within(said.written, part.clone());
        let derived = value_rule::method_name(subject);
        if self.declared.types.derived.contains(&derived) {
            let title = format!("`{subject}` is derived, and a sentence speaks of what is kept");
            let found = Diagnostic::error(&UNKNOWN_SUBJECT, title, place, "no field");
            let help = format!("write the rule as `{{name: …, check: {derived} >= …}}`");
            return self.refuse(found.help(help));
        }
        let title = format!("there is no {what} `{subject}`");
        let found = Diagnostic::error(&UNKNOWN_SUBJECT, title, place, "unknown subject");
        let state = self.declared.state.iter().flat_map(|state| state.names());
        let events = self.declared.events.iter().flat_map(|event| event.fields.names());
        let names: Vec<&str> = state.chain(events).collect();
        self.refuse(match nearest(subject, names.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help("declare the field, or remove the rule"),
        })
    }
}

/// A mapping in one line: what it is named, what must hold, and after which events.
fn said_of_check(
    name: &syntax::Text,
    check: &syntax::Expression,
    after: Option<&[syntax::Text]>,
) -> String {
    let check = in_one_line(&check.text);
    // Backticks within would end the code early.
    let check = if check.contains('`') { check } else { format!("`{check}`") };
    let said = format!("{}: {check}", name.value);
    match after {
        None => said,
        Some(events) => {
            let events: Vec<&str> = events.iter().map(|event| event.value.as_str()).collect();
            format!("{said} after {}", events.join(", "))
        }
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A sentence with what it gives its refusal.
struct Said<'a> {
    written: &'a syntax::Expression,
    body: Part,
    refusal: Option<String>,
}

impl Said<'_> {
    /// The sentence without `, else Name`.
    fn text(&self) -> &str {
        &self.written.text[self.body.clone()]
    }
}
