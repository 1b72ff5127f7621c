//! Appends as the arrays that the database's function takes: see `schema.sql`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::str;

use tokio_postgres::types::ToSql;

use super::catalog::Numbers;
use super::text;
use super::types::Time;
use crate::metadata::StreamId;
use crate::store::{Append, KeyClaim, StoreError, StreamKey};
use crate::values::Uuid;

/// The call of the function, with what [`Batch::arguments`] gives.
pub(super) const APPEND: &str = "SELECT outcomes, details, head FROM eventloom.append(\
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, \
    $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)";

/// Appends that are sent together.
#[derive(Default)]
pub(super) struct Batch<'a> {
    appends: Appends<'a>,
    events: Events<'a>,
    keys: Keys<'a>,
    commands: Commands<'a>,
    snapshots: Snapshots<'a>,
}

#[derive(Default)]
struct Appends<'a> {
    aggregate: Vec<Cow<'a, str>>,
    id: Vec<Cow<'a, str>>,
    expected: Vec<i64>,
    count: Vec<i32>,
    content: Vec<&'a [u8]>,
    leaves: Vec<bool>,
}

#[derive(Default)]
struct Events<'a> {
    of: Vec<i32>,
    sequence: Vec<i64>,
    shape: Vec<i32>,
    id: Vec<Uuid>,
    at: Vec<Time>,
    recorded_at: Vec<Time>,
    actor: Vec<Option<Cow<'a, str>>>,
    correlation: Vec<Option<Cow<'a, str>>>,
    causation: Vec<Option<Cow<'a, str>>>,
    traceparent: Vec<Option<Cow<'a, str>>>,
    data: Vec<Cow<'a, str>>,
}

#[derive(Default)]
struct Keys<'a> {
    of: Vec<i32>,
    kind: Vec<i32>,
    field: Vec<i32>,
    value: Vec<Cow<'a, str>>,
    across: Vec<bool>,
    own: Vec<bool>,
    whole: Vec<Option<Cow<'a, str>>>,
    claims: Vec<&'a KeyClaim>,
}

#[derive(Default)]
struct Commands<'a> {
    of: Vec<i32>,
    id: Vec<Cow<'a, str>>,
    refusal: Vec<Option<Cow<'a, str>>>,
    message: Vec<Option<Cow<'a, str>>>,
    first: Vec<Option<i64>>,
    last: Vec<Option<i64>>,
    whole: Vec<Option<Cow<'a, str>>>,
}

#[derive(Default)]
struct Snapshots<'a> {
    of: Vec<i32>,
    meaning: Vec<i64>,
    sequence: Vec<i64>,
    data: Vec<&'a [u8]>,
}

const CLAIMED: i32 = 1;
const PASSING: i32 = 2;
const RELEASED: i32 = 3;

impl<'a> Batch<'a> {
    /// Adds an append, whose numbers are known.
    pub(super) fn add(&mut self, append: &'a Append, numbers: &Numbers) -> Result<(), StoreError> {
        let of = i32::try_from(self.appends.id.len() + 1).unwrap_or(i32::MAX);
        let aggregate = append.stream.aggregate;
        for (event, sequence) in append.events.iter().zip(append.expected + 1..) {
            let shape = numbers.shape((aggregate, event.event_type, event.version));
            self.events.shape.push(shape.ok_or_else(no_number)?);
            self.events.data.push(utf8(&event.data)?);
            self.events.of.push(of);
            self.events.sequence.push(signed(sequence));
            let meta = &event.meta;
            self.events.id.push(meta.event_id);
            self.events.at.push(Time(meta.at));
            self.events.recorded_at.push(Time(meta.recorded_at));
            self.events.actor.push(meta.actor.as_deref().map(text::stored));
            self.events.correlation.push(meta.correlation_id.as_deref().map(text::stored));
            self.events.causation.push(meta.causation_id.as_deref().map(text::stored));
            self.events.traceparent.push(meta.traceparent.as_deref().map(text::stored));
        }
        // Two events of one command may claim the same key: it is claimed once.
        let mut once = HashSet::new();
        let claims = append.keys.iter().filter(|claim| once.insert(*claim));
        let claims = claims.map(|claim| (CLAIMED, claim));
        let claims = claims.chain(append.passing.iter().map(|claim| (PASSING, claim)));
        for (kind, claim) in claims.chain(append.released.iter().map(|claim| (RELEASED, claim))) {
            self.keys.field.push(numbers.field((aggregate, claim.field)).ok_or_else(no_number)?);
            self.keys.of.push(of);
            self.keys.kind.push(kind);
            self.keys.value.push(text::looked_up(&claim.value));
            self.keys.whole.push(text::whole(&claim.value));
            self.keys.across.push(claim.across_all);
            self.keys.own.push(append.released.contains(claim));
            self.keys.claims.push(claim);
        }
        if let Some(command) = &append.command {
            let (refusal, message) = command.refusal.as_ref().map(|(r, m)| (r, m)).unzip();
            let (first, last) = command.repeats.unzip();
            self.commands.of.push(of);
            self.commands.id.push(text::looked_up(&command.id));
            self.commands.whole.push(text::whole(&command.id));
            self.commands.refusal.push(refusal.map(|it| text::stored(it)));
            self.commands.message.push(message.map(|it| text::stored(it)));
            self.commands.first.push(first.map(signed));
            self.commands.last.push(last.map(signed));
        }
        if let Some(snapshot) = &append.snapshot {
            self.snapshots.data.push(&snapshot.data);
            self.snapshots.of.push(of);
            self.snapshots.meaning.push(snapshot.meaning.cast_signed());
            self.snapshots.sequence.push(signed(snapshot.sequence));
        }
        let Append { events, released, keys, command, snapshot, .. } = append;
        let no_key = released.is_empty() && keys.is_empty();
        let nothing = events.is_empty() && no_key && command.is_none() && snapshot.is_none();
        self.appends.aggregate.push(text::stored(aggregate));
        self.appends.id.push(text::stored(append.stream.id.as_str()));
        self.appends.expected.push(signed(append.expected));
        self.appends.count.push(i32::try_from(events.len()).unwrap_or(i32::MAX));
        self.appends.content.push(&append.content);
        self.appends.leaves.push(!nothing);
        Ok(())
    }

    /// What [`APPEND`] is called with; `writes` tells whether anything is written.
    #[rustfmt::skip]
    pub(super) fn arguments<'s>(&'s self, writes: &'s bool) -> [&'s (dyn ToSql + Sync); 36] {
        let Self { appends: a, events: e, keys: k, commands: c, snapshots: s } = self;
        [
            &a.aggregate, &a.id, &a.expected, &a.count, &a.content, &a.leaves,
            &e.of, &e.sequence, &e.shape, &e.id, &e.at, &e.recorded_at, &e.actor, &e.correlation,
            &e.causation, &e.traceparent, &e.data,
            &k.of, &k.kind, &k.field, &k.value, &k.across, &k.own, &k.whole,
            &c.of, &c.id, &c.refusal, &c.message, &c.first, &c.last, &c.whole,
            &s.of, &s.meaning, &s.sequence, &s.data,
            writes,
        ]
    }

    /// The key at a place that the function tells, which begins at 1.
    pub(super) fn key(&self, place: i64) -> Option<&'a KeyClaim> {
        let index = usize::try_from(place).ok()?.checked_sub(1)?;
        self.keys.claims.get(index).copied()
    }
}

/// Bytes of a stream's id that an index of PostgreSQL takes, whatever they are.
const LONGEST_ID: usize = 2_600;

/// Refuses what can't be written, before anything is sent.
pub(super) fn check(append: &Append) -> Result<(), StoreError> {
    let id = text::stored(append.stream.id.as_str()).len() + append.stream.aggregate.len();
    if id > LONGEST_ID {
        return Err(StoreError::Unwritable(format!(
            "the id of the stream has {id} bytes with its aggregate's name, and PostgreSQL finds at most {LONGEST_ID} by an \
             index; nothing was changed: give it a shorter one"
        )));
    }
    append.events.iter().try_for_each(|event| utf8(&event.data).map(drop))
}

/// What appends of one batch must not have in common.
#[derive(Default)]
pub(super) struct Apart<'a> {
    streams: HashSet<&'a StreamKey>,
    keys: HashSet<(&'static str, &'a KeyClaim, Option<&'a StreamId>)>,
    commands: HashSet<&'a str>,
}

impl<'a> Apart<'a> {
    /// Takes an append in, unless it has something in common with one that was taken before.
    pub(super) fn takes(&mut self, append: &'a Append) -> bool {
        let Append { stream, keys, passing, released, command, .. } = append;
        let keys = keys.iter().chain(passing).chain(released);
        let keys = keys.map(|claim| {
            let scope = (!claim.across_all).then_some(&stream.id);
            (stream.aggregate, claim, scope)
        });
        let id = command.as_ref().map(|command| &*command.id);
        let is_known = self.streams.contains(stream)
            || keys.clone().any(|key| self.keys.contains(&key))
            || id.is_some_and(|id| self.commands.contains(id));
        if is_known {
            return false;
        }
        self.streams.insert(stream);
        self.keys.extend(keys);
        self.commands.extend(id);
        true
    }
}

/// A number as PostgreSQL holds it. Nothing stored is greater than the greatest signed one.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn utf8(data: &[u8]) -> Result<Cow<'_, str>, StoreError> {
    let text = str::from_utf8(data).map_err(|error| {
        StoreError::Unwritable(format!("an event's data is no text in UTF-8: {error}"))
    })?;
    Ok(text::stored(text))
}

pub(super) fn no_number() -> StoreError {
    StoreError::Unavailable(
        "a type of the append has no number; nothing was changed: try again".to_owned(),
    )
}
