//! What the harness knows of an aggregate, as Rust: its commands in one type, how to draw values, the
//! sample events, and the events and commands of scenarios.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::super::expression::{Compiler, field_init};
use super::super::layout::{self, Part};
use super::super::names::{function_ident, type_ident};
use super::super::view::View;
use super::fixture;
use super::hints::Hints;
use super::json;
use super::rules::Boundary;
use super::samples::{self, Sample};
use super::themes::versions;
use crate::model::{Event, Expression, Field, ScenarioStep, Type, TypeDefinition};
use crate::naming;

/// The names of the harness's own types, which must differ from all of the aggregate's and from each other.
pub(super) struct Names {
    /// `UnderTest`
    pub(super) subject: Ident,
    /// `AnyCommand`
    pub(super) command: Ident,
    /// `Fixture`
    pub(super) fixture: Ident,
    taken: RefCell<BTreeSet<String>>,
}

impl Names {
    pub(super) fn new(taken: &BTreeSet<String>) -> Self {
        let mut taken = taken.clone();
        let subject = free(&mut taken, "UnderTest");
        let command = free(&mut taken, "AnyCommand");
        let fixture = free(&mut taken, "Fixture");
        Self { subject, command, fixture, taken: RefCell::new(taken) }
    }

    /// A name that no type has yet, taken from now on.
    pub(super) fn free(&self, name: &str) -> Ident {
        free(&mut self.taken.borrow_mut(), name)
    }
}

fn free(taken: &mut BTreeSet<String>, name: &str) -> Ident {
    let mut name = name.to_owned();
    while !taken.insert(name.clone()) {
        name.insert_str(0, "Harness");
    }
    format_ident!("{name}")
}

/// The items.
pub(super) fn items(view: &View<'_>, names: &Names, guards: &[Boundary]) -> Vec<Part> {
    let mut parts = vec![subject(view, names)];
    parts.extend(fixture::items(view, names));
    if view.aggregate.commands.is_empty() {
        parts.extend(fixture::events_as_commands(view, names));
    } else {
        parts.extend(command_type(view, names));
        parts.push(subject_impl(view, names, guards));
    }
    parts.extend(view.aggregate.commands.iter().map(|command| {
        let hints = Hints::of(view, &command.name);
        draw_function(view, &command.name, &command.input, &hints)
    }));
    parts.extend(
        view.aggregate
            .events
            .iter()
            .map(|event| draw_function(view, &event.name, &event.fields, &Hints::default())),
    );
    parts.extend(record_functions(view));
    parts.extend(golden_data(view));
    parts.extend(sample_events(view));
    parts.push(any_event(view));
    parts
}

/// The type of the aggregate as the harness writes it: with the fixture's behaviour where it has one.
pub(super) fn aggregate_type(view: &View<'_>, names: &Names) -> TokenStream {
    let (ident, fixture) = (&view.ident, &names.fixture);
    if view.has_behavior() {
        quote!(#ident<<HarnessFixture as #fixture>::Behavior>)
    } else {
        quote!(#ident)
    }
}

fn subject(view: &View<'_>, names: &Names) -> Part {
    let (docs, subject) =
        (layout::doc(&format!("{} under test.", layout::link(&view.ident))), &names.subject);
    layout::item(quote! {
        #docs
        #[derive(Clone, Copy, Debug)]
        struct #subject;
    })
}

fn command_type(view: &View<'_>, names: &Names) -> Vec<Part> {
    let (command, aggregate) = (&names.command, aggregate_type(view, names));
    let idents: Vec<_> = view.aggregate.commands.iter().map(|it| type_ident(&it.name)).collect();
    let docs = layout::doc("Any command.");
    let visit = quote! {
        fn visit<__V: testing::Visit<#aggregate>>(&self, visitor: __V) -> __V::Output {
            match self { #(Self::#idents(command) => visitor.visit(command),)* }
        }
    };
    vec![
        layout::item(quote! {
            #docs
            #[derive(Clone, Debug)]
            enum #command { #(#idents(#idents),)* }
        }),
        layout::block(
            &quote!(impl testing::AnyCommand<#aggregate> for #command),
            vec![vec![visit]],
        ),
    ]
}

/// What is tested, and that it is one stream if it is.
pub(super) fn subject_head(view: &View<'_>, names: &Names) -> Vec<TokenStream> {
    let (command, aggregate) = (&names.command, aggregate_type(view, names));
    let mut head = vec![quote!(type Aggregate = #aggregate;), quote!(type Command = #command;)];
    if view.aggregate.partition_key.is_none() {
        head.push(quote!(
            const ONE_STREAM: bool = true;
        ));
    }
    head
}

fn subject_impl(view: &View<'_>, names: &Names, guards: &[Boundary]) -> Part {
    let (subject, command) = (&names.subject, &names.command);
    let count = Literal::usize_unsuffixed(view.aggregate.commands.len());
    let last = view.aggregate.commands.len().saturating_sub(1);
    let arms = view.aggregate.commands.iter().enumerate().map(|(index, it)| {
        let (ident, draw) = (type_ident(&it.name), function_ident("draw", &it.name));
        let pattern = if index == last {
            quote!(_)
        } else {
            let index = Literal::usize_unsuffixed(index);
            quote!(#index)
        };
        quote!(#pattern => #command::#ident(#draw(draw)))
    });
    let mut groups = vec![
        subject_head(view, names),
        vec![quote! {
            fn command(draw: &mut testing::Draw) -> #command {
                match draw.below(#count) { #(#arms,)* }
            }
        }],
    ];
    groups.extend(at_boundary(names, guards));
    groups.extend(stories(view, names));
    layout::block(&quote!(impl testing::Subject for #subject), groups)
}

/// How commands are brought to the boundaries of their guards.
fn at_boundary(names: &Names, guards: &[Boundary]) -> Option<Vec<TokenStream>> {
    let (subject, command) = (&names.subject, &names.command);
    let functions: Vec<_> =
        guards.iter().filter(|it| it.is_of_input).map(|it| &it.known.function).collect();
    let count = Literal::usize_unsuffixed(functions.len());
    let arms = functions.iter().enumerate().map(|(index, function)| {
        let index = Literal::usize_unsuffixed(index);
        quote!(#index => #function(state, command, units))
    });
    let arms: Vec<_> = arms.collect();
    (!arms.is_empty()).then(|| {
        vec![
            quote!(const BOUNDARIES: usize = #count;),
            quote! {
                fn at_boundary(
                    state: &testing::subject::StateOf<#subject>,
                    command: &mut #command,
                    boundary: usize,
                    units: i64,
                ) {
                    let (state, before) = (&mut state.clone(), command.clone());
                    let placed = match boundary { #(#arms,)* _ => Ok(false) };
                    // A boundary beyond what can be calculated is none.
                    if placed.is_err() {
                        *command = before;
                    }
                }
            },
        ]
    })
}

/// What scenarios tell.
fn stories(view: &View<'_>, names: &Names) -> Option<Vec<TokenStream>> {
    let (subject, command) = (&names.subject, &names.command);
    // What is told of a program that is set otherwise may be refused in this one.
    let usual = view.aggregate.scenarios.iter().filter(|scenario| scenario.config.is_empty());
    let stories = usual.flat_map(|scenario| {
        let given = scenario.given.iter().map(|(name, values)| {
            let event = view.event(name);
            let data = json::object(values.iter().map(|it| (it.field.as_str(), &it.value)))
                .unwrap_or_else(|| unreachable!("the values of scenarios are constants"));
            let (event_type, data) = (&event.stored_as, raw(&data));
            let version = Literal::u32_unsuffixed(event.version);
            quote!(testing::Golden { event_type: #event_type, version: #version, data: #data })
        });
        let given: Vec<_> = given.collect();
        scenario.steps().map(move |step| {
            let when = match (&step.when, scenario_command(view, step)) {
                (Some((name, _)), Some(value)) => {
                    let variant = type_ident(name);
                    quote!(Some(#command::#variant(#value)))
                }
                _ => quote!(None),
            };
            quote!(testing::Story { given: vec![#(#given),*], when: #when })
        })
    });
    let stories: Vec<_> = stories.collect();
    (!stories.is_empty()).then(|| {
        vec![quote! {
            fn stories() -> Vec<testing::Story<#subject>> { vec![#(#stories),*] }
        }]
    })
}

fn draw_function(view: &View<'_>, name: &str, fields: &[Field], hints: &Hints<'_>) -> Part {
    let (function, ident) = (function_ident("draw", name), type_ident(name));
    let values = fields.iter().map(|field| {
        let drawn = drawn(view, &field.field_type);
        let hints = hints.for_field(field);
        if hints.is_empty() {
            return field_init(&field.name, &drawn);
        }
        let constants = constants(view);
        let hints = hints.iter().map(|hint| constants.value(hint));
        field_init(&field.name, &quote!(draw.often(&[#(#hints),*], |draw| #drawn)))
    });
    let values: Vec<_> = values.collect();
    let draw = if fields.is_empty() { quote!(_draw) } else { quote!(draw) };
    let value = if fields.is_empty() { quote!(#ident {}) } else { quote!(#ident { #(#values,)* }) };
    layout::item(quote!(fn #function(#draw: &mut testing::Draw) -> #ident { #value }))
}

/// A value of a type, drawn.
pub(super) fn drawn(view: &View<'_>, of: &Type) -> TokenStream {
    let drawn = |of: &Type| drawn(view, of);
    match of {
        Type::String => quote!(draw.text()),
        Type::Integer => quote!(draw.integer()),
        Type::Decimal(None) => quote!(draw.decimal()),
        Type::Decimal(Some((digits, scale))) => {
            let digits = Literal::u32_unsuffixed(*digits);
            let scale = Literal::u32_unsuffixed(*scale);
            quote!(draw.decimal_of(#digits, #scale))
        }
        Type::Boolean => quote!(draw.boolean()),
        Type::Timestamp => quote!(draw.timestamp()),
        Type::Date => quote!(draw.date()),
        Type::Duration => quote!(draw.duration()),
        Type::Uuid => quote!(draw.uuid()),
        Type::Bytes => quote!(draw.bytes()),
        Type::Enum(_) => quote!(draw.label()),
        Type::Newtype(name, base) => {
            let Some(TypeDefinition::Newtype(newtype)) = view.types.get(name) else {
                unreachable!("the model names a type `{name}` that it does not have")
            };
            // Of what its rules allow, what was found for examples: others might be refused.
            let (kept, constants) = (newtype.sample_values(), constants(view));
            if kept.is_empty() {
                let ident = view.types.named(name);
                let function = if newtype.is_checked() { quote!(recorded) } else { quote!(new) };
                let value = drawn(base);
                return quote!(#ident::#function(#value));
            }
            let kept = kept.iter().map(|value| constants.value(value));
            quote!(draw.one_of(&[#(#kept),*]))
        }
        Type::Record(name) => {
            let function = function_ident("record", name);
            quote!(#function(draw))
        }
        Type::List(item) => {
            let item = drawn(item);
            quote!(draw.list(|draw| #item))
        }
        Type::Set(member) => {
            let member = drawn(member);
            quote!(draw.set(|draw| #member))
        }
        Type::Map(key, value) => {
            let (key, value) = (drawn(key), drawn(value));
            quote!(draw.map(|draw| #key, |draw| #value))
        }
        Type::Optional(inner) => {
            let inner = drawn(inner);
            quote!(draw.optional(|draw| #inner))
        }
    }
}

/// A function for every record that fields of commands and events can hold. A record may have the name of
/// an event or command, so the functions are named otherwise than those that draw them.
fn record_functions(view: &View<'_>) -> Vec<Part> {
    let mut found: Vec<&str> = Vec::new();
    let commands = view.aggregate.commands.iter().flat_map(|command| &command.input);
    let events = view.aggregate.events.iter().flat_map(|event| &event.fields);
    let queries = view.aggregate.projections.iter().flat_map(|projection| &projection.queries);
    let asked = queries.flat_map(|query| &query.input);
    for field in commands.chain(events).chain(asked) {
        records_in(view, &field.field_type, &mut found);
    }
    let functions = found.into_iter().map(|name| {
        let Some(TypeDefinition::Record(record)) = view.types.get(name) else {
            unreachable!("`{name}` was found among the records")
        };
        let (function, ident) = (function_ident("record", name), view.types.named(name));
        let values =
            record.fields.iter().map(|it| field_init(&it.name, &drawn(view, &it.field_type)));
        let values: Vec<_> = values.collect();
        layout::item(quote! {
            fn #function(draw: &mut testing::Draw) -> #ident { #ident { #(#values,)* } }
        })
    });
    functions.collect()
}

fn records_in<'m>(view: &View<'m>, of: &'m Type, found: &mut Vec<&'m str>) {
    match of {
        Type::List(inner) | Type::Map(_, inner) | Type::Optional(inner) => {
            records_in(view, inner, found);
        }
        Type::Record(name) if !found.contains(&name.as_str()) => {
            if let Some(TypeDefinition::Record(record)) = view.types.get(name) {
                found.push(name);
                for field in &record.fields {
                    records_in(view, &field.field_type, found);
                }
            }
        }
        _ => {}
    }
}

/// Compiles constants.
fn constants<'v>(view: &'v View<'_>) -> Compiler<'v> {
    Compiler::new(&view.types, [])
}

/// An event or command of these values.
fn literal<'v>(
    view: &View<'_>,
    name: &str,
    values: impl IntoIterator<Item = (&'v str, &'v Expression)>,
) -> TokenStream {
    let (ident, compiler) = (type_ident(name), constants(view));
    let fields = values.into_iter().map(|(field, value)| compiler.field_value(field, value));
    let fields: Vec<_> = fields.collect();
    quote!(#ident { #(#fields,)* })
}

/// `ACCOUNT_CLOSED_V1`, `ACCOUNT_CLOSED_V1_LEAST`: the golden bytes of a version.
pub(super) fn golden_ident(event: &Event, version: u32, sample: Sample) -> Ident {
    let name = naming::screaming(&event.name);
    match sample {
        Sample::Full | Sample::Moderate => format_ident!("{name}_V{version}"),
        Sample::Least => format_ident!("{name}_V{version}_LEAST"),
    }
}

/// Text as a raw literal, since JSON is full of quotes.
pub(super) fn raw(text: &str) -> TokenStream {
    let mut fence = "#".to_owned();
    while text.contains(&format!("\"{fence}")) {
        fence.push('#');
    }
    let literal = format!("r{fence}\"{text}\"{fence}");
    literal.parse().unwrap_or_else(|_| quote!(#text))
}

/// The data of every version of every event, as it lies in a store.
fn golden_data(view: &View<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    for (event, version, fields) in versions(view) {
        let full = if version == event.version { Sample::Full } else { Sample::Moderate };
        for sample in [full, Sample::Least] {
            let ident = golden_ident(event, version, sample);
            let values = samples::fields(&view.types, fields, sample);
            let data = json::object(values.iter().map(|(name, value)| (name.as_str(), value)))
                .unwrap_or_else(|| unreachable!("samples are constants"));
            let (event_type, data) = (&event.stored_as, raw(&data));
            let version = Literal::u32_unsuffixed(version);
            parts.push(layout::item(quote! {
                const #ident: testing::Golden =
                    testing::Golden { event_type: #event_type, version: #version, data: #data };
            }));
        }
    }
    parts
}

/// `sample_account_opened(full)`: the event of the golden bytes.
pub(super) fn sample_ident(event: &Event) -> Ident {
    function_ident("sample", &event.name)
}

/// A function per event.
fn sample_events(view: &View<'_>) -> Vec<Part> {
    let events = &view.events;
    let functions = view.aggregate.events.iter().map(|event| {
        let (function, variant) = (sample_ident(event), type_ident(&event.name));
        let values = |sample| {
            let values = samples::fields(&view.types, &event.fields, sample);
            literal(view, &event.name, values.iter().map(|(name, value)| (name.as_str(), value)))
        };
        let (full, least) = (values(Sample::Full), values(Sample::Least));
        quote! {
            fn #function(full: bool) -> #events {
                if full { #events::#variant(#full) } else { #events::#variant(#least) }
            }
        }
    });
    functions.map(layout::item).collect()
}

/// Draws an event of a type.
fn any_event(view: &View<'_>) -> Part {
    let events = &view.events;
    let arms = view.aggregate.events.iter().map(|event| {
        let (variant, draw) = (type_ident(&event.name), function_ident("draw", &event.name));
        let name = &event.stored_as;
        quote!(#name => Some(#events::#variant(#draw(draw))))
    });
    layout::item(quote! {
        fn any_event(event_type: &str, draw: &mut testing::Draw) -> Option<#events> {
            match event_type { #(#arms,)* _ => None }
        }
    })
}

/// The command of a step of a scenario.
pub(super) fn scenario_command(view: &View<'_>, step: &ScenarioStep) -> Option<TokenStream> {
    let (name, values) = step.when.as_ref()?;
    let values = values.iter().map(|it| (it.field.as_str(), &it.value));
    Some(literal(view, name, values))
}
