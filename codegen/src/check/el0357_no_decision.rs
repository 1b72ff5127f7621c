//! An aggregate whose commands never depend on what happened before.

use super::Checked;
use super::looking::{deciding, is_by_hand};
use crate::catalogue::lints::NO_DECISION;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, ExpressionKind, Rule, Scope};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        if is_by_hand(model) || model.commands.is_empty() || depends_on_the_past(model) {
            continue;
        }
        let title = format!("no command of `{}` depends on what happened before", model.name);
        let label = "decides nothing by its history";
        findings.push(Diagnostic::warning(&NO_DECISION, title, syntax.name.span, label));
    }
}

fn depends_on_the_past(aggregate: &Aggregate) -> bool {
    let of_state = |scope: &Scope| matches!(scope, Scope::State | Scope::Before | Scope::After);
    let reads_state = deciding(aggregate).into_iter().any(|expression| {
        expression.any(&|part| matches!(&part.kind, ExpressionKind::Read(of, _) if of_state(of)))
    });
    reads_state || aggregate.invariants.iter().any(|rule| rule.rule != Rule::OrderedByTime)
}
