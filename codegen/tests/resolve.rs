//! Resolving whole ontologies from their files.

use std::path::Path;

use eventloom_codegen::diagnostic::has_errors;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{load, model, resolve};

fn resolved(yaml: &str) -> Result<model::Ontology, String> {
    let sources = Sources::from_texts([("test.yaml", yaml)]);
    let loaded = load::load(&sources);
    let mut found = loaded.diagnostics;
    let (ontology, more) = resolve::resolve(&loaded.ontology, &sources);
    found.extend(more);
    match ontology {
        Some(ontology) if !has_errors(&found) => Ok(ontology),
        _ => Err(render(&found, &sources, Colour::Plain)),
    }
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(path).expect("the ontology is part of the repository")
}

#[test]
fn the_bank_resolves() {
    let ontology =
        resolved(&read("ontology/banking-account.yaml")).unwrap_or_else(|e| panic!("{e}"));
    let bank = &ontology.aggregates[0];
    assert_eq!(bank.name, "BankAccount");
    let refusals: Vec<&str> = bank.refusals.iter().map(|refusal| refusal.name.as_str()).collect();
    assert_eq!(
        refusals,
        [
            "BankAccountAlreadyExists",
            "InitialBalanceNegative",
            "BankAccountNotFound",
            "AccountNotOpen",
            "AmountNotPositive",
            "InsufficientFunds",
            "BalanceNotZero",
            "BalanceCannotBeNegative",
            "NothingCanFollowAccountClosed",
            "DuplicateTransactionId",
            "OutOfOrder",
            "ArithmeticOverflow",
        ]
    );
    assert!(bank.projections[0].key_is_stream && !bank.projections[1].key_is_stream);
}

#[test]
fn the_seed_resolves_to_required_methods() {
    let seed = read("tests/data/ok/seed/banking-account.yaml");
    let ontology = resolved(&seed).unwrap_or_else(|e| panic!("{e}"));
    let bank = &ontology.aggregates[0];
    assert!(bank.state.is_none() && bank.events.iter().all(|event| event.apply.is_none()));
    assert!(bank.projections.iter().all(|view| view.columns.is_none() && view.on.is_none()));
    let behavior = bank.invariants.iter().find_map(|invariant| match &invariant.rule {
        model::Rule::Behavior { method, method_type, .. } => Some((method.as_str(), method_type)),
        _ => None,
    });
    assert_eq!(behavior, Some(("balance", &model::Type::Decimal(None))));
}
