//! Group commit: appends that share a transaction, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use eventloom_runtime::store::sqlite::SqliteStore;
use eventloom_runtime::store::{
    Append, AppendError, AppendTransaction, Appended, AppendedEvents, FoldError, FoldedChange,
    ImmediateFold, KeyClaim,
};
use eventloom_runtime::{EventStore, StoreError};
use rusqlite::Connection;

use super::bank::{append, bank, keep_busy, read, sequences, together, with_command, with_key};

/// What became of an append, in a word.
fn told(outcome: &Result<Appended, AppendError>) -> String {
    match outcome {
        Ok(appended) => format!("at {}", appended.position),
        Err(AppendError::Conflict { expected, actual }) => format!("{expected}, not {actual}"),
        Err(AppendError::DuplicateKey(taken)) => format!("{} is taken", taken.claim.value),
        Err(AppendError::CommandKnown(known)) => format!("known with {:?}", known.events),
        Err(AppendError::Projection { reason, .. }) => reason.clone(),
        Err(error) => error.to_string(),
    }
}

async fn told_together(store: &SqliteStore, appends: Vec<Append>) -> Vec<String> {
    together(store, appends).await.iter().map(told).collect()
}

fn with_global_key(mut append: Append, value: &str) -> Append {
    append.keys.push(KeyClaim { field: "number", value: value.to_owned(), across_all: true });
    append
}

#[tokio::test]
async fn appends_of_one_stream_in_one_group_see_each_other() {
    let bank = bank().await;
    let appends = vec![
        append("A", 0, 2),
        append("A", 0, 1),
        append("A", 2, 1),
        append("A", 5, 1),
        append("B", 0, 1),
        append("A", 3, 1),
    ];
    let told = told_together(&bank.store, appends).await;
    assert_eq!(told, ["at 2", "0, not 2", "at 3", "5, not 3", "at 4", "at 5"]);
    let page = bank.store.read_stream(read("A", 0, 10)).await.expect("a page");
    assert_eq!(sequences(&page), [1, 2, 3, 4]);
    assert_eq!(page.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 2, 3, 5]);
}

#[tokio::test]
async fn keys_and_commands_of_one_group_see_each_other() {
    let bank = bank().await;
    let appends = vec![
        with_key(append("A", 0, 1), "T1"),
        with_key(append("A", 1, 1), "T1"),
        with_key(append("B", 0, 1), "T1"),
        with_command(append("C", 0, 2), "C1"),
        with_command(append("D", 0, 1), "C1"),
        with_global_key(append("E", 0, 1), "N1"),
        with_global_key(append("F", 0, 1), "N1"),
        with_key(append("A", 1, 1), "T2"),
        append("D", 0, 1),
    ];
    let told = told_together(&bank.store, appends).await;
    let expected = [
        "at 1",
        "T1 is taken",
        "at 2",
        "at 4",
        "known with Some((1, 2))",
        "at 5",
        "N1 is taken",
        "at 6",
        "at 7",
    ];
    assert_eq!(told, expected);
}

/// What is refused must leave no trace in the transaction that its neighbours commit: no stream, no
/// key, no command, no event.
#[tokio::test]
async fn a_refused_append_leaves_nothing_in_the_groups_transaction() {
    let bank = bank().await;
    let refused = [
        with_key(with_command(append("A", 7, 1), "C1"), "T1"),
        with_global_key(append("B", 0, 1), "taken"),
    ];
    let [first, second] = refused.clone();
    let appends = vec![
        with_global_key(append("Z", 0, 1), "taken"),
        first,
        second,
        with_command(append("Y", 0, 1), "C2"),
    ];
    let told = told_together(&bank.store, appends).await;
    assert_eq!(told, ["at 1", "7, not 0", "taken is taken", "at 2"]);
    assert_eq!(bank.store.command("C1").await.expect("a read"), None);
    assert_eq!(bank.store.taken_key(&refused[0].stream, &refused[0].keys).await, Ok(None));
    let streams = bank.store.streams("Account", None, 10).await.expect("streams");
    assert_eq!(streams, ["Y".into(), "Z".into()]);
    let rows = bank.store.database().read(|connection| {
        let count = "SELECT (SELECT count(*) FROM streams), (SELECT count(*) FROM events)";
        Ok(connection
            .query_row(count, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?)
    });
    assert_eq!(rows.await, Ok((2, 2)));
}

#[tokio::test]
async fn an_append_may_claim_a_key_twice() {
    let bank = bank().await;
    let twice = with_key(with_key(append("A", 0, 2), "T1"), "T1");
    assert_eq!(told_together(&bank.store, vec![twice]).await, ["at 2"]);
}

/// All of them wait at once, on one thread.
#[tokio::test]
async fn more_callers_than_a_group_or_the_queue_holds_are_all_answered() {
    let bank = bank().await;
    let mut running = tokio::task::JoinSet::new();
    for number in 0..10_000_u64 {
        let store = bank.store.clone();
        let mut append = append(&format!("S{}", number % 100), number / 100, 1);
        append.content = [1; 16];
        running.spawn(async move {
            loop {
                match store.append(append.clone()).await {
                    Err(AppendError::Conflict { actual, .. }) => append.expected = actual,
                    outcome => return outcome,
                }
            }
        });
    }
    let outcomes = running.join_all().await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(bank.store.head().await, Ok(10_000));
}

/// A projection that writes a row per append, and misbehaves for streams that ask for it.
#[derive(Default)]
struct Misbehaving {
    folded: AtomicUsize,
}

impl ImmediateFold for Misbehaving {
    fn aggregate(&self) -> &'static str {
        "Account"
    }

    fn name(&self) -> &str {
        "Misbehaving"
    }

    fn open(&self, transaction: &dyn AppendTransaction) -> Result<(), StoreError> {
        let connection = connection(transaction);
        connection.execute_batch("CREATE TABLE rows (stream TEXT) STRICT").expect("a table");
        Ok(())
    }

    fn fold(
        &self,
        _: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        self.folded.fetch_add(1, Ordering::Relaxed);
        assert_eq!(events.first, events.before + 1);
        let id = events.stream.id.to_string();
        match id.as_str() {
            "refuse" => return Err(FoldError::Refused("no row for it".to_owned())),
            "panic" => panic!("a defect in the fold"),
            "fail" => return Err(FoldError::Store(StoreError::Unwritable("no".to_owned()))),
            _ => {}
        }
        Ok(Box::new(move |transaction| {
            assert_ne!(id, "panic late", "a defect in the change");
            if id == "fail late" {
                return Err(StoreError::Unwritable("not now".to_owned()));
            }
            let insert = "INSERT INTO rows VALUES (?1)";
            connection(transaction).execute(insert, [id]).expect("a row");
            Ok(())
        }))
    }
}

fn connection(transaction: &dyn AppendTransaction) -> &Connection {
    transaction.database().downcast_ref().expect("an SQLite connection")
}

/// Of appends in one transaction, one may make the whole of it fail. The others must not pay.
#[tokio::test]
async fn one_append_that_fails_the_transaction_fails_alone() {
    let bank = bank().await;
    let fold = Arc::new(Misbehaving::default());
    bank.store.fold_immediately(fold).await.expect("a projection");
    for (id, reason) in [
        ("refuse", "no row for it"),
        ("panic", "its fold panicked: a defect in the fold"),
        ("fail", "the event store can't write: no"),
        ("fail late", "the event store can't write: not now"),
    ] {
        let before = bank.store.head().await.expect("a head");
        let (first, last) = (format!("{id} 1"), format!("{id} 2"));
        let appends = vec![append(&first, 0, 1), append(id, 0, 1), append(&last, 0, 1)];
        let told = told_together(&bank.store, appends).await;
        assert_eq!(
            told,
            [format!("at {}", before + 1), reason.to_owned(), format!("at {}", before + 2)]
        );
        assert!(bank.store.read_stream(read(id, 0, 9)).await.expect("a page").is_empty());
    }
    let late =
        told_together(&bank.store, vec![append("x", 0, 1), append("panic late", 0, 1)]).await;
    assert_eq!(late[0], "at 9");
    assert!(late[1].contains("a defect in the change"), "{late:?}");
    let rows = bank.store.database().read(|connection| {
        let mut rows = connection.prepare("SELECT stream FROM rows ORDER BY rowid")?;
        let rows = rows.query_map([], |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    let expected: Vec<String> = ["refuse", "panic", "fail", "fail late"]
        .iter()
        .flat_map(|id| [format!("{id} 1"), format!("{id} 2")])
        .chain(["x".to_owned()])
        .collect();
    assert_eq!(rows.await, Ok(expected));
}

#[tokio::test]
async fn a_fold_sees_what_its_neighbours_in_the_group_wrote() {
    struct Counting;
    impl ImmediateFold for Counting {
        fn aggregate(&self) -> &'static str {
            "Account"
        }

        fn name(&self) -> &str {
            "Counting"
        }
        fn open(&self, transaction: &dyn AppendTransaction) -> Result<(), StoreError> {
            let create = "CREATE TABLE total (n INTEGER) STRICT; INSERT INTO total VALUES (0)";
            connection(transaction).execute_batch(create).expect("a table");
            Ok(())
        }
        fn fold(
            &self,
            transaction: &dyn AppendTransaction,
            events: &AppendedEvents<'_>,
        ) -> Result<FoldedChange, FoldError> {
            let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
            let total = connection(transaction).query_row("SELECT n FROM total", [], read);
            let total = total.expect("a total") + events.events.len() as i64;
            let seen = transaction.read_all(0, &Default::default(), 100)?;
            assert_eq!(seen.next, events.before);
            Ok(Box::new(move |transaction| {
                connection(transaction).execute("UPDATE total SET n = ?1", [total]).expect("a row");
                Ok(())
            }))
        }
    }
    let bank = bank().await;
    bank.store.fold_immediately(Arc::new(Counting)).await.expect("a projection");
    let appends = (0..10).map(|number| append(&format!("S{number}"), 0, 3)).collect();
    let outcomes = together(&bank.store, appends).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let total = bank.store.database().read(|connection| {
        Ok(connection.query_row("SELECT n FROM total", [], |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(total.await, Ok(30));
}

/// The story: a fold read the events of a neighbour, and the transaction was rolled back. The number
/// of the neighbour's stream went to another stream, whose events were then given out under the name
/// of the first.
#[tokio::test]
async fn a_stream_that_was_rolled_back_lends_its_name_to_no_other() {
    #[derive(Default)]
    struct Reading {
        seen: AtomicBool,
    }
    impl ImmediateFold for Reading {
        fn aggregate(&self) -> &'static str {
            "Account"
        }

        fn name(&self) -> &str {
            "Reading"
        }
        fn open(&self, _: &dyn AppendTransaction) -> Result<(), StoreError> {
            Ok(())
        }
        fn fold(
            &self,
            transaction: &dyn AppendTransaction,
            events: &AppendedEvents<'_>,
        ) -> Result<FoldedChange, FoldError> {
            transaction.read_all(0, &Default::default(), 100)?;
            match events.stream.id.as_str() {
                "gone" if self.seen.swap(true, Ordering::Relaxed) => {
                    Err(FoldError::Refused("not again".to_owned()))
                }
                "fail" => Err(FoldError::Store(StoreError::Unwritable("no".to_owned()))),
                _ => Ok(Box::new(|_| Ok(()))),
            }
        }
    }
    let bank = bank().await;
    bank.store.fold_immediately(Arc::new(Reading::default())).await.expect("a projection");
    let told = told_together(&bank.store, vec![append("gone", 0, 1), append("fail", 0, 1)]).await;
    assert_eq!(told, ["not again", "the event store can't write: no"]);

    bank.store.append(append("new", 0, 1)).await.expect("an append");

    let page = bank.store.read_all(0, &Default::default(), 10).await.expect("a page");
    let streams: Vec<_> = page.events.iter().map(|event| event.meta.stream_id.as_str()).collect();
    assert_eq!(streams, ["new"]);
}

/// The story: a panic where nobody expected one took the writing thread with it, or left the queue
/// to nobody. Every later append waited for ever.
#[tokio::test]
async fn a_panic_in_the_middle_of_a_commit_leaves_nobody_waiting() {
    #[derive(Default)]
    struct Nameless {
        armed: AtomicBool,
    }
    impl ImmediateFold for Nameless {
        fn aggregate(&self) -> &'static str {
            "Account"
        }

        fn name(&self) -> &str {
            assert!(!self.armed.load(Ordering::Relaxed), "it has no name");
            "Nameless"
        }
        fn open(&self, _: &dyn AppendTransaction) -> Result<(), StoreError> {
            Ok(())
        }
        fn fold(
            &self,
            _: &dyn AppendTransaction,
            events: &AppendedEvents<'_>,
        ) -> Result<FoldedChange, FoldError> {
            let refused = events.stream.id.as_str() == "bad";
            if refused { Err(FoldError::Refused("no".into())) } else { Ok(Box::new(|_| Ok(()))) }
        }
    }
    let bank = bank().await;
    let fold = Arc::new(Nameless::default());
    bank.store.fold_immediately(Arc::clone(&fold) as Arc<_>).await.expect("a projection");
    fold.armed.store(true, Ordering::Relaxed);
    let unknown = "the outcome of an append is unknown: the append panicked: it has no name";

    let waiting = async {
        let alone = bank.store.append(append("bad", 0, 1)).await;
        assert_eq!(told(&alone), unknown);
        bank.store.append(append("A", 0, 1)).await.expect("an append after the panic");
        let group = vec![append("B", 0, 1), append("bad", 0, 1), append("C", 0, 1)];
        assert_eq!(told_together(&bank.store, group).await, [unknown; 3]);
        bank.store.append(append("B", 0, 1)).await.expect("an append after the panic");
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("an answer to everybody");

    assert_eq!(bank.store.head().await, Ok(2));
}

/// Their callers are gone, and so is the last handle of the store; they were accepted all the same.
#[tokio::test]
async fn appends_that_wait_when_the_store_is_closed_are_carried_out() {
    let super::bank::Bank { store, folder } = bank().await;
    let (release, busy) = keep_busy(&store).await;
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..10 {
        let store = store.clone();
        callers.spawn(async move {
            store.append(append(&format!("A{number}"), 0, 3)).await.expect("an append");
        });
    }
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    callers.shutdown().await;
    busy.abort();
    assert!(busy.await.expect_err("its end").is_cancelled());
    release.send(()).expect("the writer waits");
    drop(store);

    let store = super::bank::open(&folder.path().join("bank.db")).await;
    assert_eq!(store.head().await, Ok(30));
}
