//! The append that comes most often, by itself: one event, with a key or without, with a command id or without. See
//! `keyed.sql`.

use std::borrow::Cow;

use tokio_postgres::types::ToSql;

use super::append::Outcome;
use super::batch::{no_number, signed, utf8};
use super::catalog::Numbers;
use super::text;
use super::types::Time;
use crate::store::{Append, KeyClaim, StoreError};
use crate::values::Uuid;

/// The call of the function, with what [`Single::arguments`] gives. It tells one number or none, for [`Single::outcome`].
pub(super) const APPEND_EVENT: &str = "SELECT eventloom.append_event(\
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

/// An append of one event.
pub(super) struct Single<'a> {
    aggregate: Cow<'a, str>,
    id: Cow<'a, str>,
    expected: i64,
    content: &'a [u8],
    shape: i32,
    event_id: Uuid,
    at: Time,
    recorded_at: Time,
    actor: Option<Cow<'a, str>>,
    correlation: Option<Cow<'a, str>>,
    causation: Option<Cow<'a, str>>,
    traceparent: Option<Cow<'a, str>>,
    data: Cow<'a, str>,
    key: Option<&'a KeyClaim>,
    key_field: Option<i32>,
    key_value: Option<Cow<'a, str>>,
    key_across: Option<bool>,
    key_whole: Option<Cow<'a, str>>,
    command: Option<Cow<'a, str>>,
    whole: Option<Cow<'a, str>>,
}

impl<'a> Single<'a> {
    /// The append, whose numbers are known, where it is one of these.
    pub(super) fn of(append: &'a Append, numbers: &Numbers) -> Result<Option<Self>, StoreError> {
        let Append { stream, expected, events, released, passing, keys, command, snapshot, .. } =
            append;
        let ([event], [] | [_]) = (&**events, &**keys) else { return Ok(None) };
        let is_refused = command.as_ref().is_some_and(|command| command.refusal.is_some());
        if is_refused || !released.is_empty() || !passing.is_empty() || snapshot.is_some() {
            return Ok(None);
        }
        let key = keys.first();
        let field = key.map(|key| numbers.field((stream.aggregate, key.field)));
        let shape = numbers.shape((stream.aggregate, event.event_type, event.version));
        let (meta, command) = (&event.meta, command.as_ref().map(|command| &*command.id));
        Ok(Some(Self {
            aggregate: text::stored(stream.aggregate),
            id: text::stored(stream.id.as_str()),
            expected: signed(*expected),
            content: &append.content,
            shape: shape.ok_or_else(no_number)?,
            event_id: meta.event_id,
            at: Time(meta.at),
            recorded_at: Time(meta.recorded_at),
            actor: meta.actor.as_deref().map(text::stored),
            correlation: meta.correlation_id.as_deref().map(text::stored),
            causation: meta.causation_id.as_deref().map(text::stored),
            traceparent: meta.traceparent.as_deref().map(text::stored),
            data: utf8(&event.data)?,
            key,
            key_field: field.map(|field| field.ok_or_else(no_number)).transpose()?,
            key_value: key.map(|key| text::looked_up(&key.value)),
            key_across: key.map(|key| key.across_all),
            key_whole: key.and_then(|key| text::whole(&key.value)),
            command: command.map(text::looked_up),
            whole: command.and_then(text::whole),
        }))
    }

    /// What [`APPEND_EVENT`] is called with.
    #[rustfmt::skip]
    pub(super) fn arguments(&self) -> [&(dyn ToSql + Sync); 19] {
        [
            &self.aggregate, &self.id, &self.expected, &self.content,
            &self.shape, &self.event_id, &self.at, &self.recorded_at, &self.actor,
            &self.correlation, &self.causation, &self.traceparent, &self.data,
            &self.key_field, &self.key_value, &self.key_across, &self.key_whole,
            &self.command, &self.whole,
        ]
    }

    /// What the answer says that it told; none where it says nothing of that kind.
    pub(super) fn outcome(&self, told: Option<i64>) -> Option<Outcome> {
        Some(match told {
            None => Outcome::KeyTaken(self.key?.clone()),
            Some(0) => Outcome::CommandKnown,
            Some(told @ 1..) => Outcome::Appended(told.unsigned_abs()),
            Some(told @ ..0) => Outcome::Conflict(told.unsigned_abs() - 1),
        })
    }
}
