//! Theme scenarios: the given, when, then of the ontology, each a test named by its sentence.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::super::config;
use super::super::view::View;
use super::json;
use super::knowledge::{Names, aggregate_type, raw, scenario_command};
use super::themes::{Theme, projection_type};
use crate::model::{Assignment, Scenario, ScenarioStep};

/// The theme.
pub(super) fn scenarios(view: &View<'_>, names: &Names) -> Theme {
    let mut theme = Theme::new("scenarios", "What the ontology tells as a story happens.");
    let mut taken: Vec<String> = Vec::new();
    for scenario in &view.aggregate.scenarios {
        let name = free_name(&scenario.name, &mut taken);
        let function = format_ident!("{name}");
        let item = test(view, names, scenario, &function);
        theme.items.push(item);
        theme.on_stores(name, quote!(#function));
    }
    theme
}

/// A sentence as a function's name: letters and digits of ASCII, everything else between words.
fn free_name(sentence: &str, taken: &mut Vec<String>) -> String {
    let words = sentence.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> =
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    let mut name = words.join("_");
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.contains('_') {
        // No keyword holds an underscore.
        name = format!("scenario_{name}");
    }
    let plain = name.clone();
    let mut count = 1;
    while taken.contains(&name) {
        count += 1;
        name = format!("{plain}_{count}");
    }
    taken.push(name.clone());
    name
}

fn test(view: &View<'_>, names: &Names, scenario: &Scenario, function: &Ident) -> TokenStream {
    let (aggregate, stream) = (aggregate_type(view, names), &scenario.stream_id);
    let given = scenario.given.iter().map(|(name, values)| {
        let event = view.event(name);
        let (event_type, data) = (&event.stored_as, raw(&object(values)));
        let version = Literal::u32_unsuffixed(event.version);
        quote!(.stored(#event_type, #version, #data))
    });
    let first = match scenario_command(view, &scenario.first) {
        Some(command) => {
            let now = now(&scenario.first);
            quote!(.at(#now).when_in(kind, #command)?)
        }
        None => quote!(.nothing_in(kind)?),
    };
    let first_then = then(view, names, &scenario.first);
    let others = scenario.then.iter().map(|step| {
        let command = scenario_command(view, step)
            .unwrap_or_else(|| unreachable!("every step of a scenario has its command"));
        let (now, then) = (now(step), then(view, names, step));
        quote!(.next_at(#now, #command)? #then)
    });
    let config = (!scenario.config.is_empty()).then(|| {
        let config = config::value(&view.types, &scenario.config);
        quote!(.config(#config))
    });
    let ids = scenario.ids.as_ref().map(|ids| {
        let constants = super::super::examples::constants(view);
        let ids = ids.iter().map(|id| constants.value(id));
        quote!(.ids(&[#(#ids),*]))
    });
    let no_id_is_left = scenario.ids.is_some().then(|| quote!(.then_no_id_is_left()?));
    let docs = format!(" {}", scenario.name);
    quote! {
        #[doc = #docs]
        fn #function<__K: testing::WithReads>(kind: __K) -> testing::Check {
            testing::given::<#aggregate>(#stream)
                #config
                #ids
                #(#given)*
                #first
                #first_then
                #(#others)*
                #no_id_is_left;
            Ok(())
        }
    }
}

/// The clock of a command.
fn now(step: &ScenarioStep) -> TokenStream {
    let now = Literal::i64_unsuffixed(step.now_micros);
    quote!(eventloom_runtime::Timestamp::from_micros(#now))
}

fn then(view: &View<'_>, names: &Names, step: &ScenarioStep) -> TokenStream {
    let mut then = match &step.error {
        Some(error) => quote!(.then_refused(#error)?),
        None => quote!(.then_accepted()?),
    };
    if let Some(events) = &step.events {
        let events = events.iter().map(|(name, values)| {
            let (event_type, data) = (&view.event(name).stored_as, raw(&object(values)));
            quote!((#event_type, #data))
        });
        then.extend(quote!(.then_events_with(&[#(#events),*])?));
    }
    if let Some(state) = &step.state {
        let state = raw(&object(state));
        then.extend(quote!(.then_state_with(#state)?));
    }
    for (name, rows) in &step.rows {
        let projection = view.aggregate.projections.iter().find(|it| it.name == *name);
        let projection = projection.unwrap_or_else(|| {
            unreachable!("the model has rows of `{name}`, which it does not have")
        });
        let of = projection_type(projection, names);
        let rows = rows.iter().map(|row| raw(&object(row)));
        then.extend(quote!(.then_rows_with::<#of>(&[#(#rows),*])?));
    }
    then
}

fn object(values: &[Assignment]) -> String {
    json::object(values.iter().map(|it| (it.field.as_str(), &it.value)))
        .unwrap_or_else(|| unreachable!("the values of scenarios are constants"))
}
