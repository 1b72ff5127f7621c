//! What happens to files: full disks, locks, damage, foreign rows. Nothing acknowledged is lost, and
//! the store works again when the cause is gone.

use std::time::Duration;

use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteOptions, SqliteStore};
use eventloom_runtime::store::{AppendError, EventFilter, StreamKey};
use eventloom_runtime::testing::spans::capture_async;
use eventloom_runtime::{Aggregate, EventStore, Repository, StoreError};
use rusqlite::Connection;

use super::bank::{ACCOUNT, Bank, append, bank, event, read, together, with_command, with_key};
use crate::wallet::{Put, Wallet, dec};

/// Lets the file grow by so many pages more, or without limit again.
async fn limit_growth(bank: &Bank, pages: Option<i64>) {
    let limited = bank.store.database().write(move |transaction| {
        let size = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let now = transaction.query_row("PRAGMA page_count", [], size)?;
        let limit = pages.map_or(1_000_000_000, |pages| now + pages);
        let set = transaction.query_row(&format!("PRAGMA max_page_count = {limit}"), [], size)?;
        assert_eq!(set, limit);
        Ok(())
    });
    limited.await.expect("a limit");
}

async fn count(bank: &Bank) -> usize {
    let page = bank.store.read_all(0, &EventFilter::default(), 100_000).await.expect("a page");
    page.events.len()
}

#[tokio::test]
async fn a_full_disk_refuses_appends_and_loses_nothing() {
    let bank = bank().await;
    bank.store.append(append("A", 0, 5)).await.expect("an append");
    limit_growth(&bank, Some(20)).await;
    let mut landed = 5;
    let error = loop {
        let keyed = with_key(append("A", landed, 20), &format!("T{landed}"));
        match bank.store.append(with_command(keyed, &format!("C{landed}"))).await {
            Ok(_) => landed += 20,
            Err(error) => break error,
        }
    };
    let AppendError::Store(StoreError::Unwritable(message)) = &error else {
        panic!("a full disk is not {error:?}");
    };
    assert!(message.contains("full") && message.contains("bank.db"), "{message}");
    assert_eq!(count(&bank).await as u64, landed);
    assert_eq!(bank.store.command(&format!("C{landed}")).await, Ok(None));
    assert_eq!(bank.store.head().await, Ok(landed));

    limit_growth(&bank, None).await;
    let again = with_key(append("A", landed, 20), &format!("T{landed}"));
    let appended = bank.store.append(again).await.expect("there is room again");
    assert_eq!(appended.position, landed + 20);
}

/// An append that does not fit must not take down small ones that share its transaction.
#[tokio::test]
async fn a_group_with_one_append_too_big_for_the_disk_lands_but_for_that_one() {
    let bank = bank().await;
    bank.store.append(append("A", 0, 1)).await.expect("an append");
    limit_growth(&bank, Some(20)).await;
    let mut big = append("big", 0, 1);
    big.events[0].data = format!(r#"{{"text":"{}"}}"#, "x".repeat(1_000_000)).into_bytes();
    let outcomes = together(&bank.store, vec![append("B", 0, 1), big, append("C", 0, 1)]).await;
    assert!(matches!(outcomes[1], Err(AppendError::Store(StoreError::Unwritable(_)))));
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert_eq!(count(&bank).await, 3);
}

#[tokio::test]
async fn an_append_waits_for_another_programs_lock_and_then_gives_up() {
    let bank = bank().await;
    let path = bank.folder.path().join("bank.db");
    let options = SqliteOptions { busy_timeout: Duration::from_millis(100), ..Default::default() };
    let database = SqliteDatabase::open_with(&path, options).expect("a database");
    let store = SqliteStore::open(&database).await.expect("a store");
    store.append(append("A", 0, 1)).await.expect("an append");
    let other = Connection::open(&path).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");

    let (first, second) =
        tokio::join!(store.append(append("A", 1, 1)), store.append(append("B", 0, 1)));
    for outcome in [first, second] {
        let error = outcome.expect_err("the lock");
        assert!(matches!(error, AppendError::Store(StoreError::Unavailable(_))), "{error:?}");
    }
    let alone = store.append(append("A", 1, 1)).await.expect_err("the lock");
    assert!(matches!(alone, AppendError::Store(StoreError::Unavailable(_))), "{alone:?}");
    assert_eq!(count(&bank).await, 1);

    let waiting = tokio::spawn(async move { store.append(append("A", 1, 1)).await });
    tokio::time::sleep(Duration::from_millis(30)).await;
    other.execute_batch("COMMIT").expect("the lock is free");
    waiting.await.expect("no panic").expect("an append");
    assert_eq!(count(&bank).await, 2);
}

/// Runs SQL on the file behind the store's back.
fn tamper(bank: &Bank, sql: &str) {
    let raw = Connection::open(bank.folder.path().join("bank.db")).expect("a connection");
    raw.execute_batch(sql).expect("sound SQL");
}

#[tokio::test]
async fn damaged_rows_are_corrupt_with_their_place() {
    for (damage, reason) in [
        ("UPDATE events SET event_id = x'00' WHERE position = 2", "16"),
        ("UPDATE events SET sequence = -7 WHERE position = 2", "-7"),
        (
            "UPDATE events SET at = 9223372036854775807 WHERE position = 2",
            "a time lies within the years 0000 to 9999",
        ),
        (
            "UPDATE events SET recorded_at = -9223372036854775808 WHERE position = 2",
            "a time lies within the years 0000 to 9999",
        ),
        ("UPDATE events SET stream = 99 WHERE position = 2", "no stream 99"),
        ("UPDATE events SET shape = 99 WHERE position = 2", "no shape 99"),
    ] {
        let bank = bank().await;
        bank.store.append(append("A", 0, 3)).await.expect("an append");
        tamper(&bank, damage);
        let error = bank.store.read_all(0, &EventFilter::default(), 10).await.expect_err(damage);
        let StoreError::Corrupt { place, .. } = &error else { panic!("{damage}: {error:?}") };
        assert!(place.contains("position 2") && place.contains("bank.db"), "{damage}: {error}");
        assert!(error.to_string().contains(reason), "{damage}: {error}");
        let page = bank.store.read_all(2, &EventFilter::default(), 10).await.expect("the rest");
        assert_eq!(page.events.len(), 1);
    }
}

/// A snapshot that said to stand for a sequence below 0 was told as a damaged file at every load: a stream
/// whose events were all sound could be neither read nor written any more.
#[tokio::test]
async fn a_snapshot_with_a_damaged_sequence_is_ignored_and_replaced() {
    for damage in ["-1", "-9223372036854775808", "0", "9223372036854775807"] {
        let bank = bank().await;
        let wallets = Repository::<Wallet, _>::open(bank.store.clone()).await.expect("wallets");
        for number in 1..=12 {
            let put = Put { entry: format!("E{number}"), amount: dec("1") };
            wallets.execute("W", put).await.expect("a movement");
        }
        tamper(&bank, &format!("UPDATE snapshots SET sequence = {damage}"));
        for expected in [1, 0] {
            let wallets = Repository::<Wallet, _>::open(bank.store.clone()).await.expect("wallets");
            let (loaded, captured) = capture_async(wallets.load("W")).await;
            assert_eq!(loaded.expect(damage).state.balance, dec("12"), "{damage}");
            let warnings = captured.iter().filter(|it| it.level == "WARN").count();
            assert_eq!(warnings, expected, "{damage}: {captured:?}");
        }
        let stream = StreamKey { aggregate: Wallet::NAME, id: "W".into() };
        let saved = bank.store.snapshot(&stream, Wallet::MEANING, u64::MAX).await;
        assert_eq!(saved.expect(damage).map(|saved| saved.sequence), Some(10), "{damage}");
    }
}

/// Nobody gets that far by appending; a file may say so all the same.
#[tokio::test]
async fn after_the_last_position_there_is_an_error_and_no_overflow() {
    let bank = bank().await;
    bank.store.append(append("A", 0, 1)).await.expect("an append");
    tamper(&bank, "UPDATE events SET position = 9223372036854775807");
    let error = bank.store.append(append("A", 1, 1)).await.expect_err("no position is left");
    assert!(matches!(error, AppendError::Store(StoreError::Corrupt { .. })), "{error:?}");
    let page = bank.store.read_all(0, &EventFilter::default(), 10).await.expect("a page");
    assert_eq!((page.events.len(), page.next), (1, i64::MAX.unsigned_abs()));
    assert!(page.events.at_end());
    let page = bank.store.read_all(u64::MAX, &EventFilter::default(), 10).await.expect("a page");
    assert_eq!((page.events.len(), page.next), (0, u64::MAX));
}

#[tokio::test]
async fn damaged_pages_are_corrupt_and_never_a_panic() {
    let bank = bank().await;
    for number in 0..50 {
        let appends = append(&format!("S{number}"), 0, 50);
        bank.store.append(with_key(appends, "T1")).await.expect("an append");
    }
    let path = bank.folder.path().join("bank.db");
    drop(bank.store);
    let sound = std::fs::read(&path).expect("the file");
    let mut seen = 0;
    for page in 1..sound.len() / 4096 {
        let mut content = sound.clone();
        content[page * 4096..page * 4096 + 100].fill(0xa5);
        std::fs::write(&path, content).expect("a file");
        if let Err(error) = use_everything(&path).await {
            assert!(matches!(error, StoreError::Corrupt { .. }), "page {page}: {error:?}");
            assert!(error.to_string().contains("bank.db"), "{error}");
            seen += 1;
        }
        for left in ["bank.db-wal", "bank.db-shm"] {
            let _ = std::fs::remove_file(bank.folder.path().join(left));
        }
    }
    assert!(seen > 10, "{seen} damaged pages were noticed");
}

async fn use_everything(path: &std::path::Path) -> Result<(), StoreError> {
    let database = SqliteDatabase::open(path)?;
    let store = SqliteStore::open(&database).await?;
    store.read_all(0, &EventFilter::default(), 100_000).await?;
    for number in 0..50 {
        let id = format!("S{number}");
        store.read_stream(read(&id, 0, 1000)).await?;
        match store.append(with_key(append(&id, 50, 1), "T2")).await {
            // A damaged index may hide what is there.
            Ok(_) | Err(AppendError::Conflict { .. } | AppendError::DuplicateKey(_)) => {}
            Err(AppendError::Store(error)) => return Err(error),
            Err(error) => panic!("{error:?}"),
        }
    }
    store.streams(ACCOUNT, None, 100).await?;
    Ok(())
}

#[tokio::test]
async fn a_shape_that_a_newer_program_wrote_is_given_out_as_it_is() {
    let bank = bank().await;
    let mut newer = append("A", 0, 1);
    newer.events[0].event_type = "Frozen";
    newer.events[0].version = 3;
    bank.store.append(newer).await.expect("an append");
    let page = bank.store.read_stream(read("A", 0, 10)).await.expect("a page");
    let stored = page.iter().next().expect("an event");
    assert_eq!((stored.event_type, stored.version), ("Frozen", 3));
}

/// A clone of the store in another process learned shapes that this one has not seen.
#[tokio::test]
async fn shapes_of_another_handle_are_read_and_filtered() {
    let bank = bank().await;
    bank.store.append(append("A", 0, 1)).await.expect("an append");
    let filter = EventFilter { types: vec![(ACCOUNT, "Late")], ..EventFilter::default() };
    let page = bank.store.read_all(0, &filter, 10).await.expect("a page");
    assert!(page.events.is_empty());

    let other = super::bank::open(&bank.folder.path().join("bank.db")).await;
    let mut late = append("A", 1, 1);
    late.events = vec![event("A", 2)];
    late.events[0].event_type = "Late";
    other.append(late).await.expect("an append");
    let page = bank.store.read_all(page.next, &filter, 10).await.expect("a page");
    assert_eq!(page.events.len(), 1);
    let page = bank.store.read_stream(read("A", 1, 10)).await.expect("a page");
    assert_eq!(page.iter().next().map(|event| event.event_type.to_owned()), Some("Late".into()));
}
