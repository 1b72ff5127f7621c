//! State: the struct that events add up to, and the aggregate itself.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::expression::{Compiler, grouped};
use super::layout::{self, Part};
use super::names::{field_ident, function_ident, type_ident};
use super::types;
use super::view::View;
use super::{apply, derived, invariants};
use crate::model::{Event, ExpressionKind, Field, Retention, Rule, Type};

/// The section's items.
pub(crate) fn emit(view: &View<'_>) -> Vec<Part> {
    let mut parts = vec![Part::Section("State")];
    if let Some(fields) = &view.aggregate.state {
        parts.extend(state(view, fields));
    }
    parts.push(marker(view));
    parts.push(repository(view));
    parts.push(aggregate(view));
    parts
}

fn state(view: &View<'_>, fields: &[Field]) -> Vec<Part> {
    let ident = &view.state;
    let docs =
        layout::doc(&format!("What the events of one {} add up to.", layout::link(&view.ident)));
    let natural = fields.iter().all(|field| is_naturally_default(view, field));
    let derives = if natural {
        quote!(#[derive(Clone, Debug, Default, PartialEq)])
    } else {
        quote!(#[derive(Clone, Debug, PartialEq)])
    };
    let mut parts = vec![types::structure(&view.types, &docs, &derives, ident, fields)];
    if !natural {
        parts.push(default_impl(view, fields));
    }
    parts.push(types::record_impl(&view.types, ident, fields));
    parts.extend(derived::methods(view));
    parts
}

/// Whether the field starts as its Rust type's default.
fn is_naturally_default(view: &View<'_>, field: &Field) -> bool {
    let Some(default) = &field.default else {
        return matches!(field.field_type, Type::Optional(_));
    };
    match (&field.field_type, &default.kind) {
        (Type::String, ExpressionKind::String(text)) => text.is_empty(),
        (Type::Integer, ExpressionKind::Integer(value)) => *value == 0,
        (Type::Decimal(_), ExpressionKind::Decimal(text)) => text == "0",
        (Type::Decimal(_), ExpressionKind::Widen(inner)) => {
            inner.kind == ExpressionKind::Integer(0)
        }
        (Type::Boolean, ExpressionKind::Boolean(value)) => !value,
        (Type::Duration, ExpressionKind::Duration(micros)) => *micros == 0,
        (Type::List(_), ExpressionKind::List(items)) => items.is_empty(),
        (Type::Set(_), ExpressionKind::Set(members)) => members.is_empty(),
        (Type::Map(..), ExpressionKind::Map(entries)) => entries.is_empty(),
        (Type::Bytes, ExpressionKind::Bytes(bytes)) => bytes.is_empty(),
        (Type::Optional(_), ExpressionKind::None) => true,
        (Type::Enum(name), ExpressionKind::Variant(variant)) => {
            view.types.first_variant(name) == Some(variant)
        }
        _ => false,
    }
}

fn default_impl(view: &View<'_>, fields: &[Field]) -> Part {
    let ident = &view.state;
    let compiler = Compiler::new(&view.types, []);
    let values = fields.iter().map(|field| match &field.default {
        Some(default) => compiler.field_value(&field.name, default),
        None => {
            let name = field_ident(&field.name);
            quote!(#name: None)
        }
    });
    layout::block(
        &quote!(impl Default for #ident),
        vec![vec![quote!(fn default() -> Self { Self { #(#values,)* } })]],
    )
}

fn marker(view: &View<'_>) -> Part {
    let ident = &view.ident;
    let docs = layout::doc(&marker_docs(view));
    if view.has_behavior() {
        layout::item(quote! {
            #docs
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct #ident<__B>(__PhantomData<__B>);
        })
    } else {
        layout::item(quote!(#docs #[derive(Clone, Copy, Debug, PartialEq, Eq)] pub struct #ident;))
    }
}

/// Description, rules, and what is connected to the aggregate: its commands with the events they
/// emit, and the projections that read them.
fn marker_docs(view: &View<'_>) -> String {
    let aggregate = view.aggregate;
    let mut text = match &aggregate.description {
        Some(description) => layout::prose(description),
        None => format!("The aggregate {}.", layout::code(&aggregate.name)),
    };
    if view.has_behavior() {
        text.push_str(&format!(
            "\n\nWhat the ontology leaves open is written by hand: [`{}`].",
            view.behavior
        ));
    }
    if !aggregate.invariants.is_empty() {
        text.push_str("\n\nRules:");
        for invariant in &aggregate.invariants {
            text.push_str(&format!("\n- {}", layout::prose(&invariant.text).replace('\n', " ")));
        }
    }
    if !aggregate.commands.is_empty() {
        text.push_str("\n\nCommands:");
        for command in &aggregate.commands {
            text.push_str(&format!("\n- {}", layout::link(type_ident(&command.name))));
            let emitted = super::commands::emitted(command);
            let links: Vec<String> =
                emitted.iter().map(|event| layout::link(type_ident(event))).collect();
            if !links.is_empty() {
                text.push_str(&format!(" emits {}", links.join(", ")));
            }
        }
    }
    if !aggregate.projections.is_empty() {
        text.push_str("\n\nRead models:");
        for projection in &aggregate.projections {
            text.push_str(&format!("\n- {}", layout::link(type_ident(&projection.name))));
        }
    }
    text.push_str(&lineage(view));
    text
}

/// From where each state field gets its value: known, because every expression is.
fn lineage(view: &View<'_>) -> String {
    let Some(state) = &view.aggregate.state else { return String::new() };
    let mut sources: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for event in &view.aggregate.events {
        for assignment in event.apply.iter().flatten() {
            let link = layout::link(type_ident(&event.name));
            sources.entry(&assignment.field).or_default().push(link);
        }
    }
    let lines = state.iter().filter_map(|field| {
        let events = sources.get(field.name.as_str())?;
        Some(format!("\n- {}: {}", layout::code(&field.name), events.join(", ")))
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        lines
    } else {
        format!("\n\nFields of the state and the events that set them:{lines}")
    }
}

fn repository(view: &View<'_>) -> Part {
    let alias = format_ident!("{}Repository", view.ident);
    let (of, streams) = match view.aggregate.partition_key {
        Some(_) => (quote!(__Repository), "streams"),
        None => (quote!(__OneStream), "in its one stream,"),
    };
    let link = layout::link(&view.ident);
    let docs = layout::doc(&format!("Loads and changes {link} {streams} in a store."));
    let marker = view.marker();
    let parameters = if view.has_behavior() { quote!(<__B, __S>) } else { quote!(<__S>) };
    layout::item(quote!(#docs pub type #alias #parameters = #of<#marker, __S>;))
}

fn aggregate(view: &View<'_>) -> Part {
    let (generics, marker) = (view.generics(), view.marker());
    let (state, events, error) = (view.state_type(), &view.events, &view.error);
    let name = &view.aggregate.name;
    let key = view.aggregate.partition_key.as_deref().unwrap_or_default();
    let config = view.types.config();
    let (snapshots, retention) = (snapshots(view), retention(view));
    let meaning =
        meaning(view.aggregate.meaning, view.has_behavior().then(|| quote!(__B::REVISION)));
    let reads_metadata = view.has_behavior() || view.aggregate.events.iter().any(reads_texts);
    let ordered = view.aggregate.invariants.iter().any(|it| it.rule == Rule::OrderedByTime);
    let (write_state, read_state) = match view.aggregate.state {
        Some(_) => (quote!(__encode(state, out);), quote!(__decode(data))),
        None => (quote!(__encode_custom(state, out);), quote!(__decode_custom(data))),
    };
    let checked_config = view.types.validate_config().map(|_| {
        vec![quote! {
            fn check_config(config: &#config) -> Result<(), __FieldError> { config.validate() }
        }]
    });
    let mut functions = vec![
        vec![
            quote!(const NAME: &'static str = #name;),
            quote!(const PARTITION_KEY: &'static str = #key;),
            quote!(const SNAPSHOTS: __SnapshotStrategy = #snapshots;),
            quote!(const RETENTION: __Retention = #retention;),
            quote!(const MEANING: u64 = #meaning;),
            quote!(const READS_METADATA: bool = #reads_metadata;),
            quote!(const ORDERED_BY_TIME: bool = #ordered;),
        ],
        vec![
            quote!(type State = #state;),
            quote!(type Event = #events;),
            quote!(type Error = #error;),
            quote!(type Config = #config;),
        ],
    ];
    functions.extend(checked_config);
    functions.extend([
        vec![apply::dispatch(view)],
        vec![invariants::check_event(view)],
        vec![invariants::check_state(view)],
        vec![quote!(fn write_state(state: &#state, out: &mut Vec<u8>) { #write_state })],
        vec![quote! {
            fn read_state(data: &[u8]) -> Result<#state, __DecodeError> { #read_state }
        }],
    ]);
    layout::block(&quote!(impl #generics __Aggregate for #marker), functions)
}

/// The meaning of a fold: the ontology's part, and the revision of the part written by hand.
pub(crate) fn meaning(hash: u64, revision: Option<TokenStream>) -> TokenStream {
    let digits = format!("{hash:016x}");
    let groups: Vec<&str> = (0..4).map(|group| &digits[4 * group..4 * group + 4]).collect();
    let literal: TokenStream = format!("0x{}", groups.join("_"))
        .parse()
        .unwrap_or_else(|error| unreachable!("hexadecimal digits are a literal: {error}"));
    match revision {
        Some(revision) => quote!(__revised(#literal, #revision)),
        None => literal,
    }
}

fn snapshots(view: &View<'_>) -> TokenStream {
    match view.aggregate.snapshot_every {
        Some(events) => {
            let events = grouped(i64::try_from(events).unwrap_or(i64::MAX));
            quote!(__SnapshotStrategy::Every(#events))
        }
        None => quote!(__SnapshotStrategy::Never),
    }
}

fn retention(view: &View<'_>) -> TokenStream {
    match view.aggregate.retention {
        Retention::Forever => quote!(__Retention::Forever),
        Retention::Days(days) => {
            let days = grouped(days.into());
            quote!(__Retention::Days(#days))
        }
        Retention::Months(months) => {
            let months = grouped(months.into());
            quote!(__Retention::Months(#months))
        }
    }
}

/// Whether the fold of an event, or an upcast to it, reads the texts of the metadata.
fn reads_texts(event: &Event) -> bool {
    let upcasts = event.history.iter().flat_map(|old| &old.upcast);
    let all = event.apply.iter().flatten().chain(upcasts);
    all.into_iter().any(|assignment| assignment.value.reads_metadata_texts())
}

/// `apply_account_opened`
pub(crate) fn apply_ident(event: &Event) -> proc_macro2::Ident {
    function_ident("apply", &event.name)
}
