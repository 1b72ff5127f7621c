//! The write-ahead log: moved into the file when it has grown, and never the death of the disk.

use std::path::Path;

use eventloom_runtime::EventStore;
use eventloom_runtime::store::Append;
use rusqlite::Connection;

use super::bank::{append, bank};

const MIB: usize = 1024 * 1024;

fn big(id: &str, expected: u64) -> Append {
    let mut append = append(id, expected, 1);
    append.events[0].data = format!(r#"{{"text":"{}"}}"#, "x".repeat(MIB)).into_bytes();
    append
}

fn length(file: &Path) -> usize {
    let length = std::fs::metadata(file).expect("a file").len();
    usize::try_from(length).expect("a length")
}

/// While somebody reads, the log can only grow. After that it must not keep the disk for ever.
#[tokio::test]
async fn a_log_that_a_reader_kept_is_moved_and_cut_when_the_reader_is_gone() {
    let bank = bank().await;
    let (file, log) = (bank.folder.path().join("bank.db"), bank.folder.path().join("bank.db-wal"));
    bank.store.append(append("A", 0, 1)).await.expect("an append");
    let reader = Connection::open(&file).expect("a connection");
    let count = |reader: &Connection| {
        reader.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0))
    };
    reader.execute_batch("BEGIN").expect("a transaction");
    assert_eq!(count(&reader), Ok(1));
    for expected in 1..48 {
        bank.store.append(big("A", expected)).await.expect("an append");
    }
    assert!(length(&log) > 44 * MIB, "the log holds what the reader must not see");
    assert_eq!(count(&reader), Ok(1));

    reader.execute_batch("COMMIT").expect("the end");
    for expected in 48..60 {
        bank.store.append(big("A", expected)).await.expect("an append");
    }

    assert!(length(&log) <= 33 * MIB, "the log has {} bytes", length(&log));
    assert!(length(&file) > 44 * MIB, "the file has {} bytes", length(&file));
    assert_eq!(bank.store.head().await, Ok(60));
}
