//! The driver: reads the store page by page, has each page folded, and writes what came of it.
//!
//! While a page is folded and written the next ones are read and decoded ([`super::ahead`]).
//! Several projections of one aggregate share the reading and decoding.

use tracing::Instrument;

use super::ahead::{Ahead, ReadPage, Reading};
use super::fold::{Decoded, Halt, MOST_MATCHING};
use super::session::{Member, PageEnd, Turn};
use super::{Committed, ProjectionName, ReadDatabase, ReadDatabaseError, SeenEvent, spans};
use crate::clock::Clock;
use crate::event::DomainEvent;
use crate::metadata::Position;
use crate::store::{EventFilter, EventStore, StoreError};
use crate::values::Uuid;

/// Where pages come from and how they are read.
pub(super) struct Source<'a, S> {
    pub(super) store: &'a S,
    pub(super) clock: &'a dyn Clock,
    /// Events per page.
    pub(super) batch: usize,
    /// How many read pages ahead of the fold.
    pub(super) readers: usize,
    /// Whether the projections read the texts of the metadata.
    pub(super) metadata: bool,
    /// Whether events have spans.
    pub(super) traced: bool,
    /// Whether checkpoints are written for pages that change no row.
    pub(super) eager: bool,
}

/// Why a drive ended before the end of the store.
#[derive(Debug)]
pub(super) enum Interrupt {
    /// Another runner wrote to the table of the projection of that name.
    Moved(ProjectionName),
    /// An event stopped the projection of that name; what came before it is written.
    Halted(ProjectionName, Halt),
    /// The event store failed.
    Store(StoreError),
    /// The read database failed.
    Database(ReadDatabaseError),
}

impl Interrupt {
    /// Which projection stopped before an event that can't be folded, and where that lies.
    pub(super) fn stopped_at(&self) -> Option<(ProjectionName, Position)> {
        match self {
            Self::Halted(name, Halt::Poison(poison)) => Some((*name, poison.position)),
            _ => None,
        }
    }
}

impl From<StoreError> for Interrupt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ReadDatabaseError> for Interrupt {
    fn from(error: ReadDatabaseError) -> Self {
        Self::Database(error)
    }
}

/// A page as it was passed on, for progress.
pub(super) struct Passed<'a, E> {
    pub(super) events: &'a Decoded<E>,
    /// Up to here every projection has seen everything.
    pub(super) seen: Position,
    /// Whether any of the events was found to be poison.
    pub(super) poison: bool,
}

/// A projection to be driven, and where its rows lie.
pub(super) struct Driven<'a, E, D> {
    pub(super) database: &'a D,
    pub(super) member: &'a mut dyn Member<E>,
}

/// Folds everything from where the members are, which must be the same place, to the end of the
/// store. `passed` hears of every page, after it has been written.
pub(super) async fn drive<E: DomainEvent, S: EventStore, D: ReadDatabase>(
    source: &Source<'_, S>,
    driven: &mut [Driven<'_, E, D>],
    passed: &mut (dyn FnMut(Passed<'_, E>) + Send),
) -> Result<(), Interrupt> {
    let reading = Reading {
        store: source.store.clone(),
        filter: filter(source, driven),
        batch: source.batch,
    };
    let mut page = reading.page(seen(driven)).await?;
    let mut ahead = None;
    loop {
        let end = page_end(source, &page);
        let mut turns = Vec::with_capacity(driven.len());
        for Driven { database, member } in driven.iter_mut() {
            turns.push(fold(*database, &mut **member, &page.events, end).await?);
        }
        let (written, following) = tokio::join!(
            write_all(source, driven, &mut turns, &page.events, end),
            following(&reading, &mut ahead, &page, source.readers)
        );
        written?;
        let poison = turns.iter().any(|turn| !turn.commit.poison.is_empty());
        passed(Passed { events: &page.events, seen: seen(driven), poison });
        let is_cut = turns.iter().any(|turn| turn.is_cut);
        if let Some(halted) = first_halt(driven, turns) {
            return Err(halted);
        }
        page = match following? {
            // Those that have seen more pass over it.
            _ if is_cut => {
                ahead = None;
                reading.page(seen(driven)).await?
            }
            Some(following) => following,
            None => return Ok(()),
        };
    }
}

fn seen<E, D>(driven: &[Driven<'_, E, D>]) -> Position {
    driven.iter().map(|it| it.member.seen()).min().unwrap_or_default()
}

fn filter<E, S, D>(source: &Source<'_, S>, driven: &[Driven<'_, E, D>]) -> EventFilter {
    let metadata = source.metadata || source.traced;
    let mut filter = EventFilter { metadata, ..EventFilter::default() };
    for EventFilter { types, known, .. } in driven.iter().map(|it| it.member.filter()) {
        filter.types.extend(types);
        filter.known.extend(known);
    }
    filter.types.sort_unstable();
    filter.types.dedup();
    filter.known.dedup();
    filter
}

fn page_end<E, S>(source: &Source<'_, S>, page: &ReadPage<E>) -> PageEnd {
    PageEnd { next: page.next, at_end: page.at_end, now: source.clock.now(), traced: source.traced }
}

/// The page after one; readers are set to work where there is more than one page.
async fn following<E: DomainEvent, S: EventStore>(
    reading: &Reading<S>,
    ahead: &mut Option<Ahead<E, S>>,
    page: &ReadPage<E>,
    readers: usize,
) -> Result<Option<ReadPage<E>>, StoreError> {
    if page.at_end {
        return Ok(None);
    }
    let ahead = ahead.get_or_insert_with(|| Ahead::new(reading.clone(), page.next, readers));
    ahead.next().await.map(Some)
}

/// Folds a page, loading the rows it needs.
async fn fold<E: DomainEvent, D: ReadDatabase>(
    database: &D,
    member: &mut dyn Member<E>,
    page: &Decoded<E>,
    end: PageEnd,
) -> Result<Turn, ReadDatabaseError> {
    loop {
        let needed = member.prepare(page);
        if !needed.keys.is_empty() {
            let rows = database.load(member.table(), needed.keys).await?;
            member.learn(rows)?;
        }
        let mut room = Some(MOST_MATCHING);
        for condition in needed.conditions {
            let found = match room {
                // One more than there is room for tells that there are too many.
                Some(room) => {
                    let (table, asked) = (member.table(), condition.clone());
                    let rows = database.load_matching(table, asked, room + 1).await?;
                    (rows.len() <= room).then_some(rows)
                }
                None => None,
            };
            room = room.zip(found.as_ref()).map(|(room, rows)| room - rows.len());
            member.learn_matching(condition, found)?;
        }
        match member.fold(page, end) {
            Ok(turn) => return Ok(turn),
            // From here on every row is loaded, so that this happens once at most.
            Err(_) => member.forget(),
        }
    }
}

async fn write_all<E: DomainEvent, S: EventStore, D: ReadDatabase>(
    source: &Source<'_, S>,
    driven: &mut [Driven<'_, E, D>],
    turns: &mut [Turn],
    page: &Decoded<E>,
    end: PageEnd,
) -> Result<(), Interrupt> {
    for (Driven { database, member }, turn) in driven.iter_mut().zip(turns) {
        write(source, *database, &mut **member, turn, page, end).await?;
    }
    Ok(())
}

/// Writes one turn; where a row that was taken for new exists, folds the page again.
async fn write<E: DomainEvent, S: EventStore, D: ReadDatabase>(
    source: &Source<'_, S>,
    database: &D,
    member: &mut dyn Member<E>,
    turn: &mut Turn,
    page: &Decoded<E>,
    end: PageEnd,
) -> Result<(), Interrupt> {
    if !turn.is_worth_writing(source.eager) {
        member.settle(turn, false);
        return Ok(());
    }
    loop {
        let position = turn.commit.position;
        let event_id = match page.id_at(position) {
            Some(id) => Some(id),
            None => id_at(source.store, position).await?,
        };
        // Where no event lies just there, the one that was seen before tells as much as it did.
        turn.commit.seen =
            event_id.map(|event_id| SeenEvent { position, event_id }).or(turn.commit.seen);
        let span = spans::batch(member.name(), page.len());
        match database.commit(turn.take_commit()).instrument(span).await? {
            Committed::Done => break,
            Committed::Moved => return Err(Interrupt::Moved(member.name())),
            Committed::RowExists => {
                member.forget();
                *turn = fold(database, member, page, end).await?;
            }
        }
    }
    member.settle(turn, true);
    Ok(())
}

/// The id of the event at a position of the store, if there is one.
pub(super) async fn id_at<S: EventStore>(
    store: &S,
    position: Position,
) -> Result<Option<Uuid>, StoreError> {
    let Some(before) = position.checked_sub(1) else { return Ok(None) };
    let page = store.read_all(before, &EventFilter::default(), 1).await?;
    let found = page.events.iter().next().filter(|event| event.position == position);
    Ok(found.map(|event| event.meta.event_id))
}

fn first_halt<E, D>(driven: &[Driven<'_, E, D>], turns: Vec<Turn>) -> Option<Interrupt> {
    let mut halts = driven.iter().zip(turns);
    halts.find_map(|(it, turn)| turn.halt.map(|halt| Interrupt::Halted(it.member.name(), halt)))
}
