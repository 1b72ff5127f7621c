//! Examples in the documentation: they run with the user's tests.
//!
//! The example of a command or read model is a scenario of the ontology, where one fits; else it says
//! how the thing is called and what can come of it. Where a part is written by hand, the example is a
//! function for any such part.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::{format_ident, quote};

use super::Options;
use super::expression::{Compiler, field_init};
use super::imports::Imports;
use super::layout;
use super::names::{field_ident, type_ident};
use super::projections::ReadModel;
use super::samples::sample;
use super::view::View;
use crate::model::{Assignment, Command, Decision, Expression, Field, Scenario, Step};
use crate::naming;

/// Makes the examples of one aggregate.
pub(crate) struct Examples<'m> {
    pub(crate) options: &'m Options,
}

impl Examples<'_> {
    /// The example of a command.
    pub(crate) fn command(&self, view: &View<'_>, command: &Command) -> Option<String> {
        let body = match accepted(view, command) {
            Some(scenario) => from_scenario(view, command, scenario),
            None => generic(view, command),
        };
        Some(self.text(view, &body))
    }

    /// The example of a read model.
    pub(crate) fn projection(&self, model: &ReadModel<'_>) -> Option<String> {
        let body = if model.is_custom() {
            custom_read_model(model)
        } else if let Some((scenario, key)) = shown(model) {
            read_model_with_row(model, scenario, &key)
        } else if let Some(scenario) = feeding(model) {
            let count = quote!(println!("{} rows", view.count().await?););
            read_model_after(model, scenario, &count)
        } else {
            empty_read_model(model)
        };
        Some(self.text(model.view, &body))
    }

    /// The example as documentation: the imports, the code, and around it what only the compiler needs.
    fn text(&self, view: &View<'_>, body: &Body) -> String {
        let module =
            format!("{}::{}", self.options.module_path, naming::rust_field(&view.aggregate.name));
        let own = own_types(view);
        let mut imports = Imports::of_example(own.clone(), &self.options.module_path);
        let code = imports.resolve(body.code.clone());
        let mut names = BTreeSet::new();
        used_types(&code, &own, &mut names);
        for name in names {
            imports.add(&module, &name);
        }
        let mut lines: Vec<String> = imports.lines().lines().map(str::to_owned).collect();
        lines.retain(|line| !line.is_empty());
        lines.push(String::new());
        lines.extend(body.wrapper.lines(&code));
        format!("# Example\n\n```\n{}\n```", lines.join("\n"))
    }
}

/// The code of an example, and what stands around it.
struct Body {
    code: TokenStream,
    wrapper: Wrapper,
}

enum Wrapper {
    /// Statements that run, within a future that may fail.
    Statements,
    /// A function that is compiled only: what it takes is written by hand.
    Item,
}

impl Wrapper {
    fn lines(&self, code: &TokenStream) -> Vec<String> {
        match self {
            Self::Item => layout::tidied(code.clone()).lines().map(str::to_owned).collect(),
            Self::Statements => {
                let text = layout::tidied(quote!(fn example() { #code }));
                let inside = text.lines().skip(1);
                let mut lines: Vec<String> = inside
                    .map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned())
                    .collect();
                lines.pop();
                let before = [
                    "# fn main() -> Result<(), std::boxed::Box<dyn std::error::Error>> {",
                    "# eventloom_runtime::block_on(async {",
                ];
                let after =
                    ["# Ok::<(), std::boxed::Box<dyn std::error::Error>>(())", "# })", "# }"];
                let before = before.into_iter().map(str::to_owned);
                before.chain(lines).chain(after.into_iter().map(str::to_owned)).collect()
            }
        }
    }
}

/// The types that the aggregate's module defines, as far as examples can name them.
pub(crate) fn own_types(view: &View<'_>) -> BTreeSet<String> {
    let aggregate = view.aggregate;
    let named = aggregate.events.iter().map(|event| &event.name);
    let named = named.chain(aggregate.commands.iter().map(|command| &command.name));
    let named = named.chain(aggregate.projections.iter().map(|projection| &projection.name));
    let inline = aggregate.inline_types.iter().map(|it| naming::rust_type(it.name()));
    let keys = aggregate.projections.iter().flat_map(|projection| {
        let ident = type_ident(&projection.name);
        ["Key", "Handler", "Queries", "Row"].map(|suffix| format!("{ident}{suffix}"))
    });
    let figures = aggregate.projections.iter().flat_map(|projection| {
        let selecting = projection.queries.iter().filter(|query| query.summary.is_some());
        let ident = type_ident(&projection.name);
        selecting.map(move |query| format!("{ident}{}", naming::rust_type(&query.name)))
    });
    let own = [&view.ident, &view.events, &view.state, &view.error, &view.behavior];
    let own = own.into_iter().map(ToString::to_string);
    named
        .map(|name| naming::rust_type(name))
        .chain(inline)
        .chain(keys)
        .chain(figures)
        .chain(own)
        .chain([repository_name(view)])
        .collect()
}

fn repository_name(view: &View<'_>) -> String {
    format!("{}Repository", view.ident)
}

/// The own types that occur in code, other than as a variant or associated item.
fn used_types(code: &TokenStream, own: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    let mut after_path = false;
    for token in code.clone() {
        match token {
            TokenTree::Group(group) => used_types(&group.stream(), own, found),
            TokenTree::Ident(ident) if !after_path => {
                found.extend(own.get(&ident.to_string()).cloned());
            }
            TokenTree::Punct(ref punct) => {
                after_path = punct.as_char() == ':' && after_path
                    || punct.spacing() == proc_macro2::Spacing::Joint && punct.as_char() == ':';
                continue;
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
        after_path = false;
    }
}

/// The first scenario in which the command is carried out.
fn accepted<'v>(view: &'v View<'_>, command: &Command) -> Option<&'v Scenario> {
    let fits = |scenario: &&Scenario| {
        scenario.as_usual().is_some_and(|step| {
            let when = step.when.as_ref().is_some_and(|(name, _)| *name == command.name);
            when && step.error.is_none()
        })
    };
    usual(view).find(fits)
}

/// The scenarios that an example can tell: it writes no part by hand, and says of nobody that they sent it.
fn usual<'v>(view: &'v View<'_>) -> impl Iterator<Item = &'v Scenario> {
    let aggregate = view.aggregate;
    let decided = aggregate.commands.iter().flat_map(Command::expressions);
    let applied = aggregate.events.iter().filter_map(|event| event.apply.as_ref()).flatten();
    let mut read = decided.chain(applied.map(|assignment| &assignment.value));
    let fits = !view.has_behavior() && !read.any(Expression::reads_metadata_texts);
    aggregate.scenarios.iter().filter(move |_| fits)
}

/// Compiles the constant values of scenarios and samples.
pub(crate) fn constants<'v>(view: &'v View<'_>) -> Compiler<'v> {
    Compiler::new(&view.types, []).in_example()
}

fn literal(view: &View<'_>, name: &str, values: &[Assignment]) -> TokenStream {
    let ident = type_ident(name);
    let compiler = constants(view);
    let fields = values.iter().map(|it| compiler.field_value(&it.field, &it.value));
    let fields: Vec<TokenStream> = fields.collect();
    if fields.is_empty() { quote!(#ident) } else { quote!(#ident { #(#fields,)* }) }
}

/// `let repository = …;`, and the events that are given.
fn setup(view: &View<'_>, scenario: &Scenario, store: &TokenStream) -> TokenStream {
    let repository = format_ident!("{}", repository_name(view));
    let stream = stream(view, &scenario.stream_id);
    let events = scenario.given.iter().map(|(name, values)| {
        let event = literal(view, name, values);
        quote!(events.push(#event);)
    });
    let events: Vec<TokenStream> = events.collect();
    let given = (!events.is_empty()).then(|| {
        quote! {
            let mut events = __NewEvents::new();
            #(#events)*
            repository.record(#stream events).await?;
        }
    });
    quote! {
        let repository = #repository::open(#store).await?;
        #given
    }
}

/// The stream that a call names first; none where there is but one.
fn stream(view: &View<'_>, id: &str) -> Option<TokenStream> {
    view.aggregate.partition_key.is_some().then(|| quote!(#id,))
}

/// The call that carries the scenario's command out; `result` is what stands before it.
fn execution(view: &View<'_>, scenario: &Scenario, result: &TokenStream) -> Option<TokenStream> {
    let (name, values) = scenario.first.when.as_ref()?;
    let command = literal(view, name, values);
    let stream = stream(view, &scenario.stream_id);
    let declared = view.aggregate.commands.iter().find(|command| command.name == *name)?;
    if !depends_on_time(declared) {
        return Some(quote! {
            let command = #command;
            #result repository.execute(#stream command).await?;
        });
    }
    let at = constants(view).time(scenario.first.now_micros);
    Some(quote! {
        let command = #command;
        let context = __CommandContext::new().at(#at);
        #result repository.execute_with(#stream command, context).await?;
    })
}

/// Whether the time decides what becomes of the command.
fn depends_on_time(command: &Command) -> bool {
    let Decision::Declared { steps, emit, ensure } = &command.decision else { return false };
    let conditions = steps.iter().filter_map(|step| match step {
        Step::Reject(rejection) => Some(&rejection.when),
        Step::NothingToDo(condition) => Some(condition),
        Step::Let(_, value) => Some(value),
        Step::Unwrap { .. } | Step::Target | Step::Unique(_) => None,
    });
    let conditions = conditions.chain(emit.iter().filter_map(|emission| emission.when.as_ref()));
    let mut conditions = conditions.chain(ensure.iter().map(|rejection| &rejection.when));
    conditions.any(super::reads::reads_time)
}

fn from_scenario(view: &View<'_>, command: &Command, scenario: &Scenario) -> Body {
    let setup = setup(view, scenario, &quote!(__MemoryStore::new()));
    let call = execution(view, scenario, &quote!(let done =))
        .unwrap_or_else(|| unreachable!("the scenario was chosen for `{}`", command.name));
    let checks = outcome_checks(view, scenario);
    Body {
        code: quote! {
            #setup
            #call
            #checks
        },
        wrapper: Wrapper::Statements,
    }
}

/// What the scenario says of the outcome: the state's fields, else the events.
fn outcome_checks(view: &View<'_>, scenario: &Scenario) -> TokenStream {
    let compiler = constants(view);
    if let Some(state) = scenario.first.state.as_ref().filter(|state| !state.is_empty()) {
        let checks = state.iter().map(|assignment| {
            let field = field_ident(&assignment.field);
            let value = compiler.compared(&assignment.value);
            quote!(assert_eq!(done.state.#field, #value);)
        });
        return quote!(#(#checks)*);
    }
    match &scenario.first.events {
        Some(events) => {
            let count = proc_macro2::Literal::usize_unsuffixed(events.len());
            quote!(assert_eq!(done.events.len(), #count);)
        }
        None => quote!(assert!(!done.duplicate);),
    }
}

/// How the command is called, and what can come of it.
fn generic(view: &View<'_>, command: &Command) -> Body {
    let values = samples(view, &command.input);
    let ident = type_ident(&command.name);
    let command = if values.is_empty() { quote!(#ident) } else { quote!(#ident { #(#values,)* }) };
    let repository = format_ident!("{}", repository_name(view));
    let stream = stream(view, &sample_stream(view));
    if view.has_behavior() {
        let behavior = &view.behavior;
        return Body {
            code: quote! {
                async fn example<__B: #behavior>(
                    repository: &#repository<__B, __MemoryStore>,
                ) -> Result<(), std::boxed::Box<dyn std::error::Error>> {
                    let done = repository.execute(#stream #command).await?;
                    println!("{} events, the last is number {}", done.events.len(), done.sequence);
                    Ok(())
                }
            },
            wrapper: Wrapper::Item,
        };
    }
    Body {
        code: quote! {
            let repository = #repository::open(__MemoryStore::new()).await?;
            let command = #command;
            match repository.execute(#stream command).await {
                Ok(done) => {
                    println!("{} events, the last is number {}", done.events.len(), done.sequence);
                }
                Err(error) => println!("{error}"),
            }
        },
        wrapper: Wrapper::Statements,
    }
}

fn samples(view: &View<'_>, fields: &[Field]) -> Vec<TokenStream> {
    let compiler = constants(view);
    let values = fields.iter().map(|field| {
        field_init(&field.name, &compiler.value(&sample(&view.types, &field.field_type)))
    });
    values.collect()
}

fn sample_stream(view: &View<'_>) -> String {
    format!("{}-1", naming::snake(&view.aggregate.name))
}

/// A scenario after which the read model has a row, and the row's key as the scenario tells it.
fn shown<'v>(model: &'v ReadModel<'_>) -> Option<(&'v Scenario, Vec<(&'v Field, &'v Assignment)>)> {
    if super::rows::reads_metadata_texts(model.projection) {
        return None;
    }
    let steps = usual(model.view).filter_map(|scenario| Some((scenario, scenario.as_usual()?)));
    let accepted = steps.filter(|(_, step)| step.when.is_some() && step.error.is_none());
    accepted
        .filter_map(|(scenario, step)| {
            let (_, rows) = step.rows.iter().find(|(name, _)| *name == model.projection.name)?;
            let row = rows.first().filter(|_| rows.len() == 1)?;
            let columns = model.columns();
            let told = row.iter().filter_map(|assignment| {
                let column = columns.iter().find(|column| column.name == assignment.field)?;
                Some((*column, assignment))
            });
            Some((scenario, told.collect()))
        })
        .next()
}

/// A scenario whose command emits an event that the read model folds.
fn feeding<'v>(model: &'v ReadModel<'_>) -> Option<&'v Scenario> {
    let aggregate = model.view.aggregate;
    usual(model.view)
        .filter(|scenario| scenario.as_usual().is_some_and(|step| step.error.is_none()))
        .find(|scenario| {
            let command = scenario.first.when.as_ref().and_then(|(name, _)| {
                aggregate.commands.iter().find(|command| command.name == *name)
            });
            let emitted = command.map(super::commands::emitted).unwrap_or_default();
            emitted.iter().any(|event| model.projection.source.iter().any(|source| source == event))
        })
}

/// The one row after a scenario.
fn read_model_with_row(
    model: &ReadModel<'_>,
    scenario: &Scenario,
    told: &[(&Field, &Assignment)],
) -> Body {
    let compiler = constants(model.view);
    let checks = told.iter().map(|(column, assignment)| {
        let (field, value) = (field_ident(&column.name), compiler.compared(&assignment.value));
        quote!(assert_eq!(rows[0].#field, #value);)
    });
    let checks = quote! {
        let rows = view.page(None, 10).await?;
        #(#checks)*
    };
    read_model_after(model, scenario, &checks)
}

/// The read model after a scenario, with statements about `view`.
fn read_model_after(model: &ReadModel<'_>, scenario: &Scenario, checks: &TokenStream) -> Body {
    let view = model.view;
    let setup = setup(view, scenario, &quote!(store.clone()));
    let call = execution(view, scenario, &TokenStream::new())
        .unwrap_or_else(|| unreachable!("the scenario was chosen for its command"));
    let ident = &model.ident;
    Body {
        code: quote! {
            let store = __MemoryStore::new();
            #setup
            #call
            let database = __MemoryReadDatabase::new();
            let projector = __Projector::<#ident, _, _>::open(store, database.clone()).await?;
            projector.catch_up().await?;
            let view = __ReadModel::<#ident, _>::open(database).await?;
            #checks
        },
        wrapper: Wrapper::Statements,
    }
}

fn empty_read_model(model: &ReadModel<'_>) -> Body {
    let ident = &model.ident;
    let open = open_store(model);
    Body {
        code: quote! {
            let store = __MemoryStore::new();
            #open
            let database = __MemoryReadDatabase::new();
            let projector = __Projector::<#ident, _, _>::open(store, database.clone()).await?;
            projector.catch_up().await?;
            let view = __ReadModel::<#ident, _>::open(database).await?;
            assert_eq!(view.count().await?, 0);
        },
        wrapper: Wrapper::Statements,
    }
}

/// Commands go through a repository on the same store, where the example can name one.
fn open_store(model: &ReadModel<'_>) -> TokenStream {
    if model.view.has_behavior() {
        return TokenStream::new();
    }
    let repository = format_ident!("{}", repository_name(model.view));
    quote!(let _repository = #repository::open(store.clone()).await?;)
}

fn custom_read_model(model: &ReadModel<'_>) -> Body {
    let (ident, handler) = (&model.ident, &model.handler);
    Body {
        code: quote! {
            async fn example<__H: #handler>(store: __MemoryStore) -> Result<(), __ProjectorError> {
                let database = __MemoryReadDatabase::new();
                let projector = __Projector::<#ident<__H>, _, _>::open(store, database).await?;
                projector.catch_up().await?;
                Ok(())
            }
        },
        wrapper: Wrapper::Item,
    }
}
