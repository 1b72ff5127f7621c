//! Invariants: what the subject of a sentence names, and the rule that the sentence means.
//!
//! A subject is a field of the state, else a field of events, else an event. Without `state:` any
//! other subject is a value that the hand-written behaviour shows.

use super::command::text;
use super::declared::{Declared, DeclaredEvent};
use super::expression::scope::Scope;
use super::expression::{listed, part, span_within};
use super::fields::Field;
use super::sentence::{self, Form, Limit, Part, Sentence, normalised};
use super::tolerance;
use super::value_rule::{self, Subject};
use crate::catalogue::invariants::{
    ACROSS, NEEDS_STATE, NO_FORM, NOT_A_KEY, NOT_AN_EVENT, REFUSAL_NAME, SUBJECT_TYPE, TRANSITION,
    TWO_TYPES, UNKNOWN_SUBJECT,
};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Expression, Invariant, Rule, Type, UniqueField};
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
        let mut scope = Scope::empty(&declared.types, format!("the rule `{}`", name.value));
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
        let mut events = Vec::new();
        for event in after.unwrap_or_default() {
            events.push(declared.find_event(event, self.findings)?);
        }
        if let [event] = events.as_slice() {
            scope = scope.qualified(model::Scope::Event, &event.fields);
        }
        let condition = scope.condition(check, self.findings);
        let message = match message {
            Some(message) => scope.template(message, self.findings),
            None => Some(text(&format!("{}: not ({})", name.value, check.text.trim()))),
        };
        let check = condition?;
        let rule = match after {
            Some(_) => {
                let events = events.iter().map(|event| event.name.value.clone()).collect();
                Rule::Event { events, check }
            }
            None => Rule::State(check),
        };
        self.push(&name.value, &name.value, message?, rule);
        Some(())
    }

    fn sentence(&mut self, written: &syntax::Expression) -> Option<()> {
        let Some(sentence) = sentence::parse(&written.text) else {
            let title = "a rule has none of the forms that rules have";
            let found = Diagnostic::error(&NO_FORM, title, written.span, "not understood");
            return self.refuse(
                found
                    .help(format!(
                        "the nearest form is `{}`",
                        sentence::nearest_form(&written.text)
                    ))
                    .help(format!("the forms are: {}", sentence::FORMS.join(" · ")))
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
                let (first, then) = (self.event(&said, first), self.event(&said, then));
                let rule = Rule::Precedes { first: first?, then: then? };
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

    fn ordering(&mut self, said: &Said<'_>, rule: Rule) -> Option<()> {
        let refusal = self.refusal(said)?;
        self.push(&said.written.text, &refusal, text(said.text()), rule);
        Some(())
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

    /// What a sentence about a value is about: each place where it must hold.
    fn subjects(
        &mut self,
        said: &Said<'_>,
        part: &Part,
        behavior: &Type,
    ) -> Option<Vec<Subject<'a>>> {
        let name = &said.written.text[part.clone()];
        if let Some(field) = self.state_field(name) {
            return Some(vec![Subject::State(field)]);
        }
        let events = self.event_fields(name);
        if !events.is_empty() {
            let each = events.into_iter().map(|(event, field)| Subject::Event(event, field));
            return Some(each.collect());
        }
        if self.declared.state.is_some() {
            return self.unknown_subject(said, part, "field of the state or of an event");
        }
        let method = value_rule::method_name(name);
        if naming::fault(&method, naming::Kind::Field).is_some() {
            return self.unknown_subject(said, part, "value");
        }
        self.one_type(said, part, &method, behavior)?;
        Some(vec![Subject::Behavior(method, behavior.clone())])
    }

    /// A method of the behaviour has one type.
    fn one_type(&mut self, said: &Said<'_>, part: &Part, method: &str, of: &Type) -> Option<()> {
        let other = self.rules.invariants.iter().find_map(|invariant| match &invariant.rule {
            Rule::Behavior { method: known, method_type, .. } if known == method => {
                (method_type != of).then_some(method_type)
            }
            _ => None,
        });
        let Some(other) = other else { return Some(()) };
        let types = &self.declared.types;
        let (is, was) = (types.show(of), types.show(other));
        let title = format!("`{method}` would be `{is}` here and `{was}` in another rule");
        let place = span_within(said.written, part.clone());
        self.refuse(Diagnostic::error(&TWO_TYPES, title, place, format!("`{is}` here")))
    }

    fn bound(
        &mut self,
        said: &Said<'_>,
        part: &Part,
        comparison: model::Comparison,
        limit: &Limit,
    ) -> Option<()> {
        let subjects = self.subjects(said, part, &Type::Decimal(None))?;
        let refusal = self.refusal(said)?;
        for subject in subjects {
            let Some(of) = subject.value_type() else { continue };
            let number = matches!(of, Type::Integer | Type::Decimal(_) | Type::Duration);
            let ordered = number || matches!(of, Type::Timestamp | Type::Date);
            if !(number || ordered && matches!(limit, Limit::Written(_))) {
                return self.wrong_type(said, part, &of, "has no sign and no order");
            }
            let limit = match limit {
                Limit::Zero => super::defaults::zero(&self.declared.types, &of)?,
                Limit::Written(written) => self.limit(said, written, &subject, &of)?,
            };
            let check = subject.check(&|read| value_rule::compare(comparison, read, limit.clone()));
            self.value_rule(said, &refusal, &subject, check);
            if let Some(rule) = self.rules.invariants.last_mut().filter(|_| number) {
                rule.tolerated = tolerance::no_worse(&subject, comparison, &limit);
            }
        }
        Some(())
    }

    /// The N of a sentence: an expression of the subject's type.
    fn limit(
        &mut self,
        said: &Said<'_>,
        written: &Part,
        subject: &Subject<'_>,
        of: &Type,
    ) -> Option<Expression> {
        let declared = self.declared;
        let mut scope = Scope::empty(&declared.types, "a rule");
        scope.texts_are_values = true;
        scope = match subject {
            Subject::Event(event, _) => scope.bare(model::Scope::Event, &event.fields),
            Subject::State(_) => match &declared.state {
                Some(state) => scope.bare(model::Scope::State, state),
                None => scope,
            },
            Subject::Behavior(..) => scope,
        };
        scope.check(&part(said.written, written.clone()), of, None, self.findings)
    }

    fn not_empty(&mut self, said: &Said<'_>, part: &Part) -> Option<()> {
        let subjects = self.subjects(said, part, &Type::String)?;
        let refusal = self.refusal(said)?;
        for subject in subjects {
            let Some(of) = subject.value_type() else { continue };
            let Some(check) = subject.try_check(&value_rule::not_empty) else {
                return self.wrong_type(said, part, &of, "cannot be empty");
            };
            self.value_rule(said, &refusal, &subject, check);
        }
        Some(())
    }

    fn wrong_type<T>(&mut self, said: &Said<'_>, part: &Part, of: &Type, why: &str) -> Option<T> {
        let shown = self.declared.types.show(of);
        let title = format!("a value of `{shown}` {why}");
        let place = span_within(said.written, part.clone());
        let found = Diagnostic::error(&SUBJECT_TYPE, title, place, format!("this is `{shown}`"));
        self.refuse(found.help("use another form, or `{name: …, check: …}`"))
    }

    fn value_rule(
        &mut self,
        said: &Said<'_>,
        refusal: &str,
        subject: &Subject<'_>,
        check: Expression,
    ) {
        let message = subject.message(said.text());
        self.push(&said.written.text, refusal, message, subject.rule(check));
    }

    /// The state field of a rule that compares before and after.
    fn compared_field(&mut self, said: &Said<'_>, part: &Part) -> Option<&'a Field> {
        if self.declared.state.is_none() {
            let title = "this rule compares the state before and after, but there is no `state:`";
            let place = span_within(said.written, part.clone());
            let found = Diagnostic::error(&NEEDS_STATE, title, place, "of a hand-written state");
            return self
                .refuse(found.help("declare the field under `state:`, or keep the rule by hand"));
        }
        match self.state_field(&said.written.text[part.clone()]) {
            Some(field) => Some(field),
            None => self.unknown_subject(said, part, "field of the state"),
        }
    }

    fn never_decreases(&mut self, said: &Said<'_>, part: &Part) -> Option<()> {
        let field = self.compared_field(said, part)?;
        let of = field.field_type.clone()?;
        let refusal = self.refusal(said)?;
        let Some(check) = value_rule::never_decreases(&field.name, &of) else {
            return self.wrong_type(said, part, &of, "has no order");
        };
        let message = Subject::State(field).message(said.text());
        self.push(&said.written.text, &refusal, message, Rule::Event { events: Vec::new(), check });
        Some(())
    }

    fn moves(&mut self, said: &Said<'_>, part: &Part, moves: &[(Part, Vec<Part>)]) -> Option<()> {
        let field = self.compared_field(said, part)?;
        let of = field.field_type.clone()?;
        let Type::Enum(rust) = &of else {
            return self.wrong_type(said, part, &of, "does not move from variant to variant");
        };
        let mut steps = Vec::new();
        for (from, to) in moves {
            let from = self.variant(said, rust, from)?;
            for to in to {
                steps.push((from.clone(), self.variant(said, rust, to)?));
            }
        }
        let refusal = match &said.refusal {
            Some(refusal) => refusal.clone(),
            None => format!("{}TransitionNotAllowed", naming::rust_type(&field.name)),
        };
        let check = value_rule::moves(&field.name, &of, &steps);
        let message = value_rule::move_message(&field.name, &of, said.text());
        self.push(&said.written.text, &refusal, message, Rule::Event { events: Vec::new(), check });
        Some(())
    }

    fn variant(&mut self, said: &Said<'_>, rust: &str, part: &Part) -> Option<String> {
        let name = &said.written.text[part.clone()];
        let variants = self.declared.types.variants(rust);
        let exact = variants.iter().find(|variant| *variant == name);
        let folded = || variants.iter().find(|variant| normalised(variant) == normalised(name));
        if let Some(variant) = exact.or_else(folded) {
            return Some(variant.clone());
        }
        let shown = self.declared.types.show(&Type::Enum(rust.to_owned()));
        let title = format!("`{shown}` has no variant `{name}`");
        let place = span_within(said.written, part.clone());
        let found = Diagnostic::error(&TRANSITION, title, place, "unknown variant");
        let names: Vec<&str> = variants.iter().map(String::as_str).collect();
        self.refuse(match nearest(name, names.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help(format!("the variants are {}", listed(&names))),
        })
    }

    fn unique(
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
        for (event, field) in fields {
            let Some(of) = &field.field_type else { continue };
            if !is_key(of) {
                let shown = self.declared.types.show(of);
                let title = format!("a value of `{shown}` cannot be a unique key");
                let found = Diagnostic::error(&NOT_A_KEY, title, place, "this field");
                return self.refuse(found.place(field.span, format!("`{shown}`")));
            }
            let unique =
                UniqueField { field: field.name.clone(), across_all: across.is_some(), idempotent };
            self.rules.unique.push((event.name.value.clone(), unique));
        }
        let default = format!("Duplicate{}", naming::rust_type(&field_name));
        let refusal = said.refusal.clone().unwrap_or(default);
        self.push(&said.written.text, &refusal, text(said.text()), Rule::Unique);
        let sentence = said.written.text.trim().to_owned();
        self.rules.keys.push(UniqueKey { field: field_name, refusal, text: sentence });
        Some(())
    }

    /// `across all bank accounts`: the aggregate's name or its last word, in the plural.
    fn names_aggregate(&mut self, said: &Said<'_>, part: &Part) -> Option<()> {
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

fn is_key(of: &Type) -> bool {
    match of {
        Type::Optional(inner) => is_key(inner),
        Type::String
        | Type::Integer
        | Type::Decimal(_)
        | Type::Timestamp
        | Type::Date
        | Type::Uuid
        | Type::Enum(_) => true,
        Type::Boolean | Type::Duration | Type::Bytes | Type::Record(_) | Type::List(_) => false,
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
    vec![noun.to_owned(), likely, format!("{noun}s"), format!("{noun}es")]
}
