//! Invariants: the rules that bind a new event, and those that bind the state after a command.
//!
//! Order by time and unique keys are the runtime's: see `Aggregate::ORDERED_BY_TIME` and
//! `DomainEvent::unique_keys`.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;

use super::expression::{Compiler, Kind, Level};
use super::layout::{self, Part};
use super::names::{field_ident, local_ident, type_ident};
use super::types::is_copy;
use super::view::View;
use crate::model::{Expression, Invariant, Rule, Scope};
use crate::naming;

/// `Aggregate::check_event`
pub(crate) fn check_event(view: &View<'_>) -> TokenStream {
    let rules: Vec<TokenStream> =
        view.aggregate.invariants.iter().filter_map(|it| event_rule(view, it)).collect();
    let step = if rules.is_empty() { quote!(_step) } else { quote!(step) };
    let error = &view.error;
    quote! {
        fn check_event(#step: &__Step<'_, Self>) -> Result<(), #error> {
            #(#rules)*
            Ok(())
        }
    }
}

fn event_rule(view: &View<'_>, invariant: &Invariant) -> Option<TokenStream> {
    let events = &view.events;
    match &invariant.rule {
        Rule::NothingFollows { event } => {
            let index = index_ident(event);
            Some(refuse_if(view, invariant, &quote!(step.history.contains(#index))))
        }
        Rule::CannotFollow { event, after } => {
            let (variant, index) = (type_ident(event), index_ident(after));
            let condition = quote! {
                matches!(step.event, #events::#variant(_)) && step.history.contains(#index)
            };
            Some(refuse_if(view, invariant, &condition))
        }
        Rule::Precedes { first, then } => {
            let (variant, index) = (type_ident(then), index_ident(first));
            let condition = quote! {
                matches!(step.event, #events::#variant(_)) && !step.history.contains(#index)
            };
            Some(refuse_if(view, invariant, &condition))
        }
        Rule::Event { events: names, check } => Some(checked_event(view, invariant, names, check)),
        Rule::State(_) | Rule::Behavior { .. } | Rule::OrderedByTime | Rule::Unique => None,
    }
}

fn step_compiler<'v>(view: &'v View<'_>) -> Compiler<'v> {
    Compiler::new(
        &view.types,
        [
            (Scope::State, quote!(step.after)),
            (Scope::Before, quote!(step.before)),
            (Scope::Event, quote!(event)),
            (Scope::Config, quote!(step.config)),
        ],
    )
}

/// A rule for the state after some events, or for an event's own fields.
fn checked_event(
    view: &View<'_>,
    invariant: &Invariant,
    names: &[String],
    check: &Expression,
) -> TokenStream {
    let compiler = step_compiler(view);
    let broken = compiler.compile(&check.clone().negated());
    let refusal = refusal(view, invariant, &compiler);
    let events = &view.events;
    let variants = names.iter().map(|name| type_ident(name));
    if compiler.used(Scope::Event) {
        let broken = broken.operand(Level::Block);
        return quote! {
            match step.event {
                #(#events::#variants(event))|* if #broken => return Err(#refusal),
                _ => {}
            }
        };
    }
    let condition = match names {
        [] => broken.operand(Level::Block),
        _ => {
            let broken = broken.operand(Level::And);
            quote!(matches!(step.event, #(#events::#variants(_))|*) && #broken)
        }
    };
    quote!(if #condition { return Err(#refusal); })
}

/// `Aggregate::check_state`
pub(crate) fn check_state(view: &View<'_>) -> TokenStream {
    let mut before_used = false;
    let mut after_used = false;
    let mut config_used = false;
    let mut bound = BTreeSet::new();
    let rules: Vec<TokenStream> =
        view.aggregate
            .invariants
            .iter()
            .filter_map(|invariant| {
                let scopes = [
                    (Scope::State, quote!(after)),
                    (Scope::Before, quote!(before)),
                    (Scope::Config, quote!(config)),
                ];
                let compiler = Compiler::new(&view.types, scopes);
                let (binding, check) = match &invariant.rule {
                    Rule::State(check) => (TokenStream::new(), check),
                    Rule::Behavior { method, method_type, check } => {
                        after_used = true;
                        let kind = if is_copy(method_type) { Kind::Copy } else { Kind::Place };
                        compiler.bind(method, kind);
                        let (local, call) = (local_ident(method), field_ident(method));
                        let first = bound.insert(method.clone());
                        let mut binding = TokenStream::new();
                        if first {
                            binding.extend(quote!(let #local = after.#call();));
                        }
                        let before = Rule::before_local(method);
                        let reads_before = invariant.tolerated.is_some();
                        if reads_before && bound.insert(before.clone()) {
                            before_used = true;
                            let local = local_ident(&before);
                            binding.extend(quote!(let #local = before.#call();));
                        }
                        compiler.bind(&before, kind);
                        (binding, check)
                    }
                    _ => return None,
                };
                let broken = match &invariant.tolerated {
                    Some(tolerated) => compiler
                        .condition(&check.clone().negated().and(tolerated.clone().negated())),
                    None => broken(&compiler, check),
                };
                let refusal = refusal(view, invariant, &compiler);
                before_used |= compiler.used(Scope::Before);
                after_used |= compiler.used(Scope::State);
                config_used |= compiler.used(Scope::Config);
                Some(quote!(#binding if #broken { return Err(#refusal); }))
            })
            .collect();
    let before = if before_used { quote!(before) } else { quote!(_before) };
    let after = if after_used { quote!(after) } else { quote!(_after) };
    let config = if config_used { quote!(config) } else { quote!(_config) };
    let (state, error, config_type) = (view.state_type(), &view.error, view.types.config());
    quote! {
        fn check_state(
            #before: &#state,
            #after: &#state,
            #config: &#config_type,
        ) -> Result<(), #error> {
            #(#rules)*
            Ok(())
        }
    }
}

/// The condition under which a rule is broken.
fn broken(compiler: &Compiler<'_>, check: &Expression) -> TokenStream {
    compiler.condition(&check.clone().negated())
}

fn refuse_if(view: &View<'_>, invariant: &Invariant, condition: &TokenStream) -> TokenStream {
    let refusal = refusal(view, invariant, &step_compiler(view));
    quote!(if #condition { return Err(#refusal); })
}

fn refusal(view: &View<'_>, invariant: &Invariant, compiler: &Compiler<'_>) -> TokenStream {
    let (error, name) = (&view.error, type_ident(&invariant.refusal));
    let message = super::expression::field_init("message", &compiler.value(&invariant.message));
    quote!(#error::#name { #message })
}

/// The places in `TYPES` that the rules ask the history for.
pub(crate) fn indexes(view: &View<'_>) -> Vec<Part> {
    let names = view.aggregate.invariants.iter().filter_map(|it| match &it.rule {
        Rule::NothingFollows { event } => Some(event),
        Rule::CannotFollow { after, .. } => Some(after),
        Rule::Precedes { first, .. } => Some(first),
        _ => None,
    });
    let names: BTreeSet<(usize, &String)> =
        names.map(|name| (view.event_index(name), name)).collect();
    let constants = names.into_iter().map(|(index, name)| {
        let docs = layout::doc(&format!("Place of `{name}` among the event types."));
        let ident = index_ident(name);
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        layout::item(quote!(#docs const #ident: usize = #index;))
    });
    constants.collect()
}

/// `ACCOUNT_CLOSED_INDEX`: with its underscore never the name of an event without fields, whose struct is
/// a value, too.
fn index_ident(event: &str) -> proc_macro2::Ident {
    naming::ident(&format!("{}_INDEX", naming::screaming(event)))
}
