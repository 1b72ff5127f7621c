//! Sentences about a change: a field of the state before and after an event.

use super::{Resolver, Said};
use crate::catalogue::invariants::{NEEDS_STATE, TRANSITION};
use crate::diagnostic::Diagnostic;
use crate::model::{Rule, Type};
use crate::naming;
use crate::resolve::expression::{listed, span_within};
use crate::resolve::fields::Field;
use crate::resolve::sentence::{Part, normalised};
use crate::resolve::value_rule::{self, Subject};
use crate::suggest::nearest;

impl<'a> Resolver<'a> {
    /// The state field of a rule that compares before and after.
    pub(super) fn compared_field(&mut self, said: &Said<'_>, part: &Part) -> Option<&'a Field> {
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

    pub(super) fn never_decreases(&mut self, said: &Said<'_>, part: &Part) -> Option<()> {
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

    pub(super) fn moves(
        &mut self,
        said: &Said<'_>,
        part: &Part,
        moves: &[(Part, Vec<Part>)],
    ) -> Option<()> {
        let field = self.compared_field(said, part)?;
        let of = field.field_type.clone()?;
        let Type::Enum(rust) = &of else {
            return self.wrong_type(said, part, &of, "does not move from variant to variant");
        };
        let mut steps = Vec::new();
        for (from, to) in moves {
            let from = self.variant(said, rust, from)?;
            for to in to {
                let step = (from.clone(), self.variant(said, rust, to)?);
                if !steps.contains(&step) {
                    steps.push(step);
                }
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

    pub(super) fn variant(&mut self, said: &Said<'_>, rust: &str, part: &Part) -> Option<String> {
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
}
