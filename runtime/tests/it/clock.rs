//! The clock and the ids that a program runs with.

use std::collections::BTreeSet;
use std::thread;

use eventloom_runtime::clock::{Clock, Ids, RandomIds, SystemClock};
use eventloom_runtime::{Timestamp, Uuid, block_on};

#[test]
fn ids_are_never_given_twice_and_sort_by_time() {
    let threads: Vec<_> = (0..4)
        .map(|_| thread::spawn(|| Vec::from_iter((0..1_000).map(|_| RandomIds.new_id()))))
        .collect();
    let mut all: BTreeSet<Uuid> = BTreeSet::new();
    for thread in threads {
        all.extend(thread.join().unwrap());
    }
    assert_eq!(all.len(), 4_000);
    assert!(all.iter().all(|id| id.get_version_num() == 7));
    thread::sleep(std::time::Duration::from_millis(2));
    assert!(RandomIds.new_id() > *all.last().unwrap());
}

#[test]
fn the_clock_shows_the_systems_time() {
    let before = Timestamp::now();
    let now = SystemClock.now();
    assert!(before <= now && now <= Timestamp::now());
    assert!(now > Timestamp::from_micros(1_704_067_200_000_000));
}

#[test]
fn a_small_program_needs_no_runtime_of_its_own() {
    let pause = std::time::Duration::from_millis(1);
    let answer = block_on(async {
        tokio::time::sleep(pause).await;
        42
    });
    assert_eq!(answer, 42);
}
