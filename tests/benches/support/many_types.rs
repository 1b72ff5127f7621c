//! The same aggregate with any number of event types, twice: as Eventloom generates it from an
//! ontology, and as it is written by hand with serde's derives. Only texts; `compile_time` builds them.

use std::fmt::Write;

use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{ROOT_FILE, compile_sources};

/// What Eventloom generates for the package `ours`.
pub(crate) fn generated(count: usize) -> String {
    let sources = Sources::from_texts([("ledger.yaml", ontology(count))]);
    let mut outcome = compile_sources(&sources, &Options::for_package("ours"));
    outcome
        .files
        .remove(ROOT_FILE)
        .unwrap_or_else(|| panic!("{}", render(&outcome.diagnostics, &sources, Colour::Plain)))
}

fn ontology(count: usize) -> String {
    let mut text = String::from(ONTOLOGY_HEAD);
    for number in 0..count {
        let event = ONTOLOGY_EVENT.replace("{N}", &name(number));
        text.push_str(&event.replace("{SIGN}", sign(number)));
    }
    text.push_str("eventStore:\n  partitionKey: accountId\n");
    text
}

/// What people write instead: derives, an internally tagged enum, state and `apply`.
pub(crate) fn derived(count: usize) -> String {
    let mut text = String::from(DERIVED_HEAD);
    for number in 0..count {
        text.push_str(&DERIVED_EVENT.replace("{N}", &name(number)));
    }
    text.push_str(DERIVED_ENUM);
    for number in 0..count {
        let event = name(number);
        writeln!(text, "    {event}({event}),").expect("a String takes everything");
    }
    text.push_str(DERIVED_APPLY);
    for number in 0..count {
        let arm = DERIVED_ARM.replace("{N}", &name(number));
        text.push_str(&arm.replace("{SIGN}", sign(number)));
    }
    text.push_str(DERIVED_TAIL);
    text
}

fn name(number: usize) -> String {
    format!("Event{number:04}")
}

fn sign(number: usize) -> &'static str {
    if number.is_multiple_of(2) { "+" } else { "-" }
}

const ONTOLOGY_HEAD: &str = "\
aggregateRoot: Ledger
state:
  accountId: string?
  balance: decimal
  count: integer
events:
";

const ONTOLOGY_EVENT: &str = "  {N}:
    version: v1
    schema:
      accountId: string
      amount: decimal
      at: timestamp
      note: string?
      count: integer
    apply:
      accountId: event.accountId
      balance: balance {SIGN} amount
      count: state.count + event.count
";

const DERIVED_HEAD: &str = "\
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

";

const DERIVED_EVENT: &str = r#"#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct {N} {
    pub account_id: String,
    pub amount: Decimal,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub count: i64,
}

"#;

const DERIVED_ENUM: &str = r#"#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum LedgerEvent {
"#;

const DERIVED_APPLY: &str = r#"}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerState {
    pub account_id: Option<String>,
    pub balance: Decimal,
    pub count: i64,
}

pub fn apply(state: &mut LedgerState, event: &LedgerEvent) {
    match event {
"#;

const DERIVED_ARM: &str = "        LedgerEvent::{N}(event) => {
            state.account_id = Some(event.account_id.clone());
            state.balance {SIGN}= event.amount;
            state.count += event.count;
        }
";

/// Derived code is generic: without callers for a concrete format, nothing of it would be built.
const DERIVED_TAIL: &str = "    }
}

pub fn write(event: &LedgerEvent) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(event)
}

pub fn read(data: &[u8]) -> serde_json::Result<LedgerEvent> {
    serde_json::from_slice(data)
}

pub fn write_state(state: &LedgerState) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(state)
}

pub fn read_state(data: &[u8]) -> serde_json::Result<LedgerState> {
    serde_json::from_slice(data)
}
";
