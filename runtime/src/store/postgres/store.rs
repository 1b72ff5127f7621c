//! [`PostgresStore`]: the event store on a [`PostgresDatabase`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::append::Outcome;
use super::archive::ArchiveLock;
use super::database::{Client, PostgresDatabase};
use super::fault::Fault;
use super::group::Groups;
use super::migrations::Migrations;
use super::reads::{self, Known};
use super::transaction::Begun;
use super::watch::Watch;
use super::{archive, copying, text, whole};
use crate::event::EventShape;
use crate::metadata::{Position, Sequence, StreamId};
use crate::store::archive::{
    Archive, ArchiveStore, Candidate, LeavingBlock, Remembered, Rounds, SegmentRecord,
};
use crate::store::whole::{
    CopyId, Copying, Part, RecordPage, ShapeRecord, WholeStore, not_for_copy,
};
use crate::store::{
    AllPage, Append, AppendError, Appended, EventFilter, EventStore, ImmediateFold, KeyClaim, Page,
    RecordedCommand, Snapshot, StoreError, StreamKey, StreamRead, TakenKey, names,
};
use crate::values::Timestamp;

pub(super) const MIGRATIONS: Migrations = Migrations {
    part: "event store",
    scripts: &[
        include_str!("schema.sql"),
        include_str!("archive.sql"),
        include_str!("single.sql"),
        include_str!("archive_types.sql"),
        include_str!("keyed.sql"),
    ],
};

/// How often an append is tried again because what it met is not found, and how long it waits in between.
const UNSEEN: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// The event store in a PostgreSQL database. Cheap to clone; clones share their queue of appends, so open it once and
/// clone it.
///
/// Any number of processes may append and read. Those of one process share a transaction and a sync; those of several
/// come one after the other.
#[derive(Clone)]
pub struct PostgresStore {
    database: PostgresDatabase,
    shared: Arc<Shared>,
}

struct Shared {
    groups: Groups,
    known: Arc<Known>,
    watch: Arc<Watch>,
}

impl PostgresStore {
    /// Opens the event store of a database, creating its tables where there are none.
    ///
    /// Must be called within the tokio runtime that is going to use it.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn open(database: &PostgresDatabase) -> Result<Self, StoreError> {
        Self::open_in(database, Archive::new(None)).await
    }

    /// As [`Self::open`], with the folder of its archive: from there events are read that were archived, and there
    /// [`Archiver`](crate::store::archive::Archiver) puts them. It need not be there before something was archived.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with_archive(
        database: &PostgresDatabase,
        folder: impl AsRef<Path>,
    ) -> Result<Self, StoreError> {
        Self::open_in(database, Archive::at(folder.as_ref())?).await
    }

    async fn open_in(database: &PostgresDatabase, archive: Archive) -> Result<Self, StoreError> {
        database.migrate(MIGRATIONS).await?;
        let known = Arc::new(Known::new(&Arc::new(archive)));
        let watch = Watch::start(database);
        let groups = Groups::start(database, &known, watch.head());
        let shared = Shared { groups, known, watch };
        Ok(Self { database: database.clone(), shared: Arc::new(shared) })
    }

    /// The database.
    pub fn database(&self) -> &PostgresDatabase {
        &self.database
    }

    fn archive(&self) -> &Arc<Archive> {
        &self.shared.known.archive
    }

    async fn client(&self) -> Result<Client, StoreError> {
        self.told(self.database.reader().await)
    }

    /// A connection for writing. Of a database that was opened to copy into it, one that refuses a part of a store.
    async fn writing(&self) -> Result<Client, StoreError> {
        match self.database.copies() {
            true => self.told(self.database.rows().await),
            false => self.client().await,
        }
    }

    fn told<T>(&self, done: Result<T, Fault>) -> Result<T, StoreError> {
        done.map_err(|fault| self.database.explained(fault))
    }

    /// Waits a moment where what an append met is not found: it has become free meanwhile. Where it is met again and again, what
    /// it belongs to is not there.
    async fn wait_for(&self, unseen: &mut u32, what: &str, id: &str) -> Result<(), StoreError> {
        *unseen += 1;
        if *unseen > UNSEEN {
            return Err(StoreError::Corrupt {
                what: what.to_owned(),
                place: format!("`{id}` in {}", self.database),
                reason: "it is recorded for a stream that is not there; restore the database from a backup"
                    .to_owned(),
            });
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        Ok(())
    }
}

impl EventStore for PostgresStore {
    async fn register(
        &self,
        aggregate: &'static str,
        shapes: &'static [EventShape],
    ) -> Result<(), StoreError> {
        names::know(aggregate);
        let types: Vec<_> = shapes.iter().map(|shape| text::stored(shape.event_type)).collect();
        let versions: Vec<_> = shapes.iter().map(|shape| i64::from(shape.version)).collect();
        let texts: Vec<_> = shapes.iter().map(|shape| text::stored(shape.shape)).collect();
        let aggregate = text::stored(aggregate);
        let client = self.writing().await?;
        let registered = async {
            let statement = client
                .prepare_cached("SELECT place, stored FROM eventloom.register($1, $2, $3, $4)")
                .await?;
            let row =
                client.query_one(&statement, &[&aggregate, &types, &versions, &texts]).await?;
            let (place, stored): (Option<i32>, Option<&str>) = (row.try_get(0)?, row.try_get(1)?);
            Ok(place.zip(stored.map(|stored| text::read(stored).into_owned())))
        };
        let Some((place, stored)) = self.told(registered.await)? else { return Ok(()) };
        let shape = usize::try_from(place - 1).ok().and_then(|index| shapes.get(index));
        match shape {
            Some(shape) => Err(StoreError::shape_mismatch(shape, shapes, &stored)),
            None => {
                Err(self.database.explained(Fault::Value(format!("a shape has the place {place}"))))
            }
        }
    }

    fn epoch(&self) -> u64 {
        self.database.epoch()
    }

    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let (append, mut rounds, mut unseen) = (Arc::new(append), Rounds::default(), 0);
        loop {
            match self.shared.groups.append(&append).await {
                Outcome::Appended(position) => return Ok(Appended { position }),
                Outcome::Conflict(actual) => {
                    return Err(AppendError::Conflict { expected: append.expected, actual });
                }
                Outcome::Failed(AppendError::Store(error))
                    if self.archive().brings(&error, &mut rounds).await? => {}
                Outcome::Failed(error) => return Err(error),
                Outcome::CommandKnown => {
                    let id = append.command.as_ref().map_or("", |command| &command.id);
                    if let Some(known) = self.command(id).await? {
                        return Err(AppendError::CommandKnown(Box::new(known)));
                    }
                    self.wait_for(&mut unseen, "command", id).await?;
                }
                Outcome::KeyTaken(claim) => {
                    let claims = [claim];
                    if let Some(taken) = self.taken_key(&append.stream, &claims).await? {
                        return Err(AppendError::DuplicateKey(Box::new(taken)));
                    }
                    self.wait_for(&mut unseen, "unique key", &claims[0].value).await?;
                }
            }
            // It has become free meanwhile, or what a fold lacked is at hand.
        }
    }

    async fn read_stream(&self, read: StreamRead) -> Result<Page, StoreError> {
        self.told(reads::read_stream(&self.database, &self.shared.known, &read).await)
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        let known = &self.shared.known;
        self.told(reads::read_all(&self.database, known, after, filter, limit).await)
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.told(reads::head(&self.client().await?).await)
    }

    async fn snapshot(
        &self,
        stream: &StreamKey,
        meaning: u64,
        at_most: Sequence,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.told(reads::snapshot(&self.client().await?, stream, meaning, at_most).await)
    }

    async fn save_snapshot(
        &self,
        stream: &StreamKey,
        snapshot: Snapshot,
    ) -> Result<(), StoreError> {
        let (aggregate, id) = (text::stored(stream.aggregate), text::stored(stream.id.as_str()));
        let (meaning, data) = (snapshot.meaning.cast_signed(), snapshot.data);
        let sequence = super::batch::signed(snapshot.sequence);
        let client = self.writing().await?;
        let saved = async {
            let statement =
                client.prepare_cached("SELECT eventloom.save_snapshot($1, $2, $3, $4, $5)").await?;
            client.execute(&statement, &[&aggregate, &id, &meaning, &sequence, &data]).await?;
            Ok(())
        };
        self.told(saved.await)
    }

    async fn discard_snapshot(&self, stream: &StreamKey, meaning: u64) -> Result<(), StoreError> {
        let (aggregate, id) = (text::stored(stream.aggregate), text::stored(stream.id.as_str()));
        let meaning = meaning.cast_signed();
        let client = self.writing().await?;
        let discarded = async {
            let statement =
                client.prepare_cached("SELECT eventloom.discard_snapshot($1, $2, $3)").await?;
            client.execute(&statement, &[&aggregate, &id, &meaning]).await?;
            Ok(())
        };
        self.told(discarded.await)
    }

    async fn command(&self, id: &str) -> Result<Option<RecordedCommand>, StoreError> {
        self.told(reads::command(&self.client().await?, id).await)
    }

    async fn taken_key(
        &self,
        stream: &StreamKey,
        claims: &[KeyClaim],
    ) -> Result<Option<TakenKey>, StoreError> {
        self.told(reads::taken_key(&self.client().await?, stream, claims).await)
    }

    async fn streams(
        &self,
        aggregate: &'static str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, StoreError> {
        self.told(reads::streams(&self.client().await?, aggregate, after, limit).await)
    }

    async fn fold_immediately(&self, fold: Arc<dyn ImmediateFold>) -> Result<(), StoreError> {
        let mut rounds = Rounds::default();
        loop {
            match self.shared.groups.fold(Arc::clone(&fold)).await {
                Err(error) if self.archive().brings(&error, &mut rounds).await? => {}
                opened => return opened,
            }
        }
    }

    async fn changed(&self, after: Position) {
        self.shared.watch.changed(after).await;
    }
}

impl WholeStore for PostgresStore {
    async fn shapes(&self) -> Result<Vec<ShapeRecord>, StoreError> {
        self.told(whole::shapes(&self.client().await?).await)
    }

    async fn records(&self, after: Option<&str>, limit: usize) -> Result<RecordPage, StoreError> {
        self.told(whole::records(&self.client().await?, after, limit).await)
    }

    async fn place(&self) -> Result<String, StoreError> {
        self.told(copying::place(&self.client().await?).await)
    }

    async fn unfinished_copy(&self) -> Result<Option<Position>, StoreError> {
        self.told(copying::unfinished(&self.client().await?).await)
    }

    async fn begin_copy(&self, copy: Copying) -> Result<(), StoreError> {
        if !self.database.copies() {
            return Err(not_for_copy("PostgresDatabase::open_for_copy"));
        }
        self.database.make_way();
        let begun = self.told(Begun::on(self.client().await?).await)?;
        let marked = copying::begin(&begun, &copy).await;
        self.told(begun.end(marked).await)
    }

    async fn end_copy(&self, copy: &CopyId) -> Result<(), StoreError> {
        let begun = self.told(Begun::on(self.client().await?).await)?;
        let ended = copying::end(&begun, copy).await;
        self.told(begun.end(ended).await)
    }

    async fn restore(&self, part: Part) -> Result<(), StoreError> {
        let begun = self.told(Begun::on(self.client().await?).await)?;
        let restored = whole::restore(&begun, &part).await;
        let head = self.told(begun.end(restored).await)?;
        super::watch::tell_own(&self.shared.watch.head(), head);
        Ok(())
    }
}

impl ArchiveStore for PostgresStore {
    type Lock = ArchiveLock;

    fn archive_folder(&self) -> Option<PathBuf> {
        self.archive().folder().map(Path::to_owned)
    }

    async fn segments(&self) -> Result<Vec<SegmentRecord>, StoreError> {
        self.told(archive::segments(&self.client().await?).await)
    }

    async fn identity(&self, proposed: &str) -> Result<String, StoreError> {
        self.told(archive::identity(&self.writing().await?, proposed).await)
    }

    async fn remembered(&self) -> Result<Option<Remembered>, StoreError> {
        self.told(archive::remembered(&self.client().await?).await)
    }

    async fn remember(&self, folder: &Path) -> Result<(), StoreError> {
        self.told(archive::remember(&self.writing().await?, folder).await)
    }

    async fn lock_archive(&self) -> Result<Option<ArchiveLock>, StoreError> {
        // It is held for the whole run, in which events and rows are read and written by as few connections as there may be.
        let client = self.told(self.database.alone().await)?;
        self.told(archive::lock(client).await)
    }

    async fn recorded(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<(Position, Timestamp)>, StoreError> {
        self.told(archive::recorded(&self.client().await?, after, limit).await)
    }

    async fn candidates(
        &self,
        aggregate: &'static str,
        meaning: u64,
        range: (Position, Position),
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let client = self.client().await?;
        self.told(archive::candidates(&client, (aggregate, meaning), range, limit).await)
    }

    async fn live_at(&self, positions: Vec<Position>) -> Result<Page, StoreError> {
        self.told(reads::live_at(&self.database, &self.shared.known, &positions).await)
    }

    async fn leave(
        &self,
        segment: SegmentRecord,
        blocks: Vec<LeavingBlock>,
    ) -> Result<(), StoreError> {
        let begun = self.told(Begun::on(self.writing().await?).await)?;
        let left = archive::leave(&begun, &segment, &blocks).await;
        self.told(begun.end(left).await)
    }
}
