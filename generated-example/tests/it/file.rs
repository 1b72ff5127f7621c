//! Files to import: made from a seed, so that every run sees the same rows.

use std::fmt::Write as _;
use std::io::{self, Write};

/// Header of the format.
pub(crate) const HEADER: &str = "account_id,customer_id,transaction_id,kind,amount,at";

/// Monday, 2026-01-05T00:00:00Z.
const START: i64 = 1_767_571_200;

/// What a generated file holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Rows after the header.
    pub(crate) rows: usize,
    /// Accounts they are spread over.
    pub(crate) accounts: usize,
    /// One row in so many is one that the bank refuses, a repetition, or nonsense; 0 for none.
    pub(crate) trouble: usize,
}

/// Writes a file of that shape.
pub(crate) fn write(out: &mut impl Write, shape: Shape, seed: u64) -> io::Result<()> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut line = String::new();
    let mut last = String::new();
    writeln!(out, "{HEADER}")?;
    for row in 0..shape.rows {
        line.clear();
        let at = time(row);
        if row < shape.accounts {
            open(&mut line, row, &at);
        } else if shape.trouble > 0 && random.usize(..shape.trouble) == 0 {
            trouble(&mut line, &mut random, shape, row, &last);
        } else {
            movement(&mut line, &mut random, shape, row, &at);
        }
        writeln!(out, "{line}")?;
        last.clone_from(&line);
    }
    Ok(())
}

fn open(line: &mut String, account: usize, at: &str) {
    write!(line, "A{account},C{account},,open,1000.00,{at}").expect("a String takes it");
}

fn movement(line: &mut String, random: &mut fastrand::Rng, shape: Shape, row: usize, at: &str) {
    let account = random.usize(..shape.accounts);
    let kind = if random.u8(..5) < 3 { "deposit" } else { "withdraw" };
    let (units, cents) = (random.u32(1..100), random.u32(..100));
    write!(line, "A{account},C{account},T{row},{kind},{units}.{cents:02},{at}")
        .expect("a String takes it");
}

fn trouble(line: &mut String, random: &mut fastrand::Rng, shape: Shape, row: usize, last: &str) {
    let account = random.usize(..shape.accounts);
    let at = time(row);
    match random.u8(..7) {
        0 => write!(line, "A{account},C{account},T{row},withdraw,99999999,{at}"),
        1 => write!(line, "A{account},C{account},T{row},deposit,-5,{at}"),
        2 => write!(line, "A{account},C{account},,open,5,{at}"),
        3 => write!(line, "A{account},C{account},T{row},deposit,5,2020-01-01T00:00:00Z"),
        4 => write!(line, "A{account},C{account},T{row},deposit,lots,{at}"),
        5 => write!(line, "A{account},T{row}"),
        _ => write!(line, "{last}"),
    }
    .expect("a String takes it");
}

/// A second after the row before.
fn time(row: usize) -> String {
    let seconds = START + i64::try_from(row).expect("a row number fits");
    eventloom_runtime::Timestamp::from_micros(seconds * 1_000_000).to_string()
}
