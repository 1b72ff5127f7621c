//! Loading: in pages, as of a moment, and what can't be read says where it lies.

use eventloom_runtime::repository::AsOf;
use eventloom_runtime::store::{Page, StoredShape, StreamRead};
use eventloom_runtime::testing::block_on;
use eventloom_runtime::testing::intercept::{Intercepted, Interceptor};
use eventloom_runtime::{EventStore, StoreError};

use super::{Bench, Store, after, new_store};
use crate::wallet::dec;

const MOVED: &str = r#"{"entry":"E","amount":"1","at":"2026-01-01T00:00:00Z"}"#;

#[test]
fn an_absent_stream_has_the_initial_state() {
    block_on(async {
        let bench = Bench::new().await;
        let loaded = bench.wallets.load("W").await.unwrap();
        assert!(!loaded.exists());
        assert_eq!((loaded.sequence, loaded.last_time), (0, None));
        let loaded = bench.wallets.load_as_of("W", after(0)).await.unwrap();
        assert_eq!((loaded.sequence, loaded.state.balance), (0, dec("0")));
    });
}

#[test]
fn every_length_around_pages_and_snapshots_loads_whole() {
    block_on(async {
        let bench = Bench::new().await;
        for length in 1..=43 {
            bench.put("W", &format!("E{length}"), "1").await.unwrap();
            let loaded = bench.elsewhere().await.wallets.load("W").await.unwrap();
            assert_eq!((loaded.sequence, loaded.state.movements), (length, length as i64));
        }
        for sequence in 0..=43 {
            let loaded = bench.wallets.load_as_of("W", AsOf::Sequence(sequence)).await.unwrap();
            assert_eq!((loaded.sequence, loaded.state.movements), (sequence, sequence as i64));
        }
        let beyond = bench.wallets.load_as_of("W", AsOf::Sequence(99)).await.unwrap();
        assert_eq!(beyond.sequence, 43);
    });
}

async fn failure<S: EventStore>(bench: &Bench<S>) -> StoreError {
    let loaded = bench.wallets.load("W").await.unwrap_err();
    let executed = bench.put("W", "E9", "1").await.unwrap_err();
    assert_eq!(executed.to_string(), loaded.to_string(), "a command fails as loading does");
    loaded
}

#[test]
fn a_damaged_event_says_where_it_lies() {
    block_on(async {
        let bench = Bench::new().await;
        bench.put("V", "E1", "1").await.unwrap();
        bench.smuggle("W", 1, "Moved", 1, MOVED).await;
        bench.smuggle("W", 2, "Moved", 1, r#"{"entry":"E","amount":7}"#).await;
        assert_eq!(
            failure(&bench).await.to_string(),
            "corrupt: event Moved v1 at Wallet W, sequence 2, position 3: \
             amount: expected a decimal as text, found an integer; \
             nothing is known of its stream without it, whatever read models skip: \
             run a program that can read it, or restore its data from a backup"
        );
        let before = bench.wallets.load_as_of("W", AsOf::Sequence(1)).await.unwrap();
        assert_eq!(before.state.movements, 1);
    });
}

#[test]
fn an_event_that_cannot_be_applied_says_where_it_lies() {
    block_on(async {
        let bench = Bench::new().await;
        let most = MOVED.replace("\"1\"", "\"79228162514264337593543950335\"");
        bench.smuggle("W", 1, "Moved", 1, &most).await;
        bench.smuggle("W", 2, "Moved", 1, &most).await;
        let error = failure(&bench).await;
        assert!(matches!(&error, StoreError::Corrupt { place, reason, .. }
            if place == "Wallet W, sequence 2, position 2" && reason.starts_with("it cannot be applied")));
    });
}

#[test]
fn an_event_of_a_newer_program_is_not_damage() {
    block_on(async {
        let bench = Bench::new().await;
        bench.smuggle("W", 1, "Moved", 2, MOVED).await;
        bench.smuggle("V", 1, "Borrowed", 1, "{}").await;
        let newer = |event_type: &str, version, position| StoreError::UnknownVersion {
            event_type: event_type.to_owned(),
            version,
            position,
        };
        assert_eq!(failure(&bench).await, newer("Moved", 2, 1));
        assert_eq!(bench.wallets.load("V").await.unwrap_err(), newer("Borrowed", 1, 2));
    });
}

/// Pages of big events end early. A load that took a short page for the end of the stream would have
/// given an old state, and the next command a conflict for ever.
#[test]
fn a_page_that_ends_early_is_not_the_end_of_the_stream() {
    #[derive(Clone)]
    struct EndingEarly;

    impl Interceptor<Store> for EndingEarly {
        async fn read_stream(&self, store: &Store, read: StreamRead) -> Result<Page, StoreError> {
            let mut page = store.read_stream(read).await?;
            page.truncate(2);
            Ok(page)
        }
    }

    block_on(async {
        let (place, store) = new_store().await;
        let bench = Bench::on(Intercepted::new(store, EndingEarly), place).await;
        for sequence in 1..=12 {
            bench.smuggle("W", sequence, "Moved", 1, MOVED).await;
        }
        assert_eq!(bench.wallets.load("W").await.unwrap().sequence, 12);
        assert_eq!(bench.wallets.load_as_of("W", 11).await.unwrap().sequence, 11);
        let timeline = bench.wallets.timeline("W", 1, 9).await.unwrap();
        let sequences: Vec<_> = timeline.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, (2..=10).collect::<Vec<_>>());
    });
}

#[test]
fn a_hole_in_a_stream_is_damage() {
    #[derive(Clone)]
    struct WithoutTheSecond;

    impl Interceptor<Store> for WithoutTheSecond {
        async fn read_stream(&self, store: &Store, read: StreamRead) -> Result<Page, StoreError> {
            let mut holed = Page::default();
            for stored in store.read_stream(read).await?.iter() {
                let shape = StoredShape {
                    aggregate: stored.aggregate.to_owned(),
                    event_type: stored.event_type.to_owned(),
                    version: stored.version,
                };
                if stored.meta.sequence != 2 {
                    holed.push(shape.into(), stored.position, stored.meta.clone(), stored.data);
                }
            }
            Ok(holed)
        }
    }

    block_on(async {
        let (place, store) = new_store().await;
        let bench = Bench::on(Intercepted::new(store, WithoutTheSecond), place).await;
        for sequence in 1..=3 {
            bench.smuggle("W", sequence, "Moved", 1, MOVED).await;
        }
        assert_eq!(
            failure(&bench).await.to_string(),
            "corrupt: event Moved v1 at Wallet W, sequence 3, position 3: \
             it follows sequence 1: events are missing or doubled; restore the store from a backup"
        );
    });
}
