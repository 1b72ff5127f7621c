//! The tests by theme: which functions of the runtime's harness are called, and with what.

use minijinja::{Value, context};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::super::imports::Imports;
use super::super::layout;
use super::super::names::{function_ident, type_ident};
use super::super::view::View;
use super::applies;
use super::evaluate::{Constant, Known, evaluate};
use super::fixture;
use super::json;
use super::knowledge::{Names, golden_ident, raw, sample_ident};
use super::order;
use super::rules::{Boundary, Mirror, ValueRule};
use super::samples::{self, Sample};
use crate::model::{Event, Field, OldVersion, Projection, Rule, UniqueField};
use crate::naming;

/// A theme: a module of tests.
pub(super) struct Theme {
    /// Name of the module, and of the runtime's.
    name: &'static str,
    /// What it proves.
    about: &'static str,
    /// Constants and functions of its tests.
    pub(super) items: Vec<TokenStream>,
    /// Tests that need no store.
    tests: Vec<Test>,
    /// Tests that run on every store.
    on_stores: Vec<Test>,
    /// Modules of further tests on every store.
    modules: Vec<(String, Vec<Test>)>,
}

/// A test, or one per store: its name, and an expression that is a `Check`, or for a test on every
/// store a function from the kind of store to one.
pub(super) type Test = (String, TokenStream);

impl Theme {
    pub(super) fn new(name: &'static str, about: &'static str) -> Self {
        let (items, tests, on_stores) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, about, items, tests, on_stores, modules: Vec::new() }
    }

    pub(super) fn test(&mut self, name: impl Into<String>, check: TokenStream) {
        self.tests.push((name.into(), check));
    }

    pub(super) fn on_stores(&mut self, name: impl Into<String>, check: TokenStream) {
        self.on_stores.push((name.into(), check));
    }

    /// Whether there is anything in it.
    pub(super) fn is_empty(&self) -> bool {
        self.tests.is_empty() && self.on_stores.is_empty() && self.modules.is_empty()
    }

    /// As the template sees it.
    pub(super) fn rendered(&self, imports: &mut Imports) -> Value {
        let items: Vec<String> =
            self.items.iter().map(|item| layout::tidied(imports.resolve(item.clone()))).collect();
        let modules: Vec<Value> = self
            .modules
            .iter()
            .map(|(name, tests)| context! { name, on_stores => rendered(tests, imports) })
            .collect();
        context! {
            name => self.name,
            about => self.about,
            items,
            tests => rendered(&self.tests, imports),
            on_stores => rendered(&self.on_stores, imports),
            modules,
        }
    }
}

fn rendered(tests: &[Test], imports: &mut Imports) -> Vec<Value> {
    let mut render = |(name, check): &Test| {
        let check = expression_text(imports.resolve(check.clone()));
        context! { name, check }
    };
    tests.iter().map(&mut render).collect()
}

/// An expression as a person would write it; lines after the first are indented from its start.
fn expression_text(expression: TokenStream) -> String {
    let text = layout::tidied(quote!(fn f() { x = #expression; }));
    let inside = text.trim_end().strip_prefix("fn f() {\n").and_then(|it| it.strip_suffix("}"));
    let lines = inside.unwrap_or_default().lines();
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let text = lines.join("\n");
    let value = text.strip_prefix("x = ").and_then(|text| text.strip_suffix(';'));
    value.unwrap_or(&text).to_owned()
}

/// `account_closed_v2`
fn version_name(event: &Event, version: u32) -> String {
    format!("{}_v{version}", naming::snake(&event.name))
}

fn version(number: u32) -> Literal {
    Literal::u32_unsuffixed(number)
}

/// Theme schema.
pub(super) fn schema(view: &View<'_>) -> Theme {
    let mut theme = Theme::new("schema", "What is stored of an event is what the ontology says.");
    let events = &view.events;
    for event in &view.aggregate.events {
        let (name, variant) = (version_name(event, event.version), type_ident(&event.name));
        let (draw, sample) = (function_ident("draw", &event.name), sample_ident(event));
        let full = golden_ident(event, event.version, Sample::Full);
        let least = golden_ident(event, event.version, Sample::Least);
        theme.test(
            format!("{name}_round_trips"),
            quote!(theme::round_trips(|draw| #events::#variant(#draw(draw)))),
        );
        theme.test(
            format!("{name}_keeps_its_bytes"),
            quote! {
                theme::keeps_its_bytes(&[(#full, #sample(true)), (#least, #sample(false))])
            },
        );
    }
    for (event, number, _) in versions(view) {
        let golden = golden_ident(event, number, Sample::Full);
        theme.test(
            format!("{}_refuses_other_shapes", version_name(event, number)),
            quote!(theme::refuses_other_shapes::<#events>(#golden)),
        );
    }
    let shapes = versions(view).flat_map(|(event, number, fields)| {
        let shape = view.types.shape(fields);
        let number = version(number);
        let under = move |event_type| {
            quote!(__EventShape {
                event_type: #event_type, version: #number, shape: #shape
            })
        };
        event.stored_names().map(under)
    });
    theme.test(
        "versions_and_shapes_are_those_of_the_ontology",
        quote!(theme::knows_its_versions::<#events>(&[#(#shapes),*])),
    );
    theme
}

/// Every version of every event, with its fields.
pub(super) fn versions<'v>(
    view: &'v View<'_>,
) -> impl Iterator<Item = (&'v Event, u32, &'v [Field])> {
    view.aggregate.events.iter().flat_map(|event| {
        let old = event.history.iter().map(move |old| (event, old.version, &*old.fields));
        old.chain([(event, event.version, &*event.fields)])
    })
}

/// Theme migration.
pub(super) fn migration(view: &View<'_>, names: &Names) -> Theme {
    let mut theme =
        Theme::new("migration", "What was stored in an old version is read as the upcasts say.");
    let (events, subject) = (&view.events, &names.subject);
    for event in &view.aggregate.events {
        for old in &event.history {
            let name = version_name(event, old.version);
            let goldens = [Sample::Moderate, Sample::Least]
                .map(|sample| golden_ident(event, old.version, sample));
            let currents = [Sample::Moderate, Sample::Least]
                .map(|sample| raw(&upcast(view, event, old, sample)));
            theme.test(
                format!("{name}_reads_as_v{}", event.version),
                quote!(theme::reads_as_current::<#events>(&[#((#goldens, #currents)),*])),
            );
            theme.on_stores(
                format!("{name}_mixed_with_v{}_folds_the_same", event.version),
                quote! {
                    |kind| theme::mixed_versions_fold_the_same::<#subject, _>(kind, &[#(#goldens),*])
                },
            );
        }
        renamed(&mut theme, view, names, event);
        let current = golden_ident(event, event.version, Sample::Full);
        theme.test(
            format!("{}_passes_no_upcaster", version_name(event, event.version)),
            quote!(theme::leaves_current_alone::<#events>(#current)),
        );
    }
    if let Some(event) = view.aggregate.events.first() {
        let current = golden_ident(event, event.version, Sample::Full);
        theme.on_stores(
            "a_newer_version_is_refused",
            quote!(|kind| theme::a_newer_version_is_refused::<#subject, _>(kind, #current)),
        );
    }
    theme
}

/// What lies in stores under an old name is the event that it was.
fn renamed(theme: &mut Theme, view: &View<'_>, names: &Names, event: &Event) {
    if event.renamed_from.is_empty() {
        return;
    }
    let (events, subject, old) = (&view.events, &names.subject, &event.renamed_from);
    let name = naming::snake(&event.name);
    let goldens =
        [Sample::Moderate, Sample::Least].map(|sample| golden_ident(event, event.version, sample));
    let versions = event.history.iter().map(|old| old.version).chain([event.version]);
    let all = versions.map(|version| golden_ident(event, version, Sample::Full));
    theme.test(
        format!("{name}_is_read_under_its_old_names"),
        quote!(theme::is_read_under_old_names::<#events>(&[#(#old),*], &[#(#all),*])),
    );
    theme.on_stores(
        format!("{name}_under_its_old_names_folds_the_same"),
        quote! {
            |kind| theme::renamed_events_fold_the_same::<#subject, _>(
                kind,
                &[#(#old),*],
                &[#(#goldens),*],
            )
        },
    );
}

/// The fields of the current version that an old one becomes, as far as they can be told without
/// running the upcasts.
fn upcast(view: &View<'_>, event: &Event, old: &OldVersion, sample: Sample) -> String {
    let mut known = samples::fields(&view.types, &old.fields, sample);
    let later = event.history.iter().filter(|next| next.version >= old.version);
    for step in later {
        let next = step.upcast.iter().filter_map(|assignment| {
            Some((assignment.field.clone(), evaluate(&assignment.value, &Known::new(&[], &known))?))
        });
        known = next.collect::<Vec<Constant>>();
    }
    let constants = known.iter().filter(|(_, value)| json::json(value).is_some());
    json::object(constants.map(|(name, value)| (name.as_str(), value)))
        .unwrap_or_else(|| unreachable!("only constants were kept"))
}

/// Themes whose functions need the subject and a store.
pub(super) fn of_stores(view: &View<'_>, names: &Names) -> Vec<Theme> {
    let subject = &names.subject;
    let check = |function: &str| {
        let function = proc_macro2::Ident::new(function, proc_macro2::Span::call_site());
        quote!(theme::#function::<#subject, _>)
    };
    let mut replay = Theme::new("replay", "The stored events, and nothing else, make the state.");
    replay.on_stores("gives_the_live_state", check("gives_the_live_state"));
    replay.test("is_deterministic", quote!(theme::is_deterministic::<#subject>()));
    applies::add(&mut replay, view, names);

    let mut snapshot =
        Theme::new("snapshot", "A shortcut to the same state, and no more than that.");
    let due = match view.aggregate.snapshot_every {
        Some(events) => format!("is_taken_every_{events}_events"),
        None => "is_never_taken".to_owned(),
    };
    snapshot.on_stores(due, check("is_taken_when_due"));
    if view.aggregate.snapshot_every.is_some() {
        for name in [
            "with_its_tail_equals_full_replay",
            "that_cannot_be_trusted_is_ignored",
            "of_another_meaning_is_never_used",
        ] {
            snapshot.on_stores(name, check(name));
        }
    }

    let mut idempotency = Theme::new("idempotency", "What is sent twice happens once.");
    for name in [
        "of_a_repeated_command",
        "of_a_reused_command_id",
        "of_racing_commands",
        "of_a_repeated_event",
    ] {
        idempotency.on_stores(name, check(name));
    }
    if view.aggregate.events.iter().any(|event| !event.unique.is_empty()) {
        for name in ["of_a_taken_key", "of_racing_keys"] {
            idempotency.on_stores(name, check(name));
        }
        let claims = claims(view);
        idempotency.test(
            "events_claim_their_keys",
            quote!(theme::events_claim_their_keys::<#subject>(any_event, &[#(#claims),*])),
        );
    }

    let mut concurrency = Theme::new("concurrency", "Many at once, and nothing is lost.");
    for name in ["one_stream_has_one_winner_per_sequence", "many_streams_all_land"] {
        concurrency.on_stores(name, check(name));
    }

    let mut ordering = Theme::new("ordering", "The times of a stream never go back.");
    if view.aggregate.invariants.iter().any(|it| it.rule == Rule::OrderedByTime) {
        for name in ["times_never_go_back", "an_earlier_time_is_out_of_order"] {
            ordering.on_stores(name, check(name));
        }
    }
    vec![replay, snapshot, idempotency, concurrency, ordering]
}

/// The keys that each event claims.
fn claims(view: &View<'_>) -> impl Iterator<Item = TokenStream> {
    view.aggregate.events.iter().map(|event| {
        let key = |UniqueField { field, across_all, idempotent }: &UniqueField| {
            quote!(theme::Key {
                field: #field, across_all: #across_all, idempotent: #idempotent
            })
        };
        let (keys, released) = (event.unique.iter().map(key), event.released.iter().map(key));
        let event = &event.stored_as;
        quote!(theme::Claims {
            event: #event, keys: &[#(#keys),*], released: &[#(#released),*]
        })
    })
}

/// Theme invariants.
pub(super) fn invariants(
    view: &View<'_>,
    names: &Names,
    rules: &[ValueRule],
    guards: &[Boundary],
    states: &[Boundary],
) -> Theme {
    let mut theme = Theme::new("invariants", "Nothing leads to what the ontology rules out.");
    let subject = &names.subject;
    let list = |of_event: bool| {
        let rules = rules.iter().filter(|rule| rule.of_event == of_event);
        let kind = if of_event { quote!(EventRule) } else { quote!(StateRule) };
        let rules = rules.map(|rule| {
            let (says, function) = (&rule.says, &rule.known.function);
            quote!(theme::#kind { says: #says, holds: #function })
        });
        quote!(&[#(#rules),*])
    };
    let (state, event) = (list(false), list(true));
    let rules = quote!(const RULES: theme::Rules<#subject> =
        theme::Rules { state: #state, event: #event };);
    theme.items.push(rules);
    theme.on_stores(
        "hold_after_any_commands",
        quote!(|kind| theme::hold_after_any_commands::<#subject, _>(kind, &RULES)),
    );
    let no_trace = "refused_commands_leave_no_trace";
    theme.on_stores(no_trace, quote!(theme::refused_commands_leave_no_trace::<#subject, _>));
    let mut taken = Vec::new();
    for guard in guards {
        let command = guard.command.as_deref().unwrap_or_default();
        let name = unique(
            format!(
                "{}_is_refused_as_{}_from_its_boundary_on",
                naming::snake(command),
                naming::snake(&guard.refusal)
            ),
            &mut taken,
        );
        let (refusal, says, place) = (&guard.refusal, &guard.says, &guard.known.function);
        let (sides, shared) = (&guard.holds, guard.shared);
        theme.test(
            name,
            quote!(theme::boundary_is_where_it_says::<#subject>(&theme::Boundary {
                command: #command,
                refusal: #refusal,
                says: #says,
                place: #place,
                refuses: [#(#sides),*],
                shared: #shared,
            })),
        );
    }
    for rule in states {
        let name = unique(format!("{}_at_its_boundary", naming::snake(&rule.refusal)), &mut taken);
        let (refusal, says, place) = (&rule.refusal, &rule.says, &rule.known.function);
        let (sides, shared) = (&rule.holds, rule.shared);
        theme.test(
            name,
            quote!(theme::state_is_guarded::<#subject>(&theme::StateBoundary {
                refusal: #refusal,
                says: #says,
                place: #place,
                holds: [#(#sides),*],
                shared: #shared,
            })),
        );
    }
    let order = order::rules(view);
    if !order.is_empty() {
        theme.test(
            "events_stand_in_the_order_that_is_allowed",
            quote!(theme::order_is_guarded::<#subject>(any_event, &[#(#order),*])),
        );
    }
    theme
}

fn unique(name: String, taken: &mut Vec<String>) -> String {
    let mut free = name.clone();
    let mut count = 1;
    while taken.contains(&free) {
        count += 1;
        free = format!("{name}_{count}");
    }
    taken.push(free.clone());
    free
}

/// Theme projection, and the part of tracing that follows an event there.
pub(super) fn projections(
    names: &Names,
    mirrors: &[(&Projection, Vec<Mirror>)],
) -> (Theme, Vec<Test>) {
    let mut theme = Theme::new("projection", "Rows are what the events say.");
    let mut traced = Vec::new();
    let subject = &names.subject;
    for (projection, mirrors) in mirrors {
        let of = projection_type(projection, names);
        let snake = naming::snake(&projection.name);
        let mut on_stores: Vec<Test> =
            ["incremental_equals_rebuilt", "an_event_handled_twice_counts_once"]
                .map(|name| {
                    let function = proc_macro2::Ident::new(name, proc_macro2::Span::call_site());
                    let check = quote!(theme::#function::<#subject, #of, _>);
                    (name.to_owned(), check)
                })
                .into();
        if !mirrors.is_empty() && projection.key_is_stream {
            let list = mirrors.iter().map(|mirror| {
                let (column, function) = (&mirror.column, &mirror.known.function);
                let says = format!("`{column}` mirrors the state");
                quote!(theme::Mirror { column: #column, says: #says, of: #function })
            });
            let check =
                quote!(|kind| theme::mirrors_the_state::<#subject, #of, _>(kind, &[#(#list),*]));
            on_stores.push(("mirrors_the_state".to_owned(), check));
        }
        theme.modules.push((naming::rust_field(&projection.name), on_stores));
        if !projection.immediate {
            let check = quote!(theme::runs_on_to_the_projection::<#subject, #of, _>);
            traced.push((format!("runs_on_to_{snake}"), check));
        }
    }
    (theme, traced)
}

/// Theme queries.
pub(super) fn queries(asked: Vec<(String, Vec<Test>)>) -> Theme {
    let mut theme = Theme::new("queries", "What is asked of rows is found, and nothing else.");
    theme.modules = asked;
    theme.modules.retain(|(_, tests)| !tests.is_empty());
    theme
}

/// Theme tracing.
pub(super) fn tracing(names: &Names, traced: Vec<Test>) -> Theme {
    let mut theme = Theme::new(
        "tracing",
        "Correlation, causation and trace context run from command to event to rows.",
    );
    let subject = &names.subject;
    theme.on_stores(
        "runs_from_command_to_event",
        quote!(theme::runs_from_command_to_event::<#subject, _>),
    );
    theme.on_stores.extend(traced);
    theme
}

/// `AccountBalanceView`, or with the fixture's handler.
pub(super) fn projection_type(projection: &Projection, names: &Names) -> TokenStream {
    let (ident, fixture) = (type_ident(&projection.name), &names.fixture);
    if !fixture::is_by_hand(projection) {
        return quote!(#ident);
    }
    let handler = quote::format_ident!("{ident}Handler");
    quote!(#ident<<HarnessFixture as #fixture>::#handler>)
}
