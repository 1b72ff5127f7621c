//! Texts that were meant as texts, and are read as expressions because YAML takes their quotes away.
//!
//! Looked at once an expression is refused, so nothing here changes what a sound one means.

use super::names::beneath_optional;
use super::place::Places;
use crate::catalogue::expressions::{
    FOREIGN_SYNTAX, LITERAL, NOT_READABLE, TYPE_MISMATCH, UNKNOWN_NAME,
};
use crate::diagnostic::Diagnostic;
use crate::load::refusals::quoted;
use crate::model::Type;
use crate::syntax;

/// How the advice to quote a text begins.
pub(super) const FOR_TEXT: &str = "for text write";

/// The longest text that is written out again, in bytes.
const MAX_PROSE: usize = 120;

/// Says how a text is written where the refused expression was one. `from` is where its findings start.
pub(super) fn as_text(
    written: &syntax::Expression,
    expected: Option<&Type>,
    findings: &mut Vec<Diagnostic>,
    from: usize,
) {
    let in_quotes = in_quotes(written);
    let wanted = match expected.map(beneath_optional) {
        Some(of) => *of == Type::String,
        None => in_quotes && is_name(&written.text),
    };
    let refused = &findings[from..];
    if !wanted || !is_prose(&written.text) || !refused.iter().all(|found| blames(found, written)) {
        return;
    }
    let Some(mut found) = findings.drain(from..).next() else { return };
    found.help.retain(|help| !help.starts_with(FOR_TEXT)); // it spoke of the inside of an expression
    let help = format!("{FOR_TEXT} {}", quoted(&format!("\"{}\"", written.text)));
    let is_near = found.help.first().is_some_and(|help| help.starts_with("did you mean"));
    if in_quotes {
        found.title = format!("`{}` is read as an expression, not as text", written.text);
        found.primary = (written.span, "YAML takes these quotes away".into());
        found.help.retain(|_| is_near);
    } else if found.code == &NOT_READABLE {
        found.help.clear();
    }
    found.help.insert(usize::from(is_near), help);
    findings.push(found);
}

/// Whether the finding is what a text gives that is read as an expression.
fn blames(found: &Diagnostic, written: &syntax::Expression) -> bool {
    let code = found.code;
    if code == &UNKNOWN_NAME {
        // What has a known beginning, such as `event.shpo`, is an expression.
        let start = Places::of(written).span(0..1).start;
        return found.primary.0.start == start || !written.text.contains('.');
    }
    let is_literal = written.text.starts_with(|c: char| c.is_ascii_digit())
        || matches!(written.text.as_str(), "true" | "false");
    [&NOT_READABLE, &FOREIGN_SYNTAX, &LITERAL].contains(&code)
        || code == &TYPE_MISMATCH && is_literal && in_quotes(written)
}

/// Whether quotes of YAML stand around the expression.
fn in_quotes(written: &syntax::Expression) -> bool {
    let offsets = written.offsets.as_deref().unwrap_or_default();
    let (first, end) = (offsets.first(), offsets.last());
    first == Some(&(written.span.start + 1)) && end.map(|end| end + 1) == Some(written.span.end)
}

/// Whether it could be words or a number, and has none of the signs of an expression.
fn is_prose(text: &str) -> bool {
    text.len() <= MAX_PROSE
        && text.starts_with(char::is_alphanumeric)
        && !text
            .contains(['"', '\\', '(', ')', '[', ']', '{', '}', '+', '*', '=', '<', '>', '|', '\n'])
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
