//! Sentences about a value: its bounds, and that it is not empty.
//!
//! Where the subject is a field of events, the rule holds for each of them; without `state:` it is a
//! value that the hand-written behaviour shows.

use super::{Resolver, Said};
use crate::catalogue::invariants::{SUBJECT_TYPE, TWO_TYPES};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Expression, Rule, Type};
use crate::naming;
use crate::resolve::expression::scope::Scope;
use crate::resolve::expression::{part, span_within};
use crate::resolve::sentence::{Limit, Part};
use crate::resolve::value_rule::{self, Subject};
use crate::resolve::{defaults, tolerance};

impl<'a> Resolver<'a> {
    /// What a sentence about a value is about: each place where it must hold.
    pub(super) fn subjects(
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
    pub(super) fn one_type(
        &mut self,
        said: &Said<'_>,
        part: &Part,
        method: &str,
        of: &Type,
    ) -> Option<()> {
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

    pub(super) fn bound(
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
                Limit::Zero => defaults::zero(&self.declared.types, &of)?,
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
    pub(super) fn limit(
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
        let limit = part(said.written, written.clone());
        scope.with_config().check(&limit, of, None, self.findings)
    }

    pub(super) fn not_empty(&mut self, said: &Said<'_>, part: &Part) -> Option<()> {
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

    pub(super) fn wrong_type<T>(
        &mut self,
        said: &Said<'_>,
        part: &Part,
        of: &Type,
        why: &str,
    ) -> Option<T> {
        let shown = self.declared.types.show(of);
        let title = format!("a value of `{shown}` {why}");
        let place = span_within(said.written, part.clone());
        let found = Diagnostic::error(&SUBJECT_TYPE, title, place, format!("this is `{shown}`"));
        self.refuse(found.help("use another form, or `{name: …, check: …}`"))
    }

    pub(super) fn value_rule(
        &mut self,
        said: &Said<'_>,
        refusal: &str,
        subject: &Subject<'_>,
        check: Expression,
    ) {
        let message = subject.message(said.text());
        self.push(&said.written.text, refusal, message, subject.rule(check));
    }
}
