//! What the ontology says of values, as Rust of its own: the rules, where guards have their boundaries,
//! and what columns mirror.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::super::expression::Compiler;
use super::super::layout::{self, Part};
use super::super::names::{field_ident, function_ident, type_ident};
use super::super::projections::to_value;
use super::super::view::View;
use super::knowledge::Names;
use crate::model::boundaries::{self, Boundary as At, Unit};
use crate::model::{
    Command, Decision, Expression, Field, Invariant, Projection, Rejection, Rule, Scope, Step,
};

/// A function of the harness, and how a test names it.
pub(super) struct Known {
    /// The function.
    pub(super) part: Part,
    /// Its name.
    pub(super) function: Ident,
}

/// A rule that values tell.
pub(super) struct ValueRule {
    pub(super) known: Known,
    pub(super) says: String,
    pub(super) of_event: bool,
}

/// The rules of an aggregate that values tell.
pub(super) fn value_rules(view: &View<'_>, names: &Names) -> Vec<ValueRule> {
    let invariants = view.aggregate.invariants.iter().enumerate();
    invariants.filter_map(|(index, it)| value_rule(view, names, index, it)).collect()
}

fn value_rule(
    view: &View<'_>,
    names: &Names,
    index: usize,
    invariant: &Invariant,
) -> Option<ValueRule> {
    let function = format_ident!("rule_{}", index + 1);
    let (item, of_event) = match &invariant.rule {
        Rule::State(check) => {
            let tolerated = invariant.tolerated.as_ref();
            (state_rule(view, names, &function, check, tolerated), false)
        }
        Rule::Event { events, check } => (event_rule(view, names, &function, events, check), true),
        _ => return None,
    };
    let known = Known { part: layout::item(item), function };
    Some(ValueRule { known, says: invariant.text.clone(), of_event })
}

fn state_of(names: &Names) -> TokenStream {
    let subject = &names.subject;
    quote!(testing::subject::StateOf<#subject>)
}

fn config_scope() -> (Scope, TokenStream) {
    (Scope::Config, quote!(config))
}

/// What the harness sets a program to, where that has been read.
fn defaults(view: &View<'_>, compiler: &Compiler<'_>) -> Option<TokenStream> {
    let config = view.types.config();
    compiler.used(Scope::Config).then(|| quote!(let config = &#config::default();))
}

fn state_rule(
    view: &View<'_>,
    names: &Names,
    function: &Ident,
    check: &Expression,
    tolerated: Option<&Expression>,
) -> TokenStream {
    let scopes = [(Scope::State, quote!(state)), (Scope::Before, quote!(before)), config_scope()];
    let compiler = Compiler::new(&view.types, scopes);
    let condition = compiler.condition(check);
    let condition = match tolerated {
        None => condition,
        Some(tolerated) => {
            let tolerated = compiler.condition(tolerated);
            quote!((#condition) || (#tolerated))
        }
    };
    let before = named(compiler.used(Scope::Before), "before");
    let after = named(compiler.used(Scope::State), "state");
    let (state, config) = (state_of(names), defaults(view, &compiler));
    quote! {
        fn #function(#before: &#state, #after: &#state) -> Result<bool, __EvalError> {
            #config
            Ok(#condition)
        }
    }
}

fn event_rule(
    view: &View<'_>,
    names: &Names,
    function: &Ident,
    events: &[String],
    check: &Expression,
) -> TokenStream {
    let scopes = [
        (Scope::State, quote!(step.after)),
        (Scope::Before, quote!(step.before)),
        (Scope::Event, quote!(event)),
        (Scope::Config, quote!(step.config)),
    ];
    let compiler = Compiler::new(&view.types, scopes);
    let condition = compiler.condition(check);
    let of = &view.events;
    let binding = if compiler.used(Scope::Event) { quote!(event) } else { quote!(_) };
    let variants = events.iter().map(|name| type_ident(name));
    let body = if events.is_empty() {
        quote!(Ok(#condition))
    } else {
        quote! {
            match step.event {
                #(#of::#variants(#binding))|* => Ok(#condition),
                #[allow(unreachable_patterns)]
                _ => Ok(true),
            }
        }
    };
    let aggregate = super::knowledge::aggregate_type(view, names);
    quote! {
        fn #function(step: &__Step<'_, #aggregate>) -> Result<bool, __EvalError> { #body }
    }
}

fn named(used: bool, name: &str) -> Ident {
    if used { format_ident!("{name}") } else { format_ident!("_{name}") }
}

/// The boundary of a guard or rule.
pub(super) struct Boundary {
    pub(super) known: Known,
    /// The command; none for a rule of the state.
    pub(super) command: Option<String>,
    pub(super) refusal: String,
    pub(super) says: String,
    /// Whether the comparison holds one unit below, on and above the boundary.
    pub(super) holds: [bool; 3],
    /// Whether it is the command that is brought there, and not the state.
    pub(super) is_of_input: bool,
    /// Whether something else refuses by the same name.
    pub(super) shared: bool,
}

/// Whether more than one rule refuses by a name, those of a command among them.
fn is_shared(view: &View<'_>, command: Option<&Command>, refusal: &str) -> bool {
    let invariants = view.aggregate.invariants.iter().map(|it| &it.refusal);
    let of_command = command.into_iter().flat_map(refusals);
    invariants.chain(of_command).filter(|name| *name == refusal).count() > 1
}

/// The refusals that a command names.
fn refusals(command: &Command) -> impl Iterator<Item = &String> {
    let (steps, ensure, by_hand) = match &command.decision {
        Decision::Declared { steps, ensure, .. } => (steps.as_slice(), ensure.as_slice(), &[][..]),
        Decision::Custom(refuses) => (&[][..], &[][..], refuses.as_slice()),
    };
    let rejected = steps.iter().filter_map(|step| match step {
        Step::Reject(rejection) => Some(&rejection.refusal),
        _ => None,
    });
    let ensured = ensure.iter().map(|rejection| &rejection.refusal);
    command.target_refusal.iter().chain(rejected).chain(ensured).chain(by_hand)
}

fn state_fields<'m>(view: &View<'m>) -> &'m [Field] {
    view.aggregate.state.as_deref().unwrap_or_default()
}

/// The boundaries of the guards of commands that compare numbers.
pub(super) fn guard_boundaries(view: &View<'_>, names: &Names) -> Vec<Boundary> {
    let mut boundaries = Vec::new();
    for command in &view.aggregate.commands {
        let Decision::Declared { steps, .. } = &command.decision else { continue };
        for step in steps {
            let Step::Reject(rejection) = step else { continue };
            let count = boundaries.len() + 1;
            boundaries.extend(guard_boundary(view, names, command, rejection, count));
        }
    }
    boundaries
}

fn guard_boundary(
    view: &View<'_>,
    names: &Names,
    command: &Command,
    rejection: &Rejection,
    count: usize,
) -> Option<Boundary> {
    let at = boundaries::of_guard(command, state_fields(view), &rejection.when)?;
    let (scope, field) = (at.scope, field_ident(at.field));
    let (any, variant) = (&names.command, type_ident(&command.name));
    let compiler = Compiler::new(
        &view.types,
        [(Scope::State, quote!(state)), (Scope::Input, quote!(command)), config_scope()],
    );
    let value = value_at(&at, &compiler);
    let config = defaults(view, &compiler);
    let target = if scope == Scope::Input { quote!(command) } else { quote!(state) };
    let function = format_ident!("boundary_{count}");
    let state_name = named(scope == Scope::State || compiler.used(Scope::State), "state");
    let binding = match (scope, compiler.used(Scope::Input)) {
        (Scope::Input, _) | (_, true) => quote! {
            let #any::#variant(command) = command else { return Ok(false) };
        },
        _ => quote! {
            let #any::#variant(_) = command else { return Ok(false) };
        },
    };
    let binding = if view.aggregate.commands.len() == 1 {
        quote!(#[allow(irrefutable_let_patterns)] #binding)
    } else {
        binding
    };
    let state = state_of(names);
    let item = quote! {
        fn #function(
            #state_name: &mut #state,
            command: &mut #any,
            units: i64,
        ) -> Result<bool, __EvalError> {
            #binding
            #config
            #target.#field = #value;
            Ok(true)
        }
    };
    Some(Boundary {
        known: Known { part: layout::item(item), function },
        command: Some(command.name.clone()),
        refusal: rejection.refusal.clone(),
        says: rejection.text.clone(),
        holds: at.holds,
        is_of_input: scope == Scope::Input,
        shared: is_shared(view, Some(command), &rejection.refusal),
    })
}

/// The boundaries of the rules of the state that compare numbers.
pub(super) fn state_boundaries(view: &View<'_>, names: &Names) -> Vec<Boundary> {
    let invariants = view.aggregate.invariants.iter().enumerate();
    invariants.filter_map(|(index, it)| state_boundary(view, names, index, it)).collect()
}

fn state_boundary(
    view: &View<'_>,
    names: &Names,
    index: usize,
    invariant: &Invariant,
) -> Option<Boundary> {
    let Rule::State(check) = &invariant.rule else { return None };
    let at = boundaries::of_rule(state_fields(view), check)?;
    let compiler = Compiler::new(&view.types, [(Scope::State, quote!(state)), config_scope()]);
    let (field, value) = (field_ident(at.field), value_at(&at, &compiler));
    let function = format_ident!("state_boundary_{}", index + 1);
    let (state, config) = (state_of(names), defaults(view, &compiler));
    let item = quote! {
        fn #function(state: &mut #state, units: i64) -> Result<(), __EvalError> {
            #config
            state.#field = #value;
            Ok(())
        }
    };
    Some(Boundary {
        known: Known { part: layout::item(item), function },
        command: None,
        refusal: invariant.refusal.clone(),
        says: invariant.text.clone(),
        holds: at.holds,
        is_of_input: false,
        shared: is_shared(view, None, &invariant.refusal),
    })
}

/// The value that brings a field to the boundary, and `units` past it.
fn value_at(boundary: &At<'_>, compiler: &Compiler<'_>) -> TokenStream {
    let of = compiler.value(boundary.other);
    let unit = match boundary.unit {
        Unit::One => quote!(units),
        Unit::Decimal(scale) => {
            let scale = Literal::u32_unsuffixed(scale);
            quote!(__Decimal::new(units, #scale))
        }
    };
    if boundary.is_right { quote!(__subtract(#of, #unit)?) } else { quote!(__add(#of, #unit)?) }
}

/// A column that mirrors something of the state.
pub(super) struct Mirror {
    pub(super) known: Known,
    pub(super) column: String,
}

/// The mirrors of a projection.
pub(super) fn mirrors(view: &View<'_>, names: &Names, projection: &Projection) -> Vec<Mirror> {
    let columns = projection.columns.as_deref().unwrap_or_default();
    let mirrors = projection.mirrors.iter().enumerate().filter_map(|(index, mirror)| {
        let column = columns.iter().find(|column| column.name == mirror.field)?;
        let compiler = Compiler::new(&view.types, [(Scope::State, quote!(state))]);
        let of = compiler.value(&mirror.value);
        let value = to_value(&column.field_type, &quote!(value), false);
        let function = function_ident(&format!("mirror_{}_of", index + 1), &projection.name);
        let state = state_of(names);
        let state_name = named(compiler.used(Scope::State), "state");
        let item = quote! {
            fn #function(#state_name: &#state) -> Result<__Value, __EvalError> {
                let value = #of;
                Ok(#value)
            }
        };
        let known = Known { part: layout::item(item), function };
        Some(Mirror { known, column: mirror.field.clone() })
    });
    mirrors.collect()
}
