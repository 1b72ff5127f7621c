//! EL09xx: what has been released: replay first, then what follows from a change, then the lock itself.

super::codes! {
    REMOVED = "EL0901" {
        what: "An aggregate, event or version that was released is no longer there.",
        why: "Stores hold events of it, which could not be read any more.",
        example: "events: {}    # and the lock has AccountOpened v1",
        fix: "Put it back; `retired: true` is for an event that is no longer written.",
    }
    RESHAPED = "EL0902" {
        what: "A version was changed after it was released, in a way that leaves room for every old value.",
        why: "Its bytes would be others, and a store refuses a version that has two shapes; a new version may be wider, and old values carry over.",
        example: "version: v1\nschema: {count: decimal}    # and v1 was released with count: integer",
        fix: "Declare the new shape as the next version, as the report spells it out.",
    }
    FIELD_ADDED = "EL0903" {
        what: "A field was added to a version that was released.",
        why: "Stored events of this version do not have it, whether or not it has a default.",
        example: "version: v1\nschema: {reason: string}    # and v1 was released without reason",
        fix: "Declare the next version, whose upcast or default gives the field for old events, as the report spells it out.",
    }
    FIELD_REMOVED = "EL0904" {
        what: "A field was removed from a version that was released.",
        why: "Stored events of this version have it, and an unknown field is damage.",
        example: "version: v1\nschema: {}    # and v1 was released with reason: string",
        fix: "Declare the next version without it, as the report spells it out.",
    }
    TYPE_CHANGED = "EL0905" {
        what: "A field of a version that was released has another type.",
        why: "Stored values can't be read as that type.",
        example: "version: v1\nschema: {count: string}    # and v1 was released with count: integer",
        fix: "Declare the next version with an upcast that converts old values, as the report spells it out.",
    }
    FIELD_RENAMED = "EL0906" {
        what: "A field of a version that was released has another name.",
        why: "Stored events have it under the old one.",
        example: "version: v1\nschema: {value: decimal}    # and v1 was released with amount: decimal",
        fix: "Declare the next version with `upcast: {newName: oldName}`, as the report spells it out.",
    }
    REQUIRED = "EL0907" {
        what: "A field that could be absent in a version that was released is required now.",
        why: "Stored events without it could not be read.",
        example: "version: v1\nschema: {note: string}    # and v1 was released with note: string?",
        fix: "Declare the next version with an upcast that says what becomes of none, as the report spells it out.",
    }
    VARIANT_LOST = "EL0908" {
        what: "An enum of a version that was released has lost a variant.",
        why: "Stored events that hold it could not be read.",
        example: "version: v1\nschema: {size: enum[Small]}    # and v1 was released with enum[Small, Large]",
        fix: "Declare the next version with an upcast that says what becomes of it, as the report spells it out.",
    }
    NARROWED = "EL0909" {
        what: "A number of a version that was released takes fewer digits now.",
        why: "Digits are refused, never rounded: stored events with more could not be read.",
        example: "version: v1\nschema: {amount: 'decimal(9,2)'}    # and v1 was released with decimal(9,4)",
        fix: "Declare the next version with an upcast that rounds, as the report spells it out.",
    }
    EVENT_RENAMED = "EL0910" {
        what: "An event that was released has another stored name.",
        why: "Stored events have the old one, and nothing leads from it to the new.",
        example: "MoneyPaidIn: {…}    # and the lock has MoneyDeposited",
        fix: "Add `storedAs:` with the released name.",
    }
    CASING = "EL0911" {
        what: "A released name is spelled with other capitals or underscores.",
        why: "Rust may see one name, but stored events do not: `accountId` and `account_id` are two.",
        example: "schema: {account_id: string}    # and v1 was released with accountId",
        fix: "Put the released spelling back, or map it in the upcast of a new version.",
    }
    PARTITION_KEY = "EL0912" {
        what: "The partition key of a released aggregate changed.",
        why: "Every stored event belongs to a stream that was named by it.",
        example: "eventStore: {partitionKey: customerId}    # and the lock has accountId",
        fix: "Put the released key back.",
    }
    UNIQUE_KEY = "EL0913" {
        what: "A unique key of a released event changed.",
        why: "Keys are claimed when an event is written: with others, two events with one value could both be accepted.",
        example: "invariants: []    # and the lock has transactionId as unique",
        fix: "Put the released invariant back.",
    }
    NAME_TAKEN = "EL0914" {
        what: "A name is used again that is taken for ever.",
        why: "Stores may hold events of that name, in other shapes and with another meaning.",
        example: "events: {AccountFrozen: {…}}    # and the lock has it as retired or reserved",
        fix: "Choose another name.",
    }
    FOLD = "EL0921" {
        what: "What a released event does to the state or to a read model changed, or when it happened.",
        why: "That is allowed, and nothing of the old result is trusted: snapshots drop, tables are built anew.",
        example: "apply: {balance: balance - amount}    # and it was released with balance + amount",
        fix: "Where it is meant, run `eventloom lock`.",
    }
    INVARIANT = "EL0922" {
        what: "An invariant of a released aggregate is new or tighter.",
        why: "It binds new decisions and never replay: streams may already break it.",
        example: "invariants: [Balance must be at least 10]    # and it was released with at least 0",
        fix: "Where it is meant, run `eventloom lock`.",
    }
    RETENTION_SHORTENED = "EL0923" {
        what: "Events of a released aggregate are kept for a shorter time.",
        why: "Older ones may be archived as soon as the program is deployed.",
        example: "retentionPolicy: 1 years    # and it was released with 7 years",
        fix: "Where it is meant, run `eventloom lock`.",
    }
    FORMAT = "EL0941" {
        what: "The lock has a format that this compiler does not know, or none.",
        why: "A lock that is half understood protects nothing.",
        example: "format 2",
        fix: "Build with the version that wrote it, or put the file back.",
    }
    LINE = "EL0942" {
        what: "A line of the lock can't be understood.",
        why: "A fact that is passed over protects nothing.",
        example: "BankAccount event AccountOpened",
        fix: "Put the line back as `eventloom lock` wrote it, for example with `git checkout`.",
    }
    CONFLICT = "EL0943" {
        what: "The lock has a merge conflict.",
        why: "What was released on each branch must both stay.",
        example: "<<<<<<< HEAD",
        fix: "Remove the markers, keep the lines of both sides, and run `eventloom lock`.",
    }
    CONTRADICTION = "EL0944" {
        what: "The lock says two things about one.",
        why: "A version has one shape; two branches may have released different ones.",
        example: "BankAccount partitionKey accountId\nBankAccount partitionKey customerId",
        fix: "Keep the line of what was released first.",
    }
    GAP = "EL0945" {
        what: "The lock has a version of an event, but not the one before.",
        why: "Versions are counted from v1, so a line was lost, and what it protected with it.",
        example: "BankAccount event AccountClosed v2 …    # and no v1",
        fix: "Put the line back, for example with `git checkout`.",
    }
}
