//! One append within a group: decided by reading, and only then written.
//!
//! Nothing is written before nothing can be refused any more, so that an append that is refused
//! leaves its neighbours in the transaction alone, without savepoints.

use std::any::Any;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, ToSql};

use super::catalog::Catalog;
use super::fault::{self, JobError};
use super::numbers::Numbers;
use super::reads;
use crate::metadata::{Metadata, Position, Sequence};
use crate::store::immediate;
use crate::store::{
    AllPage, Append, AppendError, AppendTransaction, Appended, AppendedEvents, EventFilter,
    FoldError, FoldedChange, ImmediateFold, KeyClaim, NewEvent, Snapshot, StoreError, StreamKey,
    TakenKey,
};

/// The appends of one transaction, one after the other.
pub(super) struct Appender<'a> {
    transaction: OpenTransaction<'a>,
    numbers: &'a Numbers,
    folds: &'a [Arc<dyn ImmediateFold>],
    statements: Statements<'a>,
    head: Position,
}

/// What nearly every append runs, at hand for all of them.
struct Statements<'a> {
    place: CachedStatement<'a>,
    event: CachedStatement<'a>,
    key: CachedStatement<'a>,
    command: CachedStatement<'a>,
}

/// A transaction, as immediate projections see it.
#[derive(Clone, Copy)]
pub(super) struct OpenTransaction<'a> {
    pub(super) connection: &'a Connection,
    pub(super) catalog: &'a Catalog,
}

/// Why an append did not take place.
pub(super) enum Failed {
    /// It is refused; nothing of it was written.
    Refused(AppendError),
    /// The whole transaction must be rolled back.
    Transaction(AppendError),
}

/// Where an append of events begins, and what its folds will write.
struct Decided {
    stream: Option<i64>,
    changes: Vec<(usize, FoldedChange)>,
}

impl<'a> Appender<'a> {
    /// Appends go into `transaction`, in which nothing has been written yet.
    pub(super) fn new(
        transaction: OpenTransaction<'a>,
        numbers: &'a Numbers,
        folds: &'a [Arc<dyn ImmediateFold>],
    ) -> Result<Self, JobError> {
        let head = reads::head(transaction.connection)?;
        let statements = Statements::prepare(transaction.connection)?;
        Ok(Self { transaction, numbers, folds, statements, head })
    }

    /// The position of the last event, those of this transaction included.
    pub(super) fn head(&self) -> Position {
        self.head
    }

    /// Decides an append and writes it.
    pub(super) fn append(&mut self, append: &Append) -> Result<Appended, Failed> {
        let decided = self.decide(append)?;
        self.write(append, decided)?;
        Ok(Appended { position: self.head })
    }

    fn decide(&mut self, append: &Append) -> Result<Decided, Failed> {
        let place = self.statements.place(&append.stream).map_err(self.sqlite())?;
        let (stream, actual) = place.unzip();
        self.check_command(append)?;
        self.check_keys(append, stream)?;
        check_version(append, actual.unwrap_or(0))?;
        Ok(Decided { stream, changes: self.fold(append)? })
    }

    fn check_command(&self, append: &Append) -> Result<(), Failed> {
        let Some(command) = &append.command else { return Ok(()) };
        let known = reads::command(self.connection(), &command.id);
        match known.map_err(self.sqlite())? {
            Some(known) => Err(Failed::Refused(AppendError::CommandKnown(Box::new(known)))),
            None => Ok(()),
        }
    }

    fn check_keys(&self, append: &Append, stream: Option<i64>) -> Result<(), Failed> {
        let field =
            |claim: &KeyClaim| Ok(Some(self.numbers.field(append.stream.aggregate, claim.field)?));
        let frees = |taken: &TakenKey| {
            taken.stream == append.stream && append.released.contains(&taken.claim)
        };
        for claim in append.keys.chunks(1).chain(append.passing.chunks(1)) {
            let taken = reads::taken_key(self.connection(), stream, claim, field);
            if let Some(taken) = taken.map_err(self.job())?.filter(|taken| !frees(taken)) {
                return Err(Failed::Refused(AppendError::DuplicateKey(Box::new(taken))));
            }
        }
        Ok(())
    }

    fn fold(&self, append: &Append) -> Result<Vec<(usize, FoldedChange)>, Failed> {
        if append.events.is_empty() {
            return Ok(Vec::new());
        }
        let events = AppendedEvents {
            stream: &append.stream,
            events: &append.events,
            before: self.head,
            first: self.head + 1,
        };
        let change = |(index, fold): (usize, &Arc<dyn ImmediateFold>)| match immediate::compute(
            &**fold,
            &self.transaction,
            &events,
        ) {
            Ok(change) => Ok((index, change)),
            Err(error @ FoldError::Refused(_)) => Err(Failed::Refused(error.of(&**fold))),
            Err(error @ FoldError::Store(_)) => Err(Failed::Transaction(error.of(&**fold))),
        };
        self.folds.iter().enumerate().map(change).collect()
    }

    fn write(&mut self, append: &Append, decided: Decided) -> Result<(), Failed> {
        self.write_rows(append, decided.stream).map_err(self.job())?;
        for (fold, change) in decided.changes {
            immediate::write(change, &self.transaction)
                .map_err(|error| Failed::Transaction(error.of(&*self.folds[fold])))?;
        }
        Ok(())
    }

    fn write_rows(&mut self, append: &Append, stream: Option<i64>) -> Result<(), JobError> {
        if leaves_nothing(append) {
            return Ok(());
        }
        let stream = match stream {
            Some(stream) => stream,
            None => insert_stream(self.connection(), &append.stream)?,
        };
        for (event, sequence) in append.events.iter().zip(append.expected + 1..) {
            self.write_event(append.stream.aggregate, stream, sequence, event)?;
        }
        self.free_keys(append, stream)?;
        self.write_keys(append, stream)?;
        self.write_command(append, stream)?;
        if let Some(snapshot) = &append.snapshot {
            replace_snapshot(self.connection(), stream, snapshot)?;
        }
        Ok(())
    }

    fn write_event(
        &mut self,
        aggregate: &'static str,
        stream: i64,
        sequence: Sequence,
        event: &NewEvent,
    ) -> Result<(), JobError> {
        let meta = &event.meta;
        self.statements.event.execute((
            reads::signed(self.head + 1),
            stream,
            reads::signed(sequence),
            self.numbers.shape(aggregate, event.event_type, event.version)?,
            meta.event_id.as_bytes(),
            meta.at.as_micros(),
            meta.recorded_at.as_micros(),
            &meta.actor,
            Correlation(meta),
            &meta.causation_id,
            &meta.traceparent,
            Text(&event.data),
        ))?;
        self.head += 1;
        Ok(())
    }

    /// Frees keys that the stream holds; what another holds stays as it is.
    fn free_keys(&self, append: &Append, stream: i64) -> Result<(), JobError> {
        for claim in &append.released {
            let field = self.numbers.field(append.stream.aggregate, claim.field)?;
            self.connection()
                .prepare_cached(
                    "DELETE FROM unique_keys \
                     WHERE field = ?1 AND value = ?2 AND scope = ?3 AND stream = ?4",
                )?
                .execute((field, &claim.value, scope(claim, stream), stream))?;
        }
        Ok(())
    }

    fn write_keys(&mut self, append: &Append, stream: i64) -> Result<(), JobError> {
        let (first, last) = range(append);
        // Two events of one command may claim the same key: it is claimed once.
        let mut claims: Vec<&KeyClaim> = append.keys.iter().collect();
        claims.sort_unstable();
        claims.dedup();
        for claim in claims {
            let field = self.numbers.field(append.stream.aggregate, claim.field)?;
            let scope = scope(claim, stream);
            let row = (field, &claim.value, scope, stream, first, last, append.content);
            self.statements.key.execute(row)?;
        }
        Ok(())
    }

    fn write_command(&mut self, append: &Append, stream: i64) -> Result<(), JobError> {
        let Some(command) = &append.command else { return Ok(()) };
        let repeated =
            command.repeats.map(|(first, last)| (reads::signed(first), reads::signed(last)));
        let events = (!append.events.is_empty()).then(|| range(append)).or(repeated);
        let (refusal, message) = command.refusal.as_ref().map(|(r, m)| (r, m)).unzip();
        self.statements.command.execute((
            &command.id,
            stream,
            events.map(|(first, _)| first),
            events.map(|(_, last)| last),
            append.content,
            refusal,
            message,
        ))?;
        Ok(())
    }

    fn connection(&self) -> &'a Connection {
        self.transaction.connection
    }

    fn sqlite(&self) -> impl Fn(rusqlite::Error) -> Failed + 'a {
        let connection = self.connection();
        move |error| Failed::Transaction(fault::store_error(connection, &error).into())
    }

    fn job(&self) -> impl Fn(JobError) -> Failed + 'a {
        let connection = self.connection();
        move |error| Failed::Transaction(error.into_store_error(connection).into())
    }
}

impl<'a> Statements<'a> {
    fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            place: connection.prepare_cached(
                "SELECT no, (SELECT coalesce(max(sequence), 0) FROM events WHERE stream = no) \
                 FROM streams WHERE aggregate = ?1 AND id = ?2",
            )?,
            event: connection.prepare_cached(
                "INSERT INTO events (position, stream, sequence, shape, event_id, at, recorded_at, \
                 actor, correlation_id, causation_id, traceparent, data) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?,
            key: connection.prepare_cached(
                "INSERT INTO unique_keys (field, value, scope, stream, first, last, content) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            command: connection.prepare_cached(
                "INSERT INTO commands (id, stream, first, last, content, refusal, message) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
        })
    }

    /// The number of a stream and the sequence of its last event, or none where it was never
    /// written to.
    fn place(&mut self, stream: &StreamKey) -> rusqlite::Result<Option<(i64, Sequence)>> {
        let key = (stream.aggregate, stream.id.as_str());
        self.place
            .query_row(key, |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))
            .optional()
    }
}

fn check_version(append: &Append, actual: Sequence) -> Result<(), Failed> {
    if actual == append.expected {
        return Ok(());
    }
    let conflict = AppendError::Conflict { expected: append.expected, actual };
    Err(Failed::Refused(conflict))
}

impl AppendTransaction for OpenTransaction<'_> {
    fn read_all(
        &self,
        after: Position,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<AllPage, StoreError> {
        reads::read_all_within(self.connection, self.catalog, after, filter, limit)
            .map_err(|error| error.into_store_error(self.connection))
    }

    fn database(&self) -> &dyn Any {
        self.connection
    }
}

/// Saves a snapshot outside an append. An older one does not replace a newer one, unless that one
/// stands for events which the stream does not have.
pub(super) fn save_snapshot(
    connection: &Connection,
    stream: &StreamKey,
    snapshot: &Snapshot,
) -> rusqlite::Result<()> {
    let no = match reads::stream_no(connection, stream)? {
        Some(no) => no,
        None => insert_stream(connection, stream)?,
    };
    let version = reads::version(connection, no)?;
    match reads::snapshot(connection, stream, snapshot.meaning, version)? {
        Some(newer) if newer.sequence > snapshot.sequence => Ok(()),
        _ => replace_snapshot(connection, no, snapshot),
    }
}

/// Takes the snapshot of a stream and meaning away.
pub(super) fn discard_snapshot(
    connection: &Connection,
    stream: &StreamKey,
    meaning: u64,
) -> rusqlite::Result<()> {
    if let Some(no) = reads::stream_no(connection, stream)? {
        connection
            .prepare_cached("DELETE FROM snapshots WHERE stream = ?1 AND meaning = ?2")?
            .execute((no, meaning.cast_signed()))?;
    }
    Ok(())
}

fn insert_stream(connection: &Connection, stream: &StreamKey) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO streams (aggregate, id) VALUES (?1, ?2)")?
        .insert((stream.aggregate, stream.id.as_str()))
}

/// Writes the snapshot of a stream and meaning over the one there is.
fn replace_snapshot(
    connection: &Connection,
    stream: i64,
    snapshot: &Snapshot,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO snapshots (stream, meaning, sequence, data) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (stream, meaning) DO UPDATE \
             SET sequence = excluded.sequence, data = excluded.data",
        )?
        .execute((
            stream,
            snapshot.meaning.cast_signed(),
            reads::signed(snapshot.sequence),
            Text(&snapshot.data),
        ))?;
    Ok(())
}

fn scope(claim: &KeyClaim, stream: i64) -> i64 {
    if claim.across_all { 0 } else { stream }
}

fn leaves_nothing(append: &Append) -> bool {
    let Append { events, released, keys, command, snapshot, .. } = append;
    let no_key = released.is_empty() && keys.is_empty();
    events.is_empty() && no_key && command.is_none() && snapshot.is_none()
}

/// Sequences of an append's first and last event; an empty range where there is none.
fn range(append: &Append) -> (i64, i64) {
    let last = append.expected + append.events.len() as u64;
    (reads::signed(append.expected + 1), reads::signed(last))
}

/// JSON as SQLite text, without a copy.
pub(super) struct Text<'a>(pub(super) &'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

/// The correlation id, or 0 where it is the causation id, as it mostly is.
pub(super) struct Correlation<'a>(pub(super) &'a Metadata);

impl ToSql for Correlation<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let Metadata { correlation_id, causation_id, .. } = self.0;
        match correlation_id {
            Some(_) if correlation_id == causation_id => Ok(ToSqlOutput::from(0)),
            _ => correlation_id.to_sql(),
        }
    }
}
