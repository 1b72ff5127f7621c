//! EL06xx: projections.

super::codes! {
    NO_SOURCE = "EL0601" {
        what: "A projection has no source.",
        why: "Without events its table stays empty.",
        example: "source: []",
        fix: "Name the events it folds.",
    }
    SOURCE_TWICE = "EL0602" {
        what: "An event is a source twice.",
        why: "It is folded once, so the second is likely meant to be another event.",
        example: "source: [MoneyDeposited, MoneyDeposited]",
        fix: "Remove one of the two.",
    }
    SOURCE_NOT_YET = "EL0603" {
        what: "Events of other aggregates are not supported as sources yet.",
        why: "They are documented for a later release; they are refused rather than ignored.",
        example: "source: [Customer.CustomerRenamed]",
        fix: "Fold the aggregate's own events.",
    }
    TARGET = "EL0604" {
        what: "A target does not name a database and a table.",
        why: "The program binds the database's name to a real one, and the table is created there.",
        example: "target: account-balance",
        fix: "Write `db.table`: letters, digits and `_`, a letter first, at most 63 characters.",
    }
    STRATEGY = "EL0605" {
        what: "There is no such update strategy.",
        why: "It says whether rows change in the append's own transaction or soon after.",
        example: "updateStrategy: eventual",
        fix: "Write `eventually_consistent` or `immediate`.",
    }
    CONSISTENCY = "EL0606" {
        what: "A consistency window cannot be kept.",
        why: "It is the promised lag of an eventually consistent projection, as a span of time.",
        example: "consistencyWindow: half a second",
        fix: "Write a span such as `500ms`; remove it from an immediate projection.",
    }
    NEEDS_COLUMNS = "EL0607" {
        what: "A projection has rules or a key, but no columns.",
        why: "They say what the columns of a row become.",
        example: "key: accountId    # and no columns:",
        fix: "Add `columns:` with names and types, or remove `key`, `on` and `mirrors` and write the handler by hand.",
    }
    IMMEDIATE_KEY = "EL0608" {
        what: "An immediate projection has another key than the stream's id.",
        why: "Its rows change inside the append of one stream; two streams must never change one row.",
        example: "updateStrategy: immediate\nkey: customerId",
        fix: "Use the partition key as `key:`, or make it eventually consistent.",
    }
    MIRROR = "EL0609" {
        what: "`mirrors` has nothing to compare with.",
        why: "It says that a column always equals a value of the stream's state.",
        example: "mirrors: {balance: state.balance}    # and no state:",
        fix: "Declare `state:` and use the partition key as `key:`, or remove `mirrors`.",
    }
    KEY = "EL0610" {
        what: "A key does not find one row.",
        why: "Every event finds its row by the same columns, with plain values of the same types, and before there is a row to ask.",
        example: "key: limit    # limit: decimal?",
        fix: "Use values that are always there; give a rule a `key:` of its own where its event differs; where cases have different keys, let `when` read the event alone.",
    }
    KEY_MISSING = "EL0611" {
        what: "A projection does not say which row an event concerns.",
        why: "Columns alone do not tell rows apart.",
        example: "columns: {customerId: string, balance: decimal}    # and no key:",
        fix: "Add `key:` with a column.",
    }
    NO_RULE = "EL0612" {
        what: "A source has no rule.",
        why: "An event that does nothing to a row is likely forgotten.",
        example: "source: [MoneyDeposited, MoneyWithdrawn]\non: {MoneyDeposited: {…}}",
        fix: "Add a rule, or remove the event from `source`.",
    }
    RULE_WITHOUT_SOURCE = "EL0613" {
        what: "A rule is for an event that is no source.",
        why: "It would never be used.",
        example: "source: [MoneyDeposited]\non: {MoneyWithdrawn: {…}}",
        fix: "Add the event to `source`, or remove the rule.",
    }
    RULE_TWICE = "EL0614" {
        what: "An event has rules twice.",
        why: "Which of them counts would be a guess.",
        example: "on: {A: {…}, A | B: {…}}",
        fix: "Write the cases of one event as a list.",
    }
    ALWAYS_FIRST = "EL0615" {
        what: "A case that always holds stands before others.",
        why: "The first case that holds is taken, so the others never are.",
        example: "A: [{update: {…}}, {when: row.balance < 0, delete: row}]",
        fix: "Put it last, or give it a `when`.",
    }
    COLUMN_MISSING = "EL0616" {
        what: "An insert leaves out a column without a default.",
        why: "A row has a value for every column, and a guess would be shown as a fact.",
        example: "insert: {customerId: event.customerId}    # balance is missing",
        fix: "Give it a value, make it optional, or give it a default.",
    }
    KEY_COLUMN_SET = "EL0617" {
        what: "A rule sets a column of the key.",
        why: "The key says what stands there, and a row never changes its key.",
        example: "key: accountId\non: {A: {insert: {accountId: event.accountId}}}",
        fix: "Remove the line.",
    }
    NO_ZERO_ROW = "EL0618" {
        what: "An upsert of a new row lacks a column that has no zero.",
        why: "Where the row is absent an upsert starts from zeros.",
        example: "upsert: {count: row.count + 1}    # updatedAt: timestamp is not named",
        fix: "Name the column, make it optional, or give it a default.",
    }
    COLUMN_TYPE = "EL0630" {
        what: "A column of a list, set, map or record is to find rows.",
        why: "Such values are stored as JSON, by whose text rows would be found and sorted.",
        example: "key: {tags: event.tags}\ncolumns: {tags: set<string>, articles: integer}",
        fix: "Use a plain column; give the value that rows are found by a column of its own.",
    }
    INDEX = "EL0631" {
        what: "An index finds nothing that is not found without it, or names no column.",
        why: "Each index is kept up to date with every row, which costs time and space.",
        example: "key: accountId\nindexes: [accountId]",
        fix: "Remove it, or name other columns.",
    }
    INPUT_TYPE = "EL0632" {
        what: "The type of a query's input can't be told.",
        why: "An input that is not declared has the type of the column that it is compared with.",
        example: "where: balance > input.least.unwrap_or(0)    # and no input:",
        fix: "Declare it: `input: {least: decimal?}`.",
    }
    INPUT_UNUSED = "EL0633" {
        what: "A query asks for an input and does nothing with it.",
        why: "The caller would have to give it for nothing.",
        example: "input: {name: string}\nwhere: customerId == input.customerId",
        fix: "Remove it, or use it in `where`, `limit` or `offset`.",
    }
    NOT_ASKED = "EL0634" {
        what: "A condition is none that a read database can answer.",
        why: "Rows are found where they lie, on every database alike; to fetch all of them and look at each is what a query is to save.",
        example: "where: lines.len() > 3",
        fix: "Compare columns with each other and with values, ask for `is_some()` and `is_none()`, of texts for `is_empty()`, `starts_with()`, `ends_with()` and `contains()`, and join with `&&`, `||` and `!`; give what must be calculated as input, or keep it in a column.",
    }
    NOT_SORTED = "EL0635" {
        what: "Rows can't be sorted by a column, or are sorted by it already.",
        why: "Only numbers, texts, times, days and spans of time are less or greater than each other; a second time changes nothing.",
        example: "orderBy: status    # status: enum[Open, Closed]",
        fix: "Sort by another column.",
    }
    LIMIT = "EL0636" {
        what: "A query never gives a row, or leaves out fewer than none.",
        why: "Its limit is the number of rows that it gives at most, its offset the number of those before them.",
        example: "limit: 0",
        fix: "Write how many rows a caller can take, for example `limit: 50`.",
    }
    SEVERAL = "EL0637" {
        what: "A rule for several rows treats them as one.",
        why: "`match` finds rows that are there and `forEach` goes through elements: whether a row must exist, and which case it is, can't be asked of all of them at once.",
        example: "CustomerRenamed: {match: row.customerId == customerId, upsert: {name: event.name}}",
        fix: "With `match` write `update` or `delete`, without `key` and `onMissing`; let `when` read the event alone.",
    }
    AGGREGATE = "EL0640" {
        what: "An aggregate is not written as one.",
        why: "It is the number of events or rows, or the sum, the smallest, the greatest or the average of their values: in `columns` of events, in `select` of rows.",
        example: "columns: {mean: average(MoneyDeposited.amount)}",
        fix: "Write `count(Event)`, `sum(Event.field)`, `min(Event.field)`, `max(Event.field)` or `average(Event.field, 2)`, of several events with `|` between them; in `select`, `count()`, `sum(column)` and so on.",
    }
    AGGREGATE_SOURCE = "EL0641" {
        what: "An aggregate names an event that is no source, or one twice.",
        why: "Only sources are folded, and each of them once.",
        example: "source: [AccountOpened]\ncolumns: {deposits: count(MoneyDeposited)}",
        fix: "Add the event to `source` and a rule for it to `on`, or remove it.",
    }
    AGGREGATE_TYPE = "EL0642" {
        what: "An aggregate can't be made of the values of a field or column.",
        why: "`sum` and `average` add numbers, `min` and `max` compare numbers, times, dates and durations; what none would stand for is nowhere said.",
        example: "columns: {paid: sum(MoneyDeposited.transactionId)}",
        fix: "Name another field; fold a field that may be none by rules.",
    }
    AGGREGATE_RULE = "EL0643" {
        what: "An aggregate would miss an event, or fold one in several times.",
        why: "An aggregate is folded in where the rules of its events write a row: each event once, and none left out.",
        example: "MoneyDeposited: {when: amount > 100, update: {}}    # and deposits: count(MoneyDeposited)",
        fix: "Let the rules of the event write a row in every case, once; or give the column a type and set it by rules.",
    }
    AGGREGATE_SET = "EL0644" {
        what: "A column is an aggregate, and something else too.",
        why: "What it is follows from its events: a rule that sets it would break that, and a key never changes.",
        example: "columns: {deposits: count(MoneyDeposited)}\non: {MoneyDeposited: {update: {deposits: 0}}}",
        fix: "Remove the line, or give the column a type and set it in every rule.",
    }
    GROUPS = "EL0645" {
        what: "A query with `select` or `groupBy` is none that can be answered.",
        why: "`select` says what is worked out of all rows, or of each group of them where `groupBy` says in which columns the rows of a group are alike.",
        example: "groupBy: day\nselect: {place: row.place, total: sum(amount)}",
        fix: "Select columns of the group and aggregates; sort groups by what is selected; without `groupBy` there is one answer, which has no order and no limit.",
    }
    INPUT_DEFAULT = "EL0646" {
        what: "An input of a query has a default.",
        why: "A query is a function of the program, which gives every input; nothing would ever use it.",
        example: "input: {least: decimal = 0}\nwhere: balance >= input.least",
        fix: "Remove the default; make the input optional and write `input.least.unwrap_or(0)` where the caller may leave it open.",
    }
}
