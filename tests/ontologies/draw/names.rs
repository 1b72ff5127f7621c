//! Names that an ontology may have: common ones, and those that generated code, Rust or SQL have too.

use std::collections::BTreeSet;

/// Fields that read as such.
const FIELDS: [&str; 24] = [
    "amount", "total", "note", "owner", "count", "price", "label", "sku", "reason", "city",
    "weight", "level", "rate", "channel", "remark", "seat", "color", "shelf", "unit", "grade",
    "batch", "spot", "margin", "queue",
];

/// Fields with a meaning of their own somewhere: in Rust, in SQL, in generated code, in the language.
const ODD_FIELDS: [&str; 62] = [
    "type",
    "match",
    "fn",
    "move",
    "async",
    "await",
    "gen",
    "union",
    "dyn",
    "impl",
    "ref",
    "box",
    "yield",
    "where",
    "as",
    "select",
    "order",
    "group",
    "from",
    "index",
    "rowid",
    "table",
    "values",
    "primary",
    "event",
    "state",
    "row",
    "input",
    "meta",
    "store",
    "out",
    "fields",
    "writer",
    "value",
    "error",
    "new",
    "default",
    "clone",
    "version",
    "sequence",
    "position",
    "stream",
    "name",
    "apply",
    "decide",
    "context",
    "known",
    "key",
    "keys",
    "message",
    "now",
    "none",
    "true",
    "format",
    "x",
    "e",
    "i",
    "camelCaseName",
    "snake_case_name",
    "HTTPCode",
    "v2",
    "aVeryLongFieldNameThatGoesOnAndOnUntilItIsJustShortEnough12345",
];

/// Types, events, commands and projections that read as such.
const TYPES: [&str; 24] = [
    "Opened", "Added", "Moved", "Closed", "Line", "Size", "Account", "Basket", "Ship", "Weigh",
    "Overview", "Ledger", "Packed", "Renamed", "Parcel", "Counted", "Ticket", "Invoice", "Refund",
    "Register", "Cancel", "Confirm", "Depot", "Shelf",
];

/// Those that mean something to Rust, to the runtime or to generated code.
const ODD_TYPES: [&str; 66] = [
    "Box",
    "Type",
    "Event",
    "State",
    "Error",
    "Row",
    "Key",
    "Bool",
    "I64",
    "Decimal",
    "Timestamp",
    "Date",
    "Uuid",
    "Bytes",
    "Duration",
    "BTreeMap",
    "BTreeSet",
    "Metadata",
    "Record",
    "Fields",
    "Command",
    "Aggregate",
    "Iterator",
    "Clone",
    "Debug",
    "Send",
    "X",
    "HTTPServer",
    "Writer",
    "Emit",
    "Refusal",
    "Target",
    "Halt",
    "Decide",
    "Step",
    "Store",
    "Repository",
    "Projection",
    "Snapshot",
    "Context",
    "Query",
    "Value",
    "Rows",
    "Harness",
    "Ontology",
    "Fixture",
    "Sample",
    "Kit",
    "Select",
    "Table",
    "Index",
    "Display",
    "Write",
    "Read",
    "Hash",
    "Ord",
    "Copy",
    "Eq",
    "Drop",
    "Fn",
    "Infallible",
    "Newtype",
    "Rule",
    "Scalar",
    "Codec",
    "snake_type",
];

/// Enums; no two share a variant, so that each is told by any of its own.
pub(crate) const VARIANTS: [&[&str]; 7] = [
    &["Small", "Large"],
    &["Red", "Green", "Blue"],
    &["Idle", "Busy", "Broken", "Gone"],
    &["Only"],
    &["A", "B"],
    &["Ok", "Err", "Default"],
    &["type", "OUT_OF_STOCK", "camelCase"],
];

/// Draws names, none of which meets another where both would be one in Rust or SQL.
#[derive(Debug, Default)]
pub(crate) struct Names {
    types: BTreeSet<String>,
}

impl Names {
    /// A name for a type, event, command or projection.
    pub(crate) fn type_like(&mut self, random: &mut fastrand::Rng) -> String {
        loop {
            let name = match random.u8(..10) {
                0..=3 => ODD_TYPES[random.usize(..ODD_TYPES.len())].to_owned(),
                4..=7 => TYPES[random.usize(..TYPES.len())].to_owned(),
                _ => {
                    let two = [(); 2].map(|()| TYPES[random.usize(..TYPES.len())]);
                    two.concat()
                }
            };
            if self.types.insert(key(&name)) {
                return name;
            }
        }
    }

    /// Keeps a name from being drawn.
    pub(crate) fn keep(&mut self, name: &str) {
        self.types.insert(key(name));
    }
}

/// A name for a field that meets none of these.
pub(crate) fn field(random: &mut fastrand::Rng, taken: &[String]) -> String {
    loop {
        let name = if random.u8(..10) < 4 {
            ODD_FIELDS[random.usize(..ODD_FIELDS.len())]
        } else {
            FIELDS[random.usize(..FIELDS.len())]
        };
        if !taken.iter().any(|taken| key(taken) == key(name)) {
            return name.to_owned();
        }
    }
}

/// Whether a name means nothing but itself, so that it may be read bare or stand in a sentence.
pub(crate) fn is_common(name: &str) -> bool {
    FIELDS.contains(&name)
}

/// Whether two names would be one in Rust or SQL.
pub(crate) fn meet(a: &str, b: &str) -> bool {
    key(a) == key(b)
}

fn key(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}
