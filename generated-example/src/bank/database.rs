//! Where the bank's events and rows lie: in a file, or on a server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use eventloom_runtime::StoreError;
use eventloom_runtime::projection::{ReadDatabase, SqliteReadDatabase};
use eventloom_runtime::store::archive::ArchiveStore;
#[cfg(feature = "postgres")]
use eventloom_runtime::store::postgres::{PostgresDatabase, PostgresStore};
use eventloom_runtime::store::sqlite::{SqliteDatabase, SqliteStore};
use eventloom_runtime::store::whole::WholeStore;

use crate::failure::Failure;

/// A database of the bank's, not opened yet.
pub(crate) trait Database {
    type Events: ArchiveStore + WholeStore;
    type Rows: ReadDatabase;

    /// Refuses to be asked where nothing has ever been written. Nothing is made there.
    async fn check_there(&self) -> Result<(), Failure>;

    /// The folder with what was archived, where one was named.
    fn archive(&self) -> Option<&Path>;

    /// Opens the events with their archive in a folder, or in the one that they remember, creating them where there are none.
    async fn events(&self, archive: Option<&Path>) -> Result<Self::Events, Failure>;

    /// Opens the events to copy a bank into them, creating them where there are none.
    async fn to_be_filled(&self) -> Result<Self::Events, Failure>;

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
        // Whatever it is otherwise: taken for a file it would be told whole, with the password in it.
        match named.to_string_lossy() {
            url if is_address(&url) => server(&url),
            _ => Self::File(File::at(named.into())),
        }
    }
}

impl Named {
    /// With the folder of its archive, where one is named.
    pub(crate) fn with_archive(mut self, folder: Option<PathBuf>) -> Self {
        match &mut self {
            Self::File(file) => file.archive = folder,
            #[cfg(feature = "postgres")]
            Self::Server(server) => server.archive = folder,
            #[cfg(not(feature = "postgres"))]
            Self::Server => {}
        }
        self
    }
}

/// What the keys of an address are that is a list of keys and values, `host=db user=bank`; those that say where or who.
const KEYS: [&str; 6] = ["host", "hostaddr", "port", "user", "password", "dbname"];

/// Whether it is of a server, well written or not: `password = x` is as good as `password=x`.
fn is_address(named: &str) -> bool {
    let before_values = named.rsplit_once('=').map_or("", |(before, _)| before).split('=');
    let mut words = before_values.filter_map(|it| it.split_whitespace().last());
    let is_key = |word: &str| KEYS.iter().any(|it| it.eq_ignore_ascii_case(word));
    named.contains("://") || words.any(is_key)
}

#[cfg(feature = "postgres")]
fn server(url: &str) -> Named {
    Named::Server(Server { url: url.to_owned(), archive: None })
}

#[cfg(not(feature = "postgres"))]
fn server(_: &str) -> Named {
    Named::Server
}

/// An SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    path: PathBuf,
    archive: Option<PathBuf>,
}

impl File {
    /// A file at a path.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, archive: None }
    }
}

impl Database for File {
    type Events = SqliteStore;
    type Rows = SqliteReadDatabase;

    /// A question to a bank that doesn't exist is a mistake in the path, and should not leave an empty file behind.
    async fn check_there(&self) -> Result<(), Failure> {
        if self.path.exists() {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "there is no database at {}: name one with --db, or begin one with `bank open`",
            self.path.display()
        )))
    }

    fn archive(&self) -> Option<&Path> {
        self.archive.as_deref()
    }

    async fn events(&self, archive: Option<&Path>) -> Result<SqliteStore, Failure> {
        let at_path = |error: StoreError| Failure::from(error).at(&self.path);
        let database = SqliteDatabase::open(&self.path).map_err(at_path)?;
        if let Some(folder) = archive.or(self.archive()) {
            return SqliteStore::open_with_archive(&database, folder).await.map_err(at_path);
        }
        let store = SqliteStore::open(&database).await.map_err(at_path)?;
        match store.archived_to().await.map_err(at_path)? {
            None => Ok(store),
            Some(folder) => {
                SqliteStore::open_with_archive(&database, folder).await.map_err(at_path)
            }
        }
    }

    async fn to_be_filled(&self) -> Result<SqliteStore, Failure> {
        let at_path = |error: StoreError| Failure::from(error).at(&self.path);
        let database = SqliteDatabase::open_for_copy(&self.path).map_err(at_path)?;
        SqliteStore::open(&database).await.map_err(at_path)
    }

    async fn open(&self) -> Result<(SqliteStore, SqliteReadDatabase), Failure> {
        let store = self.events(None).await?;
        let rows = SqliteReadDatabase::open(store.database()).await?;
        Ok((store, rows))
    }
}

/// A PostgreSQL database. Its address may hold a password, and is never shown.
#[cfg(feature = "postgres")]
#[derive(Clone)]
pub(crate) struct Server {
    url: String,
    archive: Option<PathBuf>,
}

#[cfg(feature = "postgres")]
impl Server {
    /// The database at the address, made in one way or another.
    fn database(
        &self,
        at: impl FnOnce(&str) -> Result<PostgresDatabase, StoreError>,
    ) -> Result<PostgresDatabase, Failure> {
        if self.url.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Failure::Usage(
                "the address of the database is not text in UTF-8: write each byte that is not, of a password say, as \
                 `%` with its two hexadecimal digits"
                    .to_owned(),
            ));
        }
        at(&self.url).map_err(|error| Failure::Usage(error.to_string()))
    }
}

#[cfg(feature = "postgres")]
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

#[cfg(feature = "postgres")]
impl Database for Server {
    type Events = PostgresStore;
    type Rows = eventloom_runtime::projection::PostgresReadDatabase;

    /// A question to a database without a bank is a mistake in the address, and should not leave tables behind.
    async fn check_there(&self) -> Result<(), Failure> {
        let database = self.database(PostgresDatabase::at)?;
        if database.has_event_store().await? {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "there is no bank in {database}: name another database with --db, or begin one there with `bank open`"
        )))
    }

    fn archive(&self) -> Option<&Path> {
        self.archive.as_deref()
    }

    async fn events(&self, archive: Option<&Path>) -> Result<Self::Events, Failure> {
        let database = self.database(PostgresDatabase::at)?;
        if let Some(folder) = archive.or(self.archive()) {
            return Ok(Self::Events::open_with_archive(&database, folder).await?);
        }
        let store = Self::Events::open(&database).await?;
        match store.archived_to().await? {
            None => Ok(store),
            Some(folder) => Ok(Self::Events::open_with_archive(&database, folder).await?),
        }
    }

    async fn to_be_filled(&self) -> Result<Self::Events, Failure> {
        let database = self.database(PostgresDatabase::open_for_copy)?;
        Ok(Self::Events::open(&database).await?)
    }

    async fn open(&self) -> Result<(Self::Events, Self::Rows), Failure> {
        let store = self.events(None).await?;
        let rows = Self::Rows::open(store.database()).await?;
        Ok((store, rows))
    }
}

/// This program can't speak to a server.
#[cfg(not(feature = "postgres"))]
pub(crate) fn without_postgres() -> Failure {
    Failure::Usage(
        "this `bank` was built without PostgreSQL: build it with `--features postgres`".to_owned(),
    )
}
