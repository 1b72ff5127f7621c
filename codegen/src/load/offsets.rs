//! Where in the file each byte of a scalar's text comes from.
//!
//! The YAML parser gives the decoded text and the place of the whole scalar. Errors inside an
//! expression need the place of every byte, so the scalar is decoded here again; where that comes to
//! another text than the parser's, there is no mapping and the whole scalar is blamed.

use super::tree::{Scalar, Style};
use crate::source::{SourceFile, Span};

/// For each byte of the text, and one past its end, the byte in the file.
pub(crate) fn offsets(file: &SourceFile, span: Span, scalar: &Scalar) -> Option<Vec<usize>> {
    let raw = file.text.get(span.start..span.end)?;
    let mut decoded = match scalar.style {
        Style::Plain => flowing(raw, span.start, Quoting::None)?,
        Style::Single => flowing(inside(raw, '\'')?, span.start + 1, Quoting::Single)?,
        Style::Double => flowing(inside(raw, '"')?, span.start + 1, Quoting::Double)?,
        Style::Literal | Style::Folded => {
            let line_start = file.text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
            block(raw, span.start, span.start - line_start, scalar.style == Style::Folded)
        }
    };
    decoded.cut_line_ends(&scalar.text);
    (decoded.text == scalar.text).then_some(decoded.offsets)
}

/// What stands between a scalar's quotes.
fn inside(raw: &str, quote: char) -> Option<&str> {
    raw.strip_prefix(quote)?.strip_suffix(quote)
}

/// A text with the place of each of its bytes, and one past its end.
struct Decoded {
    text: String,
    offsets: Vec<usize>,
}

impl Decoded {
    fn push(&mut self, c: char, at: usize) {
        self.text.push(c);
        self.offsets.resize(self.text.len(), at);
    }

    /// Takes line ends: where they fold, one becomes a space and of several the first is dropped.
    fn breaks(&mut self, ends: &[usize], fold: bool) {
        match ends {
            [end] if fold => self.push(' ', *end),
            [_, ends @ ..] if fold => ends.iter().for_each(|end| self.push('\n', *end)),
            ends => ends.iter().for_each(|end| self.push('\n', *end)),
        }
    }

    /// Drops white space from the end, down to a length.
    fn trim_to(&mut self, least: usize) {
        let trimmed = self.text.trim_end_matches([' ', '\t']).len().max(least);
        self.text.truncate(trimmed);
        self.offsets.truncate(trimmed);
    }

    /// A block scalar keeps as many line ends as its header says: as many as the parser kept.
    fn cut_line_ends(&mut self, wanted: &str) {
        let extra = self.text.strip_prefix(wanted).unwrap_or("");
        if !extra.is_empty() && extra.bytes().all(|byte| byte == b'\n') {
            self.text.truncate(wanted.len());
            self.offsets.truncate(wanted.len() + 1);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    None,
    Single,
    Double,
}

/// Decodes a plain or quoted scalar: line breaks fold into a space, empty lines stay line breaks.
fn flowing(raw: &str, base: usize, quoting: Quoting) -> Option<Decoded> {
    let mut decoded = Decoded { text: String::new(), offsets: Vec::new() };
    // White space that was escaped stays, also before a line break.
    let mut kept = 0;
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let at = base + raw.len() - rest.len();
        if c == '\n' || c == '\r' {
            decoded.trim_to(kept);
            rest = fold(&mut decoded, rest, at);
            continue;
        }
        if let Some(next) = (quoting == Quoting::Double).then(|| joined(rest)).flatten() {
            kept = decoded.text.len();
            rest = next;
            continue;
        }
        let (character, length) = match (quoting, c) {
            (Quoting::Single, '\'') => ('\'', 2),
            (Quoting::Double, '\\') => escape(rest)?,
            _ => (c, c.len_utf8()),
        };
        decoded.push(character, at);
        if quoting == Quoting::Double && c == '\\' {
            kept = decoded.text.len();
        }
        rest = rest.get(length..)?;
    }
    decoded.offsets.push(base + raw.len());
    Some(decoded)
}

/// Takes line breaks and the white space around them. Gives what follows.
fn fold<'a>(decoded: &mut Decoded, rest: &'a str, at: usize) -> &'a str {
    let after = rest.trim_start_matches([' ', '\t', '\n', '\r']);
    let broken = &rest[..rest.len() - after.len()];
    match broken.matches('\n').count() {
        0 | 1 => decoded.push(' ', at),
        breaks => (1..breaks).for_each(|_| decoded.push('\n', at)),
    }
    after
}

/// What follows an escaped line break, which joins two lines without a space.
fn joined(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix('\\')?;
    let rest = rest.strip_prefix('\r').unwrap_or(rest).strip_prefix('\n')?;
    Some(rest.trim_start_matches([' ', '\t']))
}

/// The character of an escape, and the length of what stands for it. None for the ones that are
/// never needed in an expression: then the whole scalar is blamed.
fn escape(rest: &str) -> Option<(char, usize)> {
    let simple = |c| Some((c, 2));
    match rest.chars().nth(1)? {
        'n' => simple('\n'),
        't' | '\t' => simple('\t'),
        'r' => simple('\r'),
        '0' => simple('\0'),
        c @ ('"' | '\\' | '/' | ' ') => simple(c),
        'x' => hex(rest, 2),
        'u' => hex(rest, 4),
        'U' => hex(rest, 8),
        _ => None,
    }
}

fn hex(rest: &str, digits: usize) -> Option<(char, usize)> {
    let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    Some((char::from_u32(code)?, 2 + digits))
}

/// Decodes a block scalar, whose first line's indentation is left out of `raw`.
fn block(raw: &str, base: usize, indent: usize, folded: bool) -> Decoded {
    let mut decoded = Decoded { text: String::new(), offsets: Vec::new() };
    let mut at = base;
    // The line ends since the last line that is not empty, and whether that one can be joined.
    let (mut ends, mut joins) = (Vec::new(), false);
    for (number, line) in raw.split_inclusive('\n').enumerate() {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let skipped = if number == 0 { 0 } else { spaces.min(indent) };
        let content = line[skipped..].trim_end_matches(['\n', '\r']);
        if !content.is_empty() {
            // Lines that are indented further keep their line ends.
            let text = folded && !content.starts_with([' ', '\t']);
            decoded.breaks(&ends, text && joins);
            (ends, joins) = (Vec::new(), text);
        }
        for (offset, c) in content.char_indices() {
            decoded.push(c, at + skipped + offset);
        }
        if line.ends_with('\n') {
            ends.push(at + skipped + content.len());
        }
        at += line.len();
    }
    decoded.breaks(&ends, false);
    decoded.offsets.push(at);
    decoded
}
