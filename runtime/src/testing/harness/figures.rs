//! Theme queries: what is worked out of rows is what their columns say, group by group.
//!
//! A read database finds rows, and sums are worked out of them one by one. Here all rows are taken at once, by
//! the ontology's own expressions and the language's own arithmetic.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;

use super::commands::nothing_shown;
use super::history::{for_any_history, live};
use super::queries::{TIMES, all_rows, next, refuses_negative, seed};
use crate::eval::{self, EvalError, Rounding};
use crate::projection::{
    Figure, FigureOrder, Figures, Projection, Projector, ProjectorError, ReadDatabase, ReadModel,
    ReadModelError, Value,
};
use crate::testing::draw::{Draw, Range};
use crate::testing::failure::{Check, Context, Failure, equal};
use crate::testing::harness::projection::column;
use crate::testing::stores::WithReads;
use crate::testing::subject::{EventOf, Subject};
use crate::values::Decimal;

/// The rows of a query's projection.
type RowOf<Q> = <<Q as WorkedOut>::Projection as Projection>::Row;

/// What is worked out of rows: a query of the ontology with `select`.
pub trait WorkedOut: 'static {
    /// Of whose rows.
    type Projection: Projection;
    /// What the caller gives.
    type Input: Debug;
    /// What is worked out.
    type Figures: Figures + Debug + PartialEq;
    /// Its name in reports.
    const SAYS: &'static str;
    /// The columns in which the rows of a group are alike.
    const GROUPS: Option<&'static [&'static str]>;
    /// What is told of a group.
    const FIGURES: &'static [Figure];
    /// What groups are sorted by, before their own columns.
    const ORDER: &'static [FigureOrder];

    /// Draws an input, often one that some of the rows have.
    fn draw(draw: &mut Draw, rows: &[RowOf<Self>]) -> Self::Input;

    /// Whether a row is one of those that are asked for.
    ///
    /// # Errors
    /// Where the expression fails, which no query's does.
    fn holds(row: &RowOf<Self>, input: &Self::Input) -> Result<bool, EvalError>;

    /// How many groups are left out, and how many there are at most.
    ///
    /// # Errors
    /// Where the expression fails, which no query's does.
    fn part(input: &Self::Input) -> Result<(i64, i64), EvalError>;

    /// Asks.
    fn ask<D: ReadDatabase>(
        rows: &ReadModel<Self::Projection, D>,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Vec<Self::Figures>, ReadModelError>>;
}

/// What is worked out is what the rows say of which the ontology's expression holds.
///
/// # Errors
/// The shortest history after which something else is told.
pub fn works_out_what_it_says<S, Q, K>(kind: K) -> Check
where
    S: Subject,
    Q: WorkedOut,
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
        false => nothing_shown::<S>("no row was among those that are worked on"),
    })
    .context("asked", || Q::SAYS.to_owned())
}

/// Whether a row was worked on.
async fn asked<Q: WorkedOut, D: ReadDatabase>(model: &ReadModel<Q::Projection, D>) -> Check<bool> {
    let rows = all_rows::<Q::Projection, D>(model).await?;
    let mut seen = false;
    let mut chance = seed(&format!("{rows:?}"));
    for _ in 0..TIMES {
        let numbers = (0..64).map(|_| next(&mut chance)).collect();
        let input = Q::draw(&mut Draw::new(numbers, Range::Likely), &rows);
        let fails =
            |error: EvalError| Failure::new(format!("the query can't be calculated: {error}"));
        let part = Q::part(&input).map_err(fails)?;
        let found = Q::ask(model, &input).await;
        let Some((offset, limit)) = refuses_negative(part, &found)? else { continue };
        let held = held::<Q>(&rows, &input)?;
        // A sum that leaves its range on the way may come back: that is not what is tried here.
        let Ok(expected) = expected::<Q>(&held, offset, limit)? else { continue };
        seen |= !held.is_empty();
        equal("the figures", &found?, &expected)
            .context("input", || format!("{input:?}"))
            .context("of all these rows", || format!("{rows:#?}"))?;
    }
    Ok(seen)
}

fn held<'r, Q: WorkedOut>(rows: &'r [RowOf<Q>], input: &Q::Input) -> Check<Vec<&'r RowOf<Q>>> {
    let fails = |error: EvalError| Failure::new(format!("the query can't be calculated: {error}"));
    let mut held = Vec::new();
    for row in rows {
        if Q::holds(row, input).map_err(fails)? {
            held.push(row);
        }
    }
    Ok(held)
}

/// What the rows say, all at once.
fn expected<Q: WorkedOut>(
    rows: &[&RowOf<Q>],
    offset: usize,
    limit: usize,
) -> Check<Result<Vec<Q::Figures>, EvalError>> {
    let mut groups: BTreeMap<Vec<Value>, Vec<&RowOf<Q>>> = BTreeMap::new();
    if Q::GROUPS.is_none() {
        groups.insert(Vec::new(), Vec::new());
    }
    for row in rows {
        let own = Q::GROUPS.unwrap_or_default().iter();
        let own = own.map(|name| column::<Q::Projection>(row, name)).collect::<Check<Vec<_>>>()?;
        groups.entry(own).or_default().push(row);
    }
    let mut all = Vec::new();
    for rows in groups.values() {
        let figures = Q::FIGURES.iter().map(|figure| told::<Q>(*figure, rows));
        match figures.collect::<Check<Result<Vec<Value>, EvalError>>>()? {
            Ok(figures) => all.push(figures),
            Err(overflow) => return Ok(Err(overflow)),
        }
    }
    // The sort keeps groups that are alike in the order of their own columns.
    all.sort_by(|left, right| by_figures::<Q>(left, right));
    let part = all.into_iter().skip(offset).take(limit);
    let read = |values| {
        Q::Figures::from_values(values)
            .map_err(|error| Failure::new(format!("no figures: {error}")))
    };
    part.map(read).collect::<Check<Vec<_>>>().map(Ok)
}

fn by_figures<Q: WorkedOut>(left: &[Value], right: &[Value]) -> Ordering {
    let mut by = Q::ORDER.iter().map(|order| {
        let ascending = left[order.figure].cmp(&right[order.figure]);
        if order.descending { ascending.reverse() } else { ascending }
    });
    by.find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
}

/// One figure of the rows of a group.
fn told<Q: WorkedOut>(figure: Figure, rows: &[&RowOf<Q>]) -> Check<Result<Value, EvalError>> {
    let Some(name) = figure.column() else {
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        return Ok(Ok(Value::Integer(count)));
    };
    let values = rows.iter().map(|row| column::<Q::Projection>(row, name));
    let all = values.collect::<Check<Vec<Value>>>()?;
    let first = all.first().cloned().unwrap_or(Value::Null);
    let there: Vec<Value> = all.into_iter().filter(|value| *value != Value::Null).collect();
    Ok(match figure {
        Figure::Min(_) => Ok(there.into_iter().min().unwrap_or(Value::Null)),
        Figure::Max(_) => Ok(there.into_iter().max().unwrap_or(Value::Null)),
        Figure::Sum(_) => sum::<Q>(name, &there),
        Figure::Average(_, scale) => average(&there, scale),
        Figure::Column(_) | Figure::Count => Ok(first),
    })
}

fn sum<Q: WorkedOut>(name: &str, values: &[Value]) -> Result<Value, EvalError> {
    let mut columns = Q::Projection::COLUMNS.iter();
    let of = columns.find(|column| column.name == name).map(|column| column.column_type);
    if of == Some(crate::projection::ColumnType::Integer) {
        let add = |sum, value: &Value| match value {
            Value::Integer(number) => eval::add(sum, *number),
            _ => Ok(sum),
        };
        return values.iter().try_fold(0_i64, add).map(Value::Integer);
    }
    decimals(values).try_fold(Decimal::ZERO, eval::add).map(Value::Decimal)
}

fn average(values: &[Value], scale: u32) -> Result<Value, EvalError> {
    if values.is_empty() {
        return Ok(Value::Null);
    }
    let sum = decimals(values).try_fold(Decimal::ZERO, eval::add)?;
    eval::div(sum, Decimal::from(values.len()), scale.into(), Rounding::HalfEven)
        .map(Value::Decimal)
}

fn decimals(values: &[Value]) -> impl Iterator<Item = Decimal> {
    values.iter().filter_map(|value| match value {
        Value::Integer(number) => Some(Decimal::from(*number)),
        Value::Decimal(number) => Some(*number),
        _ => None,
    })
}
