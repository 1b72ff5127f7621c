//! EL03xx: events and their versions.

super::codes! {
    VERSION_SYNTAX = "EL0301" {
        what: "A version is not written as versions are.",
        why: "Versions are counted, so that every step from one to the next can be checked.",
        example: "version: 1.0",
        fix: "Write `v1`, `v2` and so on.",
    }
    UNKNOWN_EVENT = "EL0310" {
        what: "There is no event of that name.",
        why: "Events are named per aggregate; a misspelt one must not be taken for a new one.",
        example: "emit: AccountOpend",
        fix: "Use one of the names the report lists, or declare the event.",
    }
    VERSIONS = "EL0311" {
        what: "The versions of an event have a gap, or one that is not earlier than the current.",
        why: "Events of every version ever written stay in the store and must be read step by step.",
        example: "version: v3\nhistory: {v2: {schema: {…}}}    # v1 is missing",
        fix: "Keep every version from v1 to the one before the current in `history`.",
    }
    UPCAST_MISSING = "EL0312" {
        what: "An upcast does not say what a field of the next version becomes.",
        why: "Old events do not have the field, and a guess would change history.",
        example: "version: v2\nschema: {reason: string}\nhistory: {v1: {schema: {}}}",
        fix: "Add the line the report shows: a value for old events, or the old name of the field.",
    }
    UPCAST_TYPE = "EL0313" {
        what: "A field changes its type between two versions without an upcast.",
        why: "Only integer to `decimal` and T to T? convert by themselves.",
        example: "schema: {count: integer}\nhistory: {v1: {schema: {count: string}}}",
        fix: "Add an `upcast` line that converts it.",
    }
    OCCURRED_AT = "EL0314" {
        what: "It is not clear when the event happens.",
        why: "Order, `as of` and time lines go by the event's one time.",
        example: "schema: {orderedAt: timestamp, dueAt: timestamp}",
        fix: "Add `occurredAt:` with the field, or `occurredAt: recorded`.",
    }
    APPLY_WITHOUT_STATE = "EL0315" {
        what: "An event has an `apply`, but the aggregate has no `state:`.",
        why: "Without `state:` the state and its fold are hand-written.",
        example: "apply: {balance: balance + amount}    # and no state:",
        fix: "Declare the fields under `state:`, or remove `apply`.",
    }
    NOTHING_TO_COPY = "EL0316" {
        what: "`..: event` has nothing to copy, or something that does not fit.",
        why: "It copies the fields that both sides have, and only of types that agree.",
        example: "apply: {..: event}    # the state shares no field with the event",
        fix: "Remove it, or set the fields in lines of their own.",
    }
    RETIRED = "EL0317" {
        what: "A retired event is emitted.",
        why: "`retired: true` keeps an event readable and promises that no new one is written.",
        example: "emit: AccountFrozen    # retired: true",
        fix: "Emit its successor, or remove `retired`.",
    }
    KEY_FIELD_TYPE = "EL0318" {
        what: "A field with the partition key's name is no string.",
        why: "It holds the stream's id, which is text.",
        example: "partitionKey: accountId\nschema: {accountId: integer}",
        fix: "Make it a `string`, or give the field another name.",
    }
    FEWER_DIGITS = "EL0319" {
        what: "A number takes fewer digits than in the version before.",
        why: "Digits are refused, never rounded by themselves: an old event with too many could not be read, and its stream neither.",
        example: "schema: {amount: 'decimal(6,2)'}\nhistory: {v1: {schema: {amount: 'decimal(10,2)'}}}",
        fix: "Keep the digits, or say in `upcast` what becomes of them: rounded where only digits after the point go.",
    }
}
