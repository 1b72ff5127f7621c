//! From bytes of an expression's text to places in its file.
//!
//! Every finding inside an expression is located through here, so that its caret stands under the
//! token itself, whatever the style of the YAML scalar around it.

use std::ops::Range;

use crate::source::Span;
use crate::syntax;

/// Longest way, in bytes of the file, from the start of a character to its end: `\UXXXXXXXX`.
const LONGEST_CHARACTER: usize = 10;

/// Where the text of an expression, or a piece of it, stands in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    whole: Span,
    /// The file's byte for each byte of the text and one past it; none where only the whole can be
    /// blamed.
    offsets: Option<&'a [usize]>,
}

impl<'a> Places<'a> {
    /// The places of a whole expression.
    pub(super) fn of(expression: &'a syntax::Expression) -> Self {
        let offsets = expression.offsets.as_deref();
        let offsets = offsets.filter(|offsets| offsets.len() == expression.text.len() + 1);
        Self { whole: expression.span, offsets }
    }

    /// The place of these bytes of the text.
    pub(super) fn span(&self, bytes: Range<usize>) -> Span {
        let Some(offsets) = self.offsets else { return self.whole };
        let at = |byte: usize| offsets[byte.min(offsets.len() - 1)];
        let start = at(bytes.start);
        // Where a token ends at the end of a line, YAML's next byte may lie far away.
        let end = match bytes.end.checked_sub(1).filter(|last| *last >= bytes.start) {
            Some(last) if at(bytes.end) > at(last) + LONGEST_CHARACTER => at(last) + 1,
            Some(_) => at(bytes.end),
            None => start,
        };
        Span { file: self.whole.file, start, end: end.max(start) }
    }

    /// The places of a piece of the text, for an expression within it.
    pub(super) fn piece(&self, bytes: Range<usize>) -> Self {
        let offsets = self.offsets.and_then(|offsets| offsets.get(bytes.start..=bytes.end));
        Self { whole: self.span(bytes), offsets }
    }

    /// Whether single bytes can be told apart.
    pub(super) fn exact(&self) -> bool {
        self.offsets.is_some()
    }

    /// The places of a text whose bytes stand at these bytes of the file, within this place.
    pub(super) fn within(whole: Span, offsets: Option<&'a [usize]>) -> Self {
        Self { whole, offsets }
    }
}
