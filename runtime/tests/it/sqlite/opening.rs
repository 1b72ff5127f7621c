//! What lies where the file should be: devices, sockets, links, and files in the middle of a crash.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use eventloom_runtime::store::sqlite::SqliteDatabase;
use eventloom_runtime::{EventStore, StoreError};

use super::bank::{append, open};

fn refused(path: &Path) -> StoreError {
    SqliteDatabase::open(path).expect_err("the file must be refused")
}

/// A pipe was opened and waited for, for ever; of `/dev/null` people were told to delete it.
#[test]
fn devices_pipes_and_sockets_are_no_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    for path in [Path::new("/dev/null"), &socket, &pipe] {
        let error = refused(path);
        assert!(matches!(error, StoreError::Foreign(_)), "{error:?}");
        assert!(error.to_string().contains("a device, a pipe or a socket"), "{error}");
    }
}

/// `:memory:` became a file of that name in the current folder.
#[test]
fn memory_is_no_file() {
    let error = refused(Path::new(":memory:"));
    assert!(matches!(error, StoreError::Unsupported(_)), "{error:?}");
    assert!(
        error.to_string().contains("MemoryStore") && !Path::new(":memory:").exists(),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_behind_a_link_is_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, link) = (folder.path().join("bank.db"), folder.path().join("link.db"));
    symlink(&file, &link).expect("a link");
    let error = refused(&link);
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("link.db is a symbolic link that leads nowhere"), "{error}");

    let by_name = open(&file).await;
    let by_link = open(&link).await;
    by_name.append(append("A", 0, 1)).await.expect("an append");
    by_link.append(append("A", 1, 1)).await.expect("an append");
    assert_eq!(by_name.head().await, Ok(2));
}

/// The story: a crash while the log was being moved into the file. The file's header counted pages
/// that only the log had, the file was named by a link, and the log was looked for beside the link:
/// the file was taken for one that had been cut off, and people were told to delete it.
#[tokio::test]
async fn a_file_that_a_crash_left_with_its_log_is_whole_behind_a_link_too() {
    let (folder, after) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir());
    let after = after.expect("a folder");
    let file = folder.path().join("bank.db");
    let store = open(&file).await;
    for number in 0..20 {
        store.append(append(&format!("A{number}"), 0, 50)).await.expect("an append");
    }
    let log = fs::read(folder.path().join("bank.db-wal")).expect("the log");
    drop(store);
    let moved = fs::read(&file).expect("the file");
    fs::write(after.path().join("bank.db"), &moved[..8192]).expect("half of the file");
    fs::write(after.path().join("bank.db-wal"), log).expect("the log");
    let link = folder.path().join("link.db");
    symlink(after.path().join("bank.db"), &link).expect("a link");

    let store = open(&link).await;

    assert_eq!(store.head().await, Ok(1000));
    drop(store);
    assert_eq!(fs::read(after.path().join("bank.db")).expect("the file").len(), moved.len());
}
