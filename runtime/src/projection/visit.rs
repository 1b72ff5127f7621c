//! [`Rows`]: the rows of a projection as an event visits them, one or several.
//!
//! An event is shown its rows twice: to learn which it needs, without any of them, and to fold it into them
//! one after the other. Where it fails at one of them, none is changed: see [`super::fold`].

use super::{Condition, Projection, ProjectionError};
use crate::metadata::Metadata;

/// What an event does to a row, which may be absent before and after.
pub type FoldRow<'f, P> =
    &'f dyn Fn(&mut Option<<P as Projection>::Row>) -> Result<(), ProjectionError>;

/// The rows that an event may visit.
pub trait Rows<P: Projection> {
    /// The row of a key.
    ///
    /// # Errors
    /// What the fold fails with.
    fn at(&mut self, key: P::Key, fold: FoldRow<'_, P>) -> Result<(), ProjectionError>;

    /// Every row of which `holds` says so, in the order of their keys. `asked` is the same condition as a
    /// read database can answer it.
    ///
    /// # Errors
    /// What the condition or the fold fails with.
    fn matching(
        &mut self,
        asked: &dyn Fn() -> Condition,
        holds: &dyn Fn(&P::Row) -> Result<bool, ProjectionError>,
        fold: FoldRow<'_, P>,
    ) -> Result<(), ProjectionError>;
}

/// Visits the one row of the event's key, if it has one.
///
/// # Errors
/// Those of [`Projection::key`] and [`Projection::fold`].
pub fn visit_one<P: Projection>(
    event: &P::Event,
    meta: &Metadata,
    rows: &mut dyn Rows<P>,
) -> Result<(), ProjectionError> {
    match P::key(event, meta)? {
        Some(key) => rows.at(key, &|row| P::fold(row, event, meta)),
        None => Ok(()),
    }
}
