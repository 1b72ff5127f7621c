//! EL012x to EL019x: types, fields and their defaults.

super::codes! {
    UNKNOWN_TYPE = "EL0120" {
        what: "There is no type of that name.",
        why: "A field needs a type to be stored, compared and shown.",
        example: "schema: {amount: money}",
        fix: "Use a scalar type or one declared under `types:`.",
    }
    TYPE_FORM = "EL0121" {
        what: "A type is written in a form it does not have.",
        why: "Digits and `?` have one place each.",
        example: "amount: decimal(40,2)",
        fix: "Write `decimal(p,s)` with p from 1 to 28 and s up to p, and at most one `?`.",
    }
    NO_ZERO = "EL0123" {
        what: "A field of the state has a type without a zero and no default.",
        why: "The state of a stream without events must have a value for every field.",
        example: "state:\n  openedAt: timestamp",
        fix: "Make it optional (`openedAt: timestamp?`) or give a default.",
    }
    ENDLESS_TYPE = "EL0124" {
        what: "A record contains itself.",
        why: "A value of it would have no end.",
        example: "types:\n  Node: {next: Node}",
        fix: "Put a list between: `next: list<Node>`.",
    }
    VARIANTS = "EL0125" {
        what: "An enum has no variants, or one of them twice.",
        why: "The first variant is the initial value, and every variant is one value.",
        example: "status: enum[Open, Open]",
        fix: "Name every variant once.",
    }
    DIGITS = "EL0126" {
        what: "A constant has more digits than its type.",
        why: "`decimal(p,s)` refuses and never rounds, so this value could never be stored.",
        example: "fee: decimal(6,2) = 0.125",
        fix: "Write a value that fits, or widen the type.",
    }
    UNKNOWN_FIELD = "EL0127" {
        what: "A line sets a field that does not exist.",
        why: "The value would go nowhere.",
        example: "apply: {ballance: balance + amount}",
        fix: "Use one of the names the report lists, or declare the field.",
    }
    KEY_TYPE = "EL0140" {
        what: "A set or map is of a type that its members or keys can't have.",
        why: "They are told apart and kept in order by their text: amounts, times and records have several, or none.",
        example: "refunds: map<decimal, string>",
        fix: "Use a `string`, `integer`, enum, `uuid` or `date`, or a list of records.",
    }
    TWICE = "EL0141" {
        what: "A set has a member twice, or a map a key.",
        why: "Keeping one of two values would be a guess.",
        example: "then: {state: {tags: [new, new]}}",
        fix: "Write it once.",
    }
}
