//! Whole ontologies and the parts of the model they become.

mod commands;
mod events;
mod invariants;
mod meaning;
mod projections;
mod scenarios;
mod types;

use super::expression::tests::show;
use crate::model::{Aggregate, Assignment, Ontology};
use crate::source::Sources;
use crate::{load, render};

/// The model of an ontology, or the report of what is wrong with it.
fn resolve(yaml: &str) -> Result<Ontology, String> {
    let sources = Sources::from_texts([("test.yaml", yaml)]);
    let loaded = load::load(&sources);
    let mut found = loaded.diagnostics;
    let (model, more) = super::resolve(&loaded.ontology, &sources);
    found.extend(more);
    let report = render::render(&found, &sources, render::Colour::Plain);
    model.filter(|_| report.is_empty()).ok_or(report)
}

/// The one aggregate of an ontology that is sound.
fn aggregate(yaml: &str) -> Aggregate {
    let mut ontology = resolve(yaml).unwrap_or_else(|report| panic!("{report}"));
    ontology.aggregates.remove(0)
}

/// The titles of what is wrong with an ontology.
fn titles(yaml: &str) -> Vec<String> {
    let report = resolve(yaml).expect_err("something is wrong with it");
    let titles = report.lines().filter_map(|line| line.split_once("]: "));
    titles.map(|(_, title)| title.to_owned()).collect()
}

/// Fields with their values, one beside the other.
fn assigned(assignments: &[Assignment]) -> String {
    let each = assignments.iter().map(|it| format!("{}={}", it.field, show(&it.value)));
    each.collect::<Vec<_>>().join(" ")
}

/// The bank that most of these tests change a little.
const BANK: &str = "
aggregateRoot: BankAccount
state:
  status: enum[Unopened, Open, Closed]
  owner: string?
  balance: decimal
events:
  AccountOpened:
    version: v1
    schema: {accountId: string, owner: string, openedAt: timestamp}
    apply: {status: Open, owner: event.owner}
  MoneyDeposited:
    version: v1
    schema: {accountId: string, amount: decimal, transactionId: string, depositedAt: timestamp}
    apply: {balance: balance + amount}
eventStore: {partitionKey: accountId}
";

/// The bank with more sections.
fn bank(more: &str) -> String {
    format!("{BANK}{more}")
}
