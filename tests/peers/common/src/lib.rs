//! What the benches beside peers share: how much is measured, callers that take turns, how ratios are told, and what a unit
//! costs.

#![allow(clippy::disallowed_types)] // figures for people, no money

pub mod asked;
#[cfg(feature = "eventcore")]
pub mod core;
pub mod costs;
#[cfg(feature = "cqrs")]
pub mod cqrs;
pub mod line;
pub mod proc;
pub mod work;

use std::time::Duration;

pub const ROUNDS: usize = 3;
/// How long a round of commands takes, and how long costs are measured.
pub const RUN: Duration = Duration::from_millis(1_500);
/// Once, however long it takes.
pub const ONCE: Duration = Duration::ZERO;
/// Accounts that commands go to in turn, no two callers to one at a time, and events that each has before.
pub const ACCOUNTS: usize = 768;
pub const BEFORE: usize = 10;
/// Callers up to which Eventloom is measured without its cache too.
pub const UNCACHED: usize = 32;
/// Events of each account that is loaded.
pub const LOADED: usize = 100;
/// Events of the account that is replayed.
pub const LONG: usize = 100_000;
/// Accounts and events of each for a rebuild.
pub const REBUILD: (usize, usize) = (1_000, 100);

/// An event as the bare drivers store it.
pub const DATA: &str =
    r#"{"accountId":"A7","amount":"10.50","depositedAt":"2026-11-21T09:30:00.123456Z"}"#;

/// Whether so many accounts of peers have what one opening and deposits of 10.50 leave, so many events in all.
pub fn check_balances<'a>(
    rows: impl ExactSizeIterator<Item = &'a str>,
    accounts: usize,
    events: usize,
) {
    assert_eq!(rows.len(), accounts);
    let cents = 10_50 * (events - 1);
    let balance = format!("{}.{:02}", cents / 100, cents % 100);
    for row in rows {
        assert_eq!(row, balance);
    }
}
