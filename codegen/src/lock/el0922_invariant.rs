//! An invariant that is new or tighter for an aggregate that was released: it binds new decisions only.

use super::context::{Finding, Verified};
use super::facts::Item;
use crate::catalogue::lock::INVARIANT;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::{Aggregate, Invariant};

pub(super) fn check(verified: &Verified<'_>, findings: &mut Vec<Finding>) {
    for (syntax, model) in verified.aggregates() {
        if verified.lock.events(&model.name).is_empty() {
            continue;
        }
        let gone: Vec<(&str, &str)> = verified
            .lock
            .about(&model.name)
            .filter(|(item, _)| verified.now.get(&model.name, (*item).clone()).is_none())
            .filter_map(|(item, _)| match item {
                Item::Rule { refusal, text } => Some((refusal.as_str(), text.as_str())),
                _ => None,
            })
            .collect();
        for (item, now) in verified.now.about(&model.name) {
            let Item::Rule { refusal, text } = item else { continue };
            let was = verified.lock.get(&model.name, item.clone());
            // Uniqueness is another rule's.
            if was.is_some_and(|was| was.value == now.value) || is_unique(text) {
                continue;
            }
            let before = match was {
                Some(_) => Some(text.as_str()),
                None => before(&gone, refusal, text),
            };
            if before.is_some_and(|before| is_looser(before, text)) {
                continue;
            }
            let found = tightened(&model.name, text, before, place(syntax, refusal, text));
            findings.push(Finding::warning(&model.name, found));
        }
    }
}

fn tightened(aggregate: &str, text: &str, before: Option<&str>, place: Span) -> Diagnostic {
    let (title, label) = match before {
        None => (
            format!("`{text}` is new for `{aggregate}`: it binds new decisions, never replay"),
            "new since it was released",
        ),
        Some(before) if before == text => (
            format!("what `{text}` compares changed: it binds new decisions, never replay"),
            "changed since it was released",
        ),
        Some(_) => (
            format!(
                "`{text}` is another rule than was released: it binds new decisions, never replay"
            ),
            "changed since it was released",
        ),
    };
    let found = Diagnostic::warning(&INVARIANT, title, place, label);
    let found = match before.filter(|before| *before != text) {
        Some(before) => found.note(format!("released as `{before}`")),
        None => found,
    };
    found
        .note("a stream that breaks it already stays as it is")
        .note(
            "for a sentence about a number, such a stream accepts commands that don't make it worse; for \
             any other rule, none until it holds",
        )
        .help("where that is meant, release it: `eventloom lock`")
}

fn is_unique(text: &str) -> bool {
    text.to_ascii_lowercase().contains("must be unique")
}

/// The rule that has gone and whose place this one has: of its refusal, or alike but for a number.
fn before<'l>(gone: &[(&str, &'l str)], refusal: &str, text: &str) -> Option<&'l str> {
    let alike = |of: &str| without_numbers(of) == without_numbers(text);
    let of_name = gone.iter().find(|(name, _)| *name == refusal);
    of_name.or_else(|| gone.iter().find(|(_, of)| alike(of))).map(|(_, of)| *of)
}

fn without_numbers(text: &str) -> String {
    let words = text.split(' ').map(|word| if number(word).is_some() { "#" } else { word });
    words.collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

fn number(word: &str) -> Option<rust_decimal::Decimal> {
    word.trim_end_matches(',').parse().ok()
}

/// Whether a sentence differs in its number alone, which leaves more room.
fn is_looser(before: &str, now: &str) -> bool {
    if without_numbers(before) != without_numbers(now) {
        return false;
    }
    let first = |text: &str| text.split(' ').find_map(number);
    let (Some(was), Some(is)) = (first(before), first(now)) else { return false };
    let said = now.to_ascii_lowercase();
    let upper = said.contains(" at most ") || said.contains(" less than ");
    let lower = said.contains(" at least ") || said.contains(" greater than ");
    upper && is > was || lower && is < was
}

fn place(aggregate: &Aggregate, refusal: &str, text: &str) -> Span {
    let said = aggregate.invariants.iter().find_map(|invariant| match invariant {
        Invariant::Sentence(said) => {
            (super::facts::one_line(&said.text) == text).then_some(said.span)
        }
        Invariant::Check { name, .. } => (name.value == refusal).then_some(name.span),
    });
    said.unwrap_or(aggregate.name.span)
}

#[cfg(test)]
mod tests {
    use super::is_looser;

    #[test]
    fn a_number_that_leaves_more_room_is_looser() {
        for (before, now, looser) in [
            ("Rounds must be at most 10", "Rounds must be at most 20", true),
            ("Rounds must be at most 10", "Rounds must be at most 9.5", false),
            ("Rounds must be at least 10", "rounds must be at least 9", true),
            (
                "Rounds must be greater than 10, else No",
                "Rounds must be greater than 11, else No",
                false,
            ),
            ("Rounds must be less than 10", "Rounds must be at most 10", false),
            ("Total must be positive", "Total must be positive", false),
        ] {
            assert_eq!(is_looser(before, now), looser, "{before}: {now}");
        }
    }
}
