//! Evolution of what was released: every change as a script, each rule with `cargo build`, and one story
//! of the bank.
//!
//! The scripts stand in `codegen/tests`, where they run while this package does not compile.

use std::collections::BTreeSet;
use std::fs;

use crate::cases::repository;
use crate::edits::Copy;

#[path = "../../codegen/tests/lock.rs"]
mod script;

/// What the bank of the example had also released when it was edited: of what its own events have not.
const STATEMENT: &str = "  StatementSent:
    version: v1
    schema:
      accountId: string
      copies: integer
      fee: decimal(9,3)
      note: string?
      by: enum[Post, Courier, Mail]
      sentAt: timestamp
    apply: {}
";

/// An edit of the released bank that a rule forbids.
struct Story {
    code: &'static str,
    /// What is written in place of what.
    edits: &'static [(&'static str, &'static str)],
    /// What the report says besides the code: the old shape, the new one.
    says: &'static [&'static str],
    way_out: WayOut,
}

/// What the report says to do.
enum WayOut {
    /// Its lines, pasted in place of this event's version.
    Paste { event: &'static str, version: &'static str },
    /// One of its other suggestions, as further edits.
    Edit(&'static [(&'static str, &'static str)]),
    /// What was there before.
    Back,
}

const PASTE: WayOut = WayOut::Paste { event: "StatementSent", version: "v1" };

const SENT: &str = "released as v1: {accountId: string, by: enum[Post, Courier, Mail], copies: integer, fee: decimal(9,3), note: string?, sentAt: timestamp}";

/// The history of the closing as it was released.
const HISTORY: &str = "    history:
      v1:
        schema:
          accountId: string
          closedAt: timestamp
        upcast:
          reason: '\"unknown\"'
";

/// What it became when the reason was added.
const UPCAST: &str = "        upcast:
          reason: '\"unknown\"'
";

const STORIES: [Story; 17] = [
    Story {
        code: "EL0312",
        edits: &[(UPCAST, "")],
        says: &[
            "v1: {accountId: string, closedAt: timestamp}",
            "v2: {accountId: string, reason: string, closedAt: timestamp}",
            "add `upcast: {reason: …}`",
        ],
        way_out: WayOut::Back,
    },
    Story {
        code: "EL0901",
        edits: &[(HISTORY, "")],
        says: &[
            "`AccountClosed` was released as v1, and its history lacks v1",
            "released as v1: {accountId: string, closedAt: timestamp}",
            "released as v2: {accountId: string, closedAt: timestamp, reason: string}",
            "schema: {accountId: string, closedAt: timestamp}",
            "upcast: {reason: '\"unknown\"'}",
        ],
        way_out: WayOut::Back,
    },
    Story {
        code: "EL0901",
        edits: &[("version: v2", "version: v3")],
        says: &[
            "`AccountClosed` was released as v2, and its history lacks v2",
            "released as v2: {accountId: string, closedAt: timestamp, reason: string}",
            "schema: {accountId: string, reason: string, closedAt: timestamp}",
        ],
        way_out: WayOut::Edit(&[(
            HISTORY,
            "    history:
      v1:
        schema: {accountId: string, closedAt: timestamp}
        upcast: {reason: '\"unknown\"'}
      v2:
        schema: {accountId: string, reason: string, closedAt: timestamp}
",
        )]),
    },
    Story {
        code: "EL0901",
        edits: &[("version: v2", "version: v1"), (HISTORY, "")],
        says: &[
            "`AccountClosed` was released as v2 and is at v1 now",
            "released as v2: {accountId: string, closedAt: timestamp, reason: string}",
        ],
        way_out: WayOut::Back,
    },
    Story {
        code: "EL0902",
        edits: &[("copies: integer", "copies: decimal")],
        says: &[SENT, "by: enum[Post, Courier, Mail], copies: decimal,"],
        way_out: PASTE,
    },
    Story {
        code: "EL0903",
        edits: &[("copies: integer", "copies: integer\n      pages: integer")],
        says: &[SENT, "note: string?, pages: integer,"],
        way_out: PASTE,
    },
    Story {
        code: "EL0904",
        edits: &[("      copies: integer\n", "")],
        says: &[SENT, "by: enum[Post, Courier, Mail], fee:"],
        way_out: PASTE,
    },
    Story {
        code: "EL0905",
        edits: &[("copies: integer", "copies: string")],
        says: &[SENT, "copies: string,"],
        way_out: PASTE,
    },
    Story {
        code: "EL0906",
        edits: &[
            ("      reason: string", "      why: string"),
            ("reason: '\"unknown\"'", "why: '\"unknown\"'"),
            ("{reason: moved", "{why: moved"),
        ],
        says: &[
            "released as v2: {accountId: string, closedAt: timestamp, reason: string}",
            "in the ontology:  {accountId: string, closedAt: timestamp, why: string}",
        ],
        way_out: WayOut::Edit(&[
            ("version: v2", "version: v3"),
            (
                "          why: '\"unknown\"'\n",
                "          reason: '\"unknown\"'
      v2:
        schema: {accountId: string, reason: string, closedAt: timestamp}
        upcast: {why: reason}
",
            ),
        ]),
    },
    Story {
        code: "EL0907",
        edits: &[("note: string?", "note: string")],
        says: &[SENT, "note: string,"],
        way_out: PASTE,
    },
    Story {
        code: "EL0908",
        edits: &[("enum[Post, Courier, Mail]", "enum[Post, Mail]")],
        says: &[SENT, "by: enum[Post, Mail],"],
        way_out: PASTE,
    },
    Story {
        code: "EL0909",
        edits: &[("decimal(9,3)", "decimal(9,2)")],
        says: &[SENT, "fee: decimal(9,2),"],
        way_out: PASTE,
    },
    Story {
        code: "EL0910",
        edits: &[("MoneyDeposited", "MoneyPaidIn")],
        says: &["released as `MoneyDeposited` v1: {accountId: string, amount: decimal,"],
        way_out: WayOut::Edit(&[(
            "  MoneyPaidIn:\n    description",
            "  MoneyPaidIn:\n    storedAs: MoneyDeposited\n    description",
        )]),
    },
    Story {
        code: "EL0911",
        edits: &[("StatementSent", "Statement_Sent")],
        says: &["`StatementSent` is spelled `Statement_Sent`"],
        way_out: WayOut::Edit(&[(
            "  Statement_Sent:\n",
            "  Statement_Sent:\n    storedAs: StatementSent\n",
        )]),
    },
    Story {
        code: "EL0912",
        edits: &[("accountId", "accountNumber")],
        says: &[
            "`BankAccount` was released with the partition key `accountId`, not `accountNumber`",
        ],
        way_out: WayOut::Back,
    },
    Story {
        code: "EL0913",
        edits: &[("  - TransactionId must be unique (idempotency)\n", "")],
        says: &["transactionId"],
        way_out: WayOut::Back,
    },
    Story {
        code: "EL0914",
        edits: &[("StatementSent", "StatementPrinted")],
        says: &["the name `StatementPrinted` is taken for ever"],
        way_out: WayOut::Back,
    },
];

/// The lock of the bank as it lies beside its ontology.
fn committed() -> String {
    fs::read_to_string(repository().join("ontology/eventloom.lock")).expect("the bank was released")
}

/// The lock of the bank when it had released all that, and had once removed an event.
fn released(ontology: &str) -> String {
    let lock = script::released(ontology, "the bank");
    for line in committed().lines() {
        assert!(lock.contains(line), "the bank's own lock has `{line}`");
    }
    format!("{lock}BankAccount reserved StatementPrinted\n")
}

fn edited(ontology: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(ontology.to_owned(), |ontology, (from, to)| {
        assert!(ontology.contains(from), "no `{from}` in:\n{ontology}");
        ontology.replace(from, to)
    })
}

/// With what the report says to paste in the place of an event's version.
fn pasted(ontology: &str, event: &str, version: &str, report: &str) -> String {
    let lines = to_paste(report, ", and keep ");
    let indent = lines.first().map_or(0, |line| line.len() - line.trim_start().len());
    let lines: Vec<String> = lines.iter().map(|line| format!("    {}", &line[indent..])).collect();
    let (start, rest) = ontology.split_once(&format!("  {event}:\n")).expect("the event");
    let released = format!("    version: {version}\n");
    let rest = rest.replacen(&released, &format!("{}\n", lines.join("\n")), 1);
    format!("{start}  {event}:\n{rest}")
}

/// The build of the bank is refused with the code, what was released and what stands there now; what the
/// report says to do builds, and passes the bank's harness.
#[test]
fn each_rule_stops_the_build_of_the_bank_until_it_is_heeded() {
    let copy =
        Copy::edited("each-rule", &[("\ncommands:\n", &format!("\n{STATEMENT}\ncommands:\n"))]);
    let file = "ontology/banking-account.yaml";
    let bank = fs::read_to_string(copy.path(file)).expect("readable");
    copy.write("ontology/eventloom.lock", &released(&bank));
    copy.cargo(&["test", "--test", "harness"]).assert_passed();
    for story in &STORIES {
        let changed = edited(&bank, story.edits);
        copy.write(file, &changed);
        let built = copy.cargo(&["build"]);
        built.assert_failed_with(&[&format!("error[{}]", story.code), "= help:"]);
        built.assert_failed_with(story.says);

        let fixed = match story.way_out {
            WayOut::Paste { event, version } => pasted(&changed, event, version, built.text()),
            WayOut::Edit(edits) => edited(&changed, edits),
            WayOut::Back => {
                // This bank's harness has passed before the first edit.
                copy.write(file, &bank);
                copy.cargo(&["build"]).assert_passed();
                continue;
            }
        };
        copy.write(file, &fixed);
        copy.cargo(&["test", "--test", "harness"]).assert_passed();
    }
    let codes: BTreeSet<&str> = STORIES.iter().map(|story| story.code).collect();
    for number in 1..=14 {
        let rule = format!("EL09{number:02}");
        assert!(codes.contains(rule.as_str()), "no story of {rule}");
    }
}

/// What the report of a change says under `help:`, as lines to paste.
fn to_paste<'r>(report: &'r str, after: &str) -> Vec<&'r str> {
    let lines = report.lines().skip_while(|line| !line.contains(after)).skip(1);
    lines.take_while(|line| !line.contains("= help") && !line.is_empty()).collect()
}

/// The whole way: a release, a change that the build refuses, the fix pasted as it is told, a harness that
/// reads events of both versions.
#[test]
fn a_field_that_is_added_to_a_released_event_becomes_a_new_version() {
    const RELEASED: &str = "      accountId: string
      amount: decimal
      transactionId: string
      depositedAt: timestamp
";
    let copy = Copy::edited("a-lock", &[]);
    copy.write("ontology/eventloom.lock", &committed());
    let file = "ontology/banking-account.yaml";
    let ontology = fs::read_to_string(copy.path(file)).expect("readable");

    let changed = ontology
        .replace(
            RELEASED,
            &RELEASED.replace("      deposited", "      channel: string\n      deposited"),
        )
        .replace("emit: MoneyDeposited", "emit: {MoneyDeposited: {channel: '\"web\"'}}")
        .replace("- MoneyDeposited: {", "- MoneyDeposited: {channel: web, ");
    copy.write(file, &changed);
    let built = copy.cargo(&["build"]);
    built.assert_failed_with(&[
        "error[EL0903]: `channel` was added to `MoneyDeposited` v1",
        "released as v1: {accountId: string, amount: decimal, depositedAt: timestamp, transactionId: string}",
    ]);

    let fixed = pasted(&changed, "MoneyDeposited", "v1", built.text());
    copy.write(file, &fixed);
    copy.cargo(&["build"]).assert_passed();
    copy.cargo(&["test", "--test", "harness"]).assert_passed();
}
