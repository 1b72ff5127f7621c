//! Theme queries: what is asked of rows is found, in its order, and nothing else.
//!
//! A read database answers a condition in its own way. Here each row is looked at with the expression as the
//! language has it, which knows of no database.

use std::cell::Cell;
use std::fmt::Debug;
use std::future::Future;

pub use super::figures::works_out_what_it_says;

use super::commands::nothing_shown;
use super::history::{for_any_history, live};
use crate::eval::EvalError;
use crate::projection::{
    Order, Projection, Projector, ProjectorError, ReadDatabase, ReadModel, ReadModelError, Value,
};
use crate::testing::draw::{Draw, Range};
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::harness::projection::column;
use crate::testing::stores::WithReads;
use crate::testing::subject::{EventOf, Subject};

/// How often a query is asked of the rows of one history.
pub(super) const TIMES: u64 = 8;

/// The rows of a query's projection.
pub type RowOf<Q> = <<Q as Asked>::Projection as Projection>::Row;
/// The keys of its rows.
pub type KeyOf<Q> = <<Q as Asked>::Projection as Projection>::Key;

/// What is asked of rows: a query of the ontology, or the function of an index.
pub trait Asked: 'static {
    /// Whose rows.
    type Projection: Projection;
    /// What the caller gives.
    type Input: Debug;
    /// Its name in reports.
    const SAYS: &'static str;
    /// What the rows are sorted by, before their key.
    const ORDER: &'static [Order];
    /// Whether it goes on after a key, so many rows at a time.
    const PAGED: bool;

    /// Draws an input, often one that some of the rows have.
    fn draw(draw: &mut Draw, rows: &[RowOf<Self>]) -> Self::Input;

    /// Whether a row is one of those that are asked for.
    ///
    /// # Errors
    /// Where the expression fails, which no query's does.
    fn holds(row: &RowOf<Self>, input: &Self::Input) -> Result<bool, EvalError>;

    /// How many rows are left out, and how many there are at most.
    ///
    /// # Errors
    /// Where the expression fails, which no query's does.
    fn part(input: &Self::Input) -> Result<(i64, i64), EvalError>;

    /// Asks.
    fn ask<D: ReadDatabase>(
        rows: &ReadModel<Self::Projection, D>,
        input: &Self::Input,
        after: Option<&KeyOf<Self>>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RowOf<Self>>, ReadModelError>>;
}

/// What is found are those rows of which the ontology's expression holds, in the order that it says, and no
/// more than it says.
///
/// # Errors
/// The shortest history after which something else is found.
pub fn finds_what_it_says<S, Q, K>(kind: K) -> Check
where
    S: Subject,
    Q: Asked,
    Q::Projection: Projection<Event = EventOf<S>>,
    K: WithReads,
{
    let seen = Cell::new(false);
    for_any_history::<S>(K::CASES, 1..25, async |steps, lived| {
        let place = kind.new_place();
        let (store, reads) = kind.open_with_reads(&place).await?;
        live::<S, _>(&store, steps, lived).await?;
        let projector = Projector::<Q::Projection, _, _>::open(store, reads).await?;
        match projector.catch_up().await {
            // An amount is beyond what its column can hold: there is nothing to be asked of.
            Err(ProjectorError::Stopped { .. }) => return Ok(()),
            caught_up => caught_up?,
        };
        seen.set(asked::<Q, _>(&projector.read_model()).await? || seen.get());
        Ok(())
    })
    .and_then(|()| match seen.get() {
        true => Ok(()),
        false => nothing_shown::<S>("no row was found by the query"),
    })
    .context("asked", || Q::SAYS.to_owned())
}

/// Whether a row was found.
async fn asked<Q: Asked, D: ReadDatabase>(model: &ReadModel<Q::Projection, D>) -> Check<bool> {
    let rows = all_rows::<Q::Projection, D>(model).await?;
    let mut seen = false;
    let mut chance = seed(&format!("{rows:?}"));
    for _ in 0..TIMES {
        let numbers = (0..64).map(|_| next(&mut chance)).collect();
        let input = Q::draw(&mut Draw::new(numbers, Range::Likely), &rows);
        let part = Q::part(&input).map_err(fails)?;
        let found = found::<Q, D>(model, &input, rows.len()).await?;
        let Some((offset, limit)) = refuses_negative(part, &found)? else { continue };
        let found = found?;
        let expected: Vec<_> =
            expected::<Q>(&rows, &input)?.into_iter().skip(offset).take(limit).collect();
        seen |= !found.is_empty();
        equal("the rows", &found.iter().collect(), &expected)
            .context("input", || format!("{input:?}"))
            .context("of all these rows", || format!("{rows:#?}"))?;
    }
    Ok(seen)
}

fn fails(error: EvalError) -> Failure {
    Failure::new(format!("the query can't be calculated: {error}"))
}

/// The part that is asked for; none where a number of rows is negative, which has to be an error of its own.
pub(super) fn refuses_negative<T>(
    (offset, limit): (i64, i64),
    found: &Result<T, ReadModelError>,
) -> Check<Option<(usize, usize)>> {
    if let (Ok(offset), Ok(limit)) = (usize::try_from(offset), usize::try_from(limit)) {
        return Ok(Some((offset, limit)));
    }
    match found {
        Err(ReadModelError::Negative { .. }) => Ok(None),
        _ => Err(Failure::new(format!(
            "a limit of {limit} and an offset of {offset} are not refused"
        ))),
    }
}

/// What inputs are drawn from: the same for the same rows, so that a history that fails does so again.
pub(super) fn seed(rows: &str) -> u64 {
    rows.bytes().fold(0, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The next number that looks like chance (SplitMix64).
pub(super) fn next(chance: &mut u64) -> u64 {
    *chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*chance ^ *chance >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// All rows, in the order of their keys.
pub(super) async fn all_rows<P: Projection, D: ReadDatabase>(
    model: &ReadModel<P, D>,
) -> Check<Vec<P::Row>> {
    let mut rows = Vec::new();
    loop {
        let last = rows.last().map(P::key_of);
        let page = model.page(last.as_ref(), 100).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

async fn found<Q: Asked, D: ReadDatabase>(
    model: &ReadModel<Q::Projection, D>,
    input: &Q::Input,
    of: usize,
) -> Check<Result<Vec<RowOf<Q>>, ReadModelError>> {
    if !Q::PAGED {
        return Ok(Q::ask(model, input, None, 0).await);
    }
    let mut rows: Vec<RowOf<Q>> = Vec::new();
    loop {
        let last = rows.last().map(Q::Projection::key_of);
        let page = Q::ask(model, input, last.as_ref(), 2).await?;
        if page.is_empty() {
            return Ok(Ok(rows));
        }
        if page.len() > 2 {
            return Err(Failure::new(format!("a page of two rows has {}", page.len())));
        }
        rows.extend(page);
        if rows.len() > of {
            return Err(Failure::new(format!("a row comes twice in pages: {rows:#?}")));
        }
    }
}

/// What the ontology's expression says of each row, without a database.
fn expected<'r, Q: Asked>(rows: &'r [RowOf<Q>], input: &Q::Input) -> Check<Vec<&'r RowOf<Q>>> {
    let mut held: Vec<(Vec<Value>, &RowOf<Q>)> = Vec::new();
    for row in rows {
        if Q::holds(row, input).map_err(fails)? {
            let by = Q::ORDER.iter().map(|order| column::<Q::Projection>(row, order.column));
            held.push((by.collect::<Check<_>>()?, row));
        }
    }
    // The sort keeps rows that are alike in the order of their keys.
    held.sort_by(|(left, _), (right, _)| {
        let by = left.iter().zip(right).zip(Q::ORDER);
        let mut by = by.map(|((left, right), order)| match order.descending {
            true => right.cmp(left),
            false => left.cmp(right),
        });
        by.find(|it| it.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    Ok(held.into_iter().map(|(_, row)| row).collect())
}
