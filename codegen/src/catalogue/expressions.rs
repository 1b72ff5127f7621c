//! EL02xx: expressions.

super::codes! {
    TOO_LONG = "EL0201" {
        what: "An expression is longer than 4 KiB.",
        why: "A rule that long can be checked by nobody; the limit also keeps the parser safe.",
        example: "apply: {balance: a + a + a …}",
        fix: "Name parts of it with `let`, or keep the result in a state field.",
    }
    TOO_DEEP = "EL0202" {
        what: "An expression nests deeper than 64 levels.",
        why: "The parser is recursive; the limit keeps it from running out of stack.",
        example: "reject: {Never: !!!!…!!!!closed}",
        fix: "Name parts of it with `let`, or keep the result in a state field.",
    }
    NOT_READABLE = "EL0203" {
        what: "An expression cannot be read.",
        why: "It does not follow the grammar, so its meaning is unknown.",
        example: "apply: {balance: balance + }",
        fix: "Write a whole expression, for example `balance + amount`.",
    }
    FOREIGN_SYNTAX = "EL0204" {
        what: "An expression uses Rust that is not part of the language.",
        why: "The language is a small, total and pure part of Rust's expressions: what is not listed has no meaning here.",
        example: "apply: {balance: balance as i64}",
        fix: "Write it with the operators and methods of the language reference.",
    }
    LITERAL = "EL0205" {
        what: "A literal value cannot be taken exactly as written.",
        why: "Numbers are never rounded or cut, so one that does not fit is refused.",
        example: "reject: {TooLate: now() - openedAt > 1.5h}",
        fix: "Write whole units (`90m`), all digits (`0.001`), or a value in range.",
    }
    UNKNOWN_NAME = "EL0206" {
        what: "A name is unknown where it is used.",
        why: "An expression sees the fields of its place only; a misspelt name must not mean something else.",
        example: "apply: {balance: balance + ammount}",
        fix: "Use one of the names the report lists.",
    }
    AMBIGUOUS_NAME = "EL0207" {
        what: "A bare name could be a field of the event or input, or one of the state.",
        why: "Which of the two is meant decides what is stored; a guess would be a silent mistake.",
        example: "apply: {customerId: customerId}",
        fix: "Qualify it: `event.customerId`, `input.customerId` or `state.customerId`.",
    }
    NOT_HERE = "EL0208" {
        what: "An expression reads or calls something that its place does not have.",
        why: "Apply, upcasts and projections are folded again later and must give the same result; they have no clock, and a projection has no state.",
        example: "apply: {closedAt: now()}",
        fix: "Keep the value in the event when the command emits it.",
    }
    NO_FIELDS = "EL0209" {
        what: "A field is read of a value that has none.",
        why: "Only records have fields.",
        example: "apply: {length: event.name.length}",
        fix: "Call a method with parentheses: `event.name.len()`.",
    }
    UNKNOWN_VARIANT = "EL0210" {
        what: "An enum does not have that variant.",
        why: "A comparison with it could never hold.",
        example: "match status { Opened => 1, _ => 0 }",
        fix: "Use one of the variants the report lists.",
    }
    TYPE_MISMATCH = "EL0211" {
        what: "A value has another type than its place.",
        why: "Only integer to decimal and T to T? convert by themselves; anything else could lose something.",
        example: "apply: {balance: \"100\"}",
        fix: "Convert the value, or change the type of the field.",
    }
    TYPE_NOT_KNOWN = "EL0212" {
        what: "The type of a value cannot be told.",
        why: "`none` and `[]` have the type of the place they go to; without one they have none.",
        example: "let: {rest: none}",
        fix: "Use it where a type is expected, or test with `.is_none()`, `.is_empty()`.",
    }
    NONE_NOT_HANDLED = "EL0213" {
        what: "A value that may be none is used as if it were always there.",
        why: "The compiler makes you say what happens to none.",
        example: "reject: {TooMany: limit < amount}    # limit: decimal?",
        fix: "Give a value for none with `.unwrap_or(…)`, decide with `match`, or reject none in an earlier step.",
    }
    NO_OPERATOR = "EL0214" {
        what: "An operator has no meaning for these types.",
        why: "Every operation is exact; where a result would need a decision, such as rounding, a method asks for it.",
        example: "apply: {share: balance / 3}",
        fix: "Use a method: `balance.div(3, 2, half_even)`, `a.concat(b)`.",
    }
    UNKNOWN_METHOD = "EL0215" {
        what: "A type does not have that method.",
        why: "The methods are a documented set, each with its signature.",
        example: "reject: {NoName: name.isEmpty()}",
        fix: "Use one of the methods the report lists.",
    }
    UNKNOWN_FUNCTION = "EL0216" {
        what: "There is no such function.",
        why: "The functions are `now()`, `new_id()` and `format(…)`; everything else is a method.",
        example: "reject: {TooLong: len(name) > 10}",
        fix: "Call it as a method: `name.len()`.",
    }
    ARGUMENTS = "EL0217" {
        what: "A call has the wrong arguments.",
        why: "Every method takes a fixed number of arguments of fixed types.",
        example: "apply: {share: balance.div(3)}",
        fix: "Write the arguments the report shows.",
    }
    NOT_YET = "EL0218" {
        what: "Something of the language is not supported yet.",
        why: "It is documented for a later release; it is refused rather than ignored.",
        example: "reject: {TooLate: config.deadline < now()}",
        fix: "Say it another way, or keep the result in a field that a command computes.",
    }
    NOT_EXHAUSTIVE = "EL0219" {
        what: "A `match` leaves out a case.",
        why: "Every value must have a result; a new variant must not fall through in silence.",
        example: "match status { Open => true }",
        fix: "Add the cases the report lists, or `_`.",
    }
    UNREACHABLE_ARM = "EL0220" {
        what: "An arm of a `match` can never be reached.",
        why: "What it says never happens, so it is likely a mistake.",
        example: "match status { _ => 0, Open => 1 }",
        fix: "Remove the arm or move it up.",
    }
    PATTERN = "EL0221" {
        what: "A pattern does not fit the value it is matched against.",
        why: "Enums are matched by variants, optionals by `Some(…)` and `None`.",
        example: "match customerId { Open => true, _ => false }",
        fix: "Match a variant, `Some(x)`, `None` or `_`.",
    }
    LOCAL_NAME = "EL0222" {
        what: "A name cannot be given to a local value or a constant.",
        why: "A name has one meaning wherever it can be seen, and words of the language have theirs: nothing could read a value that is named like one.",
        example: "let: {state: balance + amount}    # or `type`, `for`, `match`",
        fix: "Choose another name.",
    }
    UNUSED_LOCAL = "EL0223" {
        what: "A value is named and never read.",
        why: "What is computed for nothing is likely a slip.",
        example: "match customerId { Some(id) => true, None => false }",
        fix: "Use it, remove it, or write `_` in a pattern.",
    }
    RECORD_FIELDS = "EL0224" {
        what: "A record is built with a field too few or too many.",
        why: "Every field of a record has exactly one value.",
        example: "Line { sku: sku }    # quantity is missing",
        fix: "Give every field once, or take the rest from a record with `..line`.",
    }
    WRONG_RECORD = "EL0225" {
        what: "A record is built of a type that is none.",
        why: "Braces after a name build a record; an enum has variants.",
        example: "Status { Open: true }",
        fix: "Write `Status::Open`.",
    }
    TEMPLATE = "EL0226" {
        what: "A text with values in braces cannot be read.",
        why: "Every `{` opens a value and every `}` closes one.",
        example: "message: balance {balance is too low",
        fix: "Close the brace, write `{{` and `}}` for braces, or name a value that has a form as text.",
    }
    FUNCTION_NOT_HERE = "EL0230" {
        what: "A function stands where no method takes one.",
        why: "A function is no value: it can't be kept or compared, only given to a method.",
        example: "let: {price: '|line| line.price'}",
        fix: "Give it to the method: `lines.map(|line| line.price)`.",
    }
    FUNCTION_EXPECTED = "EL0231" {
        what: "A method that takes a function is given something else.",
        why: "The method asks for each element, so it needs to know what to do with one.",
        example: "reject: {NoneOpen: '!lines.any(open)'}",
        fix: "Write a function of as many parameters as the report shows: `lines.any(|line| line.open)`.",
    }
    NEW_ID_IN_FUNCTION = "EL0232" {
        what: "`new_id()` is called in a function.",
        why: "How often a function is called depends on the method; ids belong to events, one to each.",
        example: "emit: {Shipped: {ids: 'lines.map(|line| new_id())'}}",
        fix: "Emit an event for each element with `forEach`, and call `new_id()` there.",
    }
    FUNCTION_RESULT = "EL0233" {
        what: "A function gives a value that its method can't use.",
        why: "`sum` adds what the function gives, `sort_by` and its kin compare it.",
        example: "apply: {total: 'lines.sum(|line| line.sku)'}",
        fix: "Give a number to `sum`, and something with an order to `sort_by`.",
    }
    ELEMENTS = "EL0234" {
        what: "A method is called on a list of elements that it can't use.",
        why: "`sum()` adds the elements, `min()` and `max()` compare them.",
        example: "apply: {total: lines.sum()}    # records",
        fix: "Say what of each element counts: `lines.sum(|line| line.price)`.",
    }
    PATTERN_TEXT = "EL0235" {
        what: "A pattern for text cannot be read.",
        why: "Patterns are regular expressions, checked when the ontology is compiled so that none fails later.",
        example: "reject: {NoCurrency: '!currency.matches(\"[A-Z{3}\")'}",
        fix: "Close brackets and groups: `[A-Z]{3}`; `\\\\.` in an expression's text is a dot itself.",
    }
}
