//! `immediate` projections: rows that change in the append's own transaction.
//!
//! The store calls [`Immediately`] inside its appends. Each call goes by the checkpoint it finds in
//! the transaction: where a program without this projection has appended meanwhile, the rows are
//! first brought up to date, in the same transaction.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use super::drive::Interrupt;
use super::fold::{Decoded, Halt};
use super::projector::{Reached, interrupted};
use super::session::{Member, PageEnd, Session, Turn, filter};
use super::{
    Checkpoint, Commit, Committed, Consistency, Poison, Projection, ProjectionName, Projector,
    ProjectorError, ReadDatabase, ReadDatabaseError, ReadTransaction, Switched, Table, TableState,
    spans,
};
use crate::clock::Clock;
use crate::metadata::Position;
use crate::store::{
    AppendTransaction, AppendedEvents, EventFilter, EventStore, FoldError, FoldedChange,
    ImmediateFold, Page, StoreError, StoredShape,
};

/// Appends of no concern after which the checkpoint is written all the same, so that the next one of
/// concern has little to look through.
const CHECKPOINT_AFTER: Position = 1_000;

/// Refuses a projection that can't be immediate anywhere.
pub(super) fn check<P: Projection>() -> Result<(), ProjectorError> {
    if P::CONSISTENCY == Consistency::Immediate && !P::KEY_IS_STREAM {
        return Err(ProjectorError::NotImmediate {
            projection: ProjectionName::of::<P>(),
            reason: "its key is not the partition key, so that appends to different streams would \
                     change one row; make the key the partition key, or let it be \
                     eventually_consistent"
                .to_owned(),
        });
    }
    Ok(())
}

/// Brings the rows up to date within the store's writer and folds every append from then on; `shadow`
/// is a rebuilt table to be put in the place of the one that serves, with the events that are left out of it. Returns the
/// position reached.
pub(super) async fn register<P: Projection, S: EventStore, D: ReadDatabase>(
    projector: &Projector<P, S, D>,
    shadow: Option<(Table, Vec<Position>)>,
) -> Result<Position, ProjectorError> {
    let shared = &projector.shared;
    // The rows move without the session from here on.
    *projector.session().await = None;
    let fold = Arc::new(Immediately::<P, D> {
        database: shared.database.clone(),
        table: shared.table,
        shadow,
        clock: Arc::clone(&shared.options.clock),
        batch: shared.options.batch.max(1),
        concern: filter::<P>(),
        halted: Mutex::new(None),
        opened: Mutex::new(None),
        projection: PhantomData,
    });
    let registered = shared.store.fold_immediately(fold.clone()).await;
    let opened = fold.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
    let position = match (registered, opened) {
        (Ok(()), Some(Ok(position))) => position,
        // Where something was to be brought before it is opened again, the store knows better why it could not be.
        (Err(error), Some(Err(ProjectorError::Store(_)))) => return Err(error.into()),
        (_, Some(Err(error))) => return Err(error),
        (Err(StoreError::Unsupported(reason)), _) => return Err(not_immediate::<P>(reason)),
        (Err(error), _) => return Err(error.into()),
        (Ok(()), None) => {
            return Err(not_immediate::<P>("the event store never opened it".to_owned()));
        }
    };
    projector.publish(Reached { position, complete: true, poison: true });
    Ok(position)
}

fn not_immediate<P: Projection>(reason: String) -> ProjectorError {
    ProjectorError::NotImmediate { projection: ProjectionName::of::<P>(), reason }
}

/// An `immediate` projection as a store calls it.
struct Immediately<P, D> {
    database: D,
    table: Table,
    shadow: Option<(Table, Vec<Position>)>,
    clock: Arc<dyn Clock>,
    batch: usize,
    /// The events that concern the projection.
    concern: EventFilter,
    /// The checkpoint right after which an event stands in the way, where one was met.
    halted: Mutex<Option<At>>,
    /// What came of opening it.
    opened: Mutex<Option<Result<Position, ProjectorError>>>,
    projection: PhantomData<fn() -> P>,
}

/// Position and revision of a checkpoint.
type At = (Position, u64);

/// The rows within a transaction, and a session on them.
type Within<'t, P> = (Box<dyn ReadTransaction + 't>, Session<P>);

impl<P: Projection, D: ReadDatabase> ImmediateFold for Immediately<P, D> {
    fn aggregate(&self) -> &str {
        P::AGGREGATE
    }

    fn name(&self) -> &str {
        P::NAME
    }

    fn open(&self, transaction: &dyn AppendTransaction) -> Result<(), StoreError> {
        let opened = self.open_within(transaction);
        let answer = opened.as_ref().map(|_| ()).map_err(|error| match error {
            ProjectorError::Store(error) => error.clone(),
            error => StoreError::Unsupported(error.to_string()),
        });
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        answer
    }

    fn fold(
        &self,
        transaction: &dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<FoldedChange, FoldError> {
        let Some((rows, mut session)) = self.session_for(transaction, events)? else {
            return Ok(Box::new(|_| Ok(())));
        };
        let held_back = |it: &&Poison| it.stops || it.stream_id == events.stream.id;
        if let Some(poison) = session.state().poison.iter().find(held_back) {
            return Err(FoldError::Refused(held_back_by::<P>(poison)));
        }
        let page = Decoded::new(page_of(events));
        let next = events.first + events.events.len() as Position - 1;
        let mut turn = self
            .fold_page(&*rows, &mut session, &page, self.end(next, true))
            .map_err(fold_error)?;
        let refused = turn.commit.poison.first().map(|poison| poison.reason.clone());
        match (refused, &turn.halt) {
            (Some(reason), _) => Err(FoldError::Refused(reason)),
            (None, Some(halt)) => Err(FoldError::Refused(halted::<P>(halt.clone()).to_string())),
            (None, None) => Ok(self.change(turn.take_commit())),
        }
    }
}

impl<P: Projection, D: ReadDatabase> Immediately<P, D> {
    fn open_within(&self, transaction: &dyn AppendTransaction) -> Result<Position, ProjectorError> {
        let rows = self.database.within(transaction).map_err(not_immediate::<P>)?;
        let mut session = session(rows.state(self.shadow.as_ref().map_or(self.table, |it| it.0))?);
        self.catch_up(transaction, &*rows, &mut session, self.batch)?;
        if let Some((shadow, left_out)) = &self.shadow {
            let (projection, position) = (ProjectionName::of::<P>(), session.seen());
            match rows.finish_rebuild(*shadow, session.revision(), left_out)? {
                Switched::Done => {}
                Switched::Moved => return Err(ProjectorError::Superseded { projection }),
                Switched::Busy => {
                    return Err(in_the_way::<P>("others read, or change, the rows of"));
                }
                Switched::Lacking => return Err(in_the_way::<P>("a stream is held back by")),
                Switched::Decided => return Err(in_the_way::<P>("an event is skipped by")),
                // No append can come in between: the rows that serve know of more than there is.
                Switched::Behind => {
                    let ahead = rows.checkpoint(self.table)?.position;
                    return Err(ProjectorError::AheadOfStore {
                        projection,
                        position: ahead,
                        head: position,
                    });
                }
            }
        }
        Ok(session.seen())
    }

    /// A session that has seen everything before the append, or none where the append is of no
    /// concern.
    fn session_for<'t>(
        &self,
        transaction: &'t dyn AppendTransaction,
        events: &AppendedEvents<'_>,
    ) -> Result<Option<Within<'t, P>>, FoldError> {
        let rows = self.database.within(transaction).map_err(FoldError::Refused)?;
        let checkpoint = rows.checkpoint(self.table).map_err(fold_error)?;
        let behind = events.before.saturating_sub(checkpoint.position);
        let concerned = self.concerns(events);
        let halted = self.is_halted_at((checkpoint.position, checkpoint.revision));
        if !concerned && (behind < CHECKPOINT_AFTER || halted) {
            return Ok(None);
        }
        let state = if behind == 0 && checkpoint.poison == 0 {
            self.state_at(checkpoint)
        } else {
            rows.state(self.table).map_err(fold_error)?
        };
        let mut session = session(state);
        // What stood in the way is the first event of concern: no more is read to meet it again.
        let batch = if halted { 1 } else { self.batch };
        let caught_up = match behind {
            0 => Ok(()),
            _ => self.catch_up(transaction, &*rows, &mut session, batch),
        };
        self.note_halt(&caught_up, &session);
        match caught_up.map_err(refusal) {
            // What stands in the projection's way is in the way of those appends that concern it.
            Ok(()) | Err(FoldError::Refused(_)) if !concerned => Ok(None),
            caught_up => caught_up.map(|()| Some((rows, session))),
        }
    }

    fn is_halted_at(&self, at: At) -> bool {
        *self.halted.lock().unwrap_or_else(PoisonError::into_inner) == Some(at)
    }

    /// Remembers where an event stands in the way. Any commit to the rows, such as a decision about the event,
    /// moves their revision, and with a transaction that is rolled back, so does the checkpoint: then the
    /// event is looked for again.
    fn note_halt(&self, caught_up: &Result<(), ProjectorError>, session: &Session<P>) {
        use ProjectorError::{Stopped, UnknownVersion};
        let state = session.state();
        let halted = matches!(caught_up, Err(Stopped { .. } | UnknownVersion { .. }));
        let at = halted.then_some((state.position, state.revision));
        *self.halted.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn concerns(&self, events: &AppendedEvents<'_>) -> bool {
        let aggregate = events.stream.aggregate;
        events.events.iter().any(|event| self.concern.passes(aggregate, event.event_type))
    }

    /// The whole state, where the checkpoint says that there is no more to it. What was skipped lies
    /// behind the checkpoint.
    fn state_at(&self, checkpoint: Checkpoint) -> TableState {
        TableState {
            table: self.table,
            position: checkpoint.position,
            // The rows are restored from a backup together with the events.
            seen: None,
            revision: checkpoint.revision,
            complete: checkpoint.complete,
            runner: checkpoint.runner,
            poison: Vec::new(),
            skipped: Vec::new(),
            rebuild_stopped_by: None,
        }
    }

    fn catch_up(
        &self,
        transaction: &dyn AppendTransaction,
        rows: &dyn ReadTransaction,
        session: &mut Session<P>,
        mut batch: usize,
    ) -> Result<(), ProjectorError> {
        let metadata = P::READS_METADATA || spans::are_recorded();
        let filter = EventFilter { metadata, ..self.concern.clone() };
        loop {
            let page = transaction.read_all(session.seen(), &filter, batch)?;
            let end = self.end(page.next, page.events.at_end());
            let events = Decoded::new(page.events);
            let mut turn = self.fold_page(rows, session, &events, end)?;
            if turn.is_worth_writing(true) {
                written::<P>(rows.commit(turn.take_commit())?)?;
                session.settle(&turn, true);
            }
            if let Some(halt) = turn.halt {
                return Err(halted::<P>(halt));
            }
            if end.at_end {
                return Ok(());
            }
            batch = self.batch;
        }
    }

    fn fold_page(
        &self,
        rows: &dyn ReadTransaction,
        session: &mut Session<P>,
        page: &Decoded<P::Event>,
        end: PageEnd,
    ) -> Result<Turn, ReadDatabaseError> {
        loop {
            let needed = session.prepare(page);
            if !needed.conditions.is_empty() {
                let otherwise = "let it be eventually_consistent";
                return Err(matches_rows::<P>("it is immediate", otherwise));
            }
            if !needed.keys.is_empty() {
                session.learn(rows.load(session.table(), &needed.keys)?)?;
            }
            match session.fold(page, end) {
                Ok(turn) => return Ok(turn),
                Err(_) => session.forget(),
            }
        }
    }

    fn end(&self, next: Position, at_end: bool) -> PageEnd {
        PageEnd { next, at_end, now: self.clock.now(), traced: spans::are_recorded() }
    }

    fn change(&self, commit: Commit) -> FoldedChange {
        let database = self.database.clone();
        Box::new(move |transaction| {
            let rows = database.within(transaction).map_err(StoreError::Unsupported)?;
            written::<P>(rows.commit(commit).map_err(store_error)?)
        })
    }
}

/// The rows that serve can't go now. Whoever rebuilds finds out more before the next attempt.
fn in_the_way<P: Projection>(what: &str) -> ProjectorError {
    let reason = format!("{what} {}", ProjectionName::of::<P>());
    ReadDatabaseError::Unavailable(reason).into()
}

/// A projection whose rows are those of its stream changes no others: they would have to be looked for within an
/// append, or behind a parked event.
pub(super) fn matches_rows<P: Projection>(because: &str, otherwise: &str) -> ReadDatabaseError {
    ReadDatabaseError::Unsuitable {
        projection: ProjectionName::of::<P>(),
        reason: format!(
            "{because}, and its `visit` asks for the rows that match a condition; name each row by its key, or \
             {otherwise}"
        ),
    }
}

/// Refuses a commit that was not written. The fold found the rows in this very transaction; the revision may have been moved
/// since by somebody who decided something, where what others do is seen within it.
fn written<P: Projection>(committed: Committed) -> Result<(), StoreError> {
    match committed {
        Committed::Done => Ok(()),
        Committed::Moved => Err(StoreError::Unavailable(format!(
            "somebody else wrote to the rows of {} at the same time",
            ProjectionName::of::<P>()
        ))),
        Committed::RowExists => Err(StoreError::Corrupt {
            what: format!("the rows of {}", ProjectionName::of::<P>()),
            place: "the append's transaction".to_owned(),
            reason: "they changed between being read and being written".to_owned(),
        }),
    }
}

/// A session that guesses no row to be new: what a wrong guess has written could not be taken back
/// without the whole transaction.
fn session<P: Projection>(state: TableState) -> Session<P> {
    let mut session = Session::new(state);
    session.forget();
    session
}

/// The events of an append as if they had been read.
fn page_of(events: &AppendedEvents<'_>) -> Page {
    let mut page = Page::default();
    for (position, event) in (events.first..).zip(events.events) {
        let shape = StoredShape {
            aggregate: events.stream.aggregate.to_owned(),
            event_type: event.event_type.to_owned(),
            version: event.version,
        };
        page.push(Arc::new(shape), position, event.meta.clone(), &event.data);
    }
    page
}

fn halted<P: Projection>(halt: Halt) -> ProjectorError {
    let name = ProjectionName::of::<P>();
    interrupted(Interrupt::Halted(name, halt))
}

fn held_back_by<P: Projection>(poison: &Poison) -> String {
    let poison = Box::new(poison.clone());
    ProjectorError::Parked { projection: ProjectionName::of::<P>(), poison }.to_string()
}

fn refusal(error: ProjectorError) -> FoldError {
    match error {
        ProjectorError::Store(error) => FoldError::Store(error),
        ProjectorError::Database(error) => fold_error(error),
        error => FoldError::Refused(error.to_string()),
    }
}

fn fold_error(error: ReadDatabaseError) -> FoldError {
    match error {
        // Nothing is wrong with what is stored.
        ReadDatabaseError::Unsuitable { .. } => FoldError::Refused(error.to_string()),
        error => FoldError::Store(store_error(error)),
    }
}

/// Rows and events lie in one database: where the rows fail, the store fails.
fn store_error(error: ReadDatabaseError) -> StoreError {
    match error {
        ReadDatabaseError::Unavailable(reason) => StoreError::Unavailable(reason),
        ReadDatabaseError::Unwritable(reason) => StoreError::Unwritable(reason),
        ReadDatabaseError::OutcomeUnknown(reason) => StoreError::OutcomeUnknown(reason),
        // Nothing is wrong with what is stored.
        ReadDatabaseError::Unsuitable { .. } => StoreError::Unwritable(error.to_string()),
        other => StoreError::Corrupt {
            what: "a read model".to_owned(),
            place: "the event store's database".to_owned(),
            reason: other.to_string(),
        },
    }
}
