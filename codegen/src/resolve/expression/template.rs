//! Texts with values between: `format("{a} of {b}")` and messages.
//!
//! Values stand in braces, `{{` and `}}` are braces. A value is any expression without braces.

use std::ops::Range;

use super::checker::{Checker, HANDLE_NONE, value};
use super::newtype::plain;
use super::parse::parse;
use super::place::Places;
use crate::catalogue::expressions::{NONE_NOT_HANDLED, TEMPLATE};
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Piece, Type};

/// The text with its values; plain text where it has none.
pub(super) fn pieces(
    checker: &mut Checker<'_>,
    text: &str,
    places: Places<'_>,
) -> Option<Expression> {
    let parts = match split(text) {
        Ok(parts) => parts,
        Err((at, title, help)) => {
            let found = Diagnostic::error(&TEMPLATE, title, places.span(at), "here");
            return checker.refuse(found.help(help));
        }
    };
    let mut pieces = Vec::new();
    let mut sound = true;
    for part in parts {
        match part {
            Part::Text(text) => pieces.push(Piece::Text(text)),
            Part::Value(at) => match placeholder(checker, &text[at.clone()], places.piece(at)) {
                Some(found) => pieces.push(Piece::Value(found)),
                None => sound = false,
            },
        }
    }
    let kind = match pieces.as_slice() {
        [] => ExpressionKind::String(String::new()),
        [Piece::Text(text)] => ExpressionKind::String(text.clone()),
        _ => ExpressionKind::Format(pieces),
    };
    sound.then(|| value(kind, Type::String))
}

fn placeholder(checker: &mut Checker<'_>, text: &str, places: Places<'_>) -> Option<Expression> {
    let node = parse(text, places, checker.findings)?;
    let found = plain(checker.infer(&node, None)?);
    if has_text(&found.result) {
        return Some(found);
    }
    let shown = checker.show(&found.result);
    let title = format!("`{shown}` has no form as text");
    let refused = Diagnostic::error(&TEMPLATE, title, node.span, format!("this is `{shown}`"));
    checker.refuse(match &found.result {
        Type::Record(_) => refused.help("name the fields that should be shown"),
        Type::List(_) | Type::Set(_) | Type::Map(..) => {
            refused.help("show its length: `{items.len()}`")
        }
        Type::Optional(inner) if !has_text(inner) => {
            Diagnostic { code: &NONE_NOT_HANDLED, ..refused }.help(HANDLE_NONE)
        }
        _ => refused,
    })
}

/// Whether values of the type have a text for people.
pub(crate) fn has_text(of: &Type) -> bool {
    match of {
        Type::Bytes | Type::Record(_) | Type::List(_) | Type::Set(_) | Type::Map(..) => false,
        Type::Optional(inner) | Type::Newtype(_, inner) => has_text(inner),
        _ => true,
    }
}

enum Part {
    Text(String),
    /// The bytes between the braces.
    Value(Range<usize>),
}

type Fault = (Range<usize>, &'static str, &'static str);

fn split(text: &str) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = 0;
    while let Some(found) = text[rest..].find(['{', '}']) {
        let at = rest + found;
        plain.push_str(&text[rest..at]);
        let brace = &text[at..=at];
        if text[at + 1..].starts_with(brace) {
            plain.push_str(brace);
            rest = at + 2;
            continue;
        }
        if brace == "}" {
            return Err((at..at + 1, "a `}` closes nothing", "write `}}` for a brace"));
        }
        let end = text[at + 1..].find(['{', '}']).map(|end| at + 1 + end);
        if let Some(second) = end.filter(|end| text[*end..].starts_with('{'))
            && text[second..].contains('}')
        {
            let help =
                "give what needs braces a name, with `let` or under `derived:`, and write the name";
            return Err((second..second + 1, "braces stand within braces", help));
        }
        let Some(end) = end.filter(|end| text[*end..].starts_with('}')) else {
            let help = "close it with `}`, or write `{{` for a brace";
            return Err((at..at + 1, "a `{` is not closed", help));
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Value(at + 1..end));
        rest = end + 1;
    }
    plain.push_str(&text[rest..]);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}
