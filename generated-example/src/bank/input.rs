//! Amounts, times and account ids as people type them: read exactly or refused, never rounded.

use eventloom_runtime::values::decimal;
use eventloom_runtime::{Aggregate, Decimal, DomainEvent, Timestamp};
use generated_example::bank_account::BankAccount;

use crate::table::{has_unseen, printable};

/// Longest account id; what is longer is a mistake in a file rather than an account.
const MAX_ID: usize = 200;

/// Characters of an input that are shown in a message about it.
const MAX_SHOWN: usize = 60;

/// Reads an amount such as `1000` or `12.50`.
///
/// Whether it may be negative is the bank's business, not the reader's.
pub(crate) fn amount(text: &str) -> Result<Decimal, String> {
    decimal::parse(text).map_err(|reason| format!("`{}` is not an amount: {reason}", shown(text)))
}

/// Reads a time in RFC 3339, such as `2026-11-21T09:30:00Z`.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|reason| format!("`{}` is not a time: {reason}", shown(text)))
}

/// Finds an event type of accounts by its name.
pub(crate) fn event_type(text: &str) -> Result<&'static str, String> {
    let mut known: Vec<&'static str> =
        <BankAccount as Aggregate>::Event::SHAPES.iter().map(|shape| shape.event_type).collect();
    known.dedup();
    known.iter().find(|known| **known == text).copied().ok_or_else(|| {
        format!("an account has no event `{}`; it has {}", shown(text), known.join(", "))
    })
}

/// Reads an id: not empty, not huge, and nothing that would upset a terminal.
pub(crate) fn id(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("an id must not be empty".to_owned());
    }
    if text.chars().count() > MAX_ID {
        return Err(format!("an id has at most {MAX_ID} characters"));
    }
    if has_unseen(text) {
        return Err(format!(
            "`{}` has control characters, or others that are not seen",
            shown(text)
        ));
    }
    Ok(text.to_owned())
}

/// Reads why something is done: said in words, however many.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a reason must not be empty".to_owned()),
        reason => Ok(reason.to_owned()),
    }
}

/// An input as a message shows it: harmless to a terminal, and of a bearable length.
pub(crate) fn shown(text: &str) -> String {
    let start: String = text.chars().take(MAX_SHOWN).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{}{more}", printable(&start))
}
