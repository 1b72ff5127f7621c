//! From the ontology as written to the ontology as meant: names resolved, expressions typed.
//!
//! `load` comes before and reports what is wrong with the text; [`crate::check`] comes after and
//! judges what is sound but unwise. Every part is looked at, whatever is wrong with the others, so
//! that one build shows all mistakes. No file is read here and nothing is evaluated.

mod aggregate;
mod assign;
mod command;
mod config;
mod constants;
mod declared;
mod defaults;
mod derived;
mod emission;
mod event;
mod event_store;
mod expression;
mod fields;
mod invariant;
mod keys;
mod literal;
pub mod methods;
mod newtypes;
mod order;
pub(crate) mod pattern;
mod projection;
mod recognised;
mod refusals;
mod scenario;
mod sentence;
#[cfg(test)]
mod tests;
mod text_value;
mod tolerance;
mod types;
mod value_rule;

use crate::diagnostic::{Diagnostic, has_errors};
use crate::model;
use crate::source::Sources;
use crate::syntax;
pub(crate) use expression::listed;
use types::Types;

/// Resolves an ontology: a model only if there is no error.
pub fn resolve(
    ontology: &syntax::Ontology,
    sources: &Sources,
) -> (Option<model::Ontology>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let types = declare(ontology, &mut findings);
    let mut aggregates = Vec::new();
    for syntax in &ontology.aggregates {
        let source = sources.file(syntax.name.span.file).map_or("", |file| file.name.as_str());
        aggregates.extend(aggregate::resolve(syntax, source, &types, &mut findings));
    }
    if has_errors(&findings) {
        return (None, findings);
    }
    let config = types.config.to_model();
    let types = types.definitions_beyond(&Types::default());
    for aggregate in &mut aggregates {
        aggregate::set_meanings(aggregate, &types);
    }
    (Some(model::Ontology { types, config, aggregates }), findings)
}

/// The events alone with the shapes of their versions, where these are sound: what can be held to the lock
/// while something else is wrong, which [`resolve`] has told.
#[must_use]
pub fn events(ontology: &syntax::Ontology) -> Option<model::Ontology> {
    let mut findings = Vec::new();
    let types = declare(ontology, &mut findings);
    let events = |syntax| aggregate::events(syntax, &types, &mut findings);
    let aggregates = ontology.aggregates.iter().map(events).collect();
    let types = types.definitions_beyond(&Types::default());
    findings.is_empty().then_some(model::Ontology { types, config: Vec::new(), aggregates })
}

fn declare(ontology: &syntax::Ontology, findings: &mut Vec<Diagnostic>) -> Types {
    let mut types = Types::declare(&ontology.types, findings);
    defaults::of_records(&mut types, &ontology.types, findings);
    constants::resolve(&mut types, &ontology.constants, findings);
    config::resolve(&mut types, &ontology.config, findings);
    types
}
