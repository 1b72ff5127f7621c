//! A small ledger, written by hand: events, and projections of every kind.

use std::fmt::Debug;

use eventloom_runtime::codec::{DecodeError, Fields, Record, Writer, decode, encode, required};
use eventloom_runtime::event::EventShape;
use eventloom_runtime::projection::{
    Column, ColumnType, Consistency, Projection, ProjectionError, ProjectionName, Value, Values,
};
use eventloom_runtime::{Decimal, DomainEvent, Duration, Metadata, Timestamp, UniqueKey};

pub(crate) const LEDGER: &str = "Ledger";

/// What messages call a projection of the ledger.
pub(crate) const fn of_ledger(projection: &'static str) -> ProjectionName {
    ProjectionName { aggregate: LEDGER, projection }
}

/// Another aggregate, with events of the same names.
pub(crate) const TILL: &str = "Till";

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    Opened { owner: String },
    Moved { amount: Decimal },
    Tagged { tag: String },
    Closed,
}

/// The fields of all entries: a test's events need no type each.
struct Text(String);

impl Record for Text {
    fn write(&self, out: &mut Writer) {
        out.field("text", &self.0);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let mut text = None;
        fields.read(&mut [("text", &mut text)])?;
        Ok(Self(required(text, "text")?))
    }
}

const fn shape(event_type: &'static str) -> EventShape {
    EventShape { event_type, version: 1, shape: "{text: string}" }
}

impl DomainEvent for Entry {
    const TYPES: &'static [&'static str] = &["Opened", "Moved", "Tagged", "Closed"];
    const SHAPES: &'static [EventShape] =
        &[shape("Opened"), shape("Moved"), shape("Tagged"), shape("Closed")];

    fn type_index(&self) -> usize {
        match self {
            Self::Opened { .. } => 0,
            Self::Moved { .. } => 1,
            Self::Tagged { .. } => 2,
            Self::Closed => 3,
        }
    }

    fn version(&self) -> u32 {
        1
    }

    fn write(&self, out: &mut Vec<u8>) {
        let text = match self {
            Self::Opened { owner } => owner.clone(),
            Self::Moved { amount } => amount.to_string(),
            Self::Tagged { tag } => tag.clone(),
            Self::Closed => String::new(),
        };
        encode(&Text(text), out);
    }

    fn read(
        event_type: &str,
        version: u32,
        data: &[u8],
        _: &Metadata,
    ) -> Result<Self, DecodeError> {
        if version != 1 || !Self::TYPES.contains(&event_type) {
            return Err(DecodeError::unknown::<Self>(event_type, version));
        }
        let Text(text) = decode(data)?;
        match event_type {
            "Opened" => Ok(Self::Opened { owner: text }),
            "Moved" => {
                let amount = text.parse().map_err(|_| DecodeError::invalid("no amount"))?;
                Ok(Self::Moved { amount })
            }
            "Tagged" => Ok(Self::Tagged { tag: text }),
            "Closed" => Ok(Self::Closed),
            other => Err(DecodeError::unknown::<Self>(other, version)),
        }
    }

    fn occurred_at(&self) -> Option<Timestamp> {
        None
    }

    fn unique_keys(&self, _: &mut dyn FnMut(UniqueKey)) {}

    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

const fn column(name: &'static str, column_type: ColumnType) -> Column {
    Column { name, column_type, optional: false }
}

/// A row of [`Balances`] and its kin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Balance {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) amount: Decimal,
    pub(crate) moves: i64,
}

/// The fold that several projections share: insert, update and delete, each of them strict.
fn fold_balance(
    row: &mut Option<Balance>,
    event: &Entry,
    meta: &Metadata,
) -> Result<(), ProjectionError> {
    match event {
        Entry::Opened { .. } if row.is_some() => return Err(ProjectionError::RowExists),
        Entry::Opened { owner } => {
            *row = Some(Balance {
                id: meta.stream_id.to_string(),
                owner: owner.clone(),
                amount: Decimal::ZERO,
                moves: 0,
            });
        }
        Entry::Moved { amount } => {
            let row = row.as_mut().ok_or(ProjectionError::RowMissing)?;
            row.amount += amount;
            row.moves += 1;
        }
        Entry::Closed if row.is_none() => return Err(ProjectionError::RowMissing),
        Entry::Closed => *row = None,
        Entry::Tagged { .. } => {}
    }
    Ok(())
}

fn balance_values(row: &Balance) -> Vec<Value> {
    vec![(&row.id).into(), (&row.owner).into(), (&row.amount).into(), (&row.moves).into()]
}

fn balance(values: Vec<Value>) -> Result<Balance, DecodeError> {
    let mut values = Values::new(values, Balances::COLUMNS);
    Ok(Balance {
        id: values.take()?,
        owner: values.take()?,
        amount: values.take()?,
        moves: values.take()?,
    })
}

/// A projection by the stream, with the rows of [`Balance`].
macro_rules! balances {
    ($(#[$doc:meta])* $name:ident, $projection:literal, $table:literal, $meaning:literal, $consistency:expr) => {
        balances!($(#[$doc])* $name, $projection, $table, $meaning, $consistency, LEDGER);
    };
    ($(#[$doc:meta])* $name:ident, $projection:literal, $table:literal, $meaning:literal, $consistency:expr, $aggregate:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Projection for $name {
            const NAME: &'static str = $projection;
            const DATABASE: &'static str = "read_db";
            const TABLE: &'static str = $table;
            const CONSISTENCY: Consistency = $consistency;
            const MEANING: u64 = $meaning;
            const AGGREGATE: &'static str = $aggregate;
            const SOURCES: &'static [&'static str] = &["Opened", "Moved", "Closed"];
            /// Words that SQL has a use for, and names that it has none for.
            const COLUMNS: &'static [Column] = &[
                column("select", ColumnType::Text),
                column("order", ColumnType::Text),
                column("group \"by\"; --", ColumnType::Decimal),
                column("rowid", ColumnType::Integer),
            ];
            const KEY_COLUMNS: usize = 1;
            const KEY_IS_STREAM: bool = true;
            const READS_METADATA: bool = false;

            type Event = Entry;
            type Key = String;
            type Row = Balance;

            fn key(event: &Entry, meta: &Metadata) -> Result<Option<String>, ProjectionError> {
                Ok(match event {
                    Entry::Tagged { .. } => None,
                    _ => Some(meta.stream_id.to_string()),
                })
            }

            fn fold(
                row: &mut Option<Balance>,
                event: &Entry,
                meta: &Metadata,
            ) -> Result<(), ProjectionError> {
                fold_balance(row, event, meta)
            }

            fn key_values(key: &String) -> Vec<Value> {
                vec![key.into()]
            }

            fn row_values(row: &Balance) -> Vec<Value> {
                balance_values(row)
            }

            fn row(values: Vec<Value>) -> Result<Balance, DecodeError> {
                balance(values)
            }

            fn key_of(row: &Balance) -> String {
                row.id.clone()
            }
        }
    };
}

/// No window is promised.
const EVENTUAL: Consistency = Consistency::Eventual { window: None };

balances!(
    /// Balances, soon after.
    Balances, "Balances", "table", 1, EVENTUAL
);
balances!(
    /// The same projection in the next version of the program.
    NextBalances, "Balances", "table", 2, EVENTUAL
);
balances!(
    /// Balances within half a second.
    PromptBalances, "PromptBalances", "prompt", 3,
    Consistency::Eventual { window: Some(Duration::from_micros(500_000)) }
);
balances!(
    /// Balances in the append's own transaction.
    ImmediateBalances, "ImmediateBalances", "immediate", 4, Consistency::Immediate
);
balances!(
    /// A projection of another aggregate that has the name of [`Balances`], and by chance its meaning.
    Namesakes, "Balances", "namesakes", 1, EVENTUAL, TILL
);
balances!(
    /// The same for [`ImmediateBalances`].
    ImmediateNamesakes, "ImmediateBalances", "immediate namesakes", 4, Consistency::Immediate, TILL
);
balances!(
    /// Another projection that wants the name of [`Balances`]' rows.
    Rival, "Rival", "TABLE", 5, EVENTUAL
);
balances!(
    /// A target that is one of the event store's own tables.
    Usurper, "Usurper", "events", 6, EVENTUAL
);

/// A row of [`Tags`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tag {
    pub(crate) tag: String,
    pub(crate) uses: i64,
}

/// A projection of how often each tag was used, over all ledgers: the key is not the stream's.
macro_rules! tags {
    ($(#[$doc:meta])* $name:ident, $projection:literal, $meaning:literal, $consistency:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Projection for $name {
            const NAME: &'static str = $projection;
            const DATABASE: &'static str = "read_db";
            const TABLE: &'static str = $projection;
            const CONSISTENCY: Consistency = $consistency;
            const MEANING: u64 = $meaning;
            const AGGREGATE: &'static str = LEDGER;
            const SOURCES: &'static [&'static str] = &["Tagged"];
            const COLUMNS: &'static [Column] =
                &[column("tag", ColumnType::Text), column("uses", ColumnType::Integer)];
            const KEY_COLUMNS: usize = 1;
            const KEY_IS_STREAM: bool = false;
            const READS_METADATA: bool = false;

            type Event = Entry;
            type Key = String;
            type Row = Tag;

            /// A key expression that can fail.
            fn key(event: &Entry, _: &Metadata) -> Result<Option<String>, ProjectionError> {
                match event {
                    Entry::Tagged { tag } if tag.is_empty() => {
                        Err(ProjectionError::Custom("a tag has no name".to_owned()))
                    }
                    Entry::Tagged { tag } => Ok(Some(tag.to_lowercase())),
                    _ => Ok(None),
                }
            }

            /// An upsert, but for tags in capitals, which take the row away where there is one.
            fn fold(row: &mut Option<Tag>, event: &Entry, _: &Metadata) -> Result<(), ProjectionError> {
                let Entry::Tagged { tag } = event else { return Ok(()) };
                if tag.chars().all(char::is_uppercase) {
                    *row = None;
                } else {
                    let row = row.get_or_insert_with(|| Tag { tag: tag.to_lowercase(), uses: 0 });
                    row.uses += 1;
                }
                Ok(())
            }

            fn key_values(key: &String) -> Vec<Value> {
                vec![key.into()]
            }

            fn row_values(row: &Tag) -> Vec<Value> {
                vec![(&row.tag).into(), (&row.uses).into()]
            }

            fn row(values: Vec<Value>) -> Result<Tag, DecodeError> {
                let mut values = Values::new(values, Self::COLUMNS);
                Ok(Tag { tag: values.take()?, uses: values.take()? })
            }

            fn key_of(row: &Tag) -> String {
                row.tag.clone()
            }
        }
    };
}

tags!(
    /// Tags, soon after.
    Tags, "tags", 7, EVENTUAL
);
tags!(
    /// Tags in the append's own transaction, which can't be.
    ImmediateTags, "immediate tags", 9, Consistency::Immediate
);

/// Every movement: inserts alone, under a key of two columns, both of them all there is to a row.
#[derive(Debug)]
pub(crate) struct Moves;

impl Projection for Moves {
    const NAME: &'static str = "Moves";
    const DATABASE: &'static str = "read_db";
    const TABLE: &'static str = "moves";
    const CONSISTENCY: Consistency = EVENTUAL;
    const MEANING: u64 = 8;
    const AGGREGATE: &'static str = LEDGER;
    const SOURCES: &'static [&'static str] = &["Moved"];
    const COLUMNS: &'static [Column] =
        &[column("amount", ColumnType::Decimal), column("number", ColumnType::Integer)];
    const KEY_COLUMNS: usize = 2;
    const KEY_IS_STREAM: bool = false;
    const READS_METADATA: bool = false;

    type Event = Entry;
    type Key = (Decimal, i64);
    type Row = (Decimal, i64);

    fn key(event: &Entry, meta: &Metadata) -> Result<Option<Self::Key>, ProjectionError> {
        Ok(match event {
            Entry::Moved { amount } => Some((*amount, meta.sequence_number())),
            _ => None,
        })
    }

    fn fold(
        row: &mut Option<Self::Row>,
        event: &Entry,
        meta: &Metadata,
    ) -> Result<(), ProjectionError> {
        if row.is_some() {
            return Err(ProjectionError::RowExists);
        }
        *row = Self::key(event, meta)?;
        Ok(())
    }

    fn key_values(key: &Self::Key) -> Vec<Value> {
        vec![(&key.0).into(), (&key.1).into()]
    }

    fn row_values(row: &Self::Row) -> Vec<Value> {
        Self::key_values(row)
    }

    fn row(values: Vec<Value>) -> Result<Self::Row, DecodeError> {
        let mut values = Values::new(values, Self::COLUMNS);
        Ok((values.take()?, values.take()?))
    }

    fn key_of(row: &Self::Row) -> Self::Key {
        *row
    }
}
