//! What is worked out of the rows of a projection: their number, and sums, extremes and averages of columns,
//! of all rows or of groups of them.
//!
//! A read database finds the rows and hands them over in the order of their groups; the arithmetic is
//! here, in Rust, for all of them alike. SQLite's own `sum` would turn decimals into floats. One group is
//! worked on at a time, and no more answers are kept than twice of what is asked for, whatever the number of
//! groups. (Rows that no index has in the order of their groups are sorted by the database, in its memory.)

mod exact;
mod tally;

use std::cmp::Ordering;

use self::tally::Tally;
use super::{Column, Condition, ReadDatabaseError, RowValues, TableSpec, Value};
use crate::codec::DecodeError;

/// What is worked out, of which rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What holds for the rows.
    pub condition: Condition,
    /// The columns in which the rows of a group are alike. Without them all rows are one group, which is
    /// there also where no row is.
    pub groups: Option<Vec<&'static str>>,
    /// What is told of each group.
    pub figures: Vec<Figure>,
    /// By what groups are sorted; those that are alike in it by the columns of the group.
    pub order: Vec<FigureOrder>,
    /// How many groups are left out first.
    pub offset: usize,
    /// How many groups there are at most.
    pub limit: usize,
}

/// What is told of a group. None is left out of everything but the number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A column of the group.
    Column(&'static str),
    /// The number of rows.
    Count,
    /// The sum of a column of numbers: 0 where there is none.
    Sum(&'static str),
    /// The smallest value of a column.
    Min(&'static str),
    /// The greatest value of a column.
    Max(&'static str),
    /// The average of a column of numbers, with so many digits after the point, half to even.
    Average(&'static str, u32),
}

/// A figure to sort by. None comes before every value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureOrder {
    /// Its place among the figures.
    pub figure: usize,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl FigureOrder {
    /// The smallest first.
    pub const fn ascending(figure: usize) -> Self {
        Self { figure, descending: false }
    }

    /// The greatest first.
    pub const fn descending(figure: usize) -> Self {
        Self { figure, descending: true }
    }
}

/// A type of figures: what `select` of a query becomes.
pub trait Figures: Sized + Send {
    /// The figures as columns.
    const COLUMNS: &'static [Column];

    /// The figures of a group.
    ///
    /// # Errors
    /// Where a value is missing or of another type.
    fn from_values(values: Vec<Value>) -> Result<Self, DecodeError>;
}

impl Figure {
    /// The column that it reads.
    pub fn column(self) -> Option<&'static str> {
        match self {
            Self::Count => None,
            Self::Column(column)
            | Self::Sum(column)
            | Self::Min(column)
            | Self::Max(column)
            | Self::Average(column, _) => Some(column),
        }
    }
}

impl Summary {
    /// The columns that are read: those of the groups, then one for each figure that has one.
    pub(super) fn columns(
        &self,
        spec: &TableSpec,
    ) -> Result<Vec<&'static Column>, ReadDatabaseError> {
        self.condition.check(spec)?;
        let groups = self.groups.iter().flatten().copied();
        let read = groups.chain(self.figures.iter().filter_map(|figure| figure.column()));
        read.map(|name| spec.column(name)).collect()
    }

    /// How many columns the rows of a group are alike in.
    pub(super) fn group_columns(&self) -> usize {
        self.groups.as_ref().map_or(0, Vec::len)
    }

    /// The order of groups by their own columns.
    pub(super) fn compare_groups(&self, left: &[Value], right: &[Value]) -> Ordering {
        let own = self.group_columns();
        left.iter().take(own).cmp(right.iter().take(own))
    }

    /// The answer before the first row.
    pub(super) fn begin<'s>(&'s self, spec: &'s TableSpec) -> Answer<'s> {
        Answer::new(self, spec)
    }

    /// The answer, from rows with the values of [`Summary::columns`], those of a group one after the other.
    pub(super) fn answer<E: From<ReadDatabaseError>>(
        &self,
        spec: &TableSpec,
        rows: impl IntoIterator<Item = Result<RowValues, E>>,
    ) -> Result<Vec<RowValues>, E> {
        let mut answer = self.begin(spec);
        for row in rows {
            if !answer.take(row?)? {
                break;
            }
        }
        Ok(answer.finish()?)
    }
}

/// A group that is whole: its own columns, and its figures.
type Group = (RowValues, RowValues);

/// The answer while rows come in.
pub(super) struct Answer<'s> {
    summary: &'s Summary,
    spec: &'s TableSpec,
    /// The figures of a group before its first row.
    nothing: Vec<Tally>,
    group: Option<(RowValues, Vec<Tally>)>,
    found: Vec<Group>,
    /// How many groups can be part of the answer.
    wanted: usize,
}

impl<'s> Answer<'s> {
    fn new(summary: &'s Summary, spec: &'s TableSpec) -> Self {
        let wanted = summary.offset.saturating_add(summary.limit);
        let of = |name| spec.columns.iter().find(|column| column.name == name);
        let tally = |figure: &Figure| {
            Tally::new(*figure, figure.column().and_then(of).map(|column| column.column_type))
        };
        let nothing: Vec<Tally> = summary.figures.iter().map(tally).collect();
        let group = summary.groups.is_none().then(|| (Vec::new(), nothing.clone()));
        Self { summary, spec, nothing, group, found: Vec::new(), wanted }
    }

    /// Takes a row with the values of [`Summary::columns`]; those of a group come one after the other.
    /// Whether more rows can change anything.
    pub(super) fn take(&mut self, row: RowValues) -> Result<bool, ReadDatabaseError> {
        let own = &row[..self.summary.group_columns()];
        if self.group.as_ref().is_none_or(|(group, _)| group != own) {
            self.close()?;
            if self.summary.order.is_empty() && self.found.len() >= self.wanted {
                return Ok(false);
            }
            self.group = Some((own.to_vec(), self.nothing.clone()));
        }
        let Some((_, tallies)) = &mut self.group else { return Ok(true) };
        let mut values = row.into_iter().skip(self.summary.group_columns());
        for (tally, figure) in tallies.iter_mut().zip(&self.summary.figures) {
            let value = figure.column().and_then(|_| values.next()).unwrap_or(Value::Null);
            tally.take(value).map_err(|fault| fault.of(self.spec, *figure))?;
        }
        Ok(true)
    }

    /// The groups in their order.
    pub(super) fn finish(mut self) -> Result<Vec<RowValues>, ReadDatabaseError> {
        self.close()?;
        self.sort();
        let part = self.found.into_iter().skip(self.summary.offset).take(self.summary.limit);
        Ok(part.map(|(_, figures)| figures).collect())
    }

    fn close(&mut self) -> Result<(), ReadDatabaseError> {
        let Some((group, tallies)) = self.group.take() else { return Ok(()) };
        let figures = tallies.into_iter().zip(&self.summary.figures);
        let figures = figures
            .map(|(tally, figure)| tally.value().map_err(|fault| fault.of(self.spec, *figure)));
        self.found.push((group, figures.collect::<Result<_, _>>()?));
        // Sorting seldom, so that it costs little; and keeping no more than twice of what is asked for.
        const SPARE: usize = 1024;
        if self.found.len() > self.wanted.saturating_mul(2).saturating_add(SPARE) {
            self.sort();
            self.found.truncate(self.wanted);
        }
        Ok(())
    }

    fn sort(&mut self) {
        let order = &self.summary.order;
        self.found.sort_by(|left, right| by_figures(order, left, right).then(left.0.cmp(&right.0)));
    }
}

fn by_figures(order: &[FigureOrder], (_, left): &Group, (_, right): &Group) -> Ordering {
    let by = |order: &FigureOrder| {
        let ascending = left.get(order.figure).cmp(&right.get(order.figure));
        if order.descending { ascending.reverse() } else { ascending }
    };
    order.iter().map(by).find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
}
