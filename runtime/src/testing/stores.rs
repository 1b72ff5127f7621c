//! The stores that are switched on, as tests use them: new, empty, and opened again.

use std::future::Future;

#[cfg(feature = "sqlite")]
use crate::store::sqlite::{SqliteDatabase, SqliteStore};
use crate::store::{EventStore, MemoryStore, StoreError};

/// A kind of store: how a test gets a new one, and the same one again.
pub trait StoreKind: Copy + Send + Sync + 'static {
    /// Its name in reports.
    const NAME: &'static str;

    /// The store.
    type Store: EventStore;

    /// Where a store of this kind lies: a folder, a database. What it holds goes with it.
    type Place: Send + Sync;

    /// A place without a store.
    fn new_place(self) -> Self::Place;

    /// Opens the store that lies there, and creates it where there is none. After all handles of it
    /// were dropped, this is a restart.
    ///
    /// # Errors
    /// What opening fails with.
    fn open(
        self,
        place: &Self::Place,
    ) -> impl Future<Output = Result<Self::Store, StoreError>> + Send;

    /// A new, empty store with its place, which must be kept as long as the store.
    ///
    /// # Errors
    /// What opening fails with.
    fn open_new(
        self,
    ) -> impl Future<Output = Result<(Self::Place, Self::Store), StoreError>> + Send {
        async move {
            let place = self.new_place();
            let store = self.open(&place).await?;
            Ok((place, store))
        }
    }
}

/// Stores in memory. What they hold ends with their place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl StoreKind for Memory {
    const NAME: &'static str = "memory";

    type Store = MemoryStore;
    type Place = MemoryStore;

    fn new_place(self) -> MemoryStore {
        MemoryStore::new()
    }

    async fn open(self, place: &MemoryStore) -> Result<MemoryStore, StoreError> {
        Ok(place.clone())
    }
}

/// Stores in an SQLite file, in a temporary folder of its own.
#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Sqlite;

#[cfg(feature = "sqlite")]
impl StoreKind for Sqlite {
    const NAME: &'static str = "sqlite";

    type Store = SqliteStore;
    type Place = tempfile::TempDir;

    fn new_place(self) -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder can be made")
    }

    async fn open(self, place: &tempfile::TempDir) -> Result<SqliteStore, StoreError> {
        let database = SqliteDatabase::open(place.path().join("events.db"))?;
        SqliteStore::open(&database).await
    }
}
