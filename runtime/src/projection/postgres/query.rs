//! Queries as SQL: names quoted, values bound.
//!
//! SQL knows a third outcome of a comparison, unknown, where a side is NULL; the language does not. So
//! each comparison says what it is where a side is not there.
//!
//! What PostgreSQL can't say as the language means it, letters of any script made small, is asked of each row that is
//! left by the rest of the condition.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;

use super::cell;
use super::fault::Fault;
use super::names::quoted;
use super::rows;
use crate::projection::{
    Column, ColumnType, Comparison, Condition, Operand, Order, Query, RowValues, Summary,
    TableSpec, TextTest, Value,
};
use crate::store::postgres::Client;

/// The rows of a query, from the table of this name.
pub(super) async fn find(
    client: &Client,
    spec: &TableSpec,
    table: &str,
    query: &Query,
) -> Result<Vec<RowValues>, Fault> {
    query.check(spec)?;
    let sql = Sql::of(spec, &query.condition);
    let (offset, limit) = (query.offset, query.limit);
    // What is left out first is known only of rows of which all is asked.
    let bound = sql.values.len();
    let part = match sql.is_exact {
        true => format!(" LIMIT ${} OFFSET ${}", bound + 1, bound + 2),
        false => String::new(),
    };
    let (most, first) = (number(limit), number(offset));
    let text = format!(
        "SELECT {} FROM {table} WHERE {} ORDER BY {}{part}",
        rows::list(spec.columns),
        sql.text,
        order(spec, &query.order),
    );
    let statement = client.prepare_cached(&text).await?;
    let cells = rows::cells(&sql.values);
    let mut parameters = rows::parameters(&cells);
    if sql.is_exact {
        parameters.extend([&most as &(dyn ToSql + Sync), &first]);
    }
    let mut found = pin!(client.query_raw(&statement, parameters).await?);
    let (mut all, mut passed) = (Vec::new(), 0);
    while let Some(row) = found.try_next().await? {
        let row = rows::read(spec.columns, &row)?;
        if sql.is_exact {
            all.push(row);
            continue;
        }
        if all.len() == limit {
            break;
        }
        if query.condition.holds(spec, &row) {
            passed += 1;
            if passed > offset {
                all.push(row);
            }
        }
    }
    Ok(all)
}

/// The figures of groups of rows. Rows come sorted by their groups and are worked on one by one.
pub(super) async fn summarize(
    client: &Client,
    spec: &TableSpec,
    table: &str,
    summary: &Summary,
) -> Result<Vec<RowValues>, Fault> {
    let columns: Vec<Column> = summary.columns(spec)?.into_iter().copied().collect();
    let sql = Sql::of(spec, &summary.condition);
    let groups = &columns[..summary.group_columns()];
    let order: Vec<String> = groups.iter().map(|column| directed(column, false)).collect();
    let order = match order.as_slice() {
        [] => String::new(),
        by => format!(" ORDER BY {}", by.join(", ")),
    };
    // Of rows of which more is asked, all is read.
    let read: &[Column] = if sql.is_exact { &columns } else { spec.columns };
    let list = if read.is_empty() { "1".to_owned() } else { rows::list(read) };
    let text = format!("SELECT {list} FROM {table} WHERE {}{order}", sql.text);
    let statement = client.prepare_cached(&text).await?;
    let cells = rows::cells(&sql.values);
    let mut found = pin!(client.query_raw(&statement, rows::parameters(&cells)).await?);
    let place = |column: &Column| spec.columns.iter().position(|it| it.name == column.name);
    let mut answer = summary.begin(spec);
    while let Some(row) = found.try_next().await? {
        let mut row = rows::read(read, &row)?;
        if !sql.is_exact {
            if !summary.condition.holds(spec, &row) {
                continue;
            }
            row = columns.iter().filter_map(|it| row.get(place(it)?).cloned()).collect();
        }
        if !answer.take(row)? {
            break;
        }
    }
    Ok(answer.finish()?)
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The columns to sort by, and after them the key, which no two rows have in common.
fn order(spec: &TableSpec, by: &[Order]) -> String {
    let by = by.iter().map(|order| {
        let column = spec.columns.iter().find(|column| column.name == order.column);
        column.map_or_else(|| quoted(order.column), |it| directed(it, order.descending))
    });
    let key = spec.columns[..spec.key_columns].iter().map(|column| quoted(column.name));
    by.chain(key).collect::<Vec<_>>().join(", ")
}

/// A column to sort by, said as its index says it: absent is less than all.
fn directed(column: &Column, descending: bool) -> String {
    let direction = match (descending, column.optional) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, false) => " DESC",
        (true, true) => " DESC NULLS LAST",
    };
    format!("{}{direction}", sorted(column))
}

/// A column as something that can be sorted.
fn sorted(column: &Column) -> String {
    match rows::is_json(column) {
        true => format!("{}::text COLLATE \"C\"", quoted(column.name)),
        false => quoted(column.name),
    }
}

/// A condition on its way to text.
struct Sql<'s> {
    spec: &'s TableSpec,
    text: String,
    /// The values to bind, in the order of their numbers.
    values: Vec<Value>,
    /// Whether it says all of the condition, and no more than that.
    is_exact: bool,
}

/// What a part of a condition is in SQL, if it is anything; and whether that is all of it. A part of which some is left out
/// holds for more rows.
type Part = Option<(String, bool)>;

impl<'s> Sql<'s> {
    fn of(spec: &'s TableSpec, condition: &Condition) -> Self {
        let mut sql = Self { spec, text: String::new(), values: Vec::new(), is_exact: false };
        match sql.condition(condition) {
            Some((text, is_exact)) => (sql.text, sql.is_exact) = (text, is_exact),
            None => "true".clone_into(&mut sql.text),
        }
        sql
    }

    fn condition(&mut self, condition: &Condition) -> Part {
        let all = |text: String| Some((text, true));
        match condition {
            Condition::All(parts) => {
                let said: Vec<Part> = parts.iter().map(|part| self.condition(part)).collect();
                let is_exact = said.iter().all(|part| part.as_ref().is_some_and(|it| it.1));
                let said: Vec<String> = said.into_iter().flatten().map(|it| it.0).collect();
                Some((joined(&said, " AND ", "true"), is_exact))
            }
            Condition::Any(parts) => {
                let before = self.values.len();
                let said: Option<Vec<_>> = parts.iter().map(|part| self.condition(part)).collect();
                let Some(said) = said else {
                    self.values.truncate(before);
                    return None;
                };
                let is_exact = said.iter().all(|part| part.1);
                let said: Vec<String> = said.into_iter().map(|it| it.0).collect();
                Some((joined(&said, " OR ", "false"), is_exact))
            }
            Condition::Not(inner) => {
                let before = self.values.len();
                match self.condition(inner) {
                    Some((text, true)) => all(format!("(NOT {text})")),
                    _ => {
                        self.values.truncate(before);
                        None
                    }
                }
            }
            Condition::Compare(left, comparison, right) => {
                self.comparison(left, *comparison, right).and_then(all)
            }
            Condition::Text(left, test, right) => self.test(left, *test, right).and_then(all),
            Condition::Absent(column) => all(format!("({} IS NULL)", quoted(column))),
            Condition::After(key) => {
                let keys = &self.spec.columns[..self.spec.key_columns];
                let marks = rows::marks(keys, self.values.len() + 1);
                self.values.extend(key.iter().cloned());
                all(format!("(({}) > ({marks}))", rows::list(keys)))
            }
            Condition::Always(holds) => all(holds.to_string()),
        }
    }

    fn comparison(
        &mut self,
        left: &Operand,
        comparison: Comparison,
        right: &Operand,
    ) -> Option<String> {
        let is_small = |it: &Operand| matches!(it, Operand::Lowercase(_));
        if is_small(left) || is_small(right) {
            return None;
        }
        let equals = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let not = if comparison == Comparison::NotEqual { "NOT " } else { "" };
        let absent = |it: &Operand| *it == Operand::Value(Value::Null);
        // A side that is bound as NULL leaves nothing to find, or all that is NULL too.
        match (absent(left), absent(right)) {
            (true, true) => return Some((comparison == Comparison::Equal).to_string()),
            (true, false) | (false, true) if !equals => return Some("false".to_owned()),
            (true, false) => return Some(format!("({not}{} IS NULL)", self.bare(right)?)),
            (false, true) => return Some(format!("({not}{} IS NULL)", self.bare(left)?)),
            (false, false) => {}
        }
        let of = self.compared_type(left, right);
        let (one, other) = (self.operand(left, of), self.operand(right, of));
        let optional: Vec<String> = [left, right]
            .into_iter()
            .filter_map(|it| it.column())
            .filter(|name| self.column(name).is_some_and(|it| it.optional))
            .map(quoted)
            .collect();
        if equals {
            return Some(match optional.as_slice() {
                [] => format!("({not}{one} = {other})"),
                // Said so that an index finds it.
                [column] => format!("({not}({column} IS NOT NULL AND {one} = {other}))"),
                _ => format!("({not}{one} IS NOT DISTINCT FROM {other})"),
            });
        }
        let sign = match comparison {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            _ => ">=",
        };
        let there: String = optional.iter().map(|it| format!("{it} IS NOT NULL AND ")).collect();
        Some(format!("({there}{one} {sign} {other})"))
    }

    fn test(&mut self, left: &Operand, test: TextTest, right: &Operand) -> Option<String> {
        let odd = |it: &Operand| match it {
            Operand::Lowercase(_) => true,
            // What stands for a character in the tables must not be found from its middle on.
            Operand::Value(Value::Text(text)) => text.chars().any(|it| it <= '\u{2}'),
            _ => false,
        };
        // The same holds of what a column has, unless it is looked for where characters begin.
        let sought = matches!(right, Operand::Column(_)) && test != TextTest::StartsWith;
        if odd(left) || odd(right) || sought {
            return None;
        }
        let of = Some(ColumnType::Text);
        let (left, right) = (self.operand(left, of), self.operand(right, of));
        let said = match test {
            TextTest::StartsWith => format!("starts_with({left}, {right})"),
            TextTest::EndsWith => format!("right({left}, length({right})) = {right}"),
            TextTest::Contains => format!("strpos({left}, {right}) > 0"),
        };
        Some(format!("coalesce({said}, false)"))
    }

    /// The type in which two sides are compared: a value has that of the other one.
    fn compared_type(&self, left: &Operand, right: &Operand) -> Option<ColumnType> {
        let of = |it: &Operand| match it {
            Operand::Widened(_) => Some(ColumnType::Decimal),
            other => Some(self.column(other.column()?)?.column_type),
        };
        of(left).or_else(|| of(right))
    }

    fn operand(&mut self, operand: &Operand, of: Option<ColumnType>) -> String {
        match operand {
            Operand::Column(name) | Operand::Lowercase(name) => match self.column(name) {
                Some(column) => sorted(column),
                None => quoted(name),
            },
            Operand::Widened(name) => format!("{}::numeric", quoted(name)),
            Operand::Value(value) => {
                let of = of.unwrap_or_else(|| type_of(value));
                self.values.push(value.clone());
                let number = self.values.len();
                match of {
                    ColumnType::Json => format!("${number}::json::text"),
                    ColumnType::Text => format!("${number}::text COLLATE \"C\""),
                    other => format!("${number}::{}", cell::sql_type(other)),
                }
            }
        }
    }

    /// A column by its name; none where it is a value.
    fn bare(&self, operand: &Operand) -> Option<String> {
        operand.column().map(quoted)
    }

    fn column(&self, name: &str) -> Option<&'static Column> {
        self.spec.columns.iter().find(|column| column.name == name)
    }
}

fn joined(parts: &[String], by: &str, none: &str) -> String {
    if parts.is_empty() { none.to_owned() } else { format!("({})", parts.join(by)) }
}

fn type_of(value: &Value) -> ColumnType {
    match value {
        Value::Null | Value::Text(_) => ColumnType::Text,
        Value::Integer(_) => ColumnType::Integer,
        Value::Decimal(_) => ColumnType::Decimal,
        Value::Boolean(_) => ColumnType::Boolean,
        Value::Timestamp(_) => ColumnType::Timestamp,
        Value::Date(_) => ColumnType::Date,
        Value::Duration(_) => ColumnType::Duration,
        Value::Uuid(_) => ColumnType::Uuid,
        Value::Bytes(_) => ColumnType::Bytes,
        Value::Json(_) => ColumnType::Json,
    }
}
