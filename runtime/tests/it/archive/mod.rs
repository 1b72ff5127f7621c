//! Archives, on the kind of store that the module around this one names.

mod properties;

use std::path::PathBuf;

use eventloom_runtime::testing::StoreKind;

use super::Kind;
use crate::archiving::ArchiveKind as _;

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

    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }
}
