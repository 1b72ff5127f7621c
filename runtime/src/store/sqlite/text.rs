//! Functions on texts for conditions of queries, registered on every connection of
//! [`super::SqliteDatabase`].
//!
//! SQLite's own won't do: `LIKE` knows wild cards and takes `a` for `A`, `lower` knows no letters but those of
//! ASCII, and some functions end a text at a NUL. These are the functions that the language's methods are.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};

use crate::projection::TextTest;

/// Name of the function that gives a text in small letters.
pub(crate) const LOWERCASE: &str = "eventloom_lowercase";

const TESTS: [TextTest; 3] = [TextTest::StartsWith, TextTest::EndsWith, TextTest::Contains];

/// Name of the function for a test.
pub(crate) const fn function(test: TextTest) -> &'static str {
    match test {
        TextTest::StartsWith => "eventloom_starts_with",
        TextTest::EndsWith => "eventloom_ends_with",
        TextTest::Contains => "eventloom_contains",
    }
}

/// Registers them.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for test in TESTS {
        connection.create_scalar_function(function(test), 2, flags, move |context| {
            let (left, right) = (text(context, 0)?, text(context, 1)?);
            Ok(left.zip(right).is_some_and(|(left, right)| test.holds(left, right)))
        })?;
    }
    connection.create_scalar_function(LOWERCASE, 1, flags, |context| {
        Ok(text(context, 0)?.map(str::to_lowercase))
    })
}

/// An argument; none for NULL.
fn text<'c>(context: &'c Context<'_>, place: usize) -> rusqlite::Result<Option<&'c str>> {
    context.get_raw(place).as_str_or_null().map_err(Into::into)
}
