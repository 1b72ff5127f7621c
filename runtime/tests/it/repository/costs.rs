//! What commands and loads ask of a store: no more than they must.

use std::sync::{Arc, Mutex};

use eventloom_runtime::repository::{AsOf, NewEvents};
use eventloom_runtime::store::{
    Append, AppendError, Appended, KeyClaim, Page, RecordedCommand, Snapshot, StreamKey,
    StreamRead, TakenKey,
};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::testing::spans::capture;
use eventloom_runtime::{Aggregate, EventStore, Repository, Sequence, StoreError};

use super::{Bench, Store, id, new_store, put, refusal, take, wallet};
use crate::blind::Blind;
use crate::tab::Tab;
use crate::wallet::{COPIES, Moved, Named, Wallet, dec};

/// Notes every call, in short.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    fn note(&self, call: impl Into<String>) {
        self.0.lock().unwrap().push(call.into());
    }

    /// The calls since this was last asked.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Interceptor<Store> for Calls {
    async fn append(&self, store: &Store, append: Append) -> Result<Appended, AppendError> {
        self.note("append");
        store.append(append).await
    }

    async fn read_stream(&self, store: &Store, read: StreamRead) -> Result<Page, StoreError> {
        let StreamRead { after, limit, metadata, .. } = &read;
        self.note(format!("read {limit} after {after}{}", if *metadata { " whole" } else { "" }));
        store.read_stream(read).await
    }

    async fn snapshot(
        &self,
        store: &Store,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.note("snapshot");
        store.snapshot(stream, meaning, at_most).await
    }

    async fn save_snapshot(
        &self,
        store: &Store,
        stream: &StreamKey,
        snapshot: Snapshot,
    ) -> Result<(), StoreError> {
        self.note("save");
        store.save_snapshot(stream, snapshot).await
    }

    async fn discard_snapshot(
        &self,
        store: &Store,
        stream: &StreamKey,
        meaning: u64,
    ) -> Result<(), StoreError> {
        self.note("discard");
        store.discard_snapshot(stream, meaning).await
    }

    async fn command(
        &self,
        store: &Store,
        id: &str,
    ) -> Result<Option<RecordedCommand>, StoreError> {
        self.note("command");
        store.command(id).await
    }

    async fn taken_key(
        &self,
        store: &Store,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> Result<Option<TakenKey>, StoreError> {
        self.note("key");
        store.taken_key(stream, claims).await
    }
}

async fn bench() -> (Bench<Intercepted<Store, Calls>>, Calls) {
    let (calls, (place, store)) = (Calls::default(), new_store().await);
    let bench = Bench::on(Intercepted::new(store, calls.clone()), place).await;
    (bench, calls)
}

#[test]
fn a_command_on_a_stream_at_hand_is_one_append() {
    block_on(async {
        let (bench, calls) = bench().await;
        // Where the first append makes the connection, it is sent again once that is known.
        bench.put("first", "E1", "1").await.unwrap();
        calls.take();
        bench.put("W", "E1", "1").await.unwrap();
        assert_eq!(calls.take(), ["snapshot", "read 7 after 0", "append"]);
        for number in 2..=25 {
            bench.put("W", &format!("E{number}"), "1").await.unwrap();
            bench.wallets.execute_with("V", put("E1", "1"), id("C1")).await.unwrap();
            calls.take();
            bench.put("W", &format!("F{number}"), "1").await.unwrap();
            assert_eq!(calls.take(), ["append"]);
        }
    });
}

#[test]
fn a_refusal_is_looked_up_and_confirmed() {
    block_on(async {
        let (bench, calls) = bench().await;
        bench.put("W", "E1", "1").await.unwrap();
        calls.take();
        assert_eq!(refusal(&bench.take("W", "E2", "2").await), "InsufficientFunds");
        assert_eq!(calls.take(), ["key", "read 2 after 0"]);
    });
}

/// States may be large. One copy is folded into, so that the state stays as it was where the command is
/// refused in the end, and one goes to the caller.
#[test]
fn a_state_is_copied_for_the_fold_and_for_the_caller() {
    block_on(async {
        let (bench, _calls) = bench().await;
        bench.put("W", "E1", "1").await.unwrap();
        let copies = COPIES.take();
        bench.put("W", "E2", "1").await.unwrap();
        assert_eq!((copies, COPIES.take()), (2, 2));
        assert_eq!(refusal(&bench.take("W", "E3", "3").await), "InsufficientFunds");
        assert_eq!(COPIES.take(), 0);
    });
}

/// Looking the id up before an append that checks it anyway doubled the reads of a refused command.
#[test]
fn a_refusal_with_an_id_is_looked_up_by_its_keys_and_recorded() {
    block_on(async {
        let (bench, calls) = bench().await;
        bench.put("W", "E1", "1").await.unwrap();
        calls.take();
        for _ in 0..2 {
            let refused = bench.wallets.execute_with("W", take("E2", "2"), id("C2")).await;
            assert_eq!(refusal(&refused), "InsufficientFunds");
            assert_eq!(calls.take(), ["key", "append"]);
        }
        bench.wallets.execute_with("W", put("E2", "5"), id("C3")).await.unwrap();
        calls.take();
        let refused = bench.wallets.execute_with("W", take("E2", "2"), id("C2")).await;
        assert_eq!(refusal(&refused), "InsufficientFunds", "its own first outcome");
    });
}

#[test]
fn a_load_reads_bounded_pages_and_no_texts() {
    block_on(async {
        let (bench, calls) = bench().await;
        bench.fill("W", 18).await;
        calls.take();
        bench.wallets.load("W").await.unwrap();
        assert_eq!(calls.take(), ["snapshot", "read 7 after 9", "read 7 after 16"]);
        bench.wallets.load_as_of("W", AsOf::Sequence(9)).await.unwrap();
        assert_eq!(calls.take(), ["snapshot", "read 7 after 0", "read 2 after 7"]);
        bench.wallets.timeline("W", 3, 4).await.unwrap();
        assert_eq!(calls.take(), ["read 4 after 3 whole"]);
    });
}

/// A state that is no JSON was saved as a snapshot without a state: every load found that it was bad,
/// replayed the stream, and saved the same again with a commit of its own.
#[test]
fn a_state_that_cannot_be_written_has_no_snapshot() {
    let (bench, calls) = block_on(bench());
    let tabs = block_on(Repository::<Tab, _>::open(bench.store.clone())).unwrap();
    let saved = block_on(async {
        let name = NewEvents::new().with(Named { name: "mine".to_owned() });
        tabs.record("W", name).await.unwrap();
        for sequence in 2..=25 {
            let entry = format!("E{sequence}");
            let moved = Moved { entry, amount: dec("1"), at: super::after(0) };
            tabs.record("W", NewEvents::new().with(moved)).await.unwrap();
        }
        calls.take();
        for _ in 0..3 {
            let tabs = Repository::<Tab, _>::open(bench.store.clone()).await.unwrap();
            let loaded = tabs.load("W").await.unwrap();
            assert_eq!((loaded.sequence, loaded.state.len()), (25, 25));
        }
        bench.store.snapshot(&wallet("W"), Tab::MEANING, Sequence::MAX).await.unwrap()
    });
    assert_eq!(saved, None);
    let reads = calls.take();
    assert!(reads.iter().all(|call| call != "save" && call != "discard"), "{reads:?}");
}

/// A snapshot that can be written and not read was met by every load: each warned, replayed the stream, and
/// wrote the same again, with a synced commit.
#[test]
fn a_state_that_cannot_be_read_back_is_no_work_for_every_load() {
    let (bench, calls) = block_on(bench());
    block_on(bench.fill("W", 25));
    let snapshot = Snapshot { sequence: 20, meaning: Blind::MEANING, data: b"{}\n20".to_vec() };
    block_on(bench.store.save_snapshot(&wallet("W"), snapshot)).unwrap();
    calls.take();
    for expected in [1, 0, 0] {
        let blind = block_on(Repository::<Blind, _>::open(bench.store.clone())).unwrap();
        let (loaded, captured) = capture(|| block_on(blind.load("W")).unwrap());
        assert_eq!((loaded.sequence, loaded.state), (25, 25));
        let warnings = captured.iter().filter(|it| it.level == "WARN");
        assert_eq!(warnings.count(), expected, "{captured:?}");
    }
    let calls = calls.take();
    let written = calls.iter().filter(|call| ["save", "discard"].contains(&call.as_str()));
    assert_eq!(written.collect::<Vec<_>>(), ["discard"]);
}

/// Each due point on the way was copied, though only the last one is written: replaying a long stream of
/// a large state took a time that grew with the square of its length.
#[test]
fn a_replay_copies_a_page_at_most_once() {
    block_on(async {
        let bench = Bench::new().await;
        for sequence in 1..=1_995 {
            let data =
                format!(r#"{{"entry":"E{sequence}","amount":"1","at":"2026-01-01T00:00:00Z"}}"#);
            bench.smuggle("W", sequence, "Moved", 1, &data).await;
        }
        let wallets = Repository::<Wallet, _>::open(bench.store.clone()).await.unwrap();
        let before = COPIES.get();
        wallets.load("W").await.unwrap();
        assert_eq!(COPIES.get() - before, 2, "two pages of a thousand events");
        assert_eq!(
            bench
                .store
                .snapshot(&wallet("W"), Wallet::MEANING, Sequence::MAX)
                .await
                .unwrap()
                .unwrap()
                .sequence,
            1_990
        );
    });
}
