//! Invariants as sentences: their forms, found in any mix of small and capital letters.
//!
//! Only the words are looked at here; what a subject names is [`super::invariant`]'s.

use std::ops::Range;

use crate::model::Comparison;

/// Bytes of the sentence.
pub(crate) type Part = Range<usize>;

/// A sentence that has a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// The form with its parts.
    pub(crate) form: Form,
    /// The sentence without `, else Name`.
    pub(crate) body: Part,
    /// The name after `else`.
    pub(crate) refusal: Option<Part>,
}

/// The forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `X cannot be negative`, `X must be positive`, `X must be at least N` and its kin.
    Bound(Part, Comparison, Limit),
    /// `X must not be empty`
    NotEmpty(Part),
    /// `X must never decrease`
    NeverDecreases(Part),
    /// `X moves A → B, B → C | D`
    Moves(Part, Vec<(Part, Vec<Part>)>),
    /// `X must be unique`, `… (idempotency)`, `… across all <aggregates>`
    Unique {
        /// X
        subject: Part,
        /// `(idempotency)`
        idempotent: bool,
        /// `<aggregates>`
        across: Option<Part>,
    },
    /// `Events must be ordered by timestamp`
    Ordered,
    /// `A must precede B`
    Precedes(Part, Part),
    /// `A cannot follow B`
    CannotFollow(Part, Part),
    /// `Nothing can follow A`
    NothingFollows(Part),
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Zero.
    Zero,
    /// An expression in the sentence.
    Written(Part),
}

/// Every form as it is listed to people.
pub(crate) const FORMS: &[&str] = &[
    "X cannot be negative",
    "X must be positive",
    "X must not be empty",
    "X must be at least N",
    "X must be at most N",
    "X must be greater than N",
    "X must be less than N",
    "X must never decrease",
    "X moves A → B, B → C | D",
    "X must be unique",
    "X must be unique (idempotency)",
    "X must be unique across all <aggregates>",
    "Events must be ordered by timestamp",
    "A must precede B",
    "A cannot follow B",
    "Nothing can follow A",
];

/// The forms in a few lines.
pub(crate) fn listed_forms() -> String {
    FORMS.chunks(4).map(|forms| forms.join(" · ")).collect::<Vec<_>>().join("\n")
}

/// A word of the sentence.
struct Word {
    at: Part,
    lower: String,
}

/// The form of a sentence, or none.
pub(crate) fn parse(text: &str) -> Option<Sentence> {
    let (body, refusal) = split_refusal(text);
    let words = words(text, body.clone());
    let form = form(text, &words, body.end)?;
    Some(Sentence { form, body, refusal })
}

/// The form that is most like the sentence.
pub(crate) fn nearest_form(text: &str) -> &'static str {
    let (body, _) = split_refusal(text);
    let words: Vec<String> = words(text, body).into_iter().map(|word| word.lower).collect();
    // Words that tell forms apart weigh more than those that most forms share.
    let weight = |word: &str| match word {
        "must" | "be" | "not" | "cannot" | "can" | "than" | "at" => 1,
        _ => 3,
    };
    let likeness = |form: &str| {
        let fixed: Vec<String> = form
            .split_whitespace()
            .filter(|word| word.len() > 1 && !word.starts_with('<'))
            .map(str::to_lowercase)
            .collect();
        let all: usize = fixed.iter().map(|word| weight(word)).sum();
        let met: usize =
            fixed.iter().filter(|word| words.contains(word)).map(|word| weight(word)).sum();
        (met * 100 / all.max(1), met)
    };
    let best =
        FORMS.iter().enumerate().max_by_key(|(index, form)| (likeness(form), usize::MAX - index));
    best.map_or(FORMS[0], |(_, form)| form)
}

/// `…, else Name`
fn split_refusal(text: &str) -> (Part, Option<Part>) {
    let trimmed = text.trim_end().trim_end_matches('.').len();
    let start = text.len() - text.trim_start().len();
    let body = start.min(trimmed)..trimmed;
    let words = words(text, body.clone());
    let [.., otherwise, name] = words.as_slice() else { return (body, None) };
    // With or without spaces around the comma.
    let before = if otherwise.lower == "else" {
        &text[body.start..otherwise.at.start]
    } else if otherwise.lower.ends_with(",else") {
        &text[body.start..otherwise.at.end - "else".len()]
    } else {
        return (body, None);
    };
    match before.trim_end().strip_suffix(',') {
        Some(before) => (body.start..body.start + before.trim_end().len(), Some(name.at.clone())),
        None => (body, None),
    }
}

fn words(text: &str, within: Part) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = within.start;
    while let Some(offset) = text[rest..within.end].find(|c: char| !c.is_whitespace()) {
        let start = rest + offset;
        let end =
            text[start..within.end].find(char::is_whitespace).map_or(within.end, |end| start + end);
        words.push(Word { at: start..end, lower: text[start..end].to_lowercase() });
        rest = end;
    }
    words
}

fn form(text: &str, words: &[Word], end: usize) -> Option<Form> {
    if starts(words, "nothing can follow") {
        return one(&words[3..]).map(Form::NothingFollows);
    }
    // The fixed words may also be part of a subject, so the last place where a form fits counts.
    (1..words.len()).rev().find_map(|at| {
        let (subject, rest) = words.split_at(at);
        let subject = subject_of(subject)?;
        form_after(text, &subject, rest, end)
    })
}

fn form_after(text: &str, subject: &Part, words: &[Word], end: usize) -> Option<Form> {
    let subject = || subject.clone();
    let bound = |phrase: &str, comparison| {
        let rest = after(words, phrase)?;
        let limit = rest.first()?.at.start..end;
        Some(Form::Bound(subject(), comparison, Limit::Written(limit)))
    };
    if is(words, "cannot be negative") {
        return Some(Form::Bound(subject(), Comparison::GreaterOrEqual, Limit::Zero));
    }
    if is(words, "must be positive") {
        return Some(Form::Bound(subject(), Comparison::Greater, Limit::Zero));
    }
    if is(words, "must not be empty") || is(words, "cannot be empty") {
        return Some(Form::NotEmpty(subject()));
    }
    if is(words, "must never decrease") {
        return Some(Form::NeverDecreases(subject()));
    }
    if is(words, "must be ordered by timestamp") && text[subject()].eq_ignore_ascii_case("events") {
        return Some(Form::Ordered);
    }
    if let Some(rest) = after(words, "must be unique") {
        return unique(subject(), rest, end);
    }
    if let Some(rest) = after(words, "must precede") {
        return Some(Form::Precedes(subject(), one(rest)?));
    }
    if let Some(rest) = after(words, "cannot follow") {
        return Some(Form::CannotFollow(subject(), one(rest)?));
    }
    if let Some(rest) = after(words, "moves") {
        return moves(text, rest.first()?.at.start..end).map(|moves| Form::Moves(subject(), moves));
    }
    bound("must be at least", Comparison::GreaterOrEqual)
        .or_else(|| bound("must be at most", Comparison::LessOrEqual))
        .or_else(|| bound("must be greater than", Comparison::Greater))
        .or_else(|| bound("must be less than", Comparison::Less))
}

fn unique(subject: Part, rest: &[Word], end: usize) -> Option<Form> {
    let (first, rest) = without_idempotency(rest);
    if rest.is_empty() {
        return Some(Form::Unique { subject, idempotent: first, across: None });
    }
    let aggregates = after(rest, "across all")?;
    let reversed = (0..aggregates.len()).find(|at| without_idempotency(&aggregates[*at..]).0);
    let (aggregates, end) = match reversed {
        Some(at) if !first && without_idempotency(&aggregates[at..]).1.is_empty() => {
            (&aggregates[..at], aggregates[..at].last()?.at.end)
        }
        _ => (aggregates, end),
    };
    let across = aggregates.first()?.at.start..end;
    Some(Form::Unique { subject, idempotent: first || reversed.is_some(), across: Some(across) })
}

/// Whether words begin with `(idempotency)`, and what follows it.
fn without_idempotency(words: &[Word]) -> (bool, &[Word]) {
    for form in ["(idempotency)", "( idempotency )", "( idempotency)", "(idempotency )"] {
        if let Some(rest) = after(words, form) {
            return (true, rest);
        }
    }
    (false, words)
}

/// `A → B, B → C | D`, also with `->`, also as a chain `A → B → C`.
fn moves(text: &str, within: Part) -> Option<Vec<(Part, Vec<Part>)>> {
    let mut moves = Vec::new();
    for group in split(text, within, &[","]) {
        let stations = split(text, group, &["→", "->"]);
        if stations.len() < 2 {
            return None;
        }
        for pair in stations.windows(2) {
            let from = split(text, pair[0].clone(), &["|"]);
            let to = split(text, pair[1].clone(), &["|"]);
            let sound = from.iter().chain(&to).all(|name| is_one_word(&text[name.clone()]));
            if !sound {
                return None;
            }
            moves.extend(from.into_iter().map(|from| (from, to.clone())));
        }
    }
    Some(moves)
}

fn is_one_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// The trimmed parts between separators.
fn split(text: &str, within: Part, separators: &[&str]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut start = within.start;
    loop {
        let rest = &text[start..within.end];
        let next = separators
            .iter()
            .filter_map(|separator| Some((rest.find(separator)?, separator.len())))
            .min();
        let end = next.map_or(within.end, |(at, _)| start + at);
        parts.push(trimmed(text, start..end));
        match next {
            Some((at, length)) => start += at + length,
            None => return parts,
        }
    }
}

fn trimmed(text: &str, part: Part) -> Part {
    let inner = &text[part.clone()];
    let start = part.start + (inner.len() - inner.trim_start().len());
    start..(start + inner.trim().len())
}

/// The words before a form, without a leading `the`.
fn subject_of(words: &[Word]) -> Option<Part> {
    let words = match words {
        [the, rest @ ..] if the.lower == "the" && !rest.is_empty() => rest,
        all => all,
    };
    Some(words.first()?.at.start..words.last()?.at.end)
}

/// All the words as one name.
fn one(words: &[Word]) -> Option<Part> {
    subject_of(words)
}

fn starts(words: &[Word], phrase: &str) -> bool {
    after(words, phrase).is_some()
}

fn is(words: &[Word], phrase: &str) -> bool {
    after(words, phrase).is_some_and(<[Word]>::is_empty)
}

/// The words behind the phrase, if they start with it.
fn after<'a>(words: &'a [Word], phrase: &str) -> Option<&'a [Word]> {
    let mut rest = words;
    for wanted in phrase.split(' ') {
        let (first, behind) = rest.split_first()?;
        if first.lower != wanted {
            return None;
        }
        rest = behind;
    }
    Some(rest)
}

/// A subject as names are compared: without spaces, underscores, hyphens and capitals.
pub(crate) fn normalised(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The refusal that a sentence names if it has no `else`: its words in PascalCase.
pub(crate) fn refusal_name(sentence: &str) -> String {
    let mut name = String::new();
    for word in sentence.split(|c: char| c.is_whitespace() || c == '_' || c == '(' || c == ')') {
        match word {
            "→" | "->" => name.push_str("To"),
            "|" => name.push_str("Or"),
            _ => push_word(&mut name, word),
        }
    }
    name
}

fn push_word(name: &mut String, word: &str) {
    let is_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
    let mut capital = true;
    for c in word.chars() {
        match c {
            '-' if is_number => name.push_str("Minus"),
            '.' if is_number => name.push_str("Point"),
            _ if !c.is_ascii_alphanumeric() => capital = true,
            _ if capital => {
                name.push(c.to_ascii_uppercase());
                capital = false;
            }
            _ => name.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of a form as text.
    fn shown(text: &str) -> Option<String> {
        let part = |part: &Part| text[part.clone()].to_owned();
        let sentence = parse(text)?;
        let form = match &sentence.form {
            Form::Bound(x, comparison, Limit::Zero) => format!("{} {comparison:?} 0", part(x)),
            Form::Bound(x, comparison, Limit::Written(n)) => {
                format!("{} {comparison:?} {}", part(x), part(n))
            }
            Form::NotEmpty(x) => format!("{} not empty", part(x)),
            Form::NeverDecreases(x) => format!("{} never decreases", part(x)),
            Form::Moves(x, moves) => {
                let moves: Vec<String> = moves
                    .iter()
                    .map(|(from, to)| {
                        let to: Vec<String> = to.iter().map(part).collect();
                        format!("{}>{}", part(from), to.join("/"))
                    })
                    .collect();
                format!("{} moves {}", part(x), moves.join(" "))
            }
            Form::Unique { subject, idempotent, across } => {
                let across = across.as_ref().map(part);
                format!("{} unique {idempotent} {across:?}", part(subject))
            }
            Form::Ordered => "ordered".into(),
            Form::Precedes(a, b) => format!("{} before {}", part(a), part(b)),
            Form::CannotFollow(a, b) => format!("{} not after {}", part(a), part(b)),
            Form::NothingFollows(a) => format!("nothing after {}", part(a)),
        };
        Some(match &sentence.refusal {
            Some(refusal) => format!("{form} else {}", part(refusal)),
            None => form,
        })
    }

    #[test]
    fn every_form_is_found_with_its_parts() {
        for (text, expected) in [
            ("Balance cannot be negative", "Balance GreaterOrEqual 0"),
            ("the BALANCE Cannot Be Negative.", "BALANCE GreaterOrEqual 0"),
            ("open orders must be positive", "open orders Greater 0"),
            ("Name must not be empty", "Name not empty"),
            ("Age must be at least 18", "Age GreaterOrEqual 18"),
            ("Age must be at most 2 * limit", "Age LessOrEqual 2 * limit"),
            ("Rate must be greater than -0.5", "Rate Greater -0.5"),
            ("Rate must be less than 1, else RateTooHigh", "Rate Less 1 else RateTooHigh"),
            ("Version must never decrease", "Version never decreases"),
            ("Status moves Open → Closed", "Status moves Open>Closed"),
            ("Rate must be positive , else  RateTooLow.", "Rate Greater 0 else RateTooLow"),
            ("Rate must be positive,else RateTooLow", "Rate Greater 0 else RateTooLow"),
            ("Status moves A->B,B→C|D", "Status moves A>B B>C/D"),
            ("  open\torders\n must   be positive ", "open\torders Greater 0"),
            ("Status moves A -> B, B -> C | D", "Status moves A>B B>C/D"),
            ("Status moves A → B → C, else Stuck", "Status moves A>B B>C else Stuck"),
            ("TransactionId must be unique", "TransactionId unique false None"),
            ("TransactionId must be unique (idempotency)", "TransactionId unique true None"),
            ("TransactionId must be unique ( idempotency )", "TransactionId unique true None"),
            (
                "Iban must be unique across all bank accounts ( Idempotency ), else Taken",
                "Iban unique true Some(\"bank accounts\") else Taken",
            ),
            ("Iban must be unique across all accounts", "Iban unique false Some(\"accounts\")"),
            (
                "Iban must be unique (idempotency) across all bank accounts",
                "Iban unique true Some(\"bank accounts\")",
            ),
            (
                "Iban must be unique across all bank accounts (idempotency)",
                "Iban unique true Some(\"bank accounts\")",
            ),
            ("Events must be ordered by timestamp", "ordered"),
            ("AccountOpened must precede MoneyDeposited", "AccountOpened before MoneyDeposited"),
            ("AccountOpened cannot follow AccountClosed", "AccountOpened not after AccountClosed"),
            ("Nothing can follow AccountClosed", "nothing after AccountClosed"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_form_gets_the_nearest() {
        for (text, nearest) in [
            ("Balance must not be negative", "X cannot be negative"),
            ("Balance should be positive", "X must be positive"),
            ("Events are ordered by timestamp", "Events must be ordered by timestamp"),
            ("Status moves", "X moves A → B, B → C | D"),
            ("", "X cannot be negative"),
            ("else", "X cannot be negative"),
        ] {
            assert_eq!(parse(text), None, "{text}");
            assert_eq!(nearest_form(text), nearest, "{text}");
        }
    }

    #[test]
    fn a_sentence_names_its_refusal() {
        for (text, name) in [
            ("Balance cannot be negative", "BalanceCannotBeNegative"),
            ("Nothing can follow AccountClosed", "NothingCanFollowAccountClosed"),
            ("Rate must be at least 0.5", "RateMustBeAtLeast0Point5"),
            ("Rate must be at least -1", "RateMustBeAtLeastMinus1"),
            ("open_orders must be positive", "OpenOrdersMustBePositive"),
        ] {
            assert_eq!(refusal_name(text), name, "{text}");
        }
    }
}
