//! Archives, on the kind of store that the module around this one names.

mod crashes;
#[cfg(target_os = "linux")]
pub(super) mod hanging;
mod histories;
mod holding;
#[cfg(unix)]
mod killed;
mod lacking;
mod missing;
mod overlapping;
mod projections;
mod properties;
mod staying;

use std::path::{Path, PathBuf};

use eventloom_runtime::EventStore as _;
use eventloom_runtime::testing::StoreKind;

use super::Kind;
use crate::archiving::{ArchiveKind as _, days_ago, events, snapshot};

pub(crate) type Store = <Kind as StoreKind>::Store;

/// A store with a folder for its archive.
pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) place: <Kind as StoreKind>::Place,
    folder: tempfile::TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let (place, folder) = (Kind.new_place(), tempfile::tempdir().expect("a folder"));
        let store = Kind.open_with(&place, Some(&folder.path().join("archive"))).await;
        Self { store: store.expect("a store"), place, folder }
    }

    /// Three streams: `a` is old and covered but for its last event, `b` half of it, `c` is not covered.
    pub(crate) async fn filled() -> Self {
        let rig = Self::new().await;
        for round in 0..6 {
            let age = days_ago(90 - round * 15);
            for (id, covers) in [("a", 0), ("b", 2), ("c", 100)] {
                let expected = u64::try_from(round).expect("a number") * 4;
                let mut append = events(id, expected, 4, age);
                if covers < 100 && (covers == 0 || round < 3) {
                    append.snapshot = Some(snapshot(expected + 4 - covers));
                }
                rig.store.append(append).await.expect("an append");
            }
        }
        rig
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// A folder beside the archive.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same store as another program opens it.
    pub(crate) async fn again(&self, archive: Option<&Path>) -> Store {
        Kind.open_with(&self.place, archive).await.expect("a store")
    }
}

/// The compressed files of a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).expect("a folder").map(|it| it.expect("a file").path());
    let mut files: Vec<PathBuf> =
        files.filter(|it| it.extension().is_some_and(|it| it == "gz")).collect();
    files.sort();
    files
}
