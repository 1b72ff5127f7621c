//! Traits for what the ontology leaves open: the behaviour of an aggregate, the handler of a read model.

use proc_macro2::TokenStream;
use quote::quote;

use super::layout::{self, Part};
use super::names::{field_ident, function_ident, type_ident};
use super::projections::ReadModel;
use super::state::apply_ident;
use super::view::{View, is_custom};
use crate::model::{Event, Rule};

/// The behaviour's trait, where there is one.
pub(crate) fn behavior(view: &View<'_>) -> Vec<Part> {
    if !view.has_behavior() {
        return Vec::new();
    }
    let behavior = &view.behavior;
    let own_state = view.aggregate.state.is_none();
    let docs = layout::doc(&docs(view, own_state));
    let bounds = if own_state {
        quote! {
            Clone + __fmt::Debug + Default + PartialEq + __Serialize + __DeserializeOwned
                + __Send + __Sync + 'static
        }
    } else {
        quote!(__Send + __Sync + __Sized + 'static)
    };
    let folds = view.aggregate.events.iter().filter(|event| event.apply.is_none());
    let mut groups = vec![vec![revision()]];
    groups.extend(folds.map(|event| vec![fold(view, event, own_state)]));
    groups.extend(queries(view).into_iter().map(|query| vec![query]));
    groups.extend(decisions(view).into_iter().map(|decision| vec![decision]));
    vec![
        Part::Section("Behavior"),
        layout::block(&quote!(#docs pub trait #behavior: #bounds), groups),
    ]
}

fn docs(view: &View<'_>, own_state: bool) -> String {
    let what = if own_state {
        "the state of a stream, and how events change it"
    } else {
        "the parts that the ontology leaves open"
    };
    format!(
        "Written by hand: {what}. {} takes the type that implements it.",
        layout::link(&view.ident)
    )
}

fn revision() -> TokenStream {
    quote! {
        /// To be raised by one when the results of the functions change: snapshots and read models
        /// made by other revisions are not used any more.
        const REVISION: u32;
    }
}

fn fold(view: &View<'_>, event: &Event, own_state: bool) -> TokenStream {
    let (function, of, state) = (apply_ident(event), type_ident(&event.name), &view.state);
    let docs = layout::doc(&format!(
        "Folds {} into the state: pure, and the same at every replay.\n\n# Errors\nWhere the \
         event cannot be applied: a command is refused, a replay stops.",
        layout::link(&of)
    ));
    if own_state {
        quote! {
            #docs
            fn #function(&mut self, event: &#of, meta: &__Metadata) -> Result<(), __ApplyError>;
        }
    } else {
        quote! {
            #docs
            fn #function(state: &mut #state, event: &#of, meta: &__Metadata) -> Result<(), __ApplyError>;
        }
    }
}

/// A method for each value that the rules ask for.
fn queries(view: &View<'_>) -> Vec<TokenStream> {
    let mut seen: Vec<&str> = Vec::new();
    let mut methods = Vec::new();
    for invariant in &view.aggregate.invariants {
        let Rule::Behavior { method, method_type, .. } = &invariant.rule else { continue };
        if seen.contains(&method.as_str()) {
            continue;
        }
        seen.push(method);
        let docs = layout::doc(&format!(
            "What the rule “{}” asks for.",
            layout::prose(&invariant.text).replace('\n', " ")
        ));
        let (name, of) = (field_ident(method), view.types.rust(method_type));
        methods.push(quote!(#docs fn #name(&self) -> #of;));
    }
    methods
}

fn decisions(view: &View<'_>) -> Vec<TokenStream> {
    let custom = view.aggregate.commands.iter().filter(|command| is_custom(command));
    custom
        .map(|command| {
            let (function, of) =
                (function_ident("decide", &command.name), type_ident(&command.name));
            let (aggregate, error) = (&view.ident, &view.error);
            let docs = layout::doc(&format!(
                "Decides {}: emits events into the context, or refuses.\n\n# Errors\nWith the \
                 refusal.",
                layout::link(&of)
            ));
            quote! {
                #docs
                fn #function(
                    context: &mut __Decide<'_, #aggregate<Self>>,
                    command: &#of,
                ) -> Result<(), __Halt<#error>>;
            }
        })
        .collect()
}

/// The trait of a read model that is folded by hand.
pub(crate) fn handler_trait(model: &ReadModel<'_>) -> Part {
    let handler = &model.handler;
    let docs = layout::doc(&format!(
        "Written by hand: how events change the rows of {0}. {0} takes the type that implements \
         it.",
        layout::link(&model.ident)
    ));
    let mut groups = vec![vec![revision()]];
    if model.has_custom_row() {
        groups.push(vec![quote! {
            /// A row.
            type Row: Clone + __fmt::Debug + PartialEq + __Serialize + __DeserializeOwned
                + __Send + __Sync + 'static;
        }]);
    }
    if model.projection.key.is_empty() {
        let (events, key) = (&model.view.events, model.key_type());
        groups.push(vec![quote! {
            /// The key of the row that an event concerns.
            ///
            /// # Errors
            /// Where the event has no key: it is poison for this read model.
            fn key(event: &#events, meta: &__Metadata) -> Result<#key, __ProjectionError>;
        }]);
    }
    groups.extend(model.projection.source.iter().map(|event| vec![handler_method(model, event)]));
    layout::block(&quote!(#docs pub trait #handler: __Send + __Sync + 'static), groups)
}

fn handler_method(model: &ReadModel<'_>, event: &str) -> TokenStream {
    let (function, of) = (function_ident("on", event), type_ident(event));
    let row = handled_row(model);
    let docs = layout::doc(&format!(
        "Folds {} into the row of its key, which may be absent before and after.\n\n# \
         Errors\nWhere the event cannot be folded: it is poison for this read model.",
        layout::link(&of)
    ));
    quote! {
        #docs
        fn #function(row: &mut Option<#row>, event: &#of, meta: &__Metadata) -> Result<(), __ProjectionError>;
    }
}

fn handled_row(model: &ReadModel<'_>) -> TokenStream {
    let row = &model.row;
    if model.has_custom_row() { quote!(Self::Row) } else { quote!(#row) }
}

/// How `Projection::fold` calls the handler, such that an error leaves the row as it was.
pub(crate) fn fold_call(model: &ReadModel<'_>, event: &str) -> TokenStream {
    let function = function_ident("on", event);
    if model.has_custom_row() {
        quote!({
            let key = __H::key(event, meta)?;
            __CustomRow::fold(row, key, |row| __H::#function(row, source, meta))
        })
    } else {
        quote!(__fold_custom(row, |row| __H::#function(row, source, meta)))
    }
}
