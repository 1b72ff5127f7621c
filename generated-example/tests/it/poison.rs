//! `bank poison`: events that can't be folded are listed, retried and skipped, by whom and why; and what only a newer
//! program knows halts a read model, and is told to.

use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::store::{Append, NewEvent, StreamKey, whole};
use eventloom_runtime::testing::{START, block_on};
use eventloom_runtime::{EventStore, Metadata, Sequence, Uuid};
use serde_json::{Value, json};

use crate::bank::{Bank, Ran};

const VIEWS: [&str; 2] = ["AccountBalanceView", "TransactionHistoryView"];

/// A deposit of an amount that is none, as a broken program wrote it; SQL can mend it.
const BROKEN: &str = r#""amount":"much""#;
const MENDED: &str = r#""amount":"50""#;

/// The SQL statement by which somebody mends the data of the broken deposit.
pub(crate) fn mending(table: &str) -> String {
    format!("UPDATE {table} SET data = replace(data, '{BROKEN}', '{MENDED}')")
}

/// Appends a deposit as another program would write it; `expected` is where the account is.
async fn append(
    store: &impl EventStore,
    account: &str,
    expected: Sequence,
    version: u32,
    amount: &str,
    transaction: &str,
) {
    let data = format!(
        r#"{{"accountId":"{account}",{amount},"transactionId":"{transaction}","depositedAt":"{START}"}}"#
    );
    let meta = Metadata {
        event_id: Uuid::new_v4(),
        stream_id: account.into(),
        sequence: expected + 1,
        at: START,
        recorded_at: START,
        actor: None,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
    };
    let event = NewEvent { event_type: "MoneyDeposited", version, data: data.into_bytes(), meta };
    let append = Append {
        stream: StreamKey { aggregate: "BankAccount", id: account.into() },
        expected,
        events: vec![event],
        released: Vec::new(),
        passing: Vec::new(),
        keys: Vec::new(),
        content: [0; 16],
        command: None,
        snapshot: None,
        epoch: None,
    };
    store.append(append).await.expect("the append lands");
}

/// A bank whose account A2 has a deposit of much at position 3, and one of 7 behind it.
fn spoil(bank: &Bank, store: &impl EventStore) {
    for account in ["A1", "A2"] {
        bank.run(["open", account, "--customer", "C1", "--balance", "10"]).succeeded();
    }
    block_on(async {
        append(store, "A2", 1, 1, BROKEN, "T1").await;
        append(store, "A2", 2, 1, r#""amount":"7""#, "T2").await;
    });
}

/// [`spoil`], on the bank's file.
pub(crate) fn spoiled_on_a_file(bank: &Bank) {
    spoil(bank, &on_a_file(bank));
}

fn listed(bank: &Bank) -> Value {
    bank.json(["poison"])
}

/// The story: an event that could not be folded was shown, and nothing could be done about it but by a program that
/// somebody wrote for it.
pub(crate) fn an_operator_decides(bank: &Bank, store: &impl EventStore, mend: impl FnOnce()) {
    spoil(bank, store);
    let nothing = json!({"poison": [], "stoppedRebuilds": [], "skipped": []});
    assert_eq!(listed(bank), nothing, "nobody has come to it");
    assert_eq!(bank.json(["balance", "A1"])["balance"], "10", "other accounts go on");
    // A balance without what is held back would be taken for the balance.
    let held_back = bank.run(["balance", "A2"]).ended_with(3);
    held_back.said(&["holds stream `A2` back since position 3", "`bank poison`"]);
    bank.run(["history", "A1"]).ended_with(3).said(&["stopped before position 3", "`bank poison`"]);

    let poison = listed(bank)["poison"].clone();
    for (number, (view, stops)) in VIEWS.into_iter().zip([false, true]).enumerate() {
        let it = &poison[number];
        let found = (&it["projection"], &it["position"], &it["streamId"], &it["sequence"]);
        assert_eq!(found, (&json!(view), &json!(3), &json!("A2"), &json!(2)));
        let event = (&it["eventType"], &it["version"], &it["stops"]);
        assert_eq!(event, (&json!("MoneyDeposited"), &json!(1), &json!(stops)));
        assert!(it["reason"].as_str().is_some_and(|why| why.contains("amount")), "{it}");
        assert!(it["foundAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{it}");
    }
    let drawn = bank.run(["poison"]).succeeded().stdout;
    for part in ["MoneyDeposited v1", "its stream", "everything", "A2"] {
        assert!(drawn.contains(part), "`{part}` is not in {drawn}");
    }
    let shown = bank.run(["projections"]).succeeded().stdout;
    assert!(shown.contains("parked AccountBalanceView: position 3"), "{shown}");
    assert!(shown.contains("stopped TransactionHistoryView: position 3"), "{shown}");
    assert!(shown.contains("`bank poison`"), "{shown}");

    bank.run(["poison", "retry", "4"]).ended_with(2).said(&["position 4", "lists those there are"]);
    let unmended = bank.run(["poison", "retry", "--all"]).ended_with(3);
    assert_eq!((unmended.stdout.matches("poison still").count(), &*unmended.stderr), (2, ""));
    let unmended = bank.run(["poison", "retry", "3", "--json"]).ended_with(3).json();
    assert_eq!(
        (&unmended[0]["outcome"], &unmended[1]["outcome"]),
        (&json!("poison"), &json!("poison"))
    );

    let (reason, poison) = ("booked by a broken till", listed(bank)["poison"].clone());
    skip(bank, &["--reason", " "]).ended_with(2).said(&["a reason must not be empty"]);
    skip(bank, &[]).ended_with(2).said(&["--reason"]);
    skip(bank, &["--reason", reason]).ended_with(2).said(&["several", "--projection"]);
    let undecided = json!({"poison": poison, "stoppedRebuilds": [], "skipped": []});
    assert_eq!(listed(bank), undecided, "nothing is decided");
    skip(bank, &["--reason", reason, "--projection", VIEWS[1]]).succeeded();
    let left = listed(bank);
    assert_eq!(left["poison"], json!([poison[0]]));
    let decided = &left["skipped"][0];
    assert_eq!((&decided["projection"], &decided["position"]), (&json!(VIEWS[1]), &json!(3)));
    assert_eq!((&decided["operator"], &decided["reason"]), (&json!("Olga"), &json!(reason)));
    assert_eq!(decided["failure"], poison[0]["reason"]);
    let drawn = bank.run(["poison"]).succeeded().stdout;
    assert!(drawn.contains("skipped for good") && drawn.contains(reason), "{drawn}");
    assert_eq!(transactions(bank), ["T2"]);

    mend();
    let mended = bank.json(["poison", "retry", "--all"]);
    assert_eq!(
        (mended.as_array().map(Vec::len), &mended[0]["outcome"]),
        (Some(1), &json!("released"))
    );
    assert_eq!(bank.json(["balance", "A2"])["balance"], "67");
    bank.run(["rebuild"]).succeeded();
    assert_eq!(
        transactions(bank),
        ["T2"],
        "what was skipped stays out of rows that are built anew"
    );
    let after = listed(bank);
    assert_eq!((&after["poison"], &after["skipped"]), (&json!([]), &left["skipped"]));
    let none = bank.run(["poison", "retry", "--all"]).succeeded().stdout;
    assert!(none.contains("no event is in the way"), "{none}");
}

fn skip(bank: &Bank, more: &[&str]) -> Ran {
    bank.run([&["poison", "skip", "3", "--operator", "Olga"], more].concat())
}

fn transactions(bank: &Bank) -> Vec<String> {
    let history = bank.json(["history", "A2"]);
    let all = history.as_array().expect("a list").iter();
    all.map(|it| it["transactionId"].as_str().expect("an id").to_owned()).collect()
}

/// The story: a projection that only a newer program could bring on was shown as `behind`, as if somebody had only to wait.
pub(crate) fn what_only_a_newer_program_knows_is_told(bank: &Bank, store: &impl EventStore) {
    bank.run(["open", "A1", "--customer", "C1", "--balance", "10"]).succeeded();
    block_on(append(store, "A1", 1, 2, r#""amount":"7""#, "T1"));
    bank.run(["balance", "A1"])
        .ended_with(3)
        .said(&["halts before position 2", "MoneyDeposited v2"]);

    let told = bank.json(["projections"]);
    for number in 0..2 {
        let status = &told[number];
        assert_eq!(status["state"], "halted");
        let event =
            json!({"position": 2, "streamId": "A1", "eventType": "MoneyDeposited", "version": 2});
        assert_eq!(status["haltedBy"], event);
    }
    let drawn = bank.run(["projections"]).succeeded().stdout;
    for view in VIEWS {
        let expected = format!("halted {view}: position 2, MoneyDeposited v2 of `A1`");
        assert!(drawn.contains(&expected), "`{expected}` is not in {drawn}");
    }
    assert!(drawn.contains("deploy the newer one"), "{drawn}");
    assert!(!drawn.contains("nobody runs"), "whoever ran it would be halted too: {drawn}");
    let empty = listed(bank);
    assert_eq!(empty["poison"], json!([]), "nobody is to decide about it");
}

fn on_a_file(bank: &Bank) -> SqliteStore {
    let database = SqliteDatabase::open(bank.path("bank.db")).expect("a database");
    block_on(SqliteStore::open(&database)).expect("a store")
}

#[test]
fn an_operator_decides_on_a_file() {
    let bank = Bank::new();
    let store = on_a_file(&bank);
    an_operator_decides(&bank, &store, || {
        let sql = rusqlite::Connection::open(bank.path("bank.db")).expect("an SQLite file");
        assert_eq!(sql.execute(&mending("events"), ()), Ok(4));
    });
}

#[test]
fn what_only_a_newer_program_knows_is_told_on_a_file() {
    let bank = Bank::new();
    what_only_a_newer_program_knows_is_told(&bank, &on_a_file(&bank));
}

/// The second poison of a stream shows when the first is out of the way.
#[test]
fn what_is_behind_a_skipped_event_may_be_poison_too() {
    let bank = Bank::new();
    let store = on_a_file(&bank);
    spoil(&bank, &store);
    block_on(append(&store, "A2", 3, 1, BROKEN, "T3"));
    bank.run(["balance", "A1"]).succeeded();

    let skipped = bank.run(["poison", "skip", "3", "--reason", "a double", "--operator", "Olga"]);

    let said = skipped.succeeded().stdout;
    assert!(said.contains("skipped position 3 of AccountBalanceView"), "{said}");
    assert!(said.contains("parked again at position 5, MoneyDeposited v1 of `A2`"), "{said}");
    bank.run(["balance", "A2"]).ended_with(3).said(&["back since position 5"]);
    let last = ["poison", "skip", "5", "--reason", "another", "--operator", "Olga"];
    let decided = bank.json(last);
    assert_eq!((&decided["outcome"], &decided["inTheWay"]), (&json!("skipped"), &json!(null)));
    assert_eq!((&decided["operator"], &decided["reason"]), (&json!("Olga"), &json!("another")));
    bank.run(last).ended_with(2).said(&["no poison event is at position 5"]);
}

/// Whoever had skipped an event went on to pay money in, and was told that something was corrupt, and not what to do.
#[test]
fn an_account_does_not_go_on_without_an_event_that_its_rows_skip() {
    let bank = Bank::new();
    spoil(&bank, &on_a_file(&bank));
    bank.run(["balance", "A1"]).succeeded();
    let deposit = ["deposit", "A2", "5", "--transaction", "T9"];
    let way_out = ["MoneyDeposited v1", "BankAccount A2, sequence 2, position 3", "from a backup"];
    bank.run(deposit).ended_with(3).said(&way_out);

    skip(&bank, &["--reason", "a double", "--projection", VIEWS[0]]).succeeded();

    assert_eq!(bank.json(["balance", "A2"])["balance"], "17", "its rows do");
    bank.run(deposit).ended_with(3).said(&way_out).said(&["whatever read models skip"]);
    bank.run(["deposit", "A1", "5", "--transaction", "T9"]).succeeded();
}

/// A copied bank showed another balance: the copy knew nothing of what was left out.
#[test]
fn a_copy_leaves_out_what_was_left_out() {
    let bank = Bank::new();
    spoil(&bank, &on_a_file(&bank));
    bank.run(["balance", "A1"]).succeeded();
    bank.run(["history", "A1"]).ended_with(3);
    for view in VIEWS {
        skip(&bank, &["--reason", "a double", "--projection", view]).succeeded();
    }
    let before = (bank.json(["balance", "A2"]), transactions(&bank));
    assert_eq!(before.0["balance"], "17");

    for _ in 0..2 {
        bank.run(["copy", "--from", "bank.db", "--to", "copy.db"]).succeeded();

        let of_copy = |asked: &[&str]| bank.json([asked, &["--db", "copy.db"]].concat());
        assert_eq!(of_copy(&["balance", "A2"]), before.0);
        let listed = of_copy(&["poison"]);
        let kept = listed["skipped"].as_array().expect("a list");
        assert_eq!((&listed["poison"], kept.len()), (&json!([]), 2));
        assert_eq!(
            (&kept[0]["operator"], &kept[0]["reason"]),
            (&json!("Olga"), &json!("a double"))
        );
    }
}

/// The story: a copy counted an event that the bank had left out, and said nothing: the event had been mended meanwhile, and could
/// be folded.
#[test]
fn a_copy_says_what_it_counts_and_its_source_leaves_out() {
    let bank = Bank::new();
    spoil(&bank, &on_a_file(&bank));
    bank.run(["balance", "A1"]).succeeded();
    skip(&bank, &["--reason", "a double", "--projection", VIEWS[0]]).succeeded();
    let sql = rusqlite::Connection::open(bank.path("bank.db")).expect("an SQLite file");
    assert_eq!(sql.execute(&mending("events"), ()), Ok(4));
    assert_eq!(bank.json(["balance", "A2"])["balance"], "17");

    let copy = ["copy", "--from", "bank.db", "--to", "copy.db"];
    for _ in 0..2 {
        let told = bank.run(copy).ended_with(3).said(&[
            "AccountBalanceView: position 3, MoneyDeposited v1 of `A2`, which Olga skipped because: a double",
            "it can be folded here, and the rows of the copy count it",
        ]);
        assert!(told.stdout.contains("copied 4 events"), "{}", told.stdout);
    }
    let told = bank.run([&copy[..], &["--json"]].concat()).ended_with(3).json();
    assert_eq!(told["error"], "SkipsNotCopied");
    assert_eq!(bank.json(["balance", "A2", "--db", "copy.db"])["balance"], "67", "as was told");
}

/// A copy that was killed when all events were there, and before what is left out was decided, was a bank like any other.
#[test]
fn a_copy_that_was_cut_off_before_its_decisions_is_given_them() {
    let bank = Bank::new();
    let store = on_a_file(&bank);
    spoil(&bank, &store);
    bank.run(["balance", "A1"]).succeeded();
    bank.run(["history", "A1"]).ended_with(3);
    for view in VIEWS {
        skip(&bank, &["--reason", "a double", "--projection", view]).succeeded();
    }
    block_on(async {
        let copy = SqliteDatabase::open_for_copy(bank.path("copy.db")).expect("a database");
        let copy = SqliteStore::open(&copy).await.expect("a store");
        whole::copy(&store, &copy, |_| {}).await.expect("a copy");
    });
    bank.run(["balance", "A2", "--db", "copy.db"]).ended_with(3).said(&["holds stream `A2` back"]);

    bank.run(["copy", "--from", "bank.db", "--to", "copy.db"]).succeeded();

    for asked in [["balance", "A2"], ["history", "A2"]] {
        let copied = bank.json([&asked[..], &["--db", "copy.db"]].concat());
        assert_eq!(copied, bank.json(asked));
    }
}

/// A decision that was stored was told as a failure, because the read model that went on after it met what only a newer
/// program knows.
#[test]
fn a_decision_stands_whatever_comes_after_it() {
    let bank = Bank::new();
    let store = on_a_file(&bank);
    spoil(&bank, &store);
    block_on(append(&store, "A1", 1, 2, r#""amount":"7""#, "T3"));
    bank.run(["history", "A1"]).ended_with(3);

    let skipped = bank
        .run(["poison", "skip", "3", "--reason", "a double", "--operator", "Olga"])
        .succeeded()
        .stdout;

    assert!(skipped.contains("skipped position 3 of TransactionHistoryView"), "{skipped}");
    assert!(skipped.contains("then BankAccount.TransactionHistoryView halts before"), "{skipped}");
    let listed = listed(&bank);
    assert_eq!((&listed["poison"], &listed["skipped"][0]["position"]), (&json!([]), &json!(3)));
}

/// Who decides is the user who is logged in, and nobody else without being named.
#[test]
fn a_decision_has_somebody_who_takes_it() {
    let bank = Bank::new();
    spoil(&bank, &on_a_file(&bank));
    bank.run(["balance", "A1"]).succeeded();
    let skip = |user: Option<&str>| {
        let mut command = bank.command(["poison", "skip", "3", "--reason", "a double"]);
        for name in ["USER", "LOGNAME", "USERNAME"] {
            command.env_remove(name);
        }
        command.envs(user.map(|user| ("USER", user)));
        Ran::from(command.output().expect("the binary runs"))
    };

    skip(None).ended_with(2).said(&["--operator"]);
    skip(Some("olga")).succeeded();

    assert_eq!(listed(&bank)["skipped"][0]["operator"], "olga");
}

#[test]
fn help_has_an_example() {
    for arguments in
        [&["poison", "--help"][..], &["poison", "retry", "--help"], &["poison", "skip", "--help"]]
    {
        let help = Bank::new().run(arguments).succeeded().stdout;
        assert!(help.contains("Example") && help.contains("  bank poison"), "{help}");
    }
}
