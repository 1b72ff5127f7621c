//! EL00xx: reading files, YAML, keys and limits.

super::codes! {
    UNREADABLE = "EL0001" {
        what: "A file or folder can't be read.",
        why: "The build needs the whole ontology; a part that is missing would change what is generated.",
        example: "Build::new(\"../ontolgy\")",
        fix: "Check the path, which is taken from the folder of the package's Cargo.toml, and the permissions.",
    }
    NO_FILES = "EL0002" {
        what: "The folder holds no ontology.",
        why: "A build from nothing would succeed and generate nothing.",
        example: "Build::new(\"../empty-folder\")",
        fix: "Put a file that ends in .yaml or .yml into the folder, or name the right folder.",
    }
    TOO_LARGE = "EL0003" {
        what: "A file is larger than 1 MiB.",
        why: "An ontology is written by people; the limit keeps a mistake or an attack from stalling the build.",
        example: "a file of 1,048,577 bytes",
        fix: "Split the file: types and constants may stand in files of their own.",
    }
    NOT_UTF8 = "EL0004" {
        what: "A file is not UTF-8 text.",
        why: "Names and texts would be read as something else than was written.",
        example: "a file saved as Latin-1 or UTF-16",
        fix: "Save the file as UTF-8.",
    }
    CONTROL_CHARACTER = "EL0005" {
        what: "An invisible control character stands in a file.",
        why: "Editors don't show it, and tools disagree about what follows it.",
        example: "aggregateRoot: Bank\\0Account",
        fix: "Remove the character.",
    }
    EMPTY_FILE = "EL0006" {
        what: "A file holds nothing.",
        why: "A build from nothing would generate nothing; most often a file was saved too early or emptied by mistake.",
        example: "# only a comment",
        fix: "Write the ontology, or remove the file.",
    }
    NOTHING_TO_BUILD = "EL0007" {
        what: "An ontology has no aggregate.",
        why: "Types and constants alone generate nothing that runs; most often a file is missing from the folder.",
        example: "types:\n  Status: enum[Open, Closed]",
        fix: "Add a file with `aggregateRoot: Name`, or name the folder that holds it.",
    }
    YAML_SYNTAX = "EL0010" {
        what: "A file is not YAML.",
        why: "What comes after the place can't be read, so it can't be checked.",
        example: "? [a, b",
        fix: "Check quotes, brackets, colons and indentation at the place and just above.",
    }
    TAG = "EL0011" {
        what: "A value starts with `!`, which is a tag to YAML.",
        why: "YAML tools drop the tag silently: a guard such as `!closed && x` would become `x`.",
        example: "when: !closed",
        fix: "Put the value in quotes: `when: '!closed'`.",
    }
    ANCHOR = "EL0012" {
        what: "A value starts with `&`, which is an anchor to YAML.",
        why: "An ontology has no hidden copies: what is shared is declared under `types`.",
        example: "schema: &common {id: string}",
        fix: "Write the value out.",
    }
    ALIAS = "EL0013" {
        what: "A value starts with `*`, which is an alias to YAML.",
        why: "An ontology has no hidden copies, and nested aliases can grow without bound.",
        example: "schema: *common",
        fix: "Write the value out, or put an expression in quotes.",
    }
    MERGE_KEY = "EL0014" {
        what: "A mapping has a merge key.",
        why: "An ontology has no hidden copies.",
        example: "<<: *common",
        fix: "Write the entries out.",
    }
    DUPLICATE_KEY = "EL0015" {
        what: "A key stands twice in one mapping.",
        why: "YAML tools keep one of the two without a word, and not all keep the same.",
        example: "balance: decimal\nbalance: integer",
        fix: "Remove or rename one.",
    }
    SEVERAL_DOCUMENTS = "EL0016" {
        what: "A file holds several YAML documents.",
        why: "An aggregate and its places are named by its file.",
        example: "aggregateRoot: A\n---\naggregateRoot: B",
        fix: "Put each into a file of its own, all in one folder.",
    }
    TOO_DEEP = "EL0017" {
        what: "Mappings and lists stand more than 64 deep in each other.",
        why: "No part of an ontology is nearly as deep; the limit keeps an attack from exhausting the build.",
        example: "[[[[ … ]]]]",
        fix: "Check the brackets and the indentation.",
    }
    DIRECTIVE = "EL0018" {
        what: "A file has a YAML directive.",
        why: "Directives change what the text means.",
        example: "%YAML 1.2",
        fix: "Remove the line.",
    }
    KEY_NOT_TEXT = "EL0019" {
        what: "A key is a list, a mapping or nothing.",
        why: "Keys are names.",
        example: "[a, b]: c",
        fix: "Write `key: value`.",
    }
    NEEDS_QUOTES = "EL0020" {
        what: "YAML can't read a value without quotes.",
        why: "Expressions hold characters that have a meaning in YAML.",
        example: "lines: lines.push(Line { sku: sku })",
        fix: "Put the value in quotes: `'…'`.",
    }
    SPLIT_AT_COMMA = "EL0021" {
        what: "YAML cuts a value at a comma.",
        why: "Between `{ }` and `[ ]` every comma starts a new entry, also inside parentheses.",
        example: "schema: {amount: decimal(12,2)}",
        fix: "Put the value in quotes, or write one entry per line. A number has no comma: write `25.00`, and `1000` for a thousand.",
    }
    UNCLOSED = "EL0022" {
        what: "A bracket or quote is not closed, or closes nothing.",
        why: "YAML would take what follows as part of it.",
        example: "source: [A, B",
        fix: "Close it.",
    }
    TAB = "EL0023" {
        what: "A tab stands where spaces are counted.",
        why: "How wide a tab is depends on who looks.",
        example: "state:\n\tbalance: decimal",
        fix: "Indent with spaces.",
    }
    INDENTATION = "EL0024" {
        what: "A line belongs to nothing above it.",
        why: "Indentation says what belongs to what.",
        example: "state:\n  a: string\n b: string",
        fix: "Line it up with the entries it belongs to.",
    }
    NOT_AN_ENTRY = "EL0025" {
        what: "A line is neither `key: value` nor `- item`.",
        why: "Everything in an ontology has a name or is an item of a list.",
        example: "aggregateRoot BankAccount",
        fix: "Put a space after the colon or dash, or add the colon.",
    }
    ESCAPE = "EL0026" {
        what: "A text in double quotes has a wrong escape.",
        why: "In double quotes a backslash starts an escape.",
        example: "upcast: {path: \"C:\\data\"}",
        fix: "Use single quotes.",
    }
    LIST_ON_KEY_LINE = "EL0027" {
        what: "A list starts on the line of its key.",
        why: "YAML can't tell it from a text there.",
        example: "invariants: - Balance cannot be negative",
        fix: "Start the list on the next line, or write `[a, b]`.",
    }
    UNKNOWN_KEY = "EL0030" {
        what: "A key has no meaning where it stands.",
        why: "A misspelt key would drop what it says without a word.",
        example: "events:\n  A: {versoin: v1}",
        fix: "Use one of the keys that the message lists.",
    }
    NOT_YET = "EL0031" {
        what: "A part of the language is not supported yet.",
        why: "It is better refused than read and ignored.",
        example: "policies: {}",
        fix: "Leave it out; the message says what to do instead.",
    }
    WRONG_SHAPE = "EL0032" {
        what: "A value has another shape than its key needs.",
        why: "A list, a mapping and a text mean different things.",
        example: "events: [A, B]",
        fix: "Write it as the message shows.",
    }
    MISSING_KEY = "EL0033" {
        what: "A key is missing.",
        why: "Nothing is guessed.",
        example: "events:\n  AccountOpened: {schema: {}}",
        fix: "Add the key.",
    }
    NO_VALUE = "EL0034" {
        what: "A key has no value.",
        why: "Nothing is guessed: an empty mapping is written `{}`, an empty list `[]`.",
        example: "apply:",
        fix: "Write the value, or remove the key.",
    }
    NO_AGGREGATE = "EL0035" {
        what: "A file has parts of an aggregate, but no `aggregateRoot`.",
        why: "Events, commands and rules belong to an aggregate.",
        example: "events: {}",
        fix: "Add `aggregateRoot: Name` at the top.",
    }
    UNKNOWN_WORD = "EL0036" {
        what: "A value is none of the words that its key takes.",
        why: "Nothing is guessed.",
        example: "target: nwe",
        fix: "Use one of the words that the message lists.",
    }
    EITHER_OR = "EL0037" {
        what: "Two keys stand together that say the same thing.",
        why: "It would be unclear which counts, or in which order.",
        example: "reject: {…}\nsteps: […]",
        fix: "Keep one of the two.",
    }
    ONE_EXPECTED = "EL0038" {
        what: "A mapping names none or several where one is expected.",
        why: "The order of several would be unclear.",
        example: "- {A: {}, B: {}}",
        fix: "Write one item per line, each with `- `.",
    }
    NO_WARNING = "EL0050" {
        what: "`allow` names something that is no warning.",
        why: "An error is never passed over, and a misspelt code would allow nothing while it seems to.",
        example: "allow: {EL0206: we know}",
        fix: "Copy the code from the warning that is meant, or mend the error.",
    }
}
