//! Two Rust types of one name in the module of an aggregate.
//!
//! Beside the ontology's own names generated code defines, for an aggregate `A`, an event `E` with a
//! history, and a projection `P`: `AEvent`, `AState`, `AError`, `ABehavior`, `ARepository`, `EV1` and
//! so on for the earlier versions, `PRow`, `PKey`, `PHandler` and `PQueries`. All of them are reserved whether an
//! ontology needs them or not, so that adding a rule never takes a name away. A query `Q` of `P` that selects
//! defines `PQ`.

use std::collections::BTreeMap;

use super::Checked;
use crate::catalogue::checks::GENERATED_TYPE;
use crate::diagnostic::Diagnostic;
use crate::model::TypeDefinition;
use crate::naming::rust_type;
use crate::source::Span;
use crate::{model, syntax};

/// What generated code adds to an aggregate's name.
const OF_AGGREGATE: [&str; 5] = ["Event", "State", "Error", "Behavior", "Repository"];
/// What generated code adds to a projection's name.
const OF_PROJECTION: [&str; 4] = ["Row", "Key", "Handler", "Queries"];

/// A Rust type and where its name comes from.
struct Generated {
    name: String,
    what: String,
    place: Span,
    /// The kind of thing that the ontology itself gives the name to.
    own: Option<&'static str>,
}

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    findings.extend(meets_config(checked.syntax));
    for (aggregate, model) in checked.aggregates() {
        let mut seen: BTreeMap<String, Generated> = BTreeMap::new();
        for generated in generated(aggregate, model) {
            match seen.get(&generated.name) {
                // That two events have one name is told apart.
                Some(first) if first.own.is_some() && first.own == generated.own => {}
                Some(first) => findings.push(meeting(first, &generated)),
                None => {
                    seen.insert(generated.name.clone(), generated);
                }
            }
        }
        if rust_type(&aggregate.name.value) == "Types" {
            let title = "`types` is the module of the declared types";
            let place = aggregate.name.span;
            let found = Diagnostic::error(&GENERATED_TYPE, title, place, "would be this module");
            findings.push(found.help("choose another name for the aggregate"));
        }
    }
}

/// What `config` becomes stands beside the declared types.
fn meets_config(ontology: &syntax::Ontology) -> Option<Diagnostic> {
    let (first, _) = ontology.config.first()?;
    let (name, _) = ontology.types.iter().find(|(name, _)| rust_type(&name.value) == "Config")?;
    let title = format!("the type `{}` and what `config` becomes are one Rust type", name.value);
    let found = Diagnostic::error(&GENERATED_TYPE, title, name.span, "becomes `Config`");
    Some(found.place(first.span, "`config` becomes `Config` too").help("rename the type"))
}

/// Every type of an aggregate's module, the ontology's own names first.
fn generated(aggregate: &syntax::Aggregate, model: Option<&model::Aggregate>) -> Vec<Generated> {
    let mut all = Vec::new();
    let mut own = |kind: &'static str, name: &syntax::Text| {
        let what = format!("the {kind} `{}`", name.value);
        let own = Some(kind);
        all.push(Generated { name: rust_type(&name.value), what, place: name.span, own });
    };
    own("aggregate", &aggregate.name);
    aggregate.events.iter().for_each(|(name, _)| own("event", name));
    aggregate.commands.iter().for_each(|(name, _)| own("command", name));
    aggregate.projections.iter().for_each(|(name, _)| own("projection", name));
    for definition in model.iter().flat_map(|model| &model.inline_types) {
        let TypeDefinition::Enum(inline) = definition else { continue };
        let what = format!("the enum of {}", inline.inline_at.as_deref().unwrap_or("a field"));
        let place = aggregate.name.span;
        all.push(Generated { name: inline.name.clone(), what, place, own: None });
    }
    let mut derived = |of: &syntax::Text, suffix: &str, what: &str| {
        let name = format!("{}{suffix}", rust_type(&of.value));
        let what = format!("{what} of `{}`", of.value);
        all.push(Generated { name, what, place: of.span, own: None });
    };
    for suffix in OF_AGGREGATE {
        derived(&aggregate.name, suffix, &format!("the generated {}", suffix.to_lowercase()));
    }
    for (name, _) in &aggregate.projections {
        for suffix in OF_PROJECTION {
            derived(name, suffix, &format!("the generated {}", suffix.to_lowercase()));
        }
    }
    for (name, event) in &aggregate.events {
        for (version, _) in &event.history {
            derived(name, &format!("V{}", version.value), &format!("version {}", version.value));
        }
    }
    for (view, projection) in &aggregate.projections {
        let selecting = projection.queries.iter().filter(|(_, query)| query.select.is_some());
        for (name, _) in selecting {
            let (of, suffix) = (rust_type(&view.value), rust_type(&name.value));
            let what = format!("what the query `{}` of `{}` selects", name.value, view.value);
            all.push(Generated {
                name: format!("{of}{suffix}"),
                what,
                place: name.span,
                own: None,
            });
        }
    }
    all
}

fn meeting(first: &Generated, second: &Generated) -> Diagnostic {
    let title = format!("{} and {} are one Rust type", first.what, second.what);
    // The name that can be changed in the ontology is to blame.
    let (blamed, other) =
        if first.own.is_some() && second.own.is_none() { (first, second) } else { (second, first) };
    Diagnostic::error(&GENERATED_TYPE, title, blamed.place, format!("becomes `{}`", blamed.name))
        .place(other.place, format!("{} becomes `{}` too", other.what, other.name))
        .help("rename one of them")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::generated;
    use crate::emit::{self, Options};
    use crate::source::Sources;
    use crate::{load, resolve};

    /// Everything that makes generated code define a type.
    const ALL_KINDS: &str = "
aggregateRoot: Account
state: {status: \"enum[Open, Closed]\"}
events:
  Opened: {version: v2, schema: {kind: \"enum[A, B]\"}, history: {v1: {schema: {kind: \"enum[A, B]\"}}}}
  Closed: {version: v1, schema: {}, apply: {status: Closed}}
commands:
  Open: {target: new, handler: custom, input: {kind: \"enum[A, B]\"}}
  Close: {emit: Closed}
projections:
  ByHand: {source: [Opened], target: db.by_hand}
  Typed: {source: [Opened], target: db.typed, key: {id: accountId, at: meta.at}, columns: {id: string, at: timestamp}}
  Declared: {source: [Closed], target: db.declared, key: accountId, columns: {accountId: string}, queries: {all: {limit: 10}, total: {select: {number: count()}}}, on: {Closed: {upsert: {}}}}
eventStore: {partitionKey: accountId}
";

    #[test]
    fn every_type_that_is_generated_is_reserved() {
        let sources = Sources::from_texts([("account.yaml", ALL_KINDS)]);
        let loaded = load::load(&sources);
        let (model, found) = resolve::resolve(&loaded.ontology, &sources);
        let model = model.unwrap_or_else(|| panic!("{:?} {found:?}", loaded.diagnostics));
        let aggregate = &loaded.ontology.aggregates[0];
        let reserved: BTreeSet<String> = generated(aggregate, model.aggregates.first())
            .into_iter()
            .map(|generated| generated.name)
            .collect();
        // The harness lies in modules of its own, whose types make way for the ontology's.
        let files = emit::emit(&model, &Options::for_package("test"));
        let file = syn::parse_file(&files[emit::FILE]).expect("generated code is Rust");
        let defined = file.items.iter().filter_map(|item| match item {
            syn::Item::Mod(module) => module.content.as_ref(),
            _ => None,
        });
        let defined: Vec<String> =
            defined.flat_map(|(_, items)| items).filter_map(type_name).collect();
        assert!(defined.len() > 15, "{defined:?}");
        let missing: Vec<&String> =
            defined.iter().filter(|name| !reserved.contains(*name)).collect();
        assert!(missing.is_empty(), "defined and not reserved: {missing:?}");
    }

    fn type_name(item: &syn::Item) -> Option<String> {
        Some(match item {
            syn::Item::Struct(item) => item.ident.to_string(),
            syn::Item::Enum(item) => item.ident.to_string(),
            syn::Item::Trait(item) => item.ident.to_string(),
            syn::Item::Type(item) => item.ident.to_string(),
            _ => return None,
        })
    }
}
