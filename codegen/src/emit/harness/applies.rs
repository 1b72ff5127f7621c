//! Theme replay, what each event makes of the state: a second opinion on the generated `apply`, which a
//! replay compares with nothing but itself.

use proc_macro2::TokenStream;
use quote::quote;

use super::super::apply::is_fitting_constant;
use super::super::types::Types;
use super::super::view::View;
use super::evaluate::{Constant, Known, evaluate};
use super::json;
use super::knowledge::{Names, golden_ident, raw};
use super::samples::{self, Sample};
use super::themes::Theme;
use crate::model::{Assignment, Expression, ExpressionKind, Field, Type, TypeDefinition};
use crate::naming;

/// Adds a test for every event whose fold is declared.
pub(super) fn add(theme: &mut Theme, view: &View<'_>, names: &Names) {
    let Some(state) = view.aggregate.state.as_deref() else { return };
    let subject = &names.subject;
    let initial: Vec<Constant> = state.iter().filter_map(initial).collect();
    let full = samples::fields(&view.types, state, Sample::Full);
    let states = [(quote!(None), &initial), (quote!(Some(FULL)), &full)];
    for event in &view.aggregate.events {
        let Some(apply) = &event.apply else { continue };
        let samples = states.iter().flat_map(|it| [(it, Sample::Full), (it, Sample::Least)]);
        let applied = samples.map(|((name, before), sample)| {
            let values = samples::fields(&view.types, &event.fields, sample);
            let (after, certain) = after(view, apply, &Known::new(before, &values));
            let (event, after) = (golden_ident(event, event.version, sample), raw(&after));
            quote!(theme::Applied { before: #name, event: #event, after: #after, certain: #certain })
        });
        theme.test(
            format!("{}_is_applied_as_it_says", naming::snake(&event.name)),
            quote!(theme::applies_as_it_says::<#subject>(&[#(#applied),*])),
        );
    }
    if view.aggregate.events.iter().any(|event| event.apply.is_some()) {
        theme.items.push(full_state(&full));
    }
}

fn full_state(full: &[Constant]) -> TokenStream {
    let fields = raw(&object(full));
    quote! {
        /// A state with something in every field.
        const FULL: &str = #fields;
    }
}

fn object(constants: &[Constant]) -> String {
    json::object(constants.iter().map(|(name, value)| (name.as_str(), value)))
        .unwrap_or_else(|| unreachable!("samples and what is evaluated are constants"))
}

/// What a field of the state is before the first event.
fn initial(field: &Field) -> Option<Constant> {
    let value = evaluate(field.default.as_ref()?, &Known::default())?;
    Some((field.name.clone(), value))
}

/// The fields after, as far as they can be told, and whether every field that is set is among them.
fn after(view: &View<'_>, apply: &[Assignment], known: &Known<'_>) -> (String, bool) {
    let (mut fields, mut certain) = (Vec::new(), true);
    for Field { name, field_type, .. } in view.aggregate.state.iter().flatten() {
        let value = match apply.iter().find(|assignment| assignment.field == *name) {
            Some(set) => {
                let value = evaluate(&set.value, known);
                // A fold refuses what does not fit.
                let value = value.filter(|value| fits(&view.types, field_type, value));
                certain &= value.is_some();
                value
            }
            None => known.before(name),
        };
        fields.extend(value.map(|value| (name.clone(), value)));
    }
    (object(&fields), certain)
}

/// Whether the numbers of a value have no more digits than their types.
fn fits(types: &Types<'_>, of: &Type, value: &Expression) -> bool {
    match (of, &value.kind) {
        (Type::Decimal(Some(_)), _) => is_fitting_constant(of, value),
        (Type::Optional(of), ExpressionKind::Some(inner)) => fits(types, of, inner),
        // The rules of named types are no part of a fold, but digits are.
        (Type::Newtype(_, of), ExpressionKind::Wrap(inner)) => fits(types, of, inner),
        (Type::List(of), ExpressionKind::List(items)) => {
            items.iter().all(|item| fits(types, of, item))
        }
        (Type::Map(_, of), ExpressionKind::Map(entries)) => {
            entries.iter().all(|(_, value)| fits(types, of, value))
        }
        (Type::Record(name), ExpressionKind::Record(values, None)) => {
            let Some(TypeDefinition::Record(record)) = types.get(name) else { return false };
            let mut fields = record.fields.iter().zip(values);
            fields.all(|(field, (_, value))| fits(types, &field.field_type, value))
        }
        _ => true,
    }
}
