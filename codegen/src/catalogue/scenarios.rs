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
        what: "A scenario expects events or an error without a command.",
        why: "Only a command emits or refuses.",
        example: "given: [{AccountOpened: {}}]\nthen: {error: InsufficientFunds}",
        fix: "Add `when:` with a command, or expect `state` or `rows`.",
    }
}
