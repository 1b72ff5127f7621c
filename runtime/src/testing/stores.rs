//! The stores that are switched on, as tests use them: new, empty, and opened again.

use std::future::Future;

#[cfg(feature = "testing-postgres")]
use crate::projection::PostgresReadDatabase;
#[cfg(feature = "sqlite")]
use crate::projection::SqliteReadDatabase;
use crate::projection::{MemoryReadDatabase, ReadDatabase};
#[cfg(feature = "testing-postgres")]
use crate::store::postgres::{PostgresDatabase, PostgresStore};
#[cfg(feature = "sqlite")]
use crate::store::sqlite::{SqliteDatabase, SqliteStore};
use crate::store::{EventStore, MemoryStore, StoreError};
use crate::testing::failure::Check;
#[cfg(any(feature = "sqlite", feature = "testing-postgres"))]
use crate::testing::failure::Failure;
#[cfg(feature = "testing-postgres")]
use crate::testing::postgres::TestDatabase;

/// A kind of store: how a test gets a new one, and the same one again.
pub trait StoreKind: Copy + Send + Sync + 'static {
    /// Its name in reports.
    const NAME: &'static str;

    /// How many random histories are lived in stores of this kind, where nothing else is said.
    const CASES: u32;

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

/// A kind of store with a read database beside it, for projections.
pub trait WithReads: StoreKind {
    /// The read database.
    type ReadDatabase: ReadDatabase;

    /// Opens the store and the read database that lie there, in one database where the store is one.
    ///
    /// # Errors
    /// What opening fails with.
    fn open_with_reads(
        self,
        place: &Self::Place,
    ) -> impl Future<Output = Check<(Self::Store, Self::ReadDatabase)>> + Send;
}

/// Stores in memory. What they hold ends with their place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl StoreKind for Memory {
    const NAME: &'static str = "memory";
    const CASES: u32 = 24;

    type Store = MemoryStore;
    type Place = (MemoryStore, MemoryReadDatabase);

    fn new_place(self) -> Self::Place {
        (MemoryStore::new(), MemoryReadDatabase::new())
    }

    async fn open(self, place: &Self::Place) -> Result<MemoryStore, StoreError> {
        Ok(place.0.clone())
    }
}

impl WithReads for Memory {
    type ReadDatabase = MemoryReadDatabase;

    async fn open_with_reads(
        self,
        place: &Self::Place,
    ) -> Check<(MemoryStore, MemoryReadDatabase)> {
        Ok(place.clone())
    }
}

/// Stores on a PostgreSQL server, each in a database of its own. The server is a temporary one, or that of
/// [`EVENTLOOM_POSTGRES`](super::postgres::SERVER).
#[cfg(feature = "testing-postgres")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Postgres;

#[cfg(feature = "testing-postgres")]
impl StoreKind for Postgres {
    const NAME: &'static str = "postgres";
    const CASES: u32 = 2;

    type Store = PostgresStore;
    type Place = TestDatabase;

    fn new_place(self) -> TestDatabase {
        TestDatabase::default()
    }

    async fn open(self, place: &TestDatabase) -> Result<PostgresStore, StoreError> {
        PostgresStore::open(&PostgresDatabase::at(&place.url().await)?).await
    }
}

#[cfg(feature = "testing-postgres")]
impl WithReads for Postgres {
    type ReadDatabase = PostgresReadDatabase;

    async fn open_with_reads(
        self,
        place: &TestDatabase,
    ) -> Check<(PostgresStore, PostgresReadDatabase)> {
        let database = PostgresDatabase::at(&place.url().await)?;
        let store = PostgresStore::open(&database).await?;
        let reads = PostgresReadDatabase::open(&database).await;
        let reads = reads.map_err(|error| {
            Failure::new(format!("the read database cannot be opened: {error}"))
        })?;
        Ok((store, reads))
    }
}

/// Stores in an SQLite file, in a temporary folder of its own.
#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Sqlite;

#[cfg(feature = "sqlite")]
impl StoreKind for Sqlite {
    const NAME: &'static str = "sqlite";
    const CASES: u32 = 4;

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

#[cfg(feature = "sqlite")]
impl WithReads for Sqlite {
    type ReadDatabase = SqliteReadDatabase;

    async fn open_with_reads(
        self,
        place: &tempfile::TempDir,
    ) -> Check<(SqliteStore, SqliteReadDatabase)> {
        let database = SqliteDatabase::open(place.path().join("events.db"))?;
        let store = SqliteStore::open(&database).await?;
        let reads = SqliteReadDatabase::open(&database).await;
        let reads = reads.map_err(|error| {
            Failure::new(format!("the read database cannot be opened: {error}"))
        })?;
        Ok((store, reads))
    }
}
