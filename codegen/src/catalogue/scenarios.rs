//! EL07xx: scenarios.

super::codes! {
    VALUE = "EL0701" {
        what: "A value of a scenario or a constant is not of its type.",
        why: "A scenario tells what happens with values that can be, and a constant is one.",
        example: "given: [{AccountOpened: {initialBalance: much}}]",
        fix: "Write the value in the form that the report shows.",
    }
    MISSING_VALUE = "EL0702" {
        what: "A scenario leaves out a value that can't be filled.",
        why: "The stream's id, times, defaults and none are filled; anything else would be made up.",
        example: "when: {WithdrawMoney: {transactionId: T1}}    # amount is missing",
        fix: "Give the value.",
    }
    STREAM = "EL0703" {
        what: "A scenario names two streams.",
        why: "Given and then are about the one stream that the command goes to.",
        example: "given: [{AccountOpened: {accountId: A1}}, {MoneyDeposited: {accountId: A2}}]",
        fix: "Use one id, or leave the ids out.",
    }
    UNKNOWN_COMMAND = "EL0704" {
        what: "There is no command of that name.",
        why: "The scenario could not be run.",
        example: "when: {WithdrawMony: {amount: \"1\"}}",
        fix: "Use one of the names the report lists.",
    }
    UNKNOWN_REFUSAL = "EL0705" {
        what: "There is no refusal of that name.",
        why: "The scenario could never pass.",
        example: "then: {error: InsufficientFund}",
        fix: "Use one of the names the report lists.",
    }
    UNKNOWN_PROJECTION = "EL0706" {
        what: "There is no projection of that name.",
        why: "There would be no rows to compare.",
        example: "then: {rows: {BalanceView: []}}",
        fix: "Use one of the names the report lists.",
    }
    NOT_COMPARABLE = "EL0707" {
        what: "A scenario compares what the ontology does not declare.",
        why: "Hand-written states and rows have fields that the ontology does not know.",
        example: "then: {state: {balance: \"1\"}}    # and no state:",
        fix: "Declare the fields, or compare events.",
    }
    NOTHING_EXPECTED = "EL0708" {
        what: "A scenario expects nothing.",
        why: "It could never fail.",
        example: "when: {OpenAccount: {customerId: C1}}    # and no then:",
        fix: "Add `then:` with `events`, `error`, `state` or `rows`.",
    }
    WITHOUT_COMMAND = "EL0709" {
        what: "A scenario expects events or an error, or gives ids, without a command.",
        why: "Only a command emits or refuses, or asks for new ids.",
        example: "given: [{AccountOpened: {}}]\nthen: {error: InsufficientFunds}",
        fix: "Add `when:` with a command, or expect `state` or `rows`.",
    }
    SAME_ID = "EL0711" {
        what: "A scenario gives one id twice.",
        why: "`new_id()` gives another id at every call, so what the scenario shows could never happen.",
        example: "ids: [67e55044-10b1-426f-9247-bb680e5fe0c8, 67e55044-10b1-426f-9247-bb680e5fe0c8]",
        fix: "Write another id.",
    }
    TIME_GOES_BACK = "EL0712" {
        what: "A step of a scenario goes back in time.",
        why: "What happens later in a stream has no earlier time, so the scenario could never happen.",
        example: "steps:\n  - {when: Open, advanceTo: 2026-02-01T00:00:00Z}\n  - {when: Close, advanceTo: 2026-01-01T00:00:00Z}",
        fix: "Advance to a time that is no earlier than that of the step before.",
    }
}
