//! What the harness cannot know and the user gives: the parts of an aggregate that are written by hand.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::super::layout::{self, Part};
use super::super::names::{field_ident, function_ident, type_ident};
use super::super::view::View;
use super::knowledge::{Names, aggregate_type};
use crate::model::{Event, Projection, Type};

/// Whether there is anything to be given.
pub(super) fn is_needed(view: &View<'_>) -> bool {
    view.has_behavior()
        || view.aggregate.commands.is_empty()
        || view.aggregate.projections.iter().any(is_by_hand)
}

/// Whether rows are folded by hand.
pub(super) fn is_by_hand(projection: &Projection) -> bool {
    projection.on.is_none()
}

/// The trait, where there is anything to be given.
pub(super) fn items(view: &View<'_>, names: &Names) -> Vec<Part> {
    if !is_needed(view) {
        return Vec::new();
    }
    let mut groups = Vec::new();
    if view.has_behavior() {
        let behavior = &view.behavior;
        groups.push(vec![quote! {
            /// The behaviour that is tested.
            type Behavior: #behavior;
        }]);
    }
    for projection in view.aggregate.projections.iter().filter(|it| is_by_hand(it)) {
        let handler = format_ident!("{}Handler", type_ident(&projection.name));
        groups.push(vec![quote! {
            /// The handler that is tested.
            type #handler: #handler;
        }]);
    }
    if view.aggregate.commands.is_empty() {
        groups.push(vec![may_follow(view)]);
    }
    let (fixture, docs) = (&names.fixture, layout::doc(&docs(view)));
    vec![layout::block(&quote!(#docs pub trait #fixture), groups)]
}

fn docs(view: &View<'_>) -> String {
    format!(
        "What the ontology leaves open of {}. Implement it for a type `HarnessFixture` that stands \
         beside `include_harness!()`.",
        layout::link(&view.ident)
    )
}

/// Without commands, histories are made of events; not every one may follow every state.
fn may_follow(view: &View<'_>) -> TokenStream {
    let (events, state) = (&view.events, state(view));
    quote! {
        /// Whether an event may happen in a state: random histories hold no others.
        fn may_follow(state: &#state, event: &#events) -> bool {
            let _ = (state, event);
            true
        }
    }
}

fn state(view: &View<'_>) -> TokenStream {
    let state = &view.state;
    if view.aggregate.state.is_some() { quote!(#state) } else { quote!(Self::Behavior) }
}

/// The commands of an aggregate that has none: to record an event.
pub(super) fn events_as_commands(view: &View<'_>, names: &Names) -> Vec<Part> {
    let (subject, command, aggregate) =
        (&names.subject, &names.command, aggregate_type(view, names));
    let (events, fixture) = (&view.events, &names.fixture);
    let all: Vec<&Event> = view.aggregate.events.iter().filter(|event| !event.retired).collect();
    let count = proc_macro2::Literal::usize_unsuffixed(all.len());
    let last = all.len().saturating_sub(1);
    let draws = all.iter().enumerate().map(|(index, event)| {
        let (variant, draw) = (type_ident(&event.name), function_ident("draw", &event.name));
        let index_literal = proc_macro2::Literal::usize_unsuffixed(index);
        let pattern = if index == last { quote!(_) } else { quote!(#index_literal) };
        quote!(#pattern => #events::#variant(#draw(draw)))
    });
    let draws: Vec<_> = draws.collect();
    let places = all.iter().map(|event| place(view, event));
    let places: Vec<_> = places.collect();
    let visit = quote! {
        fn visit<__V: testing::Visit<#aggregate>>(&self, visitor: __V) -> __V::Output {
            visitor.visit(&testing::RecordEvent {
                event: self.0.clone(),
                place,
                may_follow: <HarnessFixture as #fixture>::may_follow,
            })
        }
    };
    vec![
        layout::item(quote! {
            /// An event to record: the ontology has no commands.
            #[derive(Clone, Debug)]
            struct #command(#events);
        }),
        layout::block(
            &quote!(impl testing::AnyCommand<#aggregate> for #command),
            vec![vec![visit]],
        ),
        layout::block(
            &quote!(impl testing::Subject for #subject),
            vec![
                super::knowledge::subject_head(view, names),
                vec![quote! {
                    fn command(draw: &mut testing::Draw) -> #command {
                        #command(match draw.below(#count) { #(#draws,)* })
                    }
                }],
            ],
        ),
        layout::item(quote! {
            /// Puts an event into a stream, at a time.
            fn place(event: &mut #events, stream: &__StreamId, now: __Timestamp) {
                match event { #(#places,)* #[allow(unreachable_patterns)] _ => {} }
                let _ = (stream, now);
            }
        }),
    ]
}

fn place(view: &View<'_>, event: &Event) -> TokenStream {
    let (events, variant) = (&view.events, type_ident(&event.name));
    let is_key = |name: &str, of: &Type| {
        view.aggregate.partition_key.as_deref() == Some(name) && *of == Type::String
    };
    let key = event.fields.iter().find(|field| is_key(&field.name, &field.field_type));
    let key = key.map(|field| {
        let field = field_ident(&field.name);
        quote!(event.#field = stream.to_string();)
    });
    let time = event.occurred_at.as_ref().map(|field| {
        let field = field_ident(field);
        quote!(event.#field = now;)
    });
    if key.is_none() && time.is_none() {
        return quote!(#events::#variant(_) => {});
    }
    quote!(#events::#variant(event) => { #key #time })
}
