//! What all parts of an aggregate's module share: its names, its types, and which of its parts are
//! written by hand.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::names::type_ident;
use super::types::Types;
use crate::model::{Aggregate, Command, Decision, Event, Rule};

/// An aggregate as its module sees it.
pub(crate) struct View<'m> {
    pub(crate) aggregate: &'m Aggregate,
    pub(crate) types: Types<'m>,
    /// `BankAccount`
    pub(crate) ident: Ident,
    /// `BankAccountEvent`
    pub(crate) events: Ident,
    /// `BankAccountState`
    pub(crate) state: Ident,
    /// `BankAccountError`
    pub(crate) error: Ident,
    /// `BankAccountBehavior`
    pub(crate) behavior: Ident,
}

impl<'m> View<'m> {
    pub(crate) fn new(aggregate: &'m Aggregate, types: Types<'m>) -> Self {
        let ident = type_ident(&aggregate.name);
        Self {
            aggregate,
            types,
            events: format_ident!("{ident}Event"),
            state: format_ident!("{ident}State"),
            error: format_ident!("{ident}Error"),
            behavior: format_ident!("{ident}Behavior"),
            ident,
        }
    }

    /// Whether a part is written by hand, so that the aggregate's type has a parameter for it.
    pub(crate) fn has_behavior(&self) -> bool {
        self.aggregate.state.is_none()
            || self.aggregate.events.iter().any(|event| event.apply.is_none())
            || self.aggregate.commands.iter().any(is_custom)
            || self.aggregate.invariants.iter().any(|it| matches!(it.rule, Rule::Behavior { .. }))
    }

    /// The aggregate's type: `BankAccount`, or `BankAccount<B>`.
    pub(crate) fn marker(&self) -> TokenStream {
        let ident = &self.ident;
        if self.has_behavior() { quote!(#ident<__B>) } else { quote!(#ident) }
    }

    /// The parameters of an `impl`: none, or `<B: BankAccountBehavior>`.
    pub(crate) fn generics(&self) -> TokenStream {
        let behavior = &self.behavior;
        if self.has_behavior() { quote!(<__B: #behavior>) } else { TokenStream::new() }
    }

    /// The type of the state.
    pub(crate) fn state_type(&self) -> TokenStream {
        let state = &self.state;
        if self.aggregate.state.is_some() { quote!(#state) } else { quote!(__B) }
    }

    /// The event of a name; resolve has seen to it that there is one.
    pub(crate) fn event(&self, name: &str) -> &'m Event {
        let event = self.aggregate.events.iter().find(|event| event.name == name);
        event.unwrap_or_else(|| {
            unreachable!("the model names an event `{name}` that it does not have")
        })
    }

    /// The event's place in `TYPES`.
    pub(crate) fn event_index(&self, name: &str) -> usize {
        let place = self.aggregate.events.iter().position(|event| event.name == name);
        place.unwrap_or_else(|| {
            unreachable!("the model names an event `{name}` that it does not have")
        })
    }
}

/// Whether a command is decided by hand.
pub(crate) fn is_custom(command: &Command) -> bool {
    matches!(command.decision, Decision::Custom(_))
}
