//! Importing files: what is applied, refused and malformed, and that a second run changes nothing.

use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::{CommandContext, block_on};
use generated_example::bank_account::{BankAccountRepository, DepositMoney};

use crate::bank::{Bank, soon};
use crate::file::{self, HEADER, Shape};

fn generated(shape: Shape) -> Vec<u8> {
    let mut bytes = Vec::new();
    file::write(&mut bytes, shape, 42).expect("a Vec takes it");
    bytes
}

#[test]
fn rows_become_events_at_their_own_time() {
    let bank = Bank::new();
    bank.write(
        "rows.csv",
        format!(
            "{HEADER}\n\
             A1,C1,,open,1000,2026-01-05T09:00:00Z\n\
             A1,,T1,deposit,500,2026-01-06T09:00:00+01:00\n\
             A2,C2,,open,0,2026-01-06T09:00:00Z\n\
             A1,C1,T2,withdraw,200,2026-01-07T09:00:00Z\n\
             A2,,,close,,2026-01-08T09:00:00Z\n"
        ),
    );
    let report = bank.json(["import", "rows.csv"]);
    assert_eq!(report["rows"], 5);
    assert_eq!(report["applied"], 5);
    assert!(report["rejectedFile"].is_null());
    assert!(!bank.path("rows.rejected.csv").exists());

    assert_eq!(bank.json(["balance", "A1"])["balance"], "1300");
    assert_eq!(bank.json(["balance", "A1"])["updatedAt"], "2026-01-07T09:00:00Z");
    assert_eq!(bank.json(["as-of", "A1", "--time", "2026-01-06T08:00:00Z"])["balance"], "1500");
    assert_eq!(bank.json(["as-of", "A2", "--sequence", "9"])["status"], "Closed");
}

/// One row of another century was taken, and every later movement of its account was dated like it, in silence.
#[test]
fn a_row_of_the_future_is_rejected_and_dates_nothing_that_follows() {
    let bank = Bank::new();
    let rows = format!(
        "{HEADER}\n\
         A1,C1,,open,1000,2026-01-05T09:00:00Z\n\
         A1,C1,T1,deposit,5,9062-01-06T09:00:00Z\n"
    );
    bank.write("rows.csv", rows);
    let ran = bank.run(["import", "rows.csv"]).succeeded().said(&[
        "line 3 could not be read: at: `9062-01-06T09:00:00Z` lies more than a day ahead",
        "correct the time, or the clock",
    ]);
    assert!(ran.stdout.contains("1  could not be read"), "{}", ran.stdout);
    assert!(bank.read("rows.rejected.csv").contains("9062-01-06T09:00:00Z"));
    let deposited = bank.json(["deposit", "A1", "5", "--transaction", "T2"]);
    let at = deposited["events"][0]["meta"]["at"].as_str().expect("a time");
    assert!(at.starts_with("20"), "{at}");
}

/// A clock was wrong once: what came later was dated like what was decided then, and nothing said so.
#[test]
fn what_is_dated_by_an_event_of_the_future_is_told() {
    let bank = Bank::with_account();
    block_on(async {
        let database = SqliteDatabase::open(bank.path("bank.db")).expect("a file");
        let store = SqliteStore::open(&database).await.expect("a store");
        let accounts = BankAccountRepository::open(store).await.expect("the same shapes");
        let at = "9062-01-06T09:00:00Z".parse().expect("a time");
        let deposit = DepositMoney { amount: 5.into(), transaction_id: "T1".to_owned() };
        let context = CommandContext::new().at(at);
        accounts.execute_with("A1", deposit, context).await.expect("a deposit");
    });
    let ran = bank.run(["deposit", "A1", "5", "--transaction", "T2"]).succeeded();
    assert!(ran.stdout.contains("but dated 9062-01-06T09:00:00Z"), "{}", ran.stdout);
    // Which event or clock it was is not known: it said that the last event was dated so.
    assert!(!ran.stdout.contains("as the account's last event is"), "{}", ran.stdout);
    let ahead = bank.json(["deposit", "A1", "5", "--transaction", "T3"])["datedAhead"].clone();
    assert_eq!(ahead["at"], "9062-01-06T09:00:00Z");
    assert!(ahead["recordedAt"].as_str().is_some_and(|at| at.starts_with("20")), "{ahead}");
    let fine = bank.run(["open", "A2", "--customer", "C1"]).succeeded();
    assert!(!fine.stdout.contains("dated"), "{}", fine.stdout);
    assert!(bank.json(["deposit", "A2", "5", "--transaction", "T4"])["datedAhead"].is_null());
}

#[test]
fn what_is_not_applied_is_written_down_and_does_not_stop_the_rest() {
    let bank = Bank::new();
    let mut rows = format!(
        "{HEADER}\r\n\
         A1,C1,,open,100,2026-01-05T09:00:00Z\r\n\
         A1,,T1,withdraw,100.01,2026-01-05T09:00:01Z\r\n\
         A1,,T2,deposit,ten,2026-01-05T09:00:02Z\r\n\
         A9,,T1,deposit,1,2026-01-05T09:00:02Z\r\n\
         A1,T3,deposit\r\n\
         \"A1,,T4,deposit,1,2026-01-05T09:00:03Z\r\n\
         A1,,T5,deposit,1,2026-01-04T09:00:00Z\r\n\
         A1,,T6,deposit,-1,2026-01-05T09:00:05Z\r\n"
    )
    .into_bytes();
    rows.extend_from_slice(b"A1,,\xFF\xFE,deposit,1,2026-01-05T09:00:06Z\r\n");
    rows.extend_from_slice(b"A1,,T7,deposit,1,2026-01-05T09:00:07Z");
    bank.write("rows.csv", rows);

    let ran = bank.run(["import", "rows.csv", "--json"]).succeeded().said(&[
        "line 4 could not be read: amount: `ten`",
        "line 6 could not be read: 3 fields instead of 6",
        "line 7 could not be read: a quote is not closed",
        "line 10 could not be read: the line is not UTF-8",
    ]);
    let report = ran.json();
    assert_eq!(report["rows"], 10);
    assert_eq!(report["applied"], 2);
    assert_eq!(report["refused"], 4);
    assert_eq!(report["malformed"], 4);
    assert_eq!(bank.json(["balance", "A1"])["balance"], "101");
    assert_eq!(bank.read("rows.rejected.csv"), include_str!("rejected.csv"));
}

#[test]
fn a_second_run_changes_nothing() {
    let bank = Bank::new();
    bank.write("rows.csv", generated(Shape { rows: 1_200, accounts: 20, trouble: 6 }));
    let first = bank.json(["import", "rows.csv"]);
    let (events, rejected) = (bank.events(), bank.read("rows.rejected.csv"));
    assert!(
        first["refused"].as_u64() > Some(20) && first["malformed"].as_u64() > Some(20),
        "{first}"
    );

    let second = bank.json(["import", "rows.csv"]);
    assert_eq!(second["applied"], 0);
    assert_eq!(second["refused"], first["refused"]);
    assert_eq!(second["malformed"], first["malformed"]);
    let decided = |report: &serde_json::Value| {
        report["applied"].as_u64().zip(report["unchanged"].as_u64()).map(|(a, b)| a + b)
    };
    assert_eq!(decided(&second), decided(&first));
    assert_eq!(bank.events(), events);
    assert_eq!(bank.read("rows.rejected.csv"), rejected);
}

#[test]
fn a_longer_file_goes_on_where_a_shorter_one_ended() {
    let all = generated(Shape { rows: 1_000, accounts: 10, trouble: 10 });
    let half: Vec<u8> =
        all.split_inclusive(|byte| *byte == b'\n').take(500).flatten().copied().collect();
    let (whole, parts) = (Bank::new(), Bank::new());
    whole.write("rows.csv", &all);
    whole.run(["import", "rows.csv"]).succeeded();

    parts.write("half.csv", half);
    parts.run(["import", "half.csv"]).succeeded();
    parts.write("rows.csv", &all);
    parts.run(["import", "rows.csv"]).succeeded();

    assert_eq!(data(&parts), data(&whole));
    assert_eq!(parts.read("rows.rejected.csv"), whole.read("rows.rejected.csv"));
}

/// What the bank knows, without ids and the order in which accounts took turns.
pub(crate) fn data(bank: &Bank) -> Vec<String> {
    let events = bank.events();
    let mut data: Vec<String> = events
        .iter()
        .map(|event| {
            let [stream, sequence, kind] = ["aggregateId", "sequence", "type"].map(|f| &event[f]);
            format!("{stream} {sequence:>8} {kind} {}", event["data"])
        })
        .collect();
    data.sort();
    data
}

/// The bank remembers what it told: a row that was refused once stays refused, even if it could be
/// applied by now. Whoever wants it decided anew gives it a new time or transaction.
#[test]
fn a_refused_row_keeps_its_answer() {
    let bank = Bank::with_account();
    let row = format!("A1,,T1,withdraw,1500,{}", soon(0));
    bank.write("rows.csv", format!("{HEADER}\n{row}\n"));
    assert_eq!(bank.json(["import", "rows.csv"])["refused"], 1);
    bank.run(["deposit", "A1", "1000"]).succeeded();

    bank.write("again.csv", format!("{HEADER}\n{row}\n"));
    assert_eq!(bank.json(["import", "again.csv"])["refused"], 1);
    bank.write("anew.csv", format!("{HEADER}\nA1,,T1,withdraw,1500,{}\n", soon(1)));
    assert_eq!(bank.json(["import", "anew.csv"])["applied"], 1);
}

#[test]
fn the_same_row_twice_in_a_file_is_one_row() {
    let bank = Bank::with_account();
    let at = soon(0).to_string();
    let row = format!("A1,,T1,deposit,5,{at}\n");
    let same = format!("\"A1\",,T1,deposit,5.00,{}\n", at.replace('Z', ".000Z"));
    bank.write("rows.csv", format!("{HEADER}\n{row}{row}{same}"));
    let report = bank.json(["import", "rows.csv"]);
    assert_eq!((&report["applied"], &report["unchanged"]), (&1.into(), &2.into()));
    assert_eq!(bank.json(["balance", "A1"])["balance"], "1005");
}

#[test]
fn a_rejected_file_of_an_earlier_run_does_not_outlive_its_reason() {
    let bank = Bank::with_account();
    let at = soon(0);
    bank.write("rows.csv", format!("{HEADER}\nA1,,T1,deposit,lots,{at}\n"));
    bank.run(["import", "rows.csv"]).succeeded();
    assert!(bank.path("rows.rejected.csv").exists());
    bank.write("rows.csv", format!("{HEADER}\nA1,,T1,deposit,5,{at}\n"));
    bank.run(["import", "rows.csv"]).succeeded();
    assert!(!bank.path("rows.rejected.csv").exists());
}

/// `rows` and `rows.csv` had one rejected file: the import of the one, with nothing to reject, deleted
/// what the other had written down.
#[test]
fn no_two_files_share_a_rejected_file() {
    let bank = Bank::with_account();
    let at = soon(0);
    let good = format!("{HEADER}\nA1,,T1,deposit,5,{at}\n");
    let spoilt = format!("{HEADER}\nA1,,T2,deposit,lots,{at}\n");
    bank.write("rows.csv", &spoilt);
    assert_eq!(bank.json(["import", "rows.csv"])["rejectedFile"], "rows.rejected.csv");
    let rejected = bank.read("rows.rejected.csv");

    bank.write("rows", &good);
    assert!(bank.json(["import", "rows"])["rejectedFile"].is_null());
    assert_eq!(bank.read("rows.rejected.csv"), rejected);

    bank.write("rows", &spoilt);
    assert_eq!(bank.json(["import", "rows"])["rejectedFile"], "rows.rejected");
    bank.write("rows.csv", &good);
    bank.run(["import", "rows.csv"]).succeeded();
    assert_eq!(bank.read("rows.rejected"), rejected);
}

#[test]
fn a_file_that_is_no_import_is_told_and_leaves_no_database() {
    let bank = Bank::new();
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file is empty"),
        (b"A1,C1,,open,1000,2026-01-05T09:00:00Z\n", "it is `A1,C1,,open"),
        (b"account_id;customer_id;transaction_id;kind;amount;at\n", "it is `account_id;"),
        (b"customer_id,account_id,transaction_id,kind,amount,at\n", "it is `customer_id"),
        (b"\x7FELF\x02\x01\x01\x00\xFF\n", "the line is not UTF-8"),
        (b"account_id\n", "it is `account_id`"),
    ];
    for (bytes, expected) in cases {
        bank.write("rows.csv", bytes);
        let expected = ["rows.csv", "account_id,customer_id,transaction_id", expected];
        bank.run(["import", "rows.csv"]).ended_with(2).said(&expected);
    }
    bank.run(["import", "nowhere.csv"]).ended_with(2).said(&["nowhere.csv"]);
    bank.run(["import", "."]).ended_with(2);
    assert!(!bank.path("bank.db").exists());
}

#[test]
fn a_header_with_a_byte_order_mark_and_nothing_after_it_is_an_import_of_nothing() {
    let bank = Bank::new();
    bank.write("rows.csv", format!("\u{FEFF}{HEADER}"));
    assert_eq!(bank.json(["import", "rows.csv"])["rows"], 0);
}

/// Thousands of spoilt rows: each is in the rejected file, but a terminal is told of a few.
#[test]
fn a_file_of_nonsense_is_not_told_line_by_line() {
    let bank = Bank::new();
    bank.write("rows.csv", format!("{HEADER}\n{}", "nonsense\n".repeat(3_000)));
    let ran = bank.run(["import", "rows.csv"]).succeeded();
    assert_eq!(ran.stderr.lines().count(), 21);
    ran.said(&["2980 further rows could not be read"]);
    assert_eq!(bank.read("rows.rejected.csv").lines().count(), 3_001);
}
