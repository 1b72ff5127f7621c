//! One row of the imported file: what it asks of which account, when, and what identifies it.
//!
//! **Identity.** A row is identified by what it says: account, kind, transaction, customer, amount and
//! time, read as values, so that `5` and `5.00` are the same. The command id is made of these, and the
//! bank decides a command id once. Hence the same row again (in a second run, after a crash, in another
//! file, or twice in one file) gets its first answer, and whoever wants a refused row decided anew gives
//! it another time or transaction.

use eventloom_runtime::{Decimal, StreamId, Timestamp};
use sha2::{Digest, Sha256};

use crate::input;

/// The columns, in order.
pub(crate) const COLUMNS: [&str; 6] =
    ["account_id", "customer_id", "transaction_id", "kind", "amount", "at"];

/// A row that can be decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The account.
    pub(crate) account: StreamId,
    /// What is asked.
    pub(crate) order: Order,
    /// When it happened.
    pub(crate) at: Timestamp,
    /// What identifies the row.
    pub(crate) command_id: String,
}

/// What a row asks of its account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// `open`
    Open { customer_id: String, initial_balance: Decimal },
    /// `deposit`
    Deposit { amount: Decimal, transaction_id: String },
    /// `withdraw`
    Withdraw { amount: Decimal, transaction_id: String },
    /// `close`
    Close,
}

/// The fields of a line, as far as they could be told apart.
pub(crate) type Fields = csv::StringRecord;

/// Takes a line apart.
///
/// # Errors
/// What is wrong, for people.
pub(crate) fn split(line: &str) -> Result<Fields, String> {
    if !line.contains('"') {
        return Ok(line.split(',').collect());
    }
    if line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err("a quote is not closed; a row is one line".to_owned());
    }
    // Setting a reader up costs more than reading a line, but few lines have quotes.
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(line.len())
        .from_reader(line.as_bytes());
    let mut fields = Fields::new();
    reader.read_record(&mut fields).map_err(|error| error.to_string())?;
    Ok(fields)
}

/// Reads the fields of a row, which must not be dated later than this.
///
/// # Errors
/// What is wrong with the first field that is wrong, for people.
pub(crate) fn read(fields: &Fields, latest: Timestamp) -> Result<Row, String> {
    if fields.len() != COLUMNS.len() {
        let plural = if fields.len() == 1 { "" } else { "s" };
        return Err(format!("{} field{plural} instead of {}", fields.len(), COLUMNS.len()));
    }
    let account = StreamId::from(column(fields, 0, input::id)?);
    let order = order(fields)?;
    let at = column(fields, 5, |text| not_after(latest, text))?;
    let command_id = command_id(fields, &order, at);
    Ok(Row { account, order, at, command_id })
}

/// Reads a time. What comes later to the account is never dated before what it has: one date of another century would be that
/// of all its movements from then on.
fn not_after(latest: Timestamp, text: &str) -> Result<Timestamp, String> {
    let at = input::time(text)?;
    if at <= latest {
        return Ok(at);
    }
    Err(format!(
        "`{}` lies more than a day ahead of this machine's clock, and whatever comes later to the account would be dated \
         like it: correct the time, or the clock, and import the row again",
        input::shown(text)
    ))
}

fn order(fields: &Fields) -> Result<Order, String> {
    match &fields[3] {
        "open" => Ok(Order::Open {
            customer_id: column(fields, 1, input::id)?,
            initial_balance: column(fields, 4, input::amount)?,
        }),
        "deposit" => Ok(Order::Deposit {
            transaction_id: column(fields, 2, input::id)?,
            amount: column(fields, 4, input::amount)?,
        }),
        "withdraw" => Ok(Order::Withdraw {
            transaction_id: column(fields, 2, input::id)?,
            amount: column(fields, 4, input::amount)?,
        }),
        "close" => close(&fields[4]),
        other => Err(format!(
            "kind: `{}` is none of open, deposit, withdraw, close",
            input::shown(other)
        )),
    }
}

/// Closing moves no money: an amount other than nothing is a mistake somebody should look at.
fn close(amount: &str) -> Result<Order, String> {
    let none = amount.is_empty() || input::amount(amount).is_ok_and(|amount| amount.is_zero());
    none.then_some(Order::Close).ok_or_else(|| {
        format!("amount: a close row moves no money, but has `{}`", input::shown(amount))
    })
}

fn column<T>(
    fields: &Fields,
    index: usize,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, String> {
    read(&fields[index]).map_err(|reason| format!("{}: {reason}", COLUMNS[index]))
}

/// See the module. Lengths keep `ab` + `c` apart from `a` + `bc`; 96 bits of SHA-256 are unique enough
/// for as many rows as one second has.
///
/// The second comes first, as files mostly go by time: ids that grow lie side by side in the database,
/// where scattered ones would each touch a page of their own.
fn command_id(fields: &Fields, order: &Order, at: Timestamp) -> String {
    let amount = match order {
        Order::Open { initial_balance: amount, .. }
        | Order::Deposit { amount, .. }
        | Order::Withdraw { amount, .. } => amount.normalize(),
        Order::Close => Decimal::ZERO,
    };
    let mut hash = Sha256::new();
    for text in [&fields[0], &fields[1], &fields[2], &fields[3]] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.update(amount.serialize());
    hash.update(at.as_micros().to_le_bytes());
    let mut identity = [0; 16];
    identity[4..].copy_from_slice(&hash.finalize()[..12]);
    let second = (at.as_micros() - Timestamp::MIN.as_micros()) / 1_000_000;
    format!("row-{second:010x}-{:024x}", u128::from_be_bytes(identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Result<Row, String> {
        read(&split(line)?, Timestamp::MAX)
    }

    fn id(line: &str) -> String {
        row(line).expect("a good row").command_id
    }

    #[test]
    fn each_kind_is_read() {
        let at = "2026-01-05T09:00:00Z";
        let order = |line: &str| row(&format!("{line},{at}")).expect("a good row").order;
        let ten = Decimal::from(10);
        assert_eq!(
            order("A1,C1,,open,10"),
            Order::Open { customer_id: "C1".to_owned(), initial_balance: ten }
        );
        assert_eq!(
            order("A1,,T1,deposit,10"),
            Order::Deposit { amount: ten, transaction_id: "T1".to_owned() }
        );
        assert_eq!(
            order("\"A1\",C1,T2,withdraw,10.0"),
            Order::Withdraw { amount: ten, transaction_id: "T2".to_owned() }
        );
        assert_eq!(order("A1,,,close,"), Order::Close);
        assert_eq!(order("A1,,,close,0.00"), Order::Close);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_column() {
        let cases = [
            ("  ", "1 field instead of 6"),
            ("A1,C1,T1,deposit,10", "5 fields instead of 6"),
            ("A1,C1,T1,deposit,10,2026-01-05T09:00:00Z,more", "7 fields instead of 6"),
            (",C1,T1,deposit,10,2026-01-05T09:00:00Z", "account_id: an id must not be empty"),
            ("A1,,T1,open,10,2026-01-05T09:00:00Z", "customer_id: an id must not be empty"),
            ("A1,C1,,deposit,10,2026-01-05T09:00:00Z", "transaction_id: an id must not be empty"),
            ("A1,C1,T1,transfer,10,2026-01-05T09:00:00Z", "kind: `transfer` is none of"),
            ("A1,C1,T1,deposit,ten,2026-01-05T09:00:00Z", "amount: `ten` is not an amount"),
            ("A1,C1,T1,deposit,1e3,2026-01-05T09:00:00Z", "amount: `1e3` is not an amount"),
            ("A1,C1,,close,5,2026-01-05T09:00:00Z", "amount: a close row moves no money"),
            ("A1,C1,T1,deposit,10,yesterday", "at: `yesterday` is not a time"),
            ("\"A1,C1,T1,deposit,10,2026-01-05T09:00:00Z", "a quote is not closed"),
        ];
        for (line, expected) in cases {
            let reason = row(line).expect_err(line);
            assert!(reason.starts_with(expected), "{line}: {reason}");
        }
    }

    #[test]
    fn a_row_of_the_future_is_refused() {
        let latest: Timestamp = "2026-01-06T09:00:00Z".parse().expect("a time");
        let read =
            |at: &str| read(&split(&format!("A1,C1,T1,deposit,10,{at}")).expect("a line"), latest);
        assert!(read("2026-01-06T10:00:00+01:00").is_ok());
        let reason = read("2062-01-05T09:00:00Z").expect_err("the future");
        assert!(reason.starts_with("at: `2062-01-05T09:00:00Z` lies more than a day"), "{reason}");
    }

    #[test]
    fn a_row_is_identified_by_what_it_says_and_not_by_how_it_is_written() {
        let first = id("A1,C1,T1,deposit,5,2026-01-05T09:00:00Z");
        assert_eq!(first, id("\"A1\",C1,T1,deposit,5.00,2026-01-05T09:00:00.000Z"));
        for other in [
            "A2,C1,T1,deposit,5,2026-01-05T09:00:00Z",
            "A1,C2,T1,deposit,5,2026-01-05T09:00:00Z",
            "A1,C1,T2,deposit,5,2026-01-05T09:00:00Z",
            "A1,C1,T1,withdraw,5,2026-01-05T09:00:00Z",
            "A1,C1,T1,deposit,6,2026-01-05T09:00:00Z",
            "A1,C1,T1,deposit,5,2026-01-05T09:00:01Z",
            "A1C,1,T1,deposit,5,2026-01-05T09:00:00Z",
        ] {
            assert_ne!(first, id(other), "{other}");
        }
    }

    #[test]
    fn ids_of_later_rows_sort_behind_those_of_earlier_ones() {
        let ids: Vec<String> = [
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-01-05T09:00:00Z",
            "9999-12-31T23:59:59Z",
        ]
        .map(|at| id(&format!("A1,C1,T1,deposit,5,{at}")))
        .to_vec();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == ids[0].len()), "{ids:?}");
    }
}
