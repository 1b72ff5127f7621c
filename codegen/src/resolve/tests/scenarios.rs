//! Scenarios: values by their fields' types, and what is filled in.

use super::{aggregate, assigned, bank};
use crate::model::Scenario;

const COMMANDS: &str = "commands:
  OpenAccount: {target: new, input: {owner: string}, emit: AccountOpened}
  DepositMoney: {input: {amount: decimal, transactionId: string = \"T0\", note: string?}, reject: {Bad: amount <= 0, Long: note.is_some()}, emit: MoneyDeposited}
projections:
  View: {source: [MoneyDeposited], target: db.view, columns: {accountId: string, balance: decimal}}
";

fn scenario(yaml: &str) -> Scenario {
    let lines: String = yaml.lines().map(|line| format!("    {line}\n")).collect();
    let yaml = bank(&format!("{COMMANDS}scenarios:\n  it works:\n{lines}"));
    aggregate(&yaml).scenarios.remove(0)
}

fn given(scenario: &Scenario) -> Vec<String> {
    let shown = scenario.given.iter().map(|(name, fields)| format!("{name} {}", assigned(fields)));
    shown.collect()
}

#[test]
fn the_given_is_filled_so_that_it_can_have_happened() {
    let found = scenario(
        "given:
  - AccountOpened: {owner: Ada}
  - MoneyDeposited: {amount: 5.00, transactionId: '5', depositedAt: '2026-02-01T00:00:00Z'}
  - MoneyDeposited: {amount: \"0.50\", transactionId: none2}
when: {DepositMoney: {amount: 1}}
then:
  events: [MoneyDeposited: {amount: 1.0}]
  state: {balance: 6.5, owner: Ada, status: Open}
  rows: {View: [{balance: 6.5}]}",
    );
    assert_eq!(found.stream_id, "bank-account-1");
    assert_eq!(
        given(&found),
        [
            "AccountOpened accountId=\"bank-account-1\" owner=\"Ada\" openedAt=time 1767225600000000",
            "MoneyDeposited accountId=\"bank-account-1\" amount=5d transactionId=\"5\" depositedAt=time 1769904000000000",
            "MoneyDeposited accountId=\"bank-account-1\" amount=0.5d transactionId=\"none2\" depositedAt=time 1769904001000000",
        ]
    );
    assert_eq!(found.first.now_micros, 1_769_904_002_000_000, "a second after what was given");
    let (_, input) = found.first.when.expect("a command");
    assert_eq!(assigned(&input), "amount=1d transactionId=\"T0\" note=none");
    let events = found.first.events.expect("events");
    assert_eq!(assigned(&events[0].1), "amount=1d", "only what is named is compared");
    assert_eq!(
        assigned(&found.first.state.expect("a state")),
        "balance=6.5d owner=(some \"Ada\") status='Open"
    );
    assert_eq!(assigned(&found.first.rows[0].1[0]), "balance=6.5d");
}

#[test]
fn the_stream_and_the_time_are_as_the_scenario_says() {
    let found = scenario(
        "given: [AccountOpened: {accountId: A-7, owner: Ada}]
now: 2026-03-01T12:00:00.5+01:00
when: {OpenAccount: {owner: Bob}}
then: {error: BankAccountAlreadyExists}",
    );
    assert_eq!(found.stream_id, "A-7");
    assert_eq!(found.first.now_micros, 1_772_362_800_500_000);
    assert_eq!(found.first.error.as_deref(), Some("BankAccountAlreadyExists"));
}
