//! The codec: what is written is read back, and what is not right is refused with its place.

mod collections;
mod refusals;
mod round_trip;

use eventloom_runtime::codec::{
    DecodeError, Fields, Label, Record, Writer, optional, or_default, required,
};
use eventloom_runtime::{Bytes, Date, Decimal, Duration, Timestamp, Uuid};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Small,
    Large,
}

impl Label for Kind {
    const NAMES: &'static [&'static str] = &["Small", "Large"];

    fn index(self) -> usize {
        self as usize
    }

    fn from_index(index: usize) -> Option<Self> {
        [Self::Small, Self::Large].get(index).copied()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) price: Decimal,
}

impl Record for Line {
    fn write(&self, out: &mut Writer) {
        out.field("sku", &self.sku);
        out.field("price", &self.price);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let (mut sku, mut price) = (None, None);
        fields.read(&mut [("sku", &mut sku), ("price", &mut price)])?;
        Ok(Self { sku: required(sku, "sku")?, price: required(price, "price")? })
    }
}

/// A field of every type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Everything {
    pub(crate) text: String,
    pub(crate) integer: i64,
    pub(crate) decimal: Decimal,
    pub(crate) boolean: bool,
    pub(crate) time: Timestamp,
    pub(crate) date: Date,
    pub(crate) duration: Duration,
    pub(crate) id: Uuid,
    pub(crate) bytes: Bytes,
    pub(crate) kind: Kind,
    pub(crate) note: Option<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) grid: Vec<Vec<Option<i64>>>,
    pub(crate) retries: i64,
}

impl Record for Everything {
    fn write(&self, out: &mut Writer) {
        out.field("text", &self.text);
        out.field("integer", &self.integer);
        out.field("decimal", &self.decimal);
        out.field("boolean", &self.boolean);
        out.field("time", &self.time);
        out.field("date", &self.date);
        out.field("duration", &self.duration);
        out.field("id", &self.id);
        out.field("bytes", &self.bytes);
        out.field("kind", &self.kind);
        out.field("note", &self.note);
        out.field("lines", &self.lines);
        out.field("grid", &self.grid);
        out.field("retries", &self.retries);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let (mut text, mut integer, mut decimal, mut boolean) = (None, None, None, None);
        let (mut time, mut date, mut duration, mut id) = (None, None, None, None);
        let (mut bytes, mut kind, mut note, mut lines) = (None, None, None, None);
        let (mut grid, mut retries) = (None, None);
        fields.read(&mut [
            ("text", &mut text),
            ("integer", &mut integer),
            ("decimal", &mut decimal),
            ("boolean", &mut boolean),
            ("time", &mut time),
            ("date", &mut date),
            ("duration", &mut duration),
            ("id", &mut id),
            ("bytes", &mut bytes),
            ("kind", &mut kind),
            ("note", &mut note),
            ("lines", &mut lines),
            ("grid", &mut grid),
            ("retries", &mut retries),
        ])?;
        Ok(Self {
            text: required(text, "text")?,
            integer: required(integer, "integer")?,
            decimal: required(decimal, "decimal")?,
            boolean: required(boolean, "boolean")?,
            time: required(time, "time")?,
            date: required(date, "date")?,
            duration: required(duration, "duration")?,
            id: required(id, "id")?,
            bytes: required(bytes, "bytes")?,
            kind: required(kind, "kind")?,
            note: optional(note),
            lines: required(lines, "lines")?,
            grid: required(grid, "grid")?,
            retries: or_default(retries, || 3),
        })
    }
}
