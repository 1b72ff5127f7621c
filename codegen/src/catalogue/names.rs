//! EL01xx: names and types.

super::codes! {
    NAME_EMPTY = "EL0101" {
        what: "A name is empty.",
        why: "A name becomes an identifier in Rust and in SQL.",
        example: "state:\n  \"\": decimal",
        fix: "Give it a name.",
    }
    NAME_CHARACTERS = "EL0102" {
        what: "A name has characters that a name can't have.",
        why: "A name becomes an identifier in Rust and in SQL, and a key in JSON; letters from A to Z, digits and underscores are the same in all of them.",
        example: "state:\n  account-id: string",
        fix: "Use letters, digits and underscores, the first a letter: `accountId`.",
    }
    NAME_TOO_LONG = "EL0103" {
        what: "A name is longer than 63 characters.",
        why: "PostgreSQL cuts longer identifiers off without a word, so that two could become one.",
        example: "state:\n  theNumberOfTheAccountFromWhichTheMoneyWasTakenBeforeItWasClosedAgain: string",
        fix: "Shorten it.",
    }
    NAME_KEYWORD = "EL0104" {
        what: "A name can't be written in Rust.",
        why: "`self`, `Self`, `super` and `crate` can't be identifiers, not even raw ones. Other keywords can.",
        example: "state:\n  self: string",
        fix: "Choose another name.",
    }
    NAME_TAKEN = "EL0105" {
        what: "A type would hide one that generated code uses.",
        why: "Generated code writes `Option`, `String` and a few others without a path, as a person would.",
        example: "events:\n  Option: {version: v1, schema: {}}",
        fix: "Choose a name of the domain.",
    }
    TYPE_SYNTAX = "EL0110" {
        what: "A type is not written as types are.",
        why: "Every field has one exact type.",
        example: "lines: list[Line]",
        fix: "Write a name, `decimal(12,2)`, `enum[A, B]` or `list<T>`, with `?` behind it where the value may be absent.",
    }
    NO_DEFAULT = "EL0111" {
        what: "A field has an equals sign and no default after it.",
        why: "A default that is started and not written is most likely forgotten.",
        example: "quantity: integer =",
        fix: "Write the value after `=`, or remove the `=`.",
    }
    CONSTANT_VALUE = "EL0112" {
        what: "A constant has no value, or no type.",
        why: "A constant is its value, and every value has one exact type.",
        example: "constants:\n  maxLines: integer",
        fix: "Write `name: type = value`, or `name: {type: …, value: …}` for a table.",
    }
}
