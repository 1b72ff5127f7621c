//! Segments of many runs whose positions overlap: a page needs a block of each.

use std::fs;

use eventloom_runtime::EventStore as _;
use eventloom_runtime::store::whole::EventRecord;
use eventloom_runtime::testing::block_on;

use super::Rig;
use crate::archiving::{all, archive, days_ago, events, snapshot, stream, whole};

const RUNS: u64 = 100;

/// So many streams in turn, and a run for each: all segments have events from the beginning to the end.
async fn filled() -> Rig {
    let rig = Rig::new().await;
    for expected in 0..10 {
        for number in 0..RUNS {
            let append = events(&format!("s{number}"), expected, 1, days_ago(90));
            rig.store.append(append).await.expect("an append");
        }
    }
    for number in 0..RUNS {
        let covered = stream(&format!("s{number}"));
        rig.store.save_snapshot(&covered, snapshot(10)).await.expect("a snapshot");
        assert_eq!(archive(&rig.store).await.events(), 9);
    }
    rig
}

/// Of 64 blocks that were kept the first was gone when the last was read: from the 65th run on, every page read every file
/// anew. A page reads no file whose block was read a moment ago, however many runs there were.
#[test]
fn a_block_is_read_once_for_all_pages() {
    block_on(async {
        let rig = filled().await;
        let expected = all(&rig.store, &whole(), 1_000).await.expect("events");
        let store = rig.again(Some(&rig.archive())).await;
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let page = store.read_all(after, &whole(), 10).await.expect("a page");
            found.extend(page.events.iter().map(EventRecord::from));
            after = page.next;
            if after == RUNS + 10 {
                // One event of each has been read by now.
                fs::rename(rig.archive(), rig.beside("gone")).expect("a folder");
            }
            if page.events.at_end() {
                break;
            }
        }
        assert_eq!(found, expected);
    });
}
