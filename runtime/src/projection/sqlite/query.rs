//! Queries as SQL: names quoted, values bound.
//!
//! SQL knows a third outcome of a comparison, unknown, where a side is NULL; the language does not. So
//! equality is `IS`, and an order is asked for only where both sides are there.

use rusqlite::Connection;

use super::cell;
use super::fault::Fault;
use super::names::quoted;
use super::rows;
use crate::projection::{
    Column, Comparison, Condition, Operand, Order, Query, RowValues, Summary, TableSpec, Value,
};
use crate::store::sqlite::{DECIMAL_COLLATION, text};

/// The rows of a query, from the table of this name.
pub(super) fn find(
    connection: &Connection,
    spec: &TableSpec,
    table: &str,
    query: &Query,
) -> Result<Vec<RowValues>, Fault> {
    query.check(spec)?;
    let mut sql = Sql { spec, values: Vec::new() };
    let condition = sql.condition(&query.condition);
    let text = format!(
        "SELECT {} FROM {} WHERE {condition} ORDER BY {} LIMIT ? OFFSET ?",
        rows::list(spec.columns),
        quoted(table),
        order(spec, &query.order),
    );
    let mut statement = connection.prepare_cached(&text)?;
    cell::bind(&mut statement, &sql.values)?;
    let bound = sql.values.len();
    statement.raw_bind_parameter(bound + 1, number(query.limit))?;
    statement.raw_bind_parameter(bound + 2, number(query.offset))?;
    let mut found = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(rows::read(spec.columns, row)?);
    }
    Ok(all)
}

/// The figures of groups of rows. Rows come sorted by their groups and are worked on one by one.
pub(super) fn summarize(
    connection: &Connection,
    spec: &TableSpec,
    table: &str,
    summary: &Summary,
) -> Result<Vec<RowValues>, Fault> {
    let columns: Vec<Column> = summary.columns(spec)?.into_iter().copied().collect();
    let mut sql = Sql { spec, values: Vec::new() };
    let condition = sql.condition(&summary.condition);
    let groups = rows::list(&columns[..summary.group_columns()]);
    let order = if groups.is_empty() { groups } else { format!(" ORDER BY {groups}") };
    // Where nothing but the number of rows is asked for.
    let read = if columns.is_empty() { "1".to_owned() } else { rows::list(&columns) };
    let text = format!("SELECT {read} FROM {} WHERE {condition}{order}", quoted(table));
    let mut statement = connection.prepare_cached(&text)?;
    cell::bind(&mut statement, &sql.values)?;
    let mut found = statement.raw_query();
    let next = || match found.next() {
        Ok(row) => row.map(|row| rows::read(&columns, row)),
        Err(error) => Some(Err(error.into())),
    };
    summary.answer(spec, std::iter::from_fn(next))
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The columns to sort by, and after them the key, which no two rows have in common.
fn order(spec: &TableSpec, by: &[Order]) -> String {
    let by = by.iter().map(|order| {
        let direction = if order.descending { " DESC" } else { "" };
        format!("{}{direction}", quoted(order.column))
    });
    let key = spec.columns[..spec.key_columns].iter().map(|column| quoted(column.name));
    by.chain(key).collect::<Vec<_>>().join(", ")
}

/// Conditions on their way to text, and the values to bind in the order of their marks.
struct Sql<'s> {
    spec: &'s TableSpec,
    values: Vec<Value>,
}

impl Sql<'_> {
    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::All(parts) => self.joined(parts, " AND ", "1"),
            Condition::Any(parts) => self.joined(parts, " OR ", "0"),
            Condition::Not(inner) => format!("(NOT {})", self.condition(inner)),
            Condition::Compare(left, comparison, right) => {
                self.comparison(left, *comparison, right)
            }
            Condition::Text(left, test, right) => {
                let function = text::function(*test);
                format!("{function}({}, {})", self.operand(left), self.operand(right))
            }
            Condition::Absent(column) => format!("({} IS NULL)", quoted(column)),
            Condition::After(key) => {
                self.values.extend(key.iter().cloned());
                let columns = rows::list(&self.spec.columns[..self.spec.key_columns]);
                format!("(({columns}) > ({}))", vec!["?"; key.len()].join(", "))
            }
            Condition::Always(holds) => if *holds { "1" } else { "0" }.to_owned(),
        }
    }

    fn joined(&mut self, parts: &[Condition], by: &str, none: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.condition(part)).collect();
        if parts.is_empty() { none.to_owned() } else { format!("({})", parts.join(by)) }
    }

    fn comparison(&mut self, left: &Operand, comparison: Comparison, right: &Operand) -> String {
        let sign = match comparison {
            Comparison::Equal => "IS",
            Comparison::NotEqual => "IS NOT",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        };
        let compared = format!("{} {sign} {}", self.operand(left), self.operand(right));
        if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return format!("({compared})");
        }
        // A side that is bound as NULL leaves nothing to find.
        let absent = [left, right].into_iter().any(|it| *it == Operand::Value(Value::Null));
        let optional = [left, right].into_iter().filter_map(Operand::column);
        let optional = optional.filter(|name| self.column(name).is_some_and(|it| it.optional));
        let there: Vec<String> =
            optional.map(|name| format!("{} IS NOT NULL AND ", quoted(name))).collect();
        let never = if absent { "0 AND " } else { "" };
        format!("({never}{}{compared})", there.concat())
    }

    fn operand(&mut self, operand: &Operand) -> String {
        match operand {
            Operand::Column(column) => quoted(column),
            Operand::Widened(column) => {
                format!("CAST({} AS TEXT) COLLATE {DECIMAL_COLLATION}", quoted(column))
            }
            Operand::Lowercase(column) => format!("{}({})", text::LOWERCASE, quoted(column)),
            Operand::Value(value) => {
                self.values.push(value.clone());
                "?".to_owned()
            }
        }
    }

    fn column(&self, name: &str) -> Option<&'static Column> {
        self.spec.columns.iter().find(|column| column.name == name)
    }
}
