//! [`ReadModel`]: typed reading of a projection's rows.

use std::marker::PhantomData;

use super::{
    Condition, Figure, Figures, Projection, ProjectionName, Query, ReadDatabase, ReadDatabaseError,
    RowValues, Summary, Table, TableSpec,
};
use crate::codec::DecodeError;

/// The rows of a projection, by their key. Cheap to clone.
///
/// It reads the rows of the program's own meaning of the projection, also where the public view
/// already shows a newer one.
pub struct ReadModel<P, D> {
    database: D,
    table: Table,
    projection: PhantomData<fn() -> P>,
}

impl<P, D: Clone> Clone for ReadModel<P, D> {
    fn clone(&self) -> Self {
        Self { database: self.database.clone(), table: self.table, projection: PhantomData }
    }
}

impl<P: Projection, D: ReadDatabase> ReadModel<P, D> {
    /// Opens the rows for reading, in a program that does not itself run the projection.
    ///
    /// # Errors
    /// A failure of the read database.
    pub async fn open(database: D) -> Result<Self, ReadModelError> {
        let table = database.open(TableSpec::of::<P>()).await?.table;
        Ok(Self::of(database, table))
    }

    pub(super) fn of(database: D, table: Table) -> Self {
        Self { database, table, projection: PhantomData }
    }

    /// The row of a key.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn get(&self, key: &P::Key) -> Result<Option<P::Row>, ReadModelError> {
        let values = self.database.get(self.table, P::key_values(key)).await?;
        values.map(row::<P>).transpose()
    }

    /// At most `limit` rows after a key, in the order in which the database sorts keys: columns from
    /// left to right, texts and enums by their bytes. Start with none, and go on after the last
    /// row's key.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn page(
        &self,
        after: Option<&P::Key>,
        limit: usize,
    ) -> Result<Vec<P::Row>, ReadModelError> {
        let after = after.map(P::key_values);
        let rows = self.database.page(self.table, after, limit).await?;
        rows.into_iter().map(row::<P>).collect()
    }

    /// The rows that a query asks for: what the functions of the ontology's `queries` and `indexes` call.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn find(&self, query: Query) -> Result<Vec<P::Row>, ReadModelError> {
        let rows = self.database.find(self.table, query).await?;
        rows.into_iter().map(row::<P>).collect()
    }

    /// The figures of groups of rows: what the functions of the ontology's `queries` with `groupBy` call.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn find_groups<F: Figures>(
        &self,
        summary: Summary,
    ) -> Result<Vec<F>, ReadModelError> {
        let groups = self.database.summarize(self.table, summary).await?;
        groups.into_iter().map(|values| F::from_values(values).map_err(unreadable::<P>)).collect()
    }

    /// The figures of all rows of which a condition holds, also where there are none: what the functions of the
    /// ontology's `queries` with `select` alone call.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn find_total<F: Figures>(
        &self,
        condition: Condition,
        figures: Vec<Figure>,
    ) -> Result<F, ReadModelError> {
        let order = Vec::new();
        let summary = Summary { condition, groups: None, figures, order, offset: 0, limit: 1 };
        let found = self.find_groups(summary).await?.pop();
        found.ok_or_else(|| {
            let projection = ProjectionName::of::<P>();
            ReadDatabaseError::Corrupt(format!("{projection} gives no figures of all its rows"))
                .into()
        })
    }

    /// The number of rows.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn count(&self) -> Result<u64, ReadModelError> {
        Ok(self.database.count(self.table).await?)
    }
}

fn row<P: Projection>(values: RowValues) -> Result<P::Row, ReadModelError> {
    P::row(values).map_err(unreadable::<P>)
}

fn unreadable<P: Projection>(error: DecodeError) -> ReadModelError {
    let projection = ProjectionName::of::<P>();
    ReadDatabaseError::Corrupt(format!("a row of {projection} can't be read: {error}")).into()
}

/// Rows could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadModelError {
    /// The read database failed.
    #[error(transparent)]
    Database(ReadDatabaseError),
    /// The rows are being built for the first time under this program's meaning.
    #[error(
        "the rows of {projection} are being built and have come to position {position}: run the \
         projection, or wait until it has caught up"
    )]
    BeingBuilt {
        /// Name of the projection.
        projection: ProjectionName,
        /// How far they have come.
        position: u64,
    },
    /// A caller asked for a number of rows that is less than none. Taken for none it would look like an answer.
    #[error("the {what} of a query is a number of rows, and {given} is less than none")]
    Negative {
        /// `limit` or `offset`.
        what: &'static str,
        /// What was given.
        given: i64,
    },
}

/// A number of rows that the caller of a query gave.
///
/// # Errors
/// [`ReadModelError::Negative`].
pub fn number_of_rows(what: &'static str, given: i64) -> Result<usize, ReadModelError> {
    if given < 0 {
        return Err(ReadModelError::Negative { what, given });
    }
    // More than memory has room for is as good as all.
    Ok(usize::try_from(given).unwrap_or(usize::MAX))
}

impl From<ReadDatabaseError> for ReadModelError {
    fn from(error: ReadDatabaseError) -> Self {
        match error {
            ReadDatabaseError::BeingBuilt { projection, position } => {
                Self::BeingBuilt { projection, position }
            }
            other => Self::Database(other),
        }
    }
}
