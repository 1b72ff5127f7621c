//! Commands: steps, narrowing, events with filled fields, and unique keys.

use super::{aggregate, assigned, bank, resolve, show, titles};
use crate::model::{Aggregate, Command, Decision, Emission, Step};

fn commands(yaml: &str) -> Vec<Command> {
    aggregate(&bank(yaml)).commands
}

fn declared(command: &Command) -> (&[Step], &[Emission]) {
    let Decision::Declared { steps, emit, .. } = &command.decision else { panic!("declared") };
    (steps, emit)
}

fn shown(steps: &[Step]) -> Vec<String> {
    let step = |step: &Step| match step {
        Step::Reject(rejection) => {
            format!("{} {} {}", rejection.refusal, show(&rejection.when), show(&rejection.message))
        }
        Step::NothingToDo(condition) => format!("nothing {}", show(condition)),
        Step::Let(name, value) => format!("let {name} {}", show(value)),
        Step::Target => "target".to_owned(),
        Step::Unique(field) => format!("unique {field}"),
        Step::Unwrap { local, optional } => format!("unwrap {local} {}", show(optional)),
    };
    steps.iter().map(step).collect()
}

#[test]
fn fields_are_filled_from_the_input_the_stream_and_the_clock() {
    let commands = commands(
        "commands:
  OpenAccount: {target: new, input: {owner: string}, emit: AccountOpened}
  Import: {input: {amount: integer, depositedAt: timestamp}, emit: {MoneyDeposited: {transactionId: '\"import\"'}}}
",
    );
    let (_, emit) = declared(&commands[0]);
    assert_eq!(assigned(&emit[0].fields), "accountId=stream owner=input.owner openedAt=now");
    let (_, emit) = declared(&commands[1]);
    assert_eq!(
        assigned(&emit[0].fields),
        "accountId=stream amount=(widen input.amount) transactionId=\"import\" depositedAt=input.depositedAt"
    );
}

#[test]
fn what_a_step_has_rejected_narrows_what_follows() {
    let commands = commands(
        "commands:
  Pay:
    input: {amount: decimal?, transactionId: string?, note: string?}
    steps:
      - reject:
          NoAmount: {when: amount.is_none() || note == none, message: 'nothing in {amount}'}
          TooMuch: {when: amount > 100, message: '{amount} is too much'}
      - nothingToDo: state.owner.is_none()
      - let: {key: transactionId.unwrap_or(state.owner)}
    emit: {MoneyDeposited: {transactionId: key}}
",
    );
    let (steps, emit) = declared(&commands[0]);
    assert_eq!(
        shown(steps),
        [
            "NoAmount (Or (IsNone input.amount) (Equal input.note none)) (format \"nothing in \" input.amount)",
            "unwrap amount input.amount",
            "TooMuch (Greater $amount 100d) (format $amount \" is too much\")",
            "nothing (IsNone state.owner)",
            "unwrap owner state.owner",
            "let key (UnwrapOr input.transactionId $owner)",
        ],
        "what nothing reads, as `note`, is not bound"
    );
    assert_eq!(
        assigned(&emit[0].fields),
        "accountId=stream amount=$amount transactionId=$key depositedAt=now"
    );
}

#[test]
fn a_list_of_events_reads_the_state_before_and_after() {
    let commands = commands(
        "commands:
  Split:
    input: {parts: list<decimal>}
    emit:
      - {MoneyDeposited: {amount: part, transactionId: 'format(\"{part}\")'}, forEach: {part: parts}}
      - MoneyDeposited: {amount: after.balance - balance, transactionId: '\"rest\"'}
        when: after.balance > balance
        else: {AccountOpened: {owner: '\"nobody\"'}}
    ensure: {TooRich: after.balance <= 1000}
",
    );
    let (_, emit) = declared(&commands[0]);
    let [first, second] = emit else { panic!("two events") };
    let (local, list) = first.for_each.as_ref().expect("for each");
    assert_eq!((local.as_str(), show(list).as_str()), ("part", "input.parts"));
    assert_eq!(
        assigned(&first.fields),
        "accountId=stream amount=$part transactionId=(format $part) depositedAt=now"
    );
    let when = second.when.as_ref().map(show);
    assert_eq!(when.as_deref(), Some("(Greater after.balance state.balance)"));
    let otherwise = second.otherwise.as_ref().expect("else");
    assert_eq!(assigned(&otherwise.fields), "accountId=stream owner=\"nobody\" openedAt=now");
    let Decision::Declared { ensure, .. } = &commands[0].decision else { panic!("declared") };
    assert_eq!(show(&ensure[0].when), "(Greater after.balance 1000d)", "refused where it fails");
    assert_eq!(show(&ensure[0].message), "\"refused because of not (after.balance <= 1000)\"");
}

#[test]
fn a_refusal_can_keep_events() {
    let commands = commands(
        "commands:
  Pay:
    input: {amount: decimal, transactionId: string}
    reject:
      TooMuch: {when: amount > 100, emit: {MoneyDeposited: {amount: 0}}}
    emit: MoneyDeposited
",
    );
    let (steps, _) = declared(&commands[0]);
    let Step::Reject(rejection) = &steps[0] else { panic!("a rejection") };
    assert_eq!(
        assigned(&rejection.emit[0].fields),
        "accountId=stream amount=0d transactionId=input.transactionId depositedAt=now"
    );
}

fn keys(aggregate: &Aggregate) -> Vec<String> {
    let keys = aggregate.commands[0].keys.iter();
    keys.map(|(unique, value)| format!("{} {}", unique.field, show(value))).collect()
}

#[test]
fn keys_are_known_as_far_as_the_input_tells() {
    let unique = "invariants: [TransactionId must be unique (idempotency)]\n";
    for (command, expected) in [
        (
            "{input: {amount: decimal, transactionId: string}, emit: MoneyDeposited}",
            "transactionId input.transactionId",
        ),
        (
            "{input: {amount: decimal, id: string}, emit: {MoneyDeposited: {transactionId: 'format(\"t-{id}\")'}}}",
            "transactionId (format \"t-\" input.id)",
        ),
        (
            "{input: {amount: decimal, transactionId: string?}, reject: {NoId: transactionId.is_none()}, emit: MoneyDeposited}",
            "transactionId input.transactionId",
        ),
        (
            "{input: {amount: decimal}, emit: {MoneyDeposited: {transactionId: state.owner.unwrap_or(\"\")}}}",
            "",
        ),
        (
            "{input: {amount: decimal}, emit: {MoneyDeposited: {transactionId: 'format(\"{new_id()}\")'}}}",
            "",
        ),
    ] {
        let found = keys(&aggregate(&bank(&format!("commands:\n  Pay: {command}\n{unique}"))));
        assert_eq!(found.join(" "), expected, "{command}");
    }
}

#[test]
fn one_name_is_one_refusal() {
    let bank = aggregate(&bank(
        "commands:
  OpenAccount: {target: {new: AlreadyOpen}, input: {owner: string}, reject: {Bad: input.owner.is_empty()}, emit: AccountOpened}
  Pay: {input: {amount: decimal, transactionId: string}, reject: {Bad: amount <= 0, Worse: amount > 5}, emit: MoneyDeposited}
  Other: {target: any, handler: custom}
invariants:
  - Balance cannot be negative, else Worse
  - Events must be ordered by timestamp, else TooLate
",
    ));
    let refusals: Vec<String> = bank
        .refusals
        .iter()
        .map(|refusal| format!("{} {:?}: {}", refusal.name, refusal.role, refusal.description))
        .collect();
    assert_eq!(
        refusals,
        [
            "AlreadyOpen Rule: `OpenAccount`: The bank account exists already.",
            "Bad Rule: `OpenAccount`: `input.owner.is_empty()`; `Pay`: `amount <= 0`",
            "BankAccountNotFound NotFound: The bank account does not exist.",
            "Worse Rule: `Pay`: `amount > 5`; Balance cannot be negative, else Worse",
            "BankAccountAlreadyExists AlreadyExists: The bank account exists already.",
            "TooLate OutOfOrder: Events must be ordered by timestamp, else TooLate",
            "ArithmeticOverflow ArithmeticOverflow: A calculation left the range of its type.",
        ]
    );
    assert_eq!(bank.commands[2].target_refusal, None);
    assert_eq!(bank.commands[0].target_refusal.as_deref(), Some("AlreadyOpen"));
}

#[test]
fn a_command_can_not_read_a_state_that_is_written_by_hand() {
    let yaml = "
aggregateRoot: Shop
events: {Sold: {version: v1, schema: {}}}
commands: {Sell: {reject: {Empty: stock == 0, Closed: state.open}, emit: Sold}}
eventStore: {partitionKey: shopId}
";
    assert_eq!(titles(yaml), ["nothing here is named `stock`", "`state` cannot be read in `Sell`"]);
    let report = resolve(yaml).expect_err("mistakes");
    assert_eq!(report.matches("written by hand").count(), 2, "{report}");
}
