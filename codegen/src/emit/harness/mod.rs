//! The generated harness: tests that the user's package includes by one line.
//!
//! What the tests do lies in the runtime's `testing`; here stands what the ontology knows: how values
//! are drawn, the golden bytes, rules, boundaries, mirrors and scenarios. Rust that is compiled from
//! expressions is quoted as everywhere in [`super`]; the scaffold around it is a template.

mod applies;
mod evaluate;
mod fixture;
mod hints;
mod json;
mod knowledge;
mod order;
mod queries;
mod rules;
mod samples;
mod scenarios;
mod themes;

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, context};

use self::knowledge::Names;
use self::rules::Known;
use self::themes::Theme;
use super::Options;
use super::examples::own_types;
use super::imports::Imports;
use super::layout::{self, Part};
use super::types::Types;
use super::view::View;
use crate::model::{Aggregate, Ontology};
use crate::naming;

/// The file of tests, relative to the output folder.
pub const FILE: &str = "harness.rs";
/// The line that names the ontology's module for it.
pub const ONTOLOGY_FILE: &str = "harness_ontology.rs";

const TEMPLATE: &str = include_str!("harness.rs.j2");

/// The generated files: path and text. What the template needs of each aggregate comes from [`module`].
pub(crate) fn emit(
    aggregates: Vec<minijinja::Value>,
    options: &Options,
    header: &str,
) -> BTreeMap<String, String> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let rendered = templates
        .render_str(TEMPLATE, context! { header => header.trim_end(), aggregates => aggregates });
    let text = match rendered {
        Ok(text) => format!("{}\n", text.trim_end()),
        Err(error) => unreachable!("the template of the harness: {error}"),
    };
    let line = format!("#[allow(unused_imports)]\nuse {} as ontology;\n", options.module_path);
    BTreeMap::from([(FILE.to_owned(), text), (ONTOLOGY_FILE.to_owned(), line)])
}

/// What the template needs of an aggregate.
pub(crate) fn module(ontology: &Ontology, aggregate: &Aggregate) -> minijinja::Value {
    let view = View::new(aggregate, Types::of_aggregate(ontology, aggregate));
    let shared = super::shared_types(ontology);
    let own = own_types(&view);
    let names = Names::new(&own.union(&shared).cloned().collect());
    let (parts, themes) = parts_and_themes(&view, &names);
    let mut imports = Imports::new(own, shared).within("super::ontology");
    let parts: Vec<Part> =
        parts.into_iter().map(|part| part.map(|tokens| imports.resolve(tokens))).collect();
    let themes: Vec<_> = themes.iter().map(|theme| theme.rendered(&mut imports)).collect();
    let module = naming::rust_field(&aggregate.name);
    context! {
        name => &aggregate.name,
        // Beside it stands the module that holds them all, under this name.
        own_module => if module == "ontology" { "ontology_harness" } else { &*module },
        module,
        imports => imports.lines().trim_end(),
        items => layout::joined(&parts),
        has_fixture => fixture::is_needed(&view),
        themes,
    }
}

fn parts_and_themes(view: &View<'_>, names: &Names) -> (Vec<Part>, Vec<Theme>) {
    let rules = rules::value_rules(view, names);
    let guards = rules::guard_boundaries(view, names);
    let states = rules::state_boundaries(view, names);
    let mirrors: Vec<_> = view
        .aggregate
        .projections
        .iter()
        .map(|projection| (projection, rules::mirrors(view, names, projection)))
        .collect();
    let (projections, traced) = themes::projections(names, &mirrors);
    let asked = view.aggregate.projections.iter().map(|it| {
        let (items, tests) = queries::of(view, names, it);
        (items, (naming::rust_field(&it.name), tests))
    });
    let (asked, questions): (Vec<_>, Vec<_>) = asked.unzip();
    let mut all = vec![themes::schema(view), themes::migration(view, names)];
    all.extend(themes::of_stores(view, names));
    all.push(themes::invariants(view, names, &rules, &guards, &states));
    all.push(projections);
    all.push(themes::queries(questions));
    all.push(themes::tracing(names, traced));
    all.push(scenarios::scenarios(view, names));
    all.retain(|theme| !theme.is_empty());

    let mut parts = knowledge::items(view, names, &guards);
    let known = rules.into_iter().map(|rule| rule.known);
    let known = known.chain(guards.into_iter().chain(states).map(|boundary| boundary.known));
    let mirrors = mirrors.into_iter().flat_map(|(_, mirrors)| mirrors);
    let known = known.chain(mirrors.map(|mirror| mirror.known));
    parts.extend(known.map(|Known { part, .. }| part));
    parts.extend(asked.into_iter().flatten());
    (parts, all)
}
