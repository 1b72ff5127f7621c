//! What the YAML parser could not read, explained.
//!
//! The parser says what it expected; a person wants to know what to write. Most errors are values
//! that only need quotes. Those are mended, so that the rest of the file is still checked.

use std::ops::Range;

use granit_parser::{ErrorKind, ScanError};

use super::intended;
use super::refusals::{quote_help, quoted, too_deep};
use crate::catalogue::load as codes;
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceFile, Span};

/// The longest key that YAML sees as one.
const MAX_KEY: usize = 1024;

/// A syntax error in a person's words.
pub(crate) struct Explained {
    /// What was wrong.
    pub(crate) diagnostic: Diagnostic,
    /// The value to overwrite so that the file can be read on.
    pub(crate) mend: Option<Range<usize>>,
}

/// Explains an error. `flow` is where the outermost open bracket stands, `read_to` the end of what
/// was understood.
pub(crate) fn explain(
    id: FileId,
    file: &SourceFile,
    error: &ScanError,
    flow: Option<usize>,
    read_to: usize,
) -> Explained {
    let at = file.floor(error.marker().byte_offset().unwrap_or(read_to));
    let place = Place { id, file, at, read_to };
    if let Some(diagnostic) = place.by_kind(error.kind(), flow) {
        return Explained { diagnostic, mend: None };
    }
    if let Some(range) = intended::entry_value_at(&file.text, at, flow) {
        let diagnostic = place.value(range.clone(), error.kind());
        return Explained { diagnostic, mend: Some(range) };
    }
    Explained { diagnostic: place.line(error.kind()), mend: None }
}

/// Where the parser stopped.
struct Place<'a> {
    id: FileId,
    file: &'a SourceFile,
    at: usize,
    read_to: usize,
}

impl Place<'_> {
    /// Errors that are the same wherever they stand.
    fn by_kind(&self, kind: &ErrorKind, flow: Option<usize>) -> Option<Diagnostic> {
        use ErrorKind as E;
        match kind {
            E::DirectiveDisallowed => Some(self.directive()),
            E::RecursionLimitExceeded => Some(too_deep(self.here(1))),
            E::TabInPlainScalar => Some(self.tab(self.indenting_tab())),
            E::TabNotAllowed
            | E::TabInBlockIndentation
            | E::TabInIndentation
            | E::TabAtBlockScalarStart => Some(self.tab(None)),
            E::UnclosedFlowCollection { open } => Some(self.unclosed(self.here(1), *open)),
            E::UnexpectedEofFlowMapping
            | E::UnexpectedEofFlowSequence
            | E::UnexpectedEofImplicitFlowMapping => flow.map(|start| self.unclosed_flow(start)),
            E::ExpectedFlowMappingSeparator
            | E::ExpectedFlowSequenceSeparator
            | E::InvalidFlowScalarIndent
            | E::InvalidColonPlacement
            | E::MismatchedFlowCollectionEnd { .. } => flow
                .filter(|start| !intended::is_closed(&self.file.text, *start))
                .map(|start| self.unclosed_flow(start)),
            E::UnclosedQuotedScalar
            | E::InvalidQuotedScalarIndent
            | E::DocumentIndicatorInQuotedScalar => self.unclosed_quote(),
            E::UnexpectedCharacter { character } if character.is_control() => {
                Some(control_character(self.here(1), *character))
            }
            _ => None,
        }
    }

    fn unclosed_flow(&self, start: usize) -> Diagnostic {
        let open = if self.file.text[start..].starts_with('{') { '{' } else { '[' };
        self.unclosed(self.span(start..start + 1), open)
    }

    fn directive(&self) -> Diagnostic {
        let span = self.span(self.at..self.line_end());
        Diagnostic::error(
            &codes::DIRECTIVE,
            "an ontology has no YAML directives",
            span,
            "directive",
        )
        .help("remove the line")
    }

    /// The first tab that indents a line below: the parser blames the start of the value.
    fn indenting_tab(&self) -> Option<usize> {
        let below = self.file.text[self.at..].match_indices('\n').map(|(at, _)| self.at + at + 1);
        below.into_iter().find_map(|line| {
            let rest = self.file.text[line..].trim_start_matches(' ');
            rest.starts_with('\t').then(|| self.file.text.len() - rest.len())
        })
    }

    fn tab(&self, tab: Option<usize>) -> Diagnostic {
        let before = || self.file.text[..self.at].rfind('\t');
        let tab = tab.or_else(|| before().filter(|tab| *tab >= self.line_start()));
        let start = tab.unwrap_or(self.at);
        Diagnostic::error(
            &codes::TAB,
            "a tab can't indent",
            self.span(start..start + 1),
            "this is a tab",
        )
        .note("YAML counts spaces; how wide a tab is depends on who looks")
        .help("indent with two spaces")
    }

    fn unclosed(&self, span: Span, open: char) -> Diagnostic {
        let close = if open == '{' { '}' } else { ']' };
        Diagnostic::error(
            &codes::UNCLOSED,
            format!("this `{open}` is never closed"),
            span,
            format!("no `{close}` belongs to it"),
        )
        .help(format!("add `{close}`, or quote the value if `{open}` is part of a text"))
    }

    /// The quote that opens after what was understood.
    fn unclosed_quote(&self) -> Option<Diagnostic> {
        let rest = self.file.text.get(self.read_to..)?;
        let start = self.read_to + rest.find(['"', '\''])?;
        let quote = &self.file.text[start..=start];
        let diagnostic = Diagnostic::error(
            &codes::UNCLOSED,
            format!("the text that starts with {quote} does not end"),
            self.span(start..start + 1),
            format!("no {quote} closes it on a line that is indented enough"),
        );
        Some(
            diagnostic
                .help(format!("close it with {quote}; inside single quotes, ' is written ''")),
        )
    }

    /// Errors inside the value of `key: value`.
    fn value(&self, range: Range<usize>, kind: &ErrorKind) -> Diagnostic {
        use ErrorKind as E;
        let (text, span) = (&self.file.text[range.clone()], self.span(range.clone()));
        match kind {
            E::UnknownQuotedScalarEscape
            | E::InvalidQuotedScalarHexEscape
            | E::InvalidLowSurrogateHexEscape
            | E::InvalidLowSurrogate
            | E::MissingLowSurrogate
            | E::UnpairedLowSurrogate
            | E::InvalidUnicodeEscape => self.escape(range),
            E::MisplacedFlowCollectionEnd => self.closes_nothing(),
            E::BlockSequenceEntryNotAllowed => Diagnostic::error(
                &codes::LIST_ON_KEY_LINE,
                "a list can't start on the line of its key",
                span,
                "`- ` starts a list item",
            )
            .help("start the list on the next line, or write it as [a, b]"),
            E::MappingValueNotAllowed if self.is_mapping(&range) => Diagnostic::error(
                &codes::NEEDS_QUOTES,
                "a mapping on the line of its key stands in braces",
                span,
                reason(text, kind),
            )
            .help(format!(
                "write `{}: {{{text}}}`, or start it on the next line",
                self.key(&range)
            )),
            _ => Diagnostic::error(
                &codes::NEEDS_QUOTES,
                "YAML can't read this value without quotes",
                span,
                reason(text, kind),
            )
            .help(quote_or_double(text)),
        }
    }

    /// Whether a value such as `CardBlocked: {reason: none}` is an entry rather than a text.
    fn is_mapping(&self, value: &Range<usize>) -> bool {
        const OF_MAPPINGS: [&str; 7] =
            ["emit", "else", "reject", "ensure", "target", "when", "then"];
        const OF_TEXTS: [&str; 3] = ["check", "description", "message"];
        let Some((name, rest)) = self.file.text[value.clone()].split_once(": ") else {
            return false;
        };
        if OF_TEXTS.contains(&self.key(value)) {
            return false;
        }
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let rest = rest.trim();
        is_name && (rest.ends_with('}') || OF_MAPPINGS.contains(&self.key(value)))
    }

    /// The key on whose line a value stands.
    fn key(&self, value: &Range<usize>) -> &str {
        let line = &self.file.text[..value.start];
        let line = line.rsplit('\n').next().unwrap_or(line).trim();
        let key = line.strip_suffix(':').unwrap_or(line);
        key.rsplit([' ', '{', ',']).next().unwrap_or(key)
    }

    /// Errors in how lines stand to each other.
    fn line(&self, kind: &ErrorKind) -> Diagnostic {
        use ErrorKind as E;
        let range = self.line_text();
        let text = &self.file.text[range.clone()];
        let span = self.span(range);
        match kind {
            E::SimpleKeyExpected | E::InvalidSimpleKey => not_a_line(span, text),
            E::MisplacedFlowCollectionEnd | E::MismatchedFlowCollectionEnd { .. } => {
                self.closes_nothing()
            }
            E::MappingValueNotAllowed if text.find(": ").is_some_and(|end| end > MAX_KEY) => {
                Diagnostic::error(
                    &codes::NOT_AN_ENTRY,
                    format!("a key is longer than {MAX_KEY} characters"),
                    span,
                    "YAML takes this for a text",
                )
                .help("shorten it")
            }
            E::MappingValueNotAllowed if !text.contains(": ") && text.ends_with(':') => {
                self.after_no_entry(span, text)
            }
            E::ExpectedBlockMappingKey
            | E::ExpectedBlockSequenceEntry
            | E::MappingValueNotAllowed
            | E::InvalidIndentation
            | E::BlockSequenceEntryNotAllowed => self.indentation(span),
            E::InvalidTrailingDoubleQuotedScalar | E::InvalidTrailingSingleQuotedScalar => {
                Diagnostic::error(
                    &codes::NEEDS_QUOTES,
                    "a text ends with its closing quote",
                    self.here(1),
                    "nothing can follow it",
                )
                .help("an expression that starts with a quote needs quotes around it: '\"a\" + b'")
            }
            _ => Diagnostic::error(
                &codes::YAML_SYNTAX,
                format!("this is not YAML: {kind}"),
                self.here(1),
                "the file can't be read from here on",
            )
            .help("check quotes, brackets, colons and indentation here and just above"),
        }
    }

    fn closes_nothing(&self) -> Diagnostic {
        let close = self.file.text[self.at..].chars().next().unwrap_or(' ');
        Diagnostic::error(
            &codes::UNCLOSED,
            format!("`{close}` closes nothing"),
            self.here(1),
            "no bracket of this kind is open here",
        )
        .help("remove it, or add the bracket that it should close")
    }

    /// The first backslash of a value that starts no escape.
    fn escape(&self, range: Range<usize>) -> Diagnostic {
        let text = &self.file.text[range.clone()];
        let mut characters = text.char_indices();
        let mut found = range;
        while let Some((at, c)) = characters.next() {
            let escaped = if c == '\\' { characters.next() } else { None };
            if let Some((_, escaped)) =
                escaped.filter(|(_, c)| !r#"0abtnvfre "/\N_LP"#.contains(*c))
            {
                found.start += at;
                found.end = found.start + 1 + escaped.len_utf8();
                break;
            }
        }
        let written = self.file.text[found.clone()].to_owned();
        let span = self.span(found);
        let title = format!("`{written}` is no escape in double quotes");
        Diagnostic::error(&codes::ESCAPE, title, span, "not an escape")
            .note("in double quotes a backslash starts an escape such as \\n or \\\"")
            .help("use single quotes, in which a backslash is a backslash")
    }

    /// A line that is indented like nothing above it, with the line that decides.
    fn indentation(&self, span: Span) -> Diagnostic {
        let diagnostic = Diagnostic::error(
            &codes::INDENTATION,
            "this line belongs to nothing above it",
            span,
            "indented neither like an entry above nor as the value of one",
        );
        let above = self.line_above();
        let text = self.file.text[above.clone()].trim_end();
        let column = |at: usize| self.file.position(at).column;
        let (start, end) = (above.end - text.len(), above.end);
        if text.is_empty() {
            return diagnostic.help("line it up with the entries it belongs to");
        }
        let above = self.span(start..end);
        if column(start) < column(span.start) {
            return diagnostic
                .place(above, "this line has a text already, so nothing can stand below it")
                .help("give the key either a text or entries below it");
        }
        diagnostic
            .place(above, format!("the entry above starts in column {}", column(start)))
            .help("line it up with the entries it belongs to")
    }

    /// A key after a line that was no entry: that line is to blame.
    fn after_no_entry(&self, span: Span, text: &str) -> Diagnostic {
        let above = self.line_above();
        if above.is_empty() || intended::entry_value_at(&self.file.text, above.end, None).is_some()
        {
            return self.indentation(span);
        }
        let written = &self.file.text[above.clone()];
        not_a_line(self.span(above.clone()), written)
            .place(span, format!("so `{text}` can't follow"))
    }

    /// The last line above that holds something, without the white space around it.
    fn line_above(&self) -> Range<usize> {
        let before = self.file.text[..self.line_start()].trim_end();
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = &before[start..];
        start + (line.len() - line.trim_start().len())..before.len()
    }

    fn line_start(&self) -> usize {
        self.file.text[..self.at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(&self) -> usize {
        let rest = &self.file.text[self.at..];
        self.at + rest.find(['\n', '\r']).unwrap_or(rest.len())
    }

    /// The line without the white space around it.
    fn line_text(&self) -> Range<usize> {
        let (start, end) = (self.line_start(), self.line_end());
        let line = &self.file.text[start..end];
        let trimmed = line.trim();
        let start = start + (line.len() - line.trim_start().len());
        start..start + trimmed.len()
    }

    fn here(&self, bytes: usize) -> Span {
        self.span(self.at..self.at + bytes)
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.id, start: range.start, end: range.end }
    }
}

/// How to write a value; where it is a text with an apostrophe in it, that is doubled.
fn quote_or_double(text: &str) -> String {
    let inner = text.strip_prefix('\'').map(|inner| inner.strip_suffix('\'').unwrap_or(inner));
    let apostrophe = inner.and_then(|inner| {
        let (_, after) = inner.split_once('\'')?;
        after.starts_with(char::is_alphanumeric).then(|| quoted(inner))
    });
    match apostrophe {
        Some(quoted) => format!("inside single quotes, ' is written '': {quoted}"),
        None => quote_help(text),
    }
}

fn not_a_line(span: Span, text: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        &codes::NOT_AN_ENTRY,
        "a line is either `key: value` or `- item`",
        span,
        "this is neither",
    );
    if text.starts_with('-') {
        return diagnostic.help("put a space after the dash");
    }
    if text.contains(':') {
        return diagnostic.help("put a space after the colon");
    }
    diagnostic.help("add a colon after the key, or indent the line if it continues a text above")
}

/// A character that is invisible and means nothing.
pub(crate) fn control_character(span: Span, character: char) -> Diagnostic {
    Diagnostic::error(
        &codes::CONTROL_CHARACTER,
        format!("an invisible control character (U+{:04X}) stands in the file", character as u32),
        span,
        "here",
    )
    .help("remove it")
}

/// Why YAML fails on a value, by how it starts and where it stopped.
fn reason(text: &str, kind: &ErrorKind) -> &'static str {
    use ErrorKind as E;
    match text.chars().next() {
        Some('!') => "a leading `!` starts a YAML tag",
        Some('&') => "a leading `&` starts a YAML anchor",
        Some('*') => "a leading `*` starts a YAML alias",
        Some('|' | '>') => "a leading `|` or `>` starts a text on the lines below",
        Some('%') => "a leading `%` is reserved by YAML",
        Some('@' | '`') => "a leading `@` or backtick is reserved by YAML",
        Some('"' | '\'') => "the value goes on after the closing quote",
        Some('[' | '{') => "the value goes on after the closing bracket",
        _ if matches!(kind, E::MappingValueNotAllowed) => "a colon and a space start another entry",
        _ => "brackets and commas have a meaning of their own between `{ }` and `[ ]`",
    }
}
