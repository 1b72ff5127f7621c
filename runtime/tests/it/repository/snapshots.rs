//! Snapshots: written where they are due, used where they can be trusted, never fatal.

use eventloom_runtime::codec::decode;
use eventloom_runtime::repository::AsOf;
use eventloom_runtime::store::Snapshot;
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::spans::{Captured, capture};
use eventloom_runtime::{Aggregate, EventStore, Sequence, StoreError};

use super::{Bench, Store, refusal, wallet};
use crate::wallet::{Open, PutTwice, Rename, Wallet, WalletState, dec};

async fn latest(bench: &Bench) -> Option<Snapshot> {
    bench.store.snapshot(&wallet("W"), Wallet::MEANING, Sequence::MAX).await.unwrap()
}

async fn latest_sequence(bench: &Bench) -> Sequence {
    latest(bench).await.map_or(0, |snapshot| snapshot.sequence)
}

#[test]
fn a_snapshot_is_written_when_an_append_crosses_a_multiple() {
    block_on(async {
        let bench = Bench::new().await;
        for length in 1..=35 {
            bench.put("W", &format!("E{length}"), "1").await.unwrap();
            assert_eq!(latest_sequence(&bench).await, length - length % 10);
        }
        // From 35 by twos: 39, 41.
        for entry in ["F1", "F2", "F3"] {
            let twice = PutTwice { entry: entry.into(), amount: dec("1") };
            bench.wallets.execute("W", twice).await.unwrap();
        }
        assert_eq!(latest_sequence(&bench).await, 41, "at the last sequence of the append");
    });
}

#[test]
fn loading_writes_no_snapshot() {
    block_on(async {
        let bench = Bench::new().await;
        bench.fill("W", 17).await;
        let before = latest(&bench).await;
        bench.wallets.load("W").await.unwrap();
        bench.elsewhere().await.wallets.load("W").await.unwrap();
        bench.wallets.load_as_of("W", AsOf::Sequence(3)).await.unwrap();
        assert_eq!(latest(&bench).await, before);
    });
}

/// The rule that a wallet is named once reads the history, which only the snapshot has.
#[test]
fn a_snapshot_keeps_which_events_have_occurred_and_when() {
    block_on(async {
        let bench = Bench::new().await;
        bench.wallets.execute("W", Open { name: "mine".into() }).await.unwrap();
        bench.clock.set(super::after(500));
        bench.fill("W", 9).await;
        let data = latest(&bench).await.unwrap().data;
        assert_eq!(
            String::from_utf8(data).unwrap(),
            "{\"lastTime\":\"2026-01-01T00:00:00.0005Z\",\"history\":[\"Moved\",\"Named\"]}\n\
             {\"balance\":\"9\",\"movements\":9}"
        );
        bench.clock.set(super::after(0));
        let elsewhere = bench.elsewhere().await;
        let renamed = elsewhere.wallets.execute("W", Rename { name: "yours".into() }).await;
        assert_eq!(refusal(&renamed), "NamedAlready");
        let put = elsewhere.put("W", "late", "1").await.unwrap();
        assert_eq!(put.events[0].meta.at, super::after(500));
    });
}

/// A snapshot that can't be read gave the initial state at the stored sequence: history was skipped
/// in silence.
#[test]
fn a_bad_snapshot_is_ignored_with_a_warning_and_replaced() {
    let future = |good: &Snapshot| Snapshot { sequence: 1_000, ..good.clone() };
    let shorter = |good: &Snapshot, length: usize| Snapshot {
        data: good.data[..length].to_vec(),
        ..good.clone()
    };
    type Damage = Box<dyn Fn(&Snapshot) -> Snapshot>;
    let cases: Vec<(&str, Damage)> = vec![
        ("from a future that a backup lost", Box::new(future)),
        ("cut off", Box::new(move |good| shorter(good, good.data.len() - 3))),
        ("cut off in its first line", Box::new(move |good| shorter(good, 10))),
        ("empty", Box::new(move |good| shorter(good, 0))),
        (
            "of unknown event types",
            Box::new(|good| Snapshot {
                data: String::from_utf8_lossy(&good.data).replace("Moved", "Removed").into_bytes(),
                ..good.clone()
            }),
        ),
        ("random", Box::new(|good| Snapshot { data: vec![0xff; 40], ..good.clone() })),
    ];
    for (what, damage) in cases {
        let (bench, good) = block_on(async {
            let bench = Bench::new().await;
            bench.fill("W", 9).await;
            // This one crosses the ten: the snapshot is of eleven events.
            let twice = PutTwice { entry: "twice".into(), amount: dec("1") };
            bench.wallets.execute("W", twice).await.unwrap();
            bench.put("W", "more", "6").await.unwrap();
            let good = latest(&bench).await.unwrap();
            bench.store.save_snapshot(&wallet("W"), damage(&good)).await.unwrap();
            (bench.elsewhere().await, good)
        });
        let (loaded, captured) = capture(|| block_on(bench.wallets.load("W")).unwrap());
        assert_eq!((loaded.sequence, loaded.state.balance), (12, dec("17")), "{what}");
        assert_eq!(warnings(&captured), 1, "{what}: {captured:?}");
        let replaced = block_on(latest(&bench)).unwrap();
        assert!(replaced == good || replaced.sequence == 10, "{what}: {replaced:?}");
        let ((), captured) = capture(|| {
            block_on(bench.put("W", "after", "1")).unwrap();
            block_on(bench.wallets.load("W")).unwrap();
        });
        assert_eq!(warnings(&captured), 0, "{what}: {captured:?}");
    }
}

/// A bad snapshot was replaced only where the stream was long enough for one to be due: a shorter one was
/// replayed with a warning at every load, for ever.
#[test]
fn a_bad_snapshot_that_nothing_replaces_is_taken_away() {
    for length in [0, 3] {
        let bench = block_on(async {
            let bench = Bench::new().await;
            bench.fill("W", length).await;
            let data = b"{}\n{}".to_vec();
            let future = Snapshot { sequence: 1_000, meaning: Wallet::MEANING, data };
            bench.store.save_snapshot(&wallet("W"), future).await.unwrap();
            bench.elsewhere().await
        });
        for expected in [1, 0] {
            let (loaded, captured) = capture(|| block_on(bench.wallets.load("W")).unwrap());
            assert_eq!(loaded.sequence, length);
            assert_eq!(warnings(&captured), expected, "{length} events: {captured:?}");
        }
        assert_eq!(block_on(latest(&bench)), None);
    }
}

fn warnings(captured: &[Captured]) -> usize {
    captured.iter().filter(|captured| captured.level == "WARN").count()
}

#[test]
fn a_snapshot_of_another_fold_is_not_used() {
    block_on(async {
        let bench = Bench::new().await;
        bench.fill("W", 17).await;
        let good = latest(&bench).await.unwrap();
        let data = String::from_utf8_lossy(&good.data).replace("\"10\"", "\"666\"").into_bytes();
        let foreign = Snapshot { meaning: 1, data, ..good };
        bench.store.save_snapshot(&wallet("W"), foreign).await.unwrap();
        let loaded = bench.elsewhere().await.wallets.load("W").await.unwrap();
        assert_eq!(loaded.state.balance, dec("17"));
    });
}

#[test]
fn a_missing_snapshot_is_written_once() {
    block_on(async {
        let bench = Bench::new().await;
        for sequence in 1..=23 {
            let data =
                format!(r#"{{"entry":"E{sequence}","amount":"1","at":"2026-01-01T00:00:00Z"}}"#);
            bench.smuggle("W", sequence, "Moved", 1, &data).await;
        }
        assert_eq!(latest(&bench).await, None);
        bench.wallets.load_as_of("W", AsOf::Sequence(20)).await.unwrap();
        assert_eq!(latest(&bench).await, None, "the past is not the state now");
        bench.wallets.load("W").await.unwrap();
        let written = latest(&bench).await.unwrap();
        assert_eq!(written.sequence, 20);
        let state = written.data.split(|byte| *byte == b'\n').nth(1).unwrap();
        let expected = WalletState { balance: dec("20"), movements: 20 };
        assert_eq!(decode::<WalletState>(state), Ok(expected));
    });
}

/// A store that can't keep snapshots loads all the same.
#[test]
fn a_snapshot_that_cannot_be_written_is_not_fatal() {
    use eventloom_runtime::store::StreamKey;
    use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};

    #[derive(Clone)]
    struct NoSnapshots;

    impl Interceptor<Store> for NoSnapshots {
        async fn save_snapshot(
            &self,
            _: &Store,
            _: &StreamKey,
            _: Snapshot,
        ) -> Result<(), StoreError> {
            Err(StoreError::Unwritable("read-only".to_owned()))
        }
    }

    block_on(async {
        let bench = Bench::new().await;
        bench.fill("W", 17).await;
        let broken = Snapshot { sequence: 10, meaning: Wallet::MEANING, data: Vec::new() };
        bench.store.save_snapshot(&wallet("W"), broken).await.unwrap();
        let unwritable =
            Bench::on(Intercepted::new(bench.store.clone(), NoSnapshots), bench.place.clone())
                .await;
        assert_eq!(unwritable.wallets.load("W").await.unwrap().sequence, 17);
    });
}
