//! EL04xx: commands.

super::codes! {
    FIELD_NOT_FILLED = "EL0410" {
        what: "An event is emitted without a value for one of its fields.",
        why: "Fields that are not written are filled from the input, the stream and the clock only; nothing else is guessed.",
        example: "input: {}\nemit: AccountClosed    # which has a reason",
        fix: "Give the value in `emit`, or add an input of that name.",
    }
    FILL_TYPE = "EL0411" {
        what: "An input has the name of an event's field, but another type.",
        why: "It would be filled from the input if the types agreed.",
        example: "input: {amount: string}\nemit: MoneyDeposited    # amount: decimal",
        fix: "Give the value in `emit`, or change one of the types.",
    }
    ELSE_WITHOUT_WHEN = "EL0412" {
        what: "An `else` stands without a `when`.",
        why: "Without a condition it is never emitted.",
        example: "emit: [{MoneyDeposited: {}, else: {DepositRefused: {}}}]",
        fix: "Add the condition, or remove the `else`.",
    }
    NOT_A_LIST = "EL0413" {
        what: "`forEach` goes through something that is no list.",
        why: "It emits once per element.",
        example: "forEach: {i: amount}",
        fix: "Name a list.",
    }
    INPUT_IS_KEY = "EL0414" {
        what: "An input has the name of the partition key.",
        why: "The caller says which stream the command goes to, and the name is known in the command; two values of one name could differ.",
        example: "partitionKey: accountId\ninput: {accountId: string}",
        fix: "Remove the input.",
    }
    CUSTOM_AND_DECLARED = "EL0415" {
        what: "A command is decided by hand and by the ontology.",
        why: "`handler: custom` makes a required method that decides alone.",
        example: "handler: custom\nemit: MoneyDeposited",
        fix: "Keep one of the two.",
    }
    EMITS_NOTHING = "EL0416" {
        what: "A command emits no event.",
        why: "What emits nothing changes nothing.",
        example: "commands:\n  CloseAccount: {input: {reason: string}}",
        fix: "Add `emit:`, or `handler: custom`.",
    }
    ENSURE_EMITS = "EL0417" {
        what: "An `ensure` has events to keep.",
        why: "It checks the outcome of the command's own events, none of which is kept.",
        example: "ensure: {LimitExceeded: {when: after.balance < 100, emit: LimitHit}}",
        fix: "Emit with the refusal of a `reject` step.",
    }
    REFUSES = "EL0418" {
        what: "A command lists refusals that it doesn't decide by hand, or one of them twice.",
        why: "`refuses` names what a hand-written decision may answer; what the ontology decides says when it refuses.",
        example: "refuses: [NoSeatLeft]    # without `handler: custom`",
        fix: "Say when it is refused, in `reject`, or decide by hand.",
    }
    MOVES_NO_CHECK = "EL0419" {
        what: "A step `target` or `unique` has no check to move.",
        why: "Such a step says where in the order the target is checked, or the key of a field looked up; it adds no check.",
        example: "target: any\nsteps: [target]",
        fix: "Remove it, or say what is checked: by the command's `target`, or by a rule `X must be unique`.",
    }
    KEEPS_BEFORE_TARGET = "EL0422" {
        what: "A refusal keeps events before the target is checked.",
        why: "The events would begin a stream that was never opened, or go into one that the command must not touch.",
        example: "target: existing\nsteps:\n  - reject: {WrongPin: {when: pin != input.pin, emit: PinFailed}}\n  - target",
        fix: "Put `- target` before the refusal, or leave it out: the target is checked first then.",
    }
    KEY_NOW_AND_THEN = "EL0423" {
        what: "A key recognises a command that claims it only now and then.",
        why: "The same input, sent for a second time and meant so, would be answered with the first outcome: what it should emit without that key would be lost.",
        example: "emit:    # `Welcome must be unique (idempotency)`, and MoneyAdded has no key\n  - {Welcomed: {welcome: input.source}, when: '!welcomed'}\n  - MoneyAdded",
        fix: "Let every way through the command claim a key that its input tells, or take `(idempotency)` off the rule: the value stays unique.",
    }
    HIDDEN = "EL0421" {
        what: "A field of an event would be filled by something else than what has its name here.",
        why: "A field that isn't written out is the input, the stream's id or the time of its name: not what a step or an element was named.",
        example: "steps: [{let: {amount: amount.round(2)}}]\nemit: Withdrawn    # amount is the input",
        fix: "Write the field out, or give the step or the element another name.",
    }
}
