//! What commands and loads ask of a store: no more than they must.

use std::sync::{Arc, Mutex};

use eventloom_runtime::repository::AsOf;
use eventloom_runtime::store::{
    Append, AppendError, Appended, KeyClaim, Page, RecordedCommand, Snapshot, StreamKey,
    StreamRead, TakenKey,
};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, Sequence, StoreError};

use super::{Bench, Store, id, new_store, put, refusal, take};
use crate::wallet::COPIES;

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
