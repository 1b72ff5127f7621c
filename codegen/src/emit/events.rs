//! Events: a struct per event, a private one per earlier version, and the enum of them all.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::apply::needs_check;
use super::expression::{Compiler, inner_type};
use super::layout::{self, Part};
use super::names::{field_ident, function_ident, type_ident};
use super::types;
use super::view::View;
use crate::model::{
    Assignment, Event, Expression, ExpressionKind, Field, Method, OldVersion, Piece, Scope, Type,
    UniqueField,
};

/// The section's items.
pub(crate) fn emit(view: &View<'_>) -> Vec<Part> {
    let mut parts = vec![Part::Section("Events")];
    for event in &view.aggregate.events {
        parts.extend(current(view, event));
        parts.extend(event.history.iter().flat_map(|old| earlier(view, event, old)));
    }
    parts.push(enumeration(view));
    parts.push(domain_event(view));
    parts.extend(super::invariants::indexes(view));
    parts.extend(unique_fields(view).map(|(unique, of)| unique_function(view, unique, of)));
    parts
}

fn current(view: &View<'_>, event: &Event) -> Vec<Part> {
    let ident = type_ident(&event.name);
    let docs = layout::doc(&event_docs(view, event));
    let derives = quote!(#[derive(Clone, Debug, PartialEq)]);
    let mut parts = vec![
        types::structure(&view.types, &docs, &derives, &ident, &event.fields),
        types::record_impl(&view.types, &ident, &event.fields),
    ];
    if !event.retired {
        parts.push(emit_impl(view, event, &ident));
    }
    parts
}

fn event_docs(view: &View<'_>, event: &Event) -> String {
    let mut text = String::new();
    if let Some(description) = &event.description {
        text.push_str(&layout::prose(description));
        text.push_str("\n\n");
    }
    text.push_str(&format!("`{}`, version {}.", event.name, event.version));
    if event.retired {
        text.push_str(" Retired: it is still read, and no longer emitted.");
    }
    if event.stored_as != event.name {
        text.push_str(&format!(" Stored as {}.", layout::code(&event.stored_as)));
    }
    if !event.renamed_from.is_empty() {
        let names: Vec<String> = event.renamed_from.iter().map(|name| layout::code(name)).collect();
        text.push_str(&format!(" Stored before as {}.", names.join(", ")));
    }
    let _ = view;
    text
}

fn emit_impl(view: &View<'_>, event: &Event, ident: &Ident) -> Part {
    let (generics, marker, events) = (view.generics(), view.marker(), &view.events);
    let validate = view.types.validate_body(&event.fields);
    layout::block(
        &quote!(impl #generics __Emit<#marker> for #ident),
        vec![
            vec![quote!(fn validate(&self) -> Result<(), __FieldError> { #validate })],
            vec![quote!(fn into_event(self) -> #events { #events::#ident(self) })],
        ],
    )
}

fn old_ident(event: &Event, version: u32) -> Ident {
    format_ident!("{}V{version}", type_ident(&event.name))
}

/// An earlier version: read only, so private.
fn earlier(view: &View<'_>, event: &Event, old: &OldVersion) -> Vec<Part> {
    let ident = old_ident(event, old.version);
    let docs = layout::doc(&format!("`{}` as it was in version {}.", event.name, old.version));
    let fields = old.fields.iter().map(|field| {
        let (name, of) = (field_ident(&field.name), view.types.rust(&field.field_type));
        quote!(#name: #of)
    });
    let structure = match old.fields.as_slice() {
        [] => quote!(#docs struct #ident;),
        _ => quote!(#docs struct #ident { #(#fields,)* }),
    };
    vec![
        layout::item(structure),
        upcast(view, event, old, &ident),
        types::record_impl(&view.types, &ident, &old.fields),
    ]
}

/// What an upcast needs and whether it can fail: known from compiling it.
struct Upcast {
    fields: Vec<TokenStream>,
    /// Of values that may lie outside the declared type of their field.
    checks: Vec<TokenStream>,
    reads_meta: bool,
    fallible: bool,
}

impl Upcast {
    /// What it gives where it can fail.
    fn result(&self, next: &Ident) -> Option<TokenStream> {
        if !self.checks.is_empty() {
            Some(quote!(Result<#next, __ApplyError>))
        } else {
            self.fallible.then(|| quote!(Result<#next, __EvalError>))
        }
    }
}

fn compiled_upcast(view: &View<'_>, event: &Event, old: &OldVersion) -> Upcast {
    let next = next_fields(event, old);
    let compiler = Compiler::new(&view.types, [(Scope::Event, quote!(self))]);
    let fields = old.upcast.iter().map(|assignment| {
        let value = compiler.value(&assignment.value);
        super::expression::field_init(&assignment.field, &moved(old, assignment, value))
    });
    let fields = fields.collect();
    let checks = old.upcast.iter().filter_map(|assignment| {
        let of = field_type(next, &assignment.field);
        let field = field_ident(&assignment.field);
        let place = quote!(&event.#field);
        needs_check(&view.types, of, &assignment.value)
            .then(|| view.types.check(of, &place, &assignment.field))
    });
    Upcast {
        fields,
        checks: checks.collect(),
        reads_meta: compiler.meta_used(),
        fallible: compiler.is_fallible(),
    }
}

/// The fields of the version after `old`.
fn next_fields<'e>(event: &'e Event, old: &OldVersion) -> &'e [Field] {
    let next = event.history.iter().find(|next| next.version == old.version + 1);
    next.map_or(&event.fields, |next| &next.fields)
}

/// `self.name` instead of `self.name.clone()` where nothing else reads the field.
fn moved(old: &OldVersion, assignment: &Assignment, value: TokenStream) -> TokenStream {
    let ExpressionKind::Read(Scope::Event, name) = &assignment.value.kind else {
        return value;
    };
    let reads = old.upcast.iter().filter(|other| other.value.reads(Scope::Event, name)).count();
    if reads > 1 {
        return value;
    }
    let field = field_ident(name);
    quote!(self.#field)
}

fn upcast(view: &View<'_>, event: &Event, old: &OldVersion, ident: &Ident) -> Part {
    let next = match event.history.iter().find(|next| next.version == old.version + 1) {
        Some(next) => old_ident(event, next.version),
        None => type_ident(&event.name),
    };
    let upcast = compiled_upcast(view, event, old);
    let Upcast { fields, checks, .. } = &upcast;
    let meta = upcast.reads_meta.then(|| quote!(, meta: &__Metadata));
    let value = match fields.as_slice() {
        [] => quote!(#next),
        fields => quote!(#next { #(#fields,)* }),
    };
    let body = match upcast.result(&next) {
        Some(result) if checks.is_empty() => {
            quote!(fn upcast(self #meta) -> #result { Ok(#value) })
        }
        Some(result) => quote! {
            fn upcast(self #meta) -> #result {
                let event = #value;
                #(#checks)*
                Ok(event)
            }
        },
        None => quote!(fn upcast(self #meta) -> #next { #value }),
    };
    layout::block(&quote!(impl #ident), vec![vec![body]])
}

fn enumeration(view: &View<'_>) -> Part {
    let ident = &view.events;
    let docs = layout::doc(&format!("The events of {}.", layout::link(&view.ident)));
    let variants = view.aggregate.events.iter().map(|event| {
        let docs = layout::doc(&match &event.description {
            Some(description) => layout::prose(description),
            None => layout::code(&event.name),
        });
        let variant = type_ident(&event.name);
        quote!(#docs #variant(#variant))
    });
    layout::item(quote! {
        #docs
        #[derive(Clone, Debug, PartialEq)]
        pub enum #ident { #(#variants,)* }
    })
}

fn domain_event(view: &View<'_>) -> Part {
    let ident = &view.events;
    let types = view.aggregate.events.iter().map(|event| &event.stored_as);
    let shapes = view.aggregate.events.iter().flat_map(|event| shapes(view, event));
    layout::block(
        &quote!(impl __DomainEvent for #ident),
        vec![
            vec![quote!(const TYPES: &'static [&'static str] = &[#(#types),*];)],
            vec![quote!(const SHAPES: &'static [__EventShape] = &[#(#shapes),*];)],
            vec![type_index(view)],
            vec![version(view)],
            vec![write(view)],
            vec![read(view)],
            vec![occurred_at(view)],
            named_stream(view).into_iter().collect(),
            vec![unique_keys(view)],
            released_keys(view).into_iter().collect(),
            vec![describe(view)],
        ],
    )
}

fn shapes(view: &View<'_>, event: &Event) -> Vec<TokenStream> {
    let old = event.history.iter().map(|old| (old.version, &old.fields));
    let all: Vec<_> = old.chain([(event.version, &event.fields)]).collect();
    let under = |name: &String| {
        let shapes = all.iter().map(|(version, fields)| {
            let shape = view.types.shape(fields);
            let version = proc_macro2::Literal::u32_unsuffixed(*version);
            quote!(__EventShape { event_type: #name, version: #version, shape: #shape })
        });
        shapes.collect::<Vec<_>>()
    };
    event.stored_names().flat_map(under).collect()
}

/// `"Opened"`, or `"Opened" | "Created"` where it was renamed.
fn stored_names(event: &Event) -> TokenStream {
    let names = event.stored_names();
    quote!(#(#names)|*)
}

/// `match self { … }` over all events; `match *self {}` where there are none.
fn over_events(view: &View<'_>, arms: &[TokenStream]) -> TokenStream {
    if view.aggregate.events.is_empty() {
        quote!(match *self {})
    } else {
        quote!(match self { #(#arms,)* })
    }
}

fn type_index(view: &View<'_>) -> TokenStream {
    let arms = view.aggregate.events.iter().enumerate().map(|(index, event)| {
        let variant = type_ident(&event.name);
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        quote!(Self::#variant(_) => #index)
    });
    let body = over_events(view, &arms.collect::<Vec<_>>());
    quote!(fn type_index(&self) -> usize { #body })
}

/// Only versions above 1 are spelled out.
fn version(view: &View<'_>) -> TokenStream {
    let events = &view.aggregate.events;
    let mut arms: Vec<TokenStream> = Vec::new();
    for event in events.iter().filter(|event| event.version > 1) {
        let variant = type_ident(&event.name);
        let version = proc_macro2::Literal::u32_unsuffixed(event.version);
        arms.push(quote!(Self::#variant(_) => #version));
    }
    let body = if arms.is_empty() && !events.is_empty() {
        quote!(1)
    } else {
        if arms.len() < events.len() {
            arms.push(quote!(_ => 1));
        }
        over_events(view, &arms)
    };
    quote!(fn version(&self) -> u32 { #body })
}

fn write(view: &View<'_>) -> TokenStream {
    let arms = view.aggregate.events.iter().map(|event| {
        let variant = type_ident(&event.name);
        quote!(Self::#variant(event) => __encode(event, out))
    });
    let body = over_events(view, &arms.collect::<Vec<_>>());
    let out = if view.aggregate.events.is_empty() { quote!(_out) } else { quote!(out) };
    quote!(fn write(&self, #out: &mut Vec<u8>) { #body })
}

fn read(view: &View<'_>) -> TokenStream {
    let mut reads_meta = false;
    let mut arms = Vec::new();
    for event in &view.aggregate.events {
        for old in &event.history {
            let (arm, meta) = read_old(view, event, old);
            reads_meta |= meta;
            arms.push(arm);
        }
        let (stored_as, variant) = (stored_names(event), type_ident(&event.name));
        let version = proc_macro2::Literal::u32_unsuffixed(event.version);
        arms.push(quote!((#stored_as, #version) => __decode(data).map(Self::#variant)));
    }
    let meta = if reads_meta { quote!(meta) } else { quote!(_meta) };
    let data = if arms.is_empty() { quote!(_data) } else { quote!(data) };
    let body = if arms.is_empty() {
        quote!(Err(__DecodeError::unknown::<Self>(event_type, version)))
    } else {
        quote! {
            match (event_type, version) {
                #(#arms,)*
                _ => Err(__DecodeError::unknown::<Self>(event_type, version)),
            }
        }
    };
    quote! {
        fn read(
            event_type: &str,
            version: u32,
            #data: &[u8],
            #meta: &__Metadata,
        ) -> Result<Self, __DecodeError> { #body }
    }
}

/// The arm that reads an earlier version and brings it up, step by step; and whether it reads `meta`.
fn read_old(view: &View<'_>, event: &Event, old: &OldVersion) -> (TokenStream, bool) {
    let (stored_as, ident) = (stored_names(event), old_ident(event, old.version));
    let mut chain = quote!(__decode::<#ident>(data)?);
    let mut reads_meta = false;
    for step in event.history.iter().filter(|step| step.version >= old.version) {
        let upcast = compiled_upcast(view, event, step);
        reads_meta |= upcast.reads_meta;
        let meta = upcast.reads_meta.then(|| quote!(meta));
        let fails = upcast.fallible || !upcast.checks.is_empty();
        let failing = fails.then(|| quote!(.map_err(__DecodeError::invalid)?));
        chain = quote!(#chain.upcast(#meta) #failing);
    }
    let variant = type_ident(&event.name);
    let version = proc_macro2::Literal::u32_unsuffixed(old.version);
    (quote!((#stored_as, #version) => Ok(Self::#variant(#chain))), reads_meta)
}

fn occurred_at(view: &View<'_>) -> TokenStream {
    let events = &view.aggregate.events;
    let mut arms: Vec<TokenStream> = Vec::new();
    for event in events {
        if let Some(field) = &event.occurred_at {
            let (variant, field) = (type_ident(&event.name), field_ident(field));
            arms.push(quote!(Self::#variant(event) => Some(event.#field)));
        }
    }
    let body = if arms.is_empty() {
        quote!(None)
    } else {
        if arms.len() < events.len() {
            arms.push(quote!(_ => None));
        }
        quote!(match self { #(#arms,)* })
    };
    quote!(fn occurred_at(&self) -> Option<__Timestamp> { #body })
}

/// Only where an event has a field of the partition key's name.
fn named_stream(view: &View<'_>) -> Option<TokenStream> {
    let key = view.aggregate.partition_key.as_ref()?;
    let is_key = |field: &&Field| field.name == *key && field.field_type == Type::String;
    let (events, ident) = (&view.aggregate.events, field_ident(key));
    let named = events.iter().filter(|event| event.fields.iter().any(|field| is_key(&field)));
    let mut arms: Vec<TokenStream> = named
        .map(|event| {
            let variant = type_ident(&event.name);
            quote!(Self::#variant(event) => Some(&event.#ident))
        })
        .collect();
    if arms.is_empty() {
        return None;
    }
    if arms.len() < events.len() {
        arms.push(quote!(_ => None));
    }
    Some(quote!(fn named_stream(&self) -> Option<&str> { match self { #(#arms,)* } }))
}

fn unique_keys(view: &View<'_>) -> TokenStream {
    let (claim, body) = over_keys(view, &quote!(claim), |event| &event.unique);
    quote!(fn unique_keys(&self, #claim: &mut dyn __FnMut(__UniqueKey)) { #body })
}

/// Only where an event releases anything.
fn released_keys(view: &View<'_>) -> Option<TokenStream> {
    let releases = view.aggregate.events.iter().any(|event| !event.released.is_empty());
    let (release, body) = over_keys(view, &quote!(release), |event| &event.released);
    releases
        .then(|| quote!(fn released_keys(&self, #release: &mut dyn __FnMut(__UniqueKey)) { #body }))
}

/// The name of the parameter that takes keys, and what hands it those of every event.
fn over_keys(
    view: &View<'_>,
    take: &TokenStream,
    keys: impl Fn(&Event) -> &Vec<UniqueField>,
) -> (TokenStream, TokenStream) {
    let events = &view.aggregate.events;
    let mut arms: Vec<(TokenStream, TokenStream)> = Vec::new();
    for event in events.iter().filter(|event| !keys(event).is_empty()) {
        let variant = type_ident(&event.name);
        let claims = keys(event).iter().map(|unique| {
            let of = field_type(&event.fields, &unique.field);
            let field = field_ident(&unique.field);
            handed(take, unique, of, &quote!(event.#field))
        });
        arms.push((quote!(Self::#variant(event)), quote!(#(#claims)*)));
    }
    match arms.as_slice() {
        [] => (quote!(_claim), TokenStream::new()),
        [(pattern, claims)] if events.len() > 1 => {
            (take.clone(), quote!(if let #pattern = self { #claims }))
        }
        arms => {
            let rest = (arms.len() < events.len()).then(|| quote!(_ => {}));
            let arms = arms.iter().map(|(pattern, claims)| match without_semicolon(claims) {
                Some(claim) => quote!(#pattern => #claim,),
                None => quote!(#pattern => { #claims }),
            });
            (take.clone(), quote!(match self { #(#arms)* #rest }))
        }
    }
}

/// The one claim without its semicolon; none where there are several, or one with a condition.
fn without_semicolon(claims: &TokenStream) -> Option<TokenStream> {
    let mut tokens: Vec<_> = claims.clone().into_iter().collect();
    let end = |token: &proc_macro2::TokenTree| token.to_string() == ";";
    let one = tokens.iter().filter(|token| end(token)).count() == 1;
    if !one || !tokens.last().is_some_and(end) {
        return None;
    }
    tokens.pop();
    Some(tokens.into_iter().collect())
}

/// Claims the value at a place; an absent optional claims nothing.
pub(crate) fn claim(unique: &UniqueField, of: &Type, place: &TokenStream) -> TokenStream {
    handed(&quote!(claim), unique, of, place)
}

fn handed(take: &TokenStream, unique: &UniqueField, of: &Type, place: &TokenStream) -> TokenStream {
    let function = function_ident("unique", &unique.field);
    match of {
        Type::Optional(_) => quote!(if let Some(value) = &#place { #take(#function(value)); }),
        _ => quote!(#take(#function(&#place));),
    }
}

fn field_type<'f>(fields: &'f [Field], name: &str) -> &'f Type {
    let field = fields.iter().find(|field| field.name == name);
    field.map_or(&Type::String, |field| &field.field_type)
}

/// The unique fields of the aggregate, each once, with their types.
fn unique_fields<'v>(view: &'v View<'_>) -> impl Iterator<Item = (&'v UniqueField, &'v Type)> {
    let mut seen: Vec<&str> = Vec::new();
    let all = view.aggregate.events.iter().flat_map(|event| {
        let unique = event.unique.iter().chain(&event.released);
        unique.map(|unique| (unique, field_type(&event.fields, &unique.field)))
    });
    all.filter(move |(unique, _)| {
        let new = !seen.contains(&unique.field.as_str());
        seen.push(&unique.field);
        new
    })
}

fn unique_function(view: &View<'_>, unique: &UniqueField, of: &Type) -> Part {
    let UniqueField { field, across_all, idempotent } = unique;
    let function = function_ident("unique", field);
    let of = inner_type(of);
    let of = match of {
        Type::String => quote!(str),
        of => view.types.rust(of),
    };
    layout::item(quote! {
        fn #function(value: &#of) -> __UniqueKey {
            __UniqueKey {
                field: #field,
                value: __key_text(value),
                across_all: #across_all,
                idempotent: #idempotent,
            }
        }
    })
}

/// `Money deposited: amount 500, transaction id T1`
fn describe(view: &View<'_>) -> TokenStream {
    let arms = view.aggregate.events.iter().map(|event| {
        let compiler = Compiler::new(&view.types, [(Scope::Event, quote!(event))]);
        let variant = type_ident(&event.name);
        let text = description(view, event, &compiler);
        let event = if compiler.used(Scope::Event) { quote!(event) } else { quote!(_) };
        quote!(Self::#variant(#event) => #text)
    });
    let body = over_events(view, &arms.collect::<Vec<_>>());
    quote!(fn describe(&self) -> String { #body })
}

fn description(view: &View<'_>, event: &Event, compiler: &Compiler<'_>) -> TokenStream {
    let mut pieces = vec![Piece::Text(sentence(&event.name))];
    let mut separator = ": ";
    for field in &event.fields {
        let placed = view.aggregate.partition_key.as_ref() == Some(&field.name);
        let is_time = event.occurred_at.as_ref() == Some(&field.name);
        let Some(value) = described(field).filter(|_| !placed && !is_time) else { continue };
        pieces.push(Piece::Text(format!("{separator}{} ", words(&field.name))));
        pieces.push(Piece::Value(value));
        separator = ", ";
    }
    compiler.value(&Expression { kind: ExpressionKind::Format(pieces), result: Type::String })
}

/// What one line can show of a field: a value that has a short text, of a list, set or map the number
/// of what is in it.
fn described(field: &Field) -> Option<Expression> {
    let kind = ExpressionKind::Read(Scope::Event, field.name.clone());
    let value = Expression { kind, result: field.field_type.clone() };
    match inner_type(&field.field_type) {
        Type::Record(_) | Type::Bytes => None,
        Type::List(_) => counted(Method::ListLen, value),
        Type::Set(_) => counted(Method::SetLen, value),
        Type::Map(..) => counted(Method::MapLen, value),
        _ => Some(value),
    }
}

/// How many are in there; none where it may be absent.
fn counted(length: Method, value: Expression) -> Option<Expression> {
    let present = !matches!(value.result, Type::Optional(_));
    let kind = ExpressionKind::Call(length, Box::new(value), Vec::new());
    present.then_some(Expression { kind, result: Type::Integer })
}

/// `MoneyDeposited` → `Money deposited`
fn sentence(name: &str) -> String {
    let words = words(name);
    let mut letters = words.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// `transactionId` → `transaction id`
fn words(name: &str) -> String {
    crate::naming::snake(name).replace('_', " ")
}
