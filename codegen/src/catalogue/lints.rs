//! Warnings: what is sound, and most likely a slip or a model that will be regretted. Each can be allowed
//! where it is meant, with `allow: {EL0351: reason}`.

super::codes! {
    UNUSED_ALLOW = "EL0051" {
        what: "`allow` names a warning that does not come up there.",
        why: "It would hide the next one, which nobody has looked at.",
        example: "allow: {EL0420: the caller will need it}    # and every input is used",
        fix: "Remove it.",
    }
    NEVER_SET = "EL0330" {
        what: "No event ever sets a field of the state that has no default.",
        why: "It keeps its first value for ever, so the field or an `apply` is likely a slip.",
        example: "state: {limit: decimal}    # and no apply sets limit",
        fix: "Set it in an `apply`, or remove it.",
    }
    UNREAD_STATE = "EL0350" {
        what: "Nothing looks at a field of the state.",
        why: "The state is what decisions need: a field that no command, rule, mirrored column or scenario looks at is carried for nothing, or a rule about it is missing.",
        example: "state: {nickname: string}    # set by an apply, and read by nothing",
        fix: "Remove it, use it, or name it in the `state` of a scenario.",
    }
    UNREAD_FIELD = "EL0351" {
        what: "Nothing looks at a field of an event.",
        why: "Events are kept for ever: a field that no apply, projection, rule or scenario looks at is a promise nobody asked for, or its use is missing.",
        example: "MoneyDeposited: {schema: {amount: decimal, channel: string}}    # and nothing reads channel",
        fix: "Remove it, use it, or name it in the `events` of a scenario.",
    }
    NEVER_EMITTED = "EL0352" {
        what: "No command emits an event.",
        why: "What can't happen needs no fold; most likely a command forgot it.",
        example: "events: {AccountFrozen: {…}}    # and no command emits AccountFrozen",
        fix: "Emit it, mark it `retired: true` where it is no longer written, or remove it.",
    }
    NO_EFFECT = "EL0353" {
        what: "An event changes nothing that anybody sees.",
        why: "Neither the state, nor a projection, nor a rule takes notice of it.",
        example: "NoteTaken: {apply: {}}    # and no projection has it as a source",
        fix: "Apply it, show it in a projection, or say that it is kept for the record: `allow: {EL0353: reason}`.",
    }
    FAT_EVENT = "EL0354" {
        what: "An event has more fields than one fact needs.",
        why: "Whoever reads it can't tell what happened, and each of its fields must stay readable for ever. More than 16 fields is our own measure.",
        example: "OrderChanged: {schema: {customer: …, items: …, status: …, address: …, discount: …, …}}",
        fix: "Write one event per thing that happened, or group fields that belong together in a record under `types`.",
    }
    STATE_AS_EVENT = "EL0355" {
        what: "An event holds the whole state.",
        why: "It says what is, and not what happened: two such events from two decisions overwrite each other, and no projection can tell what changed.",
        example: "OrderChanged: {apply: {..: event}}    # sets every field of the state",
        fix: "Write an event for each thing that can happen, with the fields that it changes.",
    }
    CRUD_NAMES = "EL0356" {
        what: "Every event is a created, updated or deleted.",
        why: "Such events say which row changed and not why, so the history answers no question that a table with a time stamp would not.",
        example: "events: {CustomerCreated: {…}, CustomerUpdated: {…}, CustomerDeleted: {…}}",
        fix: "Name events after what happened in the business, such as `CustomerMoved`, or keep this in a table.",
    }
    NO_DECISION = "EL0357" {
        what: "No command of an aggregate depends on what happened before.",
        why: "Without a decision that reads the state, events are only a log of inputs: you may not need event sourcing here.",
        example: "commands: {SetName: {input: {name: string}, emit: NameSet}}    # and no rule at all",
        fix: "Add the rules that the domain has, or keep this in a table.",
    }
    UNBOUNDED_STATE = "EL0358" {
        what: "A collection of the state only ever grows.",
        why: "It is loaded, copied and written into each snapshot, so that every command on the stream gets slower for ever.",
        example: "apply: {payments: payments.push(paymentId)}    # and nothing removes one or limits their number",
        fix: "Limit it by a rule on its `len()`, remove what is done, or keep it in a projection.",
    }
    UNUSED_INPUT = "EL0420" {
        what: "A command never uses one of its inputs.",
        why: "The caller would give it for nothing, so it or an event's field is likely a slip.",
        example: "input: {amount: decimal, note: string}    # and no event has a note",
        fix: "Use it in a step or an event, or remove it.",
    }
    MONEY_WITHOUT_KEY = "EL0440" {
        what: "A command adds to or takes from an amount, and nothing recognises a retry.",
        why: "A caller that gets no answer sends it again, and the amount moves twice.",
        example: "DepositMoney: {input: {amount: decimal}, emit: MoneyDeposited}    # balance + amount",
        fix: "Give the event an id from the caller, and add the invariant `TransactionId must be unique (idempotency)`.",
    }
    UNTESTED_GUARD = "EL0441" {
        what: "Nothing tests a refusal.",
        why: "Cases on both sides are derived from comparisons of numbers; every other condition needs a scenario that meets it.",
        example: "reject: {AccountNotOpen: status != Open}    # and no scenario ends in AccountNotOpen",
        fix: "Tell a scenario with this command that ends in the refusal.",
    }
    KEY_AFTER_REFUSAL = "EL0442" {
        what: "A key that recognises a retry is looked up after a step that can end the retry otherwise.",
        why: "What the command itself has changed can meet it: the caller who sends it again for want of an answer is told that it was refused, though it was carried out.",
        example: "steps: [{reject: {InsufficientFunds: balance < amount}}, {unique: transactionId}]    # (idempotency)",
        fix: "Move the step `unique` up, or remove it: then the key is looked up before all else.",
    }
    STEP_IN_PLACE = "EL0443" {
        what: "A step `target` or `unique` stands where the check has its place anyway.",
        why: "Keys are looked up first, and the target is checked before the steps: the step moves nothing.",
        example: "steps: [target, {reject: {AmountNotPositive: amount <= 0}}]",
        fix: "Remove it, or move it behind what shall come first.",
    }
    NO_ROW_EVER = "EL0647" {
        what: "A projection never makes a row.",
        why: "`update` and `delete` are of rows that are there: its table would stay empty.",
        example: "on: {MoneyDeposited: {update: {balance: row.balance + amount}, onMissing: skip}}    # and nothing else",
        fix: "Begin the row by `insert` or `upsert`, with the event by which it comes into being.",
    }
}
