//! EL05xx: invariants.

super::codes! {
    NO_FORM = "EL0501" {
        what: "A sentence has none of the forms that rules have.",
        why: "A rule that is not understood would not be checked.",
        example: "- Balance must not be negative",
        fix: "Use one of the forms the report lists, or a mapping `{name: …, check: …}`.",
    }
    UNKNOWN_SUBJECT = "EL0502" {
        what: "A sentence is about something that the aggregate does not have.",
        why: "Its rule would bind nothing.",
        example: "- Ballance cannot be negative",
        fix: "Name a field of the state or of an event, or an event.",
    }
    SUBJECT_TYPE = "EL0503" {
        what: "A sentence does not fit the type of its subject.",
        why: "Only numbers, times and spans have a sign or an order, only texts and lists can be empty.",
        example: "- Status cannot be negative",
        fix: "Use a form that fits the type, or a mapping with `check:`.",
    }
    NEEDS_STATE = "EL0504" {
        what: "A rule needs a declared state.",
        why: "It compares the state before and after an event, which a hand-written state does not show.",
        example: "- Version must never decrease    # and no state:",
        fix: "Declare the field under `state:`, or keep the rule in the hand-written behaviour.",
    }
    TRANSITION = "EL0505" {
        what: "A rule about transitions names what is no variant.",
        why: "`moves` goes from variant to variant of an enum.",
        example: "- Status moves Opend → Closed",
        fix: "Use the variants the report lists.",
    }
    ACROSS = "EL0506" {
        what: "`across all` names another kind of aggregate.",
        why: "A value can be unique among the streams of its own type.",
        example: "- TransactionId must be unique across all customers    # in BankAccount",
        fix: "Name the aggregate itself: `across all bank accounts`.",
    }
    NOT_A_KEY = "EL0507" {
        what: "A field cannot be a unique key.",
        why: "Keys are claimed as short text; and the partition key stands in every event of a stream.",
        example: "- AccountId must be unique    # the partition key",
        fix: "Choose a field of type string, integer, decimal, uuid, enum, date or timestamp that differs from event to event.",
    }
    NOT_AN_EVENT = "EL0508" {
        what: "A rule about the order of events names none.",
        why: "Its rule would bind nothing.",
        example: "- Nothing can follow AccountClosd",
        fix: "Use one of the events the report lists.",
    }
    REFUSAL_NAME = "EL0509" {
        what: "The refusal of a rule has no usable name.",
        why: "It becomes a variant of the error enum.",
        example: "- Balance cannot be negative, else 1stRule",
        fix: "Give it a name after `, else`: letters and digits, starting with a letter.",
    }
    TWO_TYPES = "EL0510" {
        what: "Two sentences need one value of the hand-written state in two types.",
        why: "Each value becomes one method of the behaviour.",
        example: "- Owner must not be empty\n- Owner cannot be negative",
        fix: "Remove one of the sentences.",
    }
    RELEASES_NOTHING = "EL0511" {
        what: "An event releases what is no unique key of it.",
        why: "What becomes free is the event's own value of a field that a rule calls unique.",
        example: "SeatLeft: {release: seat}    # and no rule `Seat must be unique`",
        fix: "Name a field of the event that is unique.",
    }
    RELEASES_COMMAND = "EL0512" {
        what: "An event releases a key by which commands are recognised.",
        why: "A command that is sent again after that would be carried out a second time.",
        example: "PaymentUndone: {release: paymentId}    # unique (idempotency)",
        fix: "Remove `(idempotency)` from the rule, or `release` from the event.",
    }
    AFTER = "EL0513" {
        what: "A check's `after` names no event, or one twice.",
        why: "A check that is made after no event would never be made.",
        example: "- {name: NotTooMany, check: size < 10, after: []}",
        fix: "Name each event once, or leave `after` out: then the state is checked after every command.",
    }
}
