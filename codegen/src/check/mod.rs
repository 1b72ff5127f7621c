//! Rules about an ontology as a whole: what is sound by itself, but can't stand beside something
//! else, or is most likely a slip.
//!
//! One rule, one file, one code. A rule never stops the others. What a name or an expression means is
//! [`crate::resolve`]'s; a rule that needs the model says nothing where there is none.

mod allowed;
mod branches;
mod el0130_names_meet;
mod el0131_generated_types;
mod el0132_generated_functions;
mod el0320_stored_names;
mod el0330_never_set;
mod el0350_unread_state;
mod el0351_unread_field;
mod el0352_never_emitted;
mod el0353_no_effect;
mod el0354_fat_event;
mod el0355_state_as_event;
mod el0356_crud_names;
mod el0357_no_decision;
mod el0358_unbounded_state;
mod el0420_unused_input;
mod el0423_key_now_and_then;
mod el0440_money_without_key;
mod el0441_untested_guard;
mod el0442_key_after_refusal;
mod el0443_step_in_place;
mod el0620_same_table;
mod el0647_no_row_ever;
mod el0710_scenario_names;
mod formula;
mod looking;

pub use allowed::settle;

use crate::diagnostic::Diagnostic;
use crate::{model, syntax};

/// What rules look at.
#[derive(Clone, Copy)]
struct Checked<'a> {
    syntax: &'a syntax::Ontology,
    /// The same as meant; none where it has mistakes.
    model: Option<&'a model::Ontology>,
}

type Rule = fn(Checked<'_>, &mut Vec<Diagnostic>);

const RULES: &[Rule] = &[
    el0130_names_meet::check,
    el0131_generated_types::check,
    el0132_generated_functions::check,
    el0320_stored_names::check,
    el0330_never_set::check,
    el0350_unread_state::check,
    el0351_unread_field::check,
    el0352_never_emitted::check,
    el0353_no_effect::check,
    el0354_fat_event::check,
    el0355_state_as_event::check,
    el0356_crud_names::check,
    el0357_no_decision::check,
    el0358_unbounded_state::check,
    el0420_unused_input::check,
    el0423_key_now_and_then::check,
    el0440_money_without_key::check,
    el0441_untested_guard::check,
    el0442_key_after_refusal::check,
    el0443_step_in_place::check,
    el0620_same_table::check,
    el0647_no_row_ever::check,
    el0710_scenario_names::check,
];

/// Holds an ontology to every rule.
#[must_use]
pub fn check(syntax: &syntax::Ontology, model: Option<&model::Ontology>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for rule in RULES {
        rule(Checked { syntax, model }, &mut findings);
    }
    findings
}

/// Every aggregate as written, with its model where there is one.
impl<'a> Checked<'a> {
    fn aggregates(
        self,
    ) -> impl Iterator<Item = (&'a syntax::Aggregate, Option<&'a model::Aggregate>)> {
        self.syntax.aggregates.iter().map(move |syntax| {
            let model = self.model.into_iter().flat_map(|model| &model.aggregates);
            (syntax, model.into_iter().find(|model| model.name == syntax.name.value))
        })
    }
}
