//! Where the bank's events and rows lie: in a file, or on a server.

use std::ffi::OsString;
use std::path::PathBuf;

use eventloom_runtime::StoreError;
use eventloom_runtime::projection::{ReadDatabase, SqliteReadDatabase};
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::store::whole::WholeStore;

use crate::failure::Failure;

/// A database of the bank's, not opened yet.
pub(crate) trait Database {
    type Events: WholeStore;
    type Rows: ReadDatabase;

    /// Refuses to be asked where nothing has ever been written.
    fn check_there(&self) -> Result<(), Failure>;

    /// Opens events and rows, creating them where there are none.
    async fn open(&self) -> Result<(Self::Events, Self::Rows), Failure>;
}

/// What `--db` names.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    File(File),
    #[cfg(feature = "postgres")]
    Server(Server),
    /// This program can't speak to it.
    #[cfg(not(feature = "postgres"))]
    Server,
}

impl From<OsString> for Named {
    fn from(named: OsString) -> Self {
        match named.to_str() {
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                server(url)
            }
            _ => Self::File(File(named.into())),
        }
    }
}

#[cfg(feature = "postgres")]
fn server(url: &str) -> Named {
    Named::Server(Server { url: url.to_owned() })
}

#[cfg(not(feature = "postgres"))]
fn server(_: &str) -> Named {
    Named::Server
}

/// An SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct File(pub(crate) PathBuf);

impl Database for File {
    type Events = SqliteStore;
    type Rows = SqliteReadDatabase;

    /// A question to a bank that doesn't exist is a mistake in the path, and should not leave an empty file behind.
    fn check_there(&self) -> Result<(), Failure> {
        if self.0.exists() {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "there is no database at {}: name one with --db, or begin one with `bank open`",
            self.0.display()
        )))
    }

    async fn open(&self) -> Result<(SqliteStore, SqliteReadDatabase), Failure> {
        let at_path = |error: StoreError| Failure::from(error).at(&self.0);
        let database = SqliteDatabase::open(&self.0).map_err(at_path)?;
        let store = SqliteStore::open(&database).await.map_err(at_path)?;
        Ok((store, SqliteReadDatabase::open(&database).await?))
    }
}

/// A PostgreSQL database. Its address may hold a password, and is never shown.
#[cfg(feature = "postgres")]
#[derive(Clone)]
pub(crate) struct Server {
    url: String,
}

#[cfg(feature = "postgres")]
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

#[cfg(feature = "postgres")]
impl Database for Server {
    type Events = eventloom_runtime::store::postgres::PostgresStore;
    type Rows = eventloom_runtime::projection::PostgresReadDatabase;

    fn check_there(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn open(&self) -> Result<(Self::Events, Self::Rows), Failure> {
        let database = eventloom_runtime::store::postgres::PostgresDatabase::at(&self.url)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let store = Self::Events::open(&database).await?;
        Ok((store, Self::Rows::open(&database).await?))
    }
}

/// This program can't speak to a server.
#[cfg(not(feature = "postgres"))]
pub(crate) fn without_postgres() -> Failure {
    Failure::Usage(
        "this `bank` was built without PostgreSQL: build it with `--features postgres`".to_owned(),
    )
}
