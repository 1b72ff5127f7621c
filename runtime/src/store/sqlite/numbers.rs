//! The numbers of event shapes and unique fields, as the writing thread needs them.
//!
//! New ones are committed in a transaction of their own before the appends that need them, so that a
//! number in memory is never one that was rolled back.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction};

use super::connection::WritingConnection;
use super::fault::{self, JobError};
use super::reads;
use crate::event::EventShape;
use crate::store::{Append, StoreError};

/// Numbers that are committed.
#[derive(Default)]
pub(super) struct Numbers {
    shapes: HashMap<(&'static str, &'static str, u32), i64>,
    fields: HashMap<(&'static str, &'static str), i64>,
}

impl Numbers {
    /// The number of a version of an event type, which [`Self::learn`] has seen.
    pub(super) fn shape(
        &self,
        aggregate: &'static str,
        event_type: &'static str,
        version: u32,
    ) -> Result<i64, StoreError> {
        self.shapes.get(&(aggregate, event_type, version)).copied().ok_or_else(|| {
            fault::corrupt("shapes", format!("no number for {aggregate}.{event_type} v{version}"))
        })
    }

    /// The number of a unique field, which [`Self::learn`] has seen.
    pub(super) fn field(
        &self,
        aggregate: &'static str,
        field: &'static str,
    ) -> Result<i64, StoreError> {
        self.fields.get(&(aggregate, field)).copied().ok_or_else(|| {
            fault::corrupt("unique_fields", format!("no number for {aggregate}.{field}"))
        })
    }

    /// Learns the numbers that appends need, giving new ones where there are none.
    pub(super) fn learn<'a>(
        &mut self,
        connection: &WritingConnection,
        appends: impl Iterator<Item = &'a Append>,
    ) -> Result<(), JobError> {
        let (mut shapes, mut fields) = (Vec::new(), Vec::new());
        for append in appends {
            let aggregate = append.stream.aggregate;
            let of_events =
                append.events.iter().map(|event| (aggregate, event.event_type, event.version));
            shapes.extend(of_events.filter(|shape| !self.shapes.contains_key(shape)));
            let keys = append.released.iter().chain(&append.passing).chain(&append.keys);
            let of_keys = keys.map(|claim| (aggregate, claim.field));
            fields.extend(of_keys.filter(|field| !self.fields.contains_key(field)));
        }
        if shapes.is_empty() && fields.is_empty() {
            return Ok(());
        }
        let transaction = connection.begin()?;
        let shapes = numbered(shapes, |key| shape_number(&transaction, key))?;
        let fields = numbered(fields, |key| field_number(&transaction, key))?;
        connection.commit(transaction)?;
        self.shapes.extend(shapes);
        self.fields.extend(fields);
        Ok(())
    }
}

/// Records the shapes of an aggregate type, refusing where another one is recorded.
pub(super) fn register(
    transaction: &Transaction<'_>,
    aggregate: &'static str,
    shapes: &[EventShape],
) -> Result<(), JobError> {
    for program in shapes {
        let id = shape_number(transaction, &(aggregate, program.event_type, program.version))?;
        let stored: Option<String> = transaction
            .prepare_cached("SELECT shape FROM shapes WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        match stored {
            Some(stored) if stored == program.shape => {}
            Some(stored) => {
                let mismatch = StoreError::shape_mismatch(program, shapes, &stored);
                return Err(JobError::Store(mismatch));
            }
            None => {
                transaction
                    .prepare_cached("UPDATE shapes SET shape = ?2 WHERE id = ?1")?
                    .execute((id, program.shape))?;
            }
        }
    }
    Ok(())
}

fn numbered<K>(
    keys: Vec<K>,
    number: impl Fn(&K) -> rusqlite::Result<i64>,
) -> rusqlite::Result<Vec<(K, i64)>> {
    keys.into_iter().map(|key| number(&key).map(|number| (key, number))).collect()
}

fn shape_number(
    transaction: &Transaction<'_>,
    (aggregate, event_type, version): &(&'static str, &'static str, u32),
) -> rusqlite::Result<i64> {
    let key = (aggregate, event_type, version);
    let known = transaction
        .prepare_cached(
            "SELECT id FROM shapes WHERE aggregate = ?1 AND event_type = ?2 AND version = ?3",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => transaction
            .prepare_cached(
                "INSERT INTO shapes (aggregate, event_type, version) VALUES (?1, ?2, ?3)",
            )?
            .insert(key),
    }
}

fn field_number(
    transaction: &Transaction<'_>,
    (aggregate, field): &(&'static str, &'static str),
) -> rusqlite::Result<i64> {
    match reads::field_no(transaction, aggregate, field)? {
        Some(id) => Ok(id),
        None => transaction
            .prepare_cached("INSERT INTO unique_fields (aggregate, field) VALUES (?1, ?2)")?
            .insert((aggregate, field)),
    }
}
