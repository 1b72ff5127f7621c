//! Whatever streams, snapshots and runs there were: what is read is what a store without an archive has.

use eventloom_runtime::EventStore;
use eventloom_runtime::store::archive::ArchiveStore as _;
use eventloom_runtime::testing::{StoreKind as _, block_on};
use fastrand::Rng;

use super::{Kind, Rig};
use crate::archiving::{archiver, days_ago, events, live, seen, snapshot};

/// Appends the same to both: events of any age, with and without snapshots.
async fn append(random: &mut Rng, lengths: &mut [u64], stores: [&impl EventStore; 2]) {
    let index = random.usize(0..lengths.len());
    let (id, expected, count) = (format!("s{index}"), lengths[index], random.u64(1..6));
    // Clocks go back and forth.
    let age = random.i64(0..70);
    let mut append = events(&id, expected, count, days_ago(age));
    lengths[index] += count;
    if random.bool() {
        append.snapshot = Some(snapshot(lengths[index] - random.u64(0..=count)));
    }
    for store in stores {
        store.append(append.clone()).await.expect("an append");
    }
}

async fn history(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let (rig, twin) = (Rig::new().await, Rig::new().await);
    let mut lengths = vec![0; random.usize(1..6)];
    let mut archived = 0;
    for _ in 0..random.usize(2..5) {
        for _ in 0..random.usize(5..25) {
            append(&mut random, &mut lengths, [&rig.store, &twin.store]).await;
        }
        let before = live(&rig.store).await;
        let report = archiver(&rig.store).segment_events(random.u64(1..30)).run(|_| {}).await;
        let report = report.expect("an archive");
        archived += report.events();
        let gone = usize::try_from(report.events()).expect("a number");
        assert_eq!(live(&rig.store).await, before - gone, "seed {seed}");
        assert_eq!(seen(&rig.store).await, seen(&twin.store).await, "seed {seed}");
    }
    let segments = rig.store.segments().await.expect("segments");
    assert_eq!(archived > 0, !segments.is_empty(), "seed {seed}");
}

#[test]
fn reads_are_those_of_a_store_without_an_archive() {
    block_on(async {
        for seed in 0..u64::from(Kind::CASES) * 2 {
            history(seed).await;
        }
    });
}
