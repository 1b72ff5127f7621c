//! Theme invariants, the order of events: what may not follow on what, and by which name it is refused.

use proc_macro2::TokenStream;
use quote::quote;

use super::super::view::View;
use crate::model::Rule;

/// Every order that the invariants rule out, and for each event one that they allow.
pub(super) fn rules(view: &View<'_>) -> Vec<TokenStream> {
    let stored = |name: &str| &view.event(name).stored_as;
    let mut rules = Vec::new();
    for invariant in &view.aggregate.invariants {
        let (refusal, says) = (&invariant.refusal, &invariant.text);
        let shared = is_shared_with_values(view, refusal);
        let mut rule = |before: &[&str], next: &str, refused: bool| {
            let (before, next) = (before.iter().map(|name| stored(name)), stored(next));
            rules.push(quote!(theme::OrderRule {
                refusal: #refusal,
                says: #says,
                before: &[#(#before),*],
                next: #next,
                refused: #refused,
                shared: #shared,
            }));
        };
        let allowed = match &invariant.rule {
            Rule::Precedes { then, .. } => {
                rule(&[], then, true);
                then
            }
            Rule::CannotFollow { event, after } => {
                rule(&[after], event, true);
                event
            }
            Rule::NothingFollows { event } => {
                for next in &view.aggregate.events {
                    rule(&[event], &next.name, true);
                }
                event
            }
            _ => continue,
        };
        if !shared && let Some(before) = allowed_after(view, refusal, allowed) {
            rule(&before, allowed, false);
        }
    }
    rules
}

/// Whether a rule that is not about the order of events refuses by this name too: some values of an event
/// are refused so then, in whatever order.
fn is_shared_with_values(view: &View<'_>, refusal: &str) -> bool {
    let is_of_order = |rule: &Rule| {
        matches!(
            rule,
            Rule::Precedes { .. } | Rule::CannotFollow { .. } | Rule::NothingFollows { .. }
        )
    };
    let mut named = view.aggregate.invariants.iter().filter(|it| it.refusal == refusal);
    named.any(|it| !is_of_order(&it.rule))
}

/// The events after which no rule of this refusal refuses an event; none where there are no such.
fn allowed_after<'v>(view: &'v View<'_>, refusal: &str, next: &str) -> Option<Vec<&'v str>> {
    let rules = view.aggregate.invariants.iter().filter(|it| it.refusal == refusal);
    let rules: Vec<&Rule> = rules.map(|it| &it.rule).collect();
    let needed = rules.iter().filter_map(|rule| match rule {
        Rule::Precedes { first, then } if then == next => Some(first.as_str()),
        _ => None,
    });
    let before: Vec<&str> = needed.collect();
    let forbids = |rule: &&Rule| match rule {
        Rule::CannotFollow { event, after } => event == next && before.contains(&after.as_str()),
        Rule::NothingFollows { event } => before.contains(&event.as_str()),
        _ => false,
    };
    (!rules.iter().any(forbids)).then_some(before)
}
