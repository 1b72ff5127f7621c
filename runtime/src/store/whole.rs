//! Copying a whole store into another one: events at their positions, and all that is kept beside them.
//!
//! A copy that was cut off goes on where it stopped. At its end both stores are read once more, and compared.

mod comparing;

use std::collections::BTreeMap;
use std::future::Future;

use self::comparing::{contents, fits, lacks_nothing};
use super::{ContentHash, EventFilter, EventStore, StoreError, StoredEvent};
use crate::metadata::{Metadata, Position, Sequence, StreamId};
use crate::values::Uuid;

/// Events and records that are moved together.
const PART: usize = 1_000;

/// A store that can be read whole, and filled from another one.
pub trait WholeStore: EventStore {
    /// Every version of every event type that was registered.
    ///
    /// # Errors
    /// A failure of the store.
    fn shapes(&self) -> impl Future<Output = Result<Vec<ShapeRecord>, StoreError>> + Send;

    /// What is kept of commands and unique keys, in an order of the store's own: a page after the place to which an
    /// earlier page led. It is the last where it leads nowhere.
    ///
    /// # Errors
    /// A failure of the store.
    fn records(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<RecordPage, StoreError>> + Send;

    /// Where it lies, in a text that is the same by whatever path or address one came there.
    ///
    /// # Errors
    /// A failure of the store.
    fn place(&self) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Where a copy into this store is unfinished, the last position of the store that is copied.
    ///
    /// # Errors
    /// A failure of the store.
    fn unfinished_copy(&self) -> impl Future<Output = Result<Option<Position>, StoreError>> + Send;

    /// Marks the store as one into which a copy is unfinished, in one transaction. From then on it refuses everything but
    /// what a copy does, to whoever has it open too, or whoever has it open is the reason why the copy is refused. Who has
    /// opened it to be copied into can read it all the same, as a copy must, and write by [`Self::restore`] alone. An
    /// earlier copy can't go on from then on.
    ///
    /// # Errors
    /// A failure of the store, or that it was not opened to be copied into, that others have it open, or that its head
    /// is another one than the copy goes on from.
    fn begin_copy(&self, copy: Copying) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes the mark off, in one transaction.
    ///
    /// # Errors
    /// A failure of the store, or that another copy has begun meanwhile.
    fn end_copy(&self, copy: &CopyId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes what another store has, in one transaction and without the checks of an append. Events come after all that are
    /// there, in the order of their positions; shapes and records that are there already are left.
    ///
    /// # Errors
    /// A failure of the store, what can't be there beside what is, or that another copy has begun meanwhile.
    fn restore(&self, part: Part) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// One run of a copy, told from every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyId(String);

impl CopyId {
    /// An id that no other copy has.
    pub fn unique() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A copy that begins, or goes on where another was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copying {
    /// Which.
    pub id: CopyId,
    /// The last position that is there.
    pub after: Position,
    /// The last position of the store that is copied.
    pub of: Position,
}

/// A version of an event type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShapeRecord {
    /// Name of the aggregate type.
    pub aggregate: String,
    /// Stored name of the event type.
    pub event_type: String,
    /// The version.
    pub version: u32,
    /// Its shape; none where no program has registered it.
    pub shape: Option<String>,
}

/// What is kept beside the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A unique key that is taken.
    Key {
        /// Whose.
        by: RecordedBy,
        /// The field.
        field: String,
        /// The value.
        value: String,
        /// Whether it is taken for the whole aggregate type.
        across_all: bool,
        /// Sequences of the first and last event of the append that claimed it.
        events: (Sequence, Sequence),
    },
    /// A command id that has been used.
    Command {
        /// For what.
        by: RecordedBy,
        /// The id.
        id: String,
        /// Sequences of the first and last event it appended or repeated, or none.
        events: Option<(Sequence, Sequence)>,
        /// Name and message where it was refused.
        refusal: Option<(String, String)>,
    },
}

/// Stream and content of a recorded command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedBy {
    /// Name of the aggregate type.
    pub aggregate: String,
    /// Id of the stream.
    pub stream: StreamId,
    /// Content of the command.
    pub content: ContentHash,
}

/// Some records, and the place from where to go on.
#[derive(Clone, Debug)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<Record>,
    /// Where to go on; none at the end.
    pub next: Option<String>,
}

/// An event as it lies in a store.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    /// Place in the global order.
    pub position: Position,
    /// Name of the aggregate type.
    pub aggregate: String,
    /// Stored name of the type.
    pub event_type: String,
    /// Version of the type.
    pub version: u32,
    /// The data.
    pub data: Vec<u8>,
    /// The metadata, whole.
    pub meta: Metadata,
}

impl From<StoredEvent<'_>> for EventRecord {
    fn from(event: StoredEvent<'_>) -> Self {
        Self {
            position: event.position,
            aggregate: event.aggregate.to_owned(),
            event_type: event.event_type.to_owned(),
            version: event.version,
            data: event.data.to_vec(),
            meta: event.meta.clone(),
        }
    }
}

/// A part of another store.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The copy to which it belongs, which must be the one that the store is marked with. With none, a store that is marked
    /// refuses it.
    pub copy: Option<CopyId>,
    /// Versions of event types.
    pub shapes: Vec<ShapeRecord>,
    /// Events, in the order of their positions.
    pub events: Vec<EventRecord>,
    /// What is kept beside them.
    pub records: Vec<Record>,
}

/// A place among the records of a store, which has keys first and commands behind them.
pub(super) enum Place {
    /// After this key.
    Key { field: i64, value: String, scope: i64 },
    /// Before the first command.
    Commands,
    /// After this command.
    Command { id: String },
}

impl Place {
    /// The place that a page told, or the beginning.
    pub(super) fn read(told: Option<&str>) -> Result<Self, StoreError> {
        let Some(told) = told else {
            return Ok(Self::Key { field: -1, value: String::new(), scope: 0 });
        };
        let read = match told.split_at_checked(1) {
            Some(("k", key)) => key.split_once(' ').and_then(|(field, rest)| {
                let (scope, value) = rest.split_once(' ')?;
                let (field, scope) = (field.parse().ok()?, scope.parse().ok()?);
                Some(Self::Key { field, value: value.to_owned(), scope })
            }),
            Some(("C", "")) => Some(Self::Commands),
            Some(("c", id)) => Some(Self::Command { id: id.to_owned() }),
            _ => None,
        };
        read.ok_or_else(|| {
            StoreError::Unsupported(format!("`{told}` is no place that a page of records told"))
        })
    }

    fn told(self) -> String {
        match self {
            Self::Key { field, value, scope } => format!("k{field} {scope} {value}"),
            Self::Commands => "C".to_owned(),
            Self::Command { id } => format!("c{id}"),
        }
    }
}

/// A page of records, each with its place; behind the last of them comes something else, or nothing.
pub(super) fn page(rows: Vec<(Place, Record)>, limit: usize, behind: Option<Place>) -> RecordPage {
    let is_full = rows.len() >= limit;
    let (mut places, records): (Vec<Place>, Vec<Record>) = rows.into_iter().unzip();
    let next = if is_full { places.pop() } else { behind };
    RecordPage { records, next: next.map(Place::told) }
}

/// An event comes before one that is there.
pub(super) fn out_of_order(position: Position, head: Position) -> StoreError {
    StoreError::Unsupported(format!(
        "an event at position {position} can't be restored behind position {head}"
    ))
}

/// A store was opened as any program does.
pub(super) fn not_for_copy(open: &str) -> StoreError {
    StoreError::Unsupported(format!(
        "a store that is copied into must be opened for that, by `{open}`, so that nobody uses a part of one"
    ))
}

/// Somebody has appended since a copy looked.
pub(super) fn moved_on(head: Position) -> StoreError {
    StoreError::Unavailable(format!(
        "another program has written to the store that is to be filled, up to position {head}; nothing was changed: end \
         it first"
    ))
}

/// Another copy has begun, and goes on alone.
pub(super) fn another_copy() -> StoreError {
    StoreError::Unavailable(
        "another copy into the same store has begun or ended meanwhile, and this one has stopped"
            .to_owned(),
    )
}

/// A version of an event type is there in another form.
pub(super) fn other_shape(shape: &ShapeRecord, stored: &str) -> StoreError {
    let ShapeRecord { aggregate, event_type, version, shape } = shape;
    StoreError::Foreign(format!(
        "{aggregate}.{event_type} v{version} is {} in the store that is copied, and {stored} in this one",
        shape.as_deref().unwrap_or("not registered")
    ))
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// What is being done.
    pub step: CopyStep,
    /// Everything up to this position is done in this step.
    pub position: Position,
    /// The last position of the source.
    pub head: Position,
}

/// The steps of a copy, in their order; where everything may be there already, that is verified first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// Events are copied.
    Events,
    /// Commands and keys are copied.
    Records,
    /// Both stores are read and compared.
    Verifying,
}

/// A copy that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Number of events of both stores.
    pub events: u64,
    /// Number of commands and keys of both.
    pub records: u64,
    /// Hash of all of it.
    pub hash: [u8; 32],
}

/// Why a store was not copied.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// Both are one store.
    #[error(
        "what is to be copied and what is to be filled are the same; nothing was changed: name another one to be filled"
    )]
    Itself,
    /// One of the stores can't be read, or the one that is to be filled can't be. Nothing was written.
    #[error("the copy can't begin: {0}")]
    NotBegun(StoreError),
    /// The store that is read failed.
    #[error(
        "the copy can't be read from: {0}; what was copied so far is a part alone, and refused until the copy was run \
         again, which goes on from there"
    )]
    From(StoreError),
    /// The store that is filled failed.
    #[error(
        "the copy can't be written: {0}; what was copied so far is a part alone, and refused until the copy was run \
         again, which goes on from there"
    )]
    To(StoreError),
    /// All is copied, and it is not known whether the mark of a part was taken off.
    #[error(
        "all is copied, but that it is could not be noted: {0}; it may be refused as a part until the copy was run again, \
         which tells"
    )]
    NotEnded(StoreError),
    /// The store that is to be filled has events of its own.
    #[error(
        "the store that is to be filled has other events than the one that is copied, at position {position}; nothing \
         was changed: copy into an empty one"
    )]
    OtherHistory {
        /// Where.
        position: Position,
    },
    /// What is there after the copy is not what was there before.
    #[error(
        "the copy differs: {from} events and {from_records} records were read and {to} and {to_records} are there; was \
         one of the stores in use meanwhile? Copy again into an empty one while none is"
    )]
    Differs {
        /// Events of the source.
        from: u64,
        /// Commands and keys of the source.
        from_records: u64,
        /// Events of the copy.
        to: u64,
        /// Commands and keys of the copy.
        to_records: u64,
    },
}

/// Copies a store into an empty one, or into one that an earlier copy was cut off in. Neither may be used by programs
/// meanwhile: the one that is filled is marked until it is whole, and nobody else can use it, also where the copy was cut
/// off. It must have been opened for that, by `open_for_copy` of its database. Snapshots are not copied: they are made
/// anew.
///
/// Where nothing is marked, both are compared first: one that has everything, and is in use perhaps, is not written to; nor is
/// one with keys or commands that the other has not, or has otherwise. Commands of its own that came to no event, refusals say,
/// are in nobody's way: with them it differs, and is no part any more as soon as it lacks nothing.
///
/// # Errors
/// [`CopyError`]. What was copied by then stays, and the copy goes on from there when it is started again.
pub async fn copy(
    from: &impl WholeStore,
    to: &impl WholeStore,
    mut progress: impl FnMut(CopyProgress) + Send,
) -> Result<Copied, CopyError> {
    let head = from.head().await.map_err(CopyError::NotBegun)?;
    let after = check_beginning(from, to).await?;
    let unfinished = to.unfinished_copy().await.map_err(CopyError::NotBegun)?;
    let fits = unfinished.is_some() || fits(to, from).await.map_err(not_begun)?;
    if !fits || (unfinished.is_none() && after > 0 && after == head) {
        let mut told = verifying(&mut progress, head);
        let source = contents(from, &mut told).await.map_err(CopyError::NotBegun)?;
        let there = contents(to, &mut told).await.map_err(CopyError::NotBegun)?;
        if source.whole == there.whole {
            return Ok(source.whole);
        }
        let lacks_nothing = lacks_nothing((to, &there), (from, &source));
        if !fits || lacks_nothing.await.map_err(not_begun)? {
            return Err(differs(source.whole, there.whole));
        }
    }
    let copying = Copying { id: CopyId::unique(), after, of: head };
    to.begin_copy(copying.clone()).await.map_err(CopyError::NotBegun)?;
    let last = fill(from, to, &copying, &mut progress).await?;
    let mut told = verifying(&mut progress, last);
    let source = contents(from, &mut told).await.map_err(CopyError::From)?;
    let copied = contents(to, &mut told).await.map_err(CopyError::To)?;
    let is_whole = source.whole == copied.whole;
    // What was in use has something of its own. It never becomes the same, however often the copy is run again, and is no part
    // either once it lacks nothing.
    if is_whole || lacks_nothing((to, &copied), (from, &source)).await? {
        to.end_copy(&copying.id).await.map_err(CopyError::NotEnded)?;
    }
    if is_whole { Ok(source.whole) } else { Err(differs(source.whole, copied.whole)) }
}

fn not_begun(error: CopyError) -> CopyError {
    match error {
        CopyError::From(error) | CopyError::To(error) => CopyError::NotBegun(error),
        error => error,
    }
}

/// Writes what is missing in a store that is marked; gives the last position.
async fn fill(
    from: &impl WholeStore,
    to: &impl WholeStore,
    copying: &Copying,
    progress: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<Position, CopyError> {
    let part = || Part { copy: Some(copying.id.clone()), ..Part::default() };
    let (head, mut after) = (copying.of, copying.after);
    let shapes = from.shapes().await.map_err(CopyError::From)?;
    to.restore(Part { shapes, ..part() }).await.map_err(CopyError::To)?;
    loop {
        let page = from.read_all(after, &everything(), PART).await.map_err(CopyError::From)?;
        let events: Vec<EventRecord> = page.events.iter().map(EventRecord::from).collect();
        if !events.is_empty() {
            to.restore(Part { events, ..part() }).await.map_err(CopyError::To)?;
        }
        after = page.next;
        progress(CopyProgress { step: CopyStep::Events, position: after, head: head.max(after) });
        if page.events.at_end() {
            break;
        }
    }
    let mut place = None;
    loop {
        let page = from.records(place.as_deref(), PART).await.map_err(CopyError::From)?;
        let records = page.records;
        to.restore(Part { records, ..part() }).await.map_err(CopyError::To)?;
        progress(CopyProgress { step: CopyStep::Records, position: after, head: after });
        place = page.next;
        if place.is_none() {
            return Ok(after);
        }
    }
}

/// Tells how far a store has been read.
fn verifying(
    progress: &mut (impl FnMut(CopyProgress) + Send),
    head: Position,
) -> impl FnMut(Position) + Send {
    move |position| progress(CopyProgress { step: CopyStep::Verifying, position, head })
}

fn differs(from: Copied, to: Copied) -> CopyError {
    CopyError::Differs {
        from: from.events,
        from_records: from.records,
        to: to.events,
        to_records: to.records,
    }
}

/// Looks whether one store can be copied into the other, before anything is written; gives the last position that is
/// there.
async fn check_beginning(
    from: &impl WholeStore,
    to: &impl WholeStore,
) -> Result<Position, CopyError> {
    let [source, target] = [from.place().await, to.place().await];
    if source.map_err(CopyError::NotBegun)? == target.map_err(CopyError::NotBegun)? {
        return Err(CopyError::Itself);
    }
    let head = to.head().await.map_err(CopyError::NotBegun)?;
    check_history(from, to, head).await?;
    let shapes = from.shapes().await.map_err(CopyError::NotBegun)?;
    let there = to.shapes().await.map_err(CopyError::NotBegun)?;
    check_shapes(&shapes, &there).map_err(CopyError::NotBegun)?;
    Ok(head)
}

/// No version of an event type may be there in another form.
fn check_shapes(shapes: &[ShapeRecord], there: &[ShapeRecord]) -> Result<(), StoreError> {
    let key = |it: &ShapeRecord| (it.aggregate.clone(), it.event_type.clone(), it.version);
    let there: BTreeMap<_, _> = there.iter().map(|it| (key(it), it.shape.as_deref())).collect();
    for shape in shapes.iter().filter(|it| it.shape.is_some()) {
        if let Some(Some(stored)) = there.get(&key(shape))
            && shape.shape.as_deref() != Some(*stored)
        {
            return Err(other_shape(shape, stored));
        }
    }
    Ok(())
}

fn everything() -> EventFilter {
    EventFilter { metadata: true, ..EventFilter::default() }
}

/// What is there must be what is to be copied first.
async fn check_history(
    from: &impl WholeStore,
    to: &impl WholeStore,
    head: Position,
) -> Result<(), CopyError> {
    if head == 0 {
        return Ok(());
    }
    let ours = event_at(from, head).await.map_err(CopyError::NotBegun)?;
    let theirs = event_at(to, head).await.map_err(CopyError::NotBegun)?;
    match ours.is_some() && ours == theirs {
        true => Ok(()),
        false => Err(CopyError::OtherHistory { position: head }),
    }
}

async fn event_at(
    store: &impl WholeStore,
    position: Position,
) -> Result<Option<EventRecord>, StoreError> {
    let page = store.read_all(position - 1, &everything(), 1).await?;
    let event = page.events.iter().next().map(EventRecord::from);
    Ok(event.filter(|event| event.position == position))
}
