//! EL024x: derived values and `config`.

super::codes! {
    CYCLE = "EL0240" {
        what: "A derived value depends on itself.",
        why: "It would never have a value.",
        example: "derived: {total: net + tax, tax: total - net}",
        fix: "Say one of them by fields of the state.",
    }
    TAKEN = "EL0241" {
        what: "A derived value has a name that is taken.",
        why: "Fields of the state and derived values are read alike, so one name would mean two things.",
        example: "state: {total: decimal}\nderived: {total: lines.sum(|line| line.price)}",
        fix: "Rename one of them, or remove the field.",
    }
    BY_HAND = "EL0242" {
        what: "There are derived values, and no state that they could be derived from.",
        why: "A state that is written by hand has fields that the ontology does not know.",
        example: "derived: {total: net + tax}    # without `state:`",
        fix: "Declare the fields under `state:`, or write a method of the state.",
    }
    CALL = "EL0243" {
        what: "A derived value is asked with other input than it has.",
        why: "One with input is a function of it, one without is a value.",
        example: "reject: {Poor: owes}    # owes: {input: {amount: decimal}, value: balance < amount}",
        fix: "Give each input in its order, `owes(5)`; without input there are no parentheses.",
    }
    TOO_MUCH = "EL0244" {
        what: "A derived value, with all that it names, is too much for one value.",
        why: "Derived values that name each other twice double with each; it would be computed anew each time.",
        example: "derived: {a: b + b, b: c + c, c: d + d}    # and so on",
        fix: "Keep a part of it in the state, set by the events that change it.",
    }
    DEFAULT = "EL0245" {
        what: "An input of a derived value has a default.",
        why: "It is asked with all of its input, so the default would never count.",
        example: "owes: {input: {amount: decimal = 5}, value: balance < amount}",
        fix: "Remove the default.",
    }
    CONFIG_NOT_HERE = "EL0246" {
        what: "`config` is read where results must not depend on it.",
        why: "A fold is repeated over the same events for ever, by programs that are set otherwise: it must give the same each time.",
        example: "apply: {lines: 'if lines.len() < config.maxLines { lines.push(line) } else { lines }'}",
        fix: "Decide by it in a command, and keep what follows in the event.",
    }
    NO_DEFAULT = "EL0247" {
        what: "A value of `config` has no default.",
        why: "A program need not set it, and the generated tests run with the defaults.",
        example: "config: {maxLines: integer}",
        fix: "Add a default: `maxLines: integer = 20`.",
    }
}
