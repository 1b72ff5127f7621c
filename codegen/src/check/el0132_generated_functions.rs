//! Two generated functions of one name.
//!
//! The module of an aggregate has a function `fold_p_e` for a projection `P` and an event `E`. The
//! trait of its hand-written parts has `apply_e` for an event, `decide_c` for a command, and a method
//! for each value that a rule asks for, which must not hide one that every value has. The rows of a
//! projection have a function for each query and index, beside those that all rows have.

use std::collections::BTreeMap;

use super::Checked;
use crate::catalogue::checks::GENERATED_FUNCTION;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Decision, Rule};
use crate::naming::snake;
use crate::resolve::listed;
use crate::source::Span;
use crate::syntax;

/// Methods that a state has anyway.
const ALWAYS_THERE: [&str; 10] = [
    "borrow",
    "clone",
    "clone_from",
    "default",
    "deserialize",
    "eq",
    "fmt",
    "ne",
    "serialize",
    "to_owned",
];

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let Some(model) = model else { continue };
        let mut folds = Functions::default();
        for projection in &model.projections {
            let place = projection_place(syntax, &projection.name);
            for event in &projection.source {
                let name = format!("fold_{}_{}", snake(&projection.name), snake(event));
                folds.add(name, format!("`{}` on `{event}`", projection.name), place, findings);
            }
        }
        behavior(syntax, model, findings);
        findings.extend(syntax.derived.iter().filter_map(|(name, _)| hidden(name)));
        for (name, projection) in &syntax.projections {
            queries(name, projection, findings);
        }
    }
}

/// Functions that the rows of every projection have: those of the runtime's `ReadModel`.
const OF_ROWS: [&str; 8] =
    ["clone", "count", "find", "find_groups", "find_total", "get", "open", "page"];
/// Methods that traits of Rust's prelude give to every value.
const OF_VALUES: [&str; 3] = ["into", "to_owned", "try_into"];
/// What to do about a query of such a name.
const ANOTHER_NAME: &str = "choose another name for the query";
/// What to do about two indexes of one function: an index has no name of its own.
const INDEXES_MEET: &str = "rename a column, or remove one of the two indexes";

fn queries(of: &syntax::Text, projection: &syntax::Projection, findings: &mut Vec<Diagnostic>) {
    let mut functions = Functions::default();
    for index in &projection.indexes {
        let columns: Vec<String> = index.iter().map(|column| snake(&column.value)).collect();
        let name = format!("find_by_{}", columns.join("_and_"));
        let place = index.first().map_or(of.span, |column| column.span);
        let columns: Vec<&str> = index.iter().map(|column| column.value.as_str()).collect();
        let what = format!("the index of {}", listed(&columns));
        functions.add_with(name, what, place, INDEXES_MEET, findings);
    }
    for (query, _) in &projection.queries {
        let (name, what) = (snake(&query.value), format!("the query `{}`", query.value));
        let hides = [
            (OF_ROWS.as_slice(), "a function that all rows have"),
            (OF_VALUES.as_slice(), "a method that every value has"),
        ];
        if let Some((_, other)) = hides.iter().find(|(names, _)| names.contains(&name.as_str())) {
            let title = format!("{what} would be hidden by {other}");
            let label = format!("becomes `{name}`");
            let found = Diagnostic::error(&GENERATED_FUNCTION, title, query.span, label);
            findings.push(found.help(ANOTHER_NAME));
        } else {
            functions.add_with(name, what, query.span, ANOTHER_NAME, findings);
        }
    }
}

/// A derived value is a method of the state, which must not hide one that every value has.
fn hidden(name: &syntax::Text) -> Option<Diagnostic> {
    let method = snake(&name.value);
    if !ALWAYS_THERE.contains(&method.as_str()) {
        return None;
    }
    let title = format!("`{}` would hide the method `{method}` of the state", name.value);
    let found = Diagnostic::error(&GENERATED_FUNCTION, title, name.span, "this derived value");
    Some(found.help("choose another name"))
}

fn behavior(syntax: &syntax::Aggregate, model: &Aggregate, findings: &mut Vec<Diagnostic>) {
    let mut methods = Functions::default();
    let by_hand = model.events.iter().filter(|event| event.apply.is_none());
    for event in by_hand {
        let name = format!("apply_{}", snake(&event.name));
        methods.add(name, format!("the fold of `{}`", event.name), syntax.name.span, findings);
    }
    let custom = |command: &&crate::model::Command| matches!(command.decision, Decision::Custom(_));
    for command in model.commands.iter().filter(custom) {
        let name = format!("decide_{}", snake(&command.name));
        methods.add(name, format!("the command `{}`", command.name), syntax.name.span, findings);
    }
    let mut asked: Vec<&str> = Vec::new();
    for invariant in &model.invariants {
        let Rule::Behavior { method, .. } = &invariant.rule else { continue };
        if asked.contains(&method.as_str()) {
            continue;
        }
        asked.push(method);
        let (name, place) = (snake(method), sentence_place(syntax, &invariant.text));
        let what = format!("the rule “{}”", invariant.text);
        if ALWAYS_THERE.contains(&name.as_str()) {
            let title = format!("{what} needs a method `{name}`, which every state has already");
            let found = Diagnostic::error(&GENERATED_FUNCTION, title, place, "this rule");
            findings.push(found.help("use another word for the value"));
        } else {
            methods.add(name, what, place, findings);
        }
    }
}

/// Functions of one module or trait, by name.
#[derive(Default)]
struct Functions(BTreeMap<String, (String, Span)>);

impl Functions {
    fn add(&mut self, name: String, what: String, place: Span, findings: &mut Vec<Diagnostic>) {
        self.add_with(name, what, place, "rename one of them", findings);
    }

    /// The same, with what to do about it.
    fn add_with(
        &mut self,
        name: String,
        what: String,
        place: Span,
        help: &str,
        findings: &mut Vec<Diagnostic>,
    ) {
        if let Some((first, first_place)) = self.0.get(&name) {
            let title = format!("{first} and {what} are one Rust function");
            findings.push(
                Diagnostic::error(&GENERATED_FUNCTION, title, place, format!("becomes `{name}`"))
                    .place(*first_place, format!("becomes `{name}` too"))
                    .help(help),
            );
            return;
        }
        self.0.insert(name, (what, place));
    }
}

fn projection_place(syntax: &syntax::Aggregate, name: &str) -> Span {
    let found = syntax.projections.iter().find(|(known, _)| known.value == name);
    found.map_or(syntax.name.span, |(known, _)| known.span)
}

fn sentence_place(syntax: &syntax::Aggregate, text: &str) -> Span {
    let found = syntax.invariants.iter().find_map(|invariant| match invariant {
        syntax::Invariant::Sentence(sentence) => {
            (sentence.text.trim() == text).then_some(sentence.span)
        }
        syntax::Invariant::Check { .. } => None,
    });
    found.unwrap_or(syntax.name.span)
}
