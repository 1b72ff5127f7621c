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
    NEWTYPE = "EL0142" {
        what: "A named type stands for a type that takes no name, or has a rule that its type can't have.",
        why: "Texts and numbers have rules of their own each; what is neither has none.",
        example: "types:\n  Quantity: integer matching [0-9]+",
        fix: "Name a `string`, `integer`, `decimal`, `uuid`, `date` or `duration`, with the rules that the report lists.",
    }
    RULE = "EL0143" {
        what: "A rule of a named type can't be read, or no value keeps the rules.",
        why: "Every new value is checked against them.",
        example: "types:\n  Quantity: integer from 10 to 1",
        fix: "Write a number with all its digits, or a regular expression, and leave room for values.",
    }
    BREAKS_RULE = "EL0144" {
        what: "A value that is written out breaks a rule of its type.",
        why: "It would be refused each time.",
        example: "types:\n  Currency: string matching [A-Z]{3}\nstate:\n  currency: Currency = \"euro\"",
        fix: "Write a value that keeps the rule, or change the rule.",
    }
    UNCHECKED = "EL0145" {
        what: "A value becomes one of a named type where nothing checks its rules.",
        why: "Commands check them before anything is recorded; a fold must give the same result for ever, whatever the rules are by then.",
        example: "apply: {quantity: quantity + 1}   # `quantity` of the state is `Quantity`",
        fix: "Let the event carry a value of the type, or declare the field with the plain type.",
    }
    DEFAULT = "EL0146" {
        what: "A default is no value that the build can work out.",
        why: "It stands where nothing has happened yet: nothing could be told of a calculation that fails.",
        example: "state:\n  minutes: integer = 24 * 60 / 0",
        fix: "Write the value, or arithmetic on literals and constants that has one.",
    }
}
