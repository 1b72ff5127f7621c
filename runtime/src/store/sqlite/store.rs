//! [`SqliteStore`]: the event store on an [`SqliteDatabase`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::append::{self, OpenTransaction};
use super::database::SqliteDatabase;
use super::fault::JobError;
use super::group::Groups;
use super::{archive, copying, numbers, reads, whole};
use crate::event::EventShape;
use crate::metadata::{Position, Sequence, StreamId};
use crate::store::archive::{
    Archive, ArchiveStore, Candidate, Filling, LeavingBlock, Merging, Remembered, Rounds,
    SegmentRecord,
};
use crate::store::names;
use crate::store::whole::{
    CopyId, Copying, Part, RecordPage, ShapeRecord, WholeStore, not_for_copy,
};
use crate::store::{
    AllPage, Append, AppendError, Appended, EventFilter, EventStore, ImmediateFold, KeyClaim, Page,
    RecordedCommand, Snapshot, StoreError, StreamKey, StreamRead, TakenKey,
};
use crate::values::Timestamp;

/// How often a waiting reader looks for events of other processes.
const POLL: Duration = Duration::from_millis(40);

/// The event store on one SQLite file. Cheap to clone; clones share their queue of appends and their
/// immediate projections, so open it once and clone it.
///
/// Several processes on one machine may open the same file and append to it; they wait for each other,
/// for as long as [`busy_timeout`](super::SqliteOptions::busy_timeout) says. Appends share a sync within a
/// process only.
#[derive(Clone)]
pub struct SqliteStore {
    database: SqliteDatabase,
    groups: Arc<Groups>,
}

impl SqliteStore {
    /// Opens the event store of a database, creating its tables where there are none.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn open(database: &SqliteDatabase) -> Result<Self, StoreError> {
        Self::open_in(database, Archive::new(None)).await
    }

    /// As [`Self::open`], with the folder of its archive: from there events are read that were archived, and there
    /// [`Archiver`](crate::store::archive::Archiver) puts them. It need not be there before something was archived.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with_archive(
        database: &SqliteDatabase,
        folder: impl AsRef<Path>,
    ) -> Result<Self, StoreError> {
        Self::open_in(database, Archive::at(folder.as_ref())?).await
    }

    async fn open_in(database: &SqliteDatabase, archive: Archive) -> Result<Self, StoreError> {
        let create = |connection: &Connection| {
            connection.execute_batch(include_str!("schema.sql"))?;
            archive::create_tables(connection)
        };
        database.write_in_copy(move |transaction| create(transaction)).await?;
        Ok(Self { database: database.clone(), groups: Arc::new(Groups::new(archive)) })
    }

    /// The database.
    pub fn database(&self) -> &SqliteDatabase {
        &self.database
    }

    fn archive(&self) -> &Arc<Archive> {
        &self.groups.catalog.archive
    }

    async fn open_fold(&self, fold: Arc<dyn ImmediateFold>) -> Result<(), StoreError> {
        let groups = Arc::clone(&self.groups);
        self.database
            .with_writer(move |connection| {
                connection.in_transaction(|transaction| {
                    let open =
                        OpenTransaction { connection: transaction, catalog: &groups.catalog };
                    fold.open(&open)
                })?;
                groups.add_fold(fold);
                Ok(())
            })
            .await
    }

    /// Reads with the catalog at hand.
    async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Groups) -> Result<T, JobError> + Send + 'static,
    {
        let groups = Arc::clone(&self.groups);
        self.database.read(move |connection| job(connection, &groups)).await
    }
}

impl EventStore for SqliteStore {
    async fn register(
        &self,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> Result<(), StoreError> {
        names::know(aggregate);
        self.database
            .write(move |transaction| numbers::register(transaction, aggregate, shapes))
            .await
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        append.check_epoch(self.epoch())?;
        let archive = self.archive();
        let (mut append, mut rounds) = (append, Rounds::default());
        loop {
            // Folds may lack what is archived; nobody else pays for a second attempt.
            let again = self.groups.folds_beside_an_archive().then(|| append.clone());
            match (self.groups.append(&self.database, append).await, again) {
                (Err(AppendError::Store(error)), Some(again)) => {
                    if !archive.brings(&error, &mut rounds).await? {
                        return Err(error.into());
                    }
                    append = again;
                }
                (outcome, _) => return outcome,
            }
        }
    }

    async fn read_stream(&self, read: StreamRead) -> Result<Page, StoreError> {
        let found = self.read(move |connection, groups| {
            let found = reads::read_stream(connection, &groups.catalog, &read)?;
            Ok((found, read))
        });
        let ((live, listed), read) = found.await?;
        let Some(listed) = listed else { return Ok(live) };
        match Filling::of(&read, live, listed) {
            Ok(page) => archive::fill(&self.database, self.archive(), &read, page).await,
            Err(live) => Ok(live),
        }
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        let asked = filter.clone();
        let found = self.read(move |connection, groups| {
            let view = connection.unchecked_transaction()?;
            reads::read_all(&view, &groups.catalog, after, &asked, limit)
        });
        let (live, listed) = found.await?;
        let Some(listed) = listed else { return Ok(live) };
        let page = Merging::of(live, listed, (after, filter, limit));
        archive::merge(&self.database, self.archive(), page).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.read(|connection, _| Ok(reads::head(connection)?)).await
    }

    async fn snapshot(
        &self,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> Result<Option<Snapshot>, StoreError> {
        let stream = stream.clone();
        self.read(move |connection, _| Ok(reads::snapshot(connection, &stream, meaning, at_most)?))
            .await
    }

    async fn save_snapshot(
        &self,
        stream: &StreamKey,
        snapshot: Snapshot,
    ) -> Result<(), StoreError> {
        let stream = stream.clone();
        self.database
            .write(move |transaction| Ok(append::save_snapshot(transaction, &stream, &snapshot)?))
            .await
    }

    async fn discard_snapshot(&self, stream: &StreamKey, meaning: u64) -> Result<(), StoreError> {
        let stream = stream.clone();
        self.database
            .write(move |transaction| Ok(append::discard_snapshot(transaction, &stream, meaning)?))
            .await
    }

    async fn command(&self, id: &str) -> Result<Option<RecordedCommand>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection, _| Ok(reads::command(connection, &id)?)).await
    }

    async fn taken_key(
        &self,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> Result<Option<TakenKey>, StoreError> {
        let (stream, claims) = (stream.clone(), claims.to_vec());
        self.read(move |connection, _| {
            let view = connection.unchecked_transaction()?;
            let no = reads::stream_no(&view, &stream)?;
            let field =
                |claim: &KeyClaim| Ok(reads::field_no(&view, stream.aggregate, claim.field)?);
            reads::taken_key(&view, no, &claims, field)
        })
        .await
    }

    async fn streams(
        &self,
        aggregate: &'static str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, StoreError> {
        let after = after.cloned();
        self.read(move |connection, _| {
            Ok(reads::streams(connection, aggregate, after.as_ref(), limit)?)
        })
        .await
    }

    async fn fold_immediately(&self, fold: Arc<dyn ImmediateFold>) -> Result<(), StoreError> {
        let mut rounds = Rounds::default();
        loop {
            match self.open_fold(Arc::clone(&fold)).await {
                Err(error) if self.archive().brings(&error, &mut rounds).await? => {}
                opened => return opened,
            }
        }
    }

    async fn changed(&self, after: Position) {
        let mut head = self.groups.head.subscribe();
        loop {
            if *head.borrow_and_update() > after {
                return;
            }
            // The sender lives as long as this store, so an error cannot be; it would only poll.
            if tokio::time::timeout(POLL, head.changed()).await.is_ok_and(|seen| seen.is_ok()) {
                continue;
            }
            // A failure is for the read that follows to tell.
            match self.head().await {
                Ok(head) if head <= after => {}
                _ => return,
            }
        }
    }
}

impl WholeStore for SqliteStore {
    async fn shapes(&self) -> Result<Vec<ShapeRecord>, StoreError> {
        self.read(|connection, _| Ok(whole::shapes(connection)?)).await
    }

    async fn records(&self, after: Option<&str>, limit: usize) -> Result<RecordPage, StoreError> {
        let after = after.map(ToOwned::to_owned);
        self.read(move |connection, _| whole::records(connection, after.as_deref(), limit)).await
    }

    async fn place(&self) -> Result<String, StoreError> {
        let path = self.database.path();
        let unnamed = |error| {
            StoreError::Unavailable(format!("{} cannot be looked up: {error}", path.display()))
        };
        whole::place(path).map_err(unnamed)
    }

    async fn unfinished_copy(&self) -> Result<Option<Position>, StoreError> {
        self.read(|connection, _| Ok(copying::unfinished(connection)?)).await
    }

    async fn begin_copy(&self, copy: Copying) -> Result<(), StoreError> {
        if !self.database.copies() {
            return Err(not_for_copy("SqliteDatabase::open_for_copy"));
        }
        self.database.write_in_copy(move |transaction| copying::begin(transaction, &copy)).await
    }

    async fn end_copy(&self, copy: &CopyId) -> Result<(), StoreError> {
        let copy = copy.clone();
        self.database.write_in_copy(move |transaction| copying::end(transaction, &copy)).await
    }

    async fn restore(&self, part: Part) -> Result<(), StoreError> {
        let head = self
            .database
            .write_in_copy(move |transaction| whole::restore(transaction, &part))
            .await?;
        self.groups
            .head
            .send_if_modified(|known| std::mem::replace(known, head.max(*known)) < head);
        Ok(())
    }
}

impl ArchiveStore for SqliteStore {
    /// The archive's folder has a lock, and what leaves is compared with what is there.
    type Lock = ();

    fn archive_folder(&self) -> Option<PathBuf> {
        self.archive().folder().map(Path::to_owned)
    }

    async fn segments(&self) -> Result<Vec<SegmentRecord>, StoreError> {
        self.read(|connection, _| Ok(archive::segments(connection)?)).await
    }

    async fn identity(&self, proposed: &str) -> Result<String, StoreError> {
        let proposed = proposed.to_owned();
        self.database.write(move |transaction| Ok(archive::identity(transaction, &proposed)?)).await
    }

    async fn remembered(&self) -> Result<Option<Remembered>, StoreError> {
        self.read(|connection, _| Ok(archive::remembered(connection)?)).await
    }

    async fn remember(&self, folder: &Path) -> Result<(), StoreError> {
        let folder = folder.display().to_string();
        self.database.write(move |transaction| Ok(archive::remember(transaction, &folder)?)).await
    }

    async fn lock_archive(&self) -> Result<Option<()>, StoreError> {
        Ok(Some(()))
    }

    async fn recorded(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<(Position, Timestamp)>, StoreError> {
        self.read(move |connection, _| Ok(archive::recorded(connection, after, limit)?)).await
    }

    async fn candidates(
        &self,
        aggregate: &'static str,
        meaning: u64,
        range: (Position, Position),
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        self.read(move |connection, _| {
            Ok(archive::candidates(connection, aggregate, meaning, range, limit)?)
        })
        .await
    }

    async fn live_at(&self, positions: Vec<Position>) -> Result<Page, StoreError> {
        self.read(move |connection, groups| {
            let view = connection.unchecked_transaction()?;
            reads::live_at(&view, &groups.catalog, &positions)
        })
        .await
    }

    async fn leave(
        &self,
        segment: SegmentRecord,
        blocks: Vec<LeavingBlock>,
    ) -> Result<(), StoreError> {
        self.database.write(move |transaction| archive::leave(transaction, &segment, &blocks)).await
    }
}
