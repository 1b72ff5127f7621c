//! From the YAML parser's events to the [tree](super::tree).
//!
//! What YAML allows and an ontology doesn't is refused here, each with its own reason: tags, anchors,
//! aliases, merge keys, duplicate and composite keys, several documents, deep nesting. What isn't
//! YAML at all is explained by [`super::syntax_error`]. Nothing here knows what a key means.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, options};

use super::tree::{Entry, Node, Scalar, Style, Value};
use super::{intended, refusals, syntax_error};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceFile, Span, Spanned};
use crate::syntax::Text;

/// How deep mappings and lists may stand in each other.
const MAX_DEPTH: usize = 64;

/// How many findings of one file are kept; a file with more is most likely no ontology.
const MAX_FINDINGS: usize = 100;

/// How often the meant end of a value is looked for, which may read the whole file.
const MAX_LOOKS: usize = 100;

/// How many syntax errors of one file are told: past that, one is likely the cause of the next.
const MAX_MENDS: usize = 20;

/// What became of a file.
pub(crate) struct Parsed {
    /// The tree; none where the file holds nothing, or nothing that could be read.
    pub(crate) root: Option<Node>,
    /// What was found.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Whether the tree holds everything that was written, broken places included.
    pub(crate) complete: bool,
}

/// Reads a file into a tree.
///
/// The parser stops at its first error. Where the value that it failed on is clear, the value is
/// overwritten and the file read again, so that everything else is still checked.
pub(crate) fn parse(id: FileId, file: &SourceFile) -> Parsed {
    let mut mended: Vec<Range<usize>> = Vec::new();
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut text = file.text.clone();
    loop {
        let mut builder = Builder::new(id, file, &mended);
        let error = builder.run(&text);
        let Some(error) = error else {
            return builder.finish(found);
        };
        let explained =
            syntax_error::explain(id, file, &error, builder.flow_start(), builder.last_end);
        found.push(explained.diagnostic);
        match explained.mend {
            Some(range) if mended.len() < MAX_MENDS && !meets(&range, &mended) => {
                text.replace_range(range.clone(), &"x".repeat(range.len()));
                mended.push(range);
            }
            _ => {
                builder.complete = false;
                return builder.finish(found);
            }
        }
    }
}

/// Whether a place was mended before: then mending did not help.
fn meets(range: &Range<usize>, mended: &[Range<usize>]) -> bool {
    mended.iter().any(|other| other.start < range.end && range.start < other.end)
}

fn parser_options() -> Options {
    options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

/// A collection that is still open.
struct Frame {
    start: usize,
    flow: bool,
    contents: Contents,
}

enum Contents {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Key, seen: BTreeMap<String, Span> },
}

/// Where a mapping stands.
enum Key {
    /// A key comes next.
    Awaited,
    /// The value of this key comes next.
    Read(Text),
    /// A value comes next, which is dropped: its key was refused.
    Refused,
}

struct Builder<'a> {
    id: FileId,
    file: &'a SourceFile,
    mended: &'a [Range<usize>],
    stack: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    /// One past the last byte of the last event that stands in the text.
    last_end: usize,
    /// How often the meant end of a value was looked for.
    looks: usize,
    diagnostics: Vec<Diagnostic>,
    complete: bool,
}

impl<'a> Builder<'a> {
    fn new(id: FileId, file: &'a SourceFile, mended: &'a [Range<usize>]) -> Self {
        Self {
            id,
            file,
            mended,
            stack: Vec::new(),
            root: None,
            documents: 0,
            last_end: 0,
            looks: 0,
            diagnostics: Vec::new(),
            complete: true,
        }
    }

    /// Takes the events up to the first error or the end of the first document.
    fn run(&mut self, text: &str) -> Option<ScanError> {
        for event in Parser::new_from_str_with_options(text, parser_options()) {
            match event {
                Ok((event, span)) => self.event(event, &span),
                Err(error) => return Some(error),
            }
            if self.documents > 1 || self.is_full() {
                break;
            }
        }
        None
    }

    fn finish(mut self, mut found: Vec<Diagnostic>) -> Parsed {
        found.append(&mut self.diagnostics);
        Parsed { root: self.root, diagnostics: found, complete: self.complete }
    }

    /// Where the outermost `{` or `[` that is open stands.
    fn flow_start(&self) -> Option<usize> {
        self.stack.iter().find(|frame| frame.flow).map(|frame| frame.start)
    }

    fn event(&mut self, event: Event<'_>, span: &granit_parser::Span) {
        let range = self.range(span);
        self.last_end = self.last_end.max(range.end);
        let tag = event.tag().and(span.tag_span()).map(|tag| self.range(&tag));
        match event {
            Event::DocumentStart(..) => self.document(range),
            Event::Scalar(text, style, _, _) => self.scalar(&text, style, range, tag),
            Event::SequenceStart(style, _, _) => {
                self.open(range.start, style, Contents::List(Vec::new()), tag);
            }
            Event::MappingStart(style, _, _) => {
                let contents =
                    Contents::Map { entries: Vec::new(), key: Key::Awaited, seen: BTreeMap::new() };
                self.open(range.start, style, contents, tag);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end),
            Event::Alias(_) | Event::UnresolvedAlias(_) => self.alias(range),
            Event::Anchor(..) => self.anchor(range),
            _ => {}
        }
    }

    fn document(&mut self, range: Range<usize>) {
        self.documents += 1;
        if self.documents == 2 {
            self.complete = false;
            self.report(refusals::several_documents(self.span(range)));
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        range: Range<usize>,
        tag: Option<Range<usize>>,
    ) {
        if let Some(tag) = tag {
            return self.tagged_scalar(&tag);
        }
        let value = if self.is_mended(&range) {
            Value::Broken
        } else if range.is_empty() && matches!(style, ScalarStyle::Plain) {
            Value::Empty
        } else {
            Value::Scalar(Scalar { text: text.to_owned(), style: style_of(style) })
        };
        self.add(Node { span: self.span(range), value });
    }

    /// A tag is most often an expression such as `!closed`, so that is what it is taken for.
    fn tagged_scalar(&mut self, tag: &Range<usize>) {
        let written = intended::value_at(&self.file.text, tag.start, self.flow_start());
        self.last_end = self.last_end.max(written.end);
        let span = self.span(written);
        self.report(refusals::tag(span, self.file));
        self.add(Node { span, value: Value::Broken });
    }

    fn alias(&mut self, range: Range<usize>) {
        let written = intended::value_at(&self.file.text, range.start, self.flow_start());
        self.report(refusals::alias(self.span(written), self.file));
        self.add(Node { span: self.span(range), value: Value::Broken });
    }

    /// The anchor of the node that was just added or opened.
    fn anchor(&mut self, range: Range<usize>) {
        let inside_reported =
            self.diagnostics.last().is_some_and(|last| last.primary.0.end >= range.end);
        if !inside_reported {
            self.report(refusals::anchor(self.span(range)));
        }
    }

    fn open(
        &mut self,
        start: usize,
        style: granit_parser::StructureStyle,
        contents: Contents,
        tag: Option<Range<usize>>,
    ) {
        if let Some(tag) = tag {
            self.report(refusals::tag(self.span(tag), self.file));
        }
        let flow = matches!(style, granit_parser::StructureStyle::Flow);
        self.stack.push(Frame { start, flow, contents });
        if self.stack.len() == MAX_DEPTH + 1 {
            self.report(refusals::too_deep(self.span(start..start)));
            self.complete = false;
        }
    }

    fn close(&mut self, end: usize) {
        let Some(frame) = self.stack.pop() else { return };
        let contents = match frame.flow {
            true => {
                let start = self.flow_start().unwrap_or(frame.start);
                self.rejoined(frame.contents, start, end)
            }
            false => frame.contents,
        };
        let (value, last) = match contents {
            Contents::List(items) => {
                let last = items.last().map(|item| item.span.end);
                (Value::List(items), last)
            }
            Contents::Map { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span.end.max(entry.key.span.end));
                (Value::Map(entries), last)
            }
        };
        // A block collection is closed by whatever comes next: its own text ends with its last part.
        let end = if frame.flow { end } else { last.unwrap_or(frame.start) };
        self.add(Node { span: self.span(frame.start..end), value });
    }

    /// Puts together what YAML cut at commas inside brackets, such as `decimal(12,2)`. `start` is where
    /// the outermost open bracket stands, `end` where the collection ends.
    fn rejoined(&mut self, contents: Contents, start: usize, end: usize) -> Contents {
        // One past the last value: what starts before it was a part of it.
        let mut until = 0;
        match contents {
            Contents::List(items) => {
                let mut kept = Vec::new();
                for item in items {
                    if item.span.start >= until {
                        let item = self.whole(item, start, end);
                        until = item.span.end;
                        kept.push(item);
                    }
                }
                Contents::List(kept)
            }
            Contents::Map { entries, key, seen } => {
                let mut kept = Kept::default();
                for Entry { key, value } in entries {
                    if key.span.start >= until {
                        let value = self.whole(value, start, end);
                        until = value.span.end.max(key.span.end);
                        if kept.goes_on(&key, &value) {
                            kept.cut = Some(key.span.end);
                        } else {
                            self.keep(&mut kept, Entry { key, value });
                        }
                    }
                }
                self.cut_number(&mut kept);
                Contents::Map { entries: kept.entries, key, seen }
            }
        }
    }

    /// Keeps an entry that stands for itself.
    fn keep(&mut self, kept: &mut Kept, entry: Entry) {
        self.cut_number(kept);
        // Digits may have gone on with a number, so whether they stand twice was not asked before.
        if is_digits(&entry.key.value) {
            let first = kept.digits.entry(entry.key.value.clone()).or_insert(entry.key.span);
            if *first != entry.key.span {
                return self.report(refusals::duplicate_key(&entry.key, *first));
            }
        }
        kept.entries.push(entry);
    }

    /// Reports `25,00`, and takes it for one value that is broken.
    fn cut_number(&mut self, kept: &mut Kept) {
        let (Some(end), Some(last)) = (kept.cut.take(), kept.entries.last_mut()) else { return };
        let span = self.span(last.value.span.start..end);
        last.value = Node { span, value: Value::Broken };
        self.report(refusals::comma_in_number(span, self.file));
    }

    /// A value up to where it was meant to end. What would end behind its collection never closes the
    /// bracket that it opens: that is the expression's own mistake.
    fn whole(&mut self, node: Node, start: usize, end: usize) -> Node {
        let Value::Scalar(Scalar { text, style: Style::Plain }) = &node.value else { return node };
        if self.looks == MAX_LOOKS || !intended::is_open(text) {
            return node;
        }
        self.looks += 1;
        match intended::entry_value_at(&self.file.text, node.span.start, Some(start)) {
            Some(range) if range.end > node.span.end && range.end < end => {
                let span = self.span(range.clone());
                self.report(refusals::split_at_comma(span, self.file));
                let text = self.file.text[range].to_owned();
                Node { span, value: Value::Scalar(Scalar { text, style: Style::Plain }) }
            }
            _ => node,
        }
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node) {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.contents {
            Contents::List(items) => items.push(node),
            Contents::Map { entries, key, .. } => match mem::replace(key, Key::Awaited) {
                Key::Awaited => self.key(node),
                Key::Read(key) => entries.push(Entry { key, value: node }),
                Key::Refused => {}
            },
        }
    }

    /// Takes a node as the key of the innermost mapping.
    fn key(&mut self, node: Node) {
        let next = match node.value {
            Value::Scalar(scalar) => {
                self.checked_key(Spanned { value: scalar.text, span: node.span })
            }
            Value::Broken => None,
            _ => {
                self.report(refusals::key_not_text(node.span));
                None
            }
        };
        if let Some(Frame { contents: Contents::Map { key, .. }, .. }) = self.stack.last_mut() {
            *key = next.map_or(Key::Refused, Key::Read);
        }
    }

    fn checked_key(&mut self, text: Text) -> Option<Text> {
        if text.value == "<<" {
            self.report(refusals::merge_key(text.span));
            return None;
        }
        let Some(Frame { contents: Contents::Map { seen, .. }, flow, .. }) = self.stack.last_mut()
        else {
            return None;
        };
        if *flow && is_digits(&text.value) {
            return Some(text); // of `1,000,000`, which is no two keys
        }
        if let Some(first) = seen.get(&text.value).copied() {
            self.report(refusals::duplicate_key(&text, first));
            return None;
        }
        seen.insert(text.value.clone(), text.span);
        Some(text)
    }

    fn is_mended(&self, range: &Range<usize>) -> bool {
        let holds = |mend: &Range<usize>| mend.start <= range.start && range.end <= mend.end;
        !range.is_empty() && self.mended.iter().any(holds)
    }

    /// Whether reading on would only find more of the same.
    fn is_full(&self) -> bool {
        self.diagnostics.len() >= MAX_FINDINGS
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
        self.complete &= !self.is_full();
    }

    fn range(&self, span: &granit_parser::Span) -> Range<usize> {
        // The input is one text in memory, for which the parser always knows the bytes.
        span.byte_range().unwrap_or(self.last_end..self.last_end)
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.id, start: range.start, end: range.end }
    }
}

/// The entries of a mapping as they were meant.
#[derive(Default)]
struct Kept {
    entries: Vec<Entry>,
    /// Where the last value ends, if it is a number that YAML cut at its commas.
    cut: Option<usize>,
    /// The keys that are digits.
    digits: BTreeMap<String, Span>,
}

impl Kept {
    /// Whether an entry goes on with the digits behind a comma: they are no key, and have no value.
    fn goes_on(&self, key: &Text, value: &Node) -> bool {
        let after_number = self.cut.is_some() || self.entries.last().is_some_and(is_number);
        after_number && is_digits(&key.value) && matches!(value.value, Value::Empty)
    }
}

fn is_number(entry: &Entry) -> bool {
    let Value::Scalar(Scalar { text, style: Style::Plain }) = &entry.value.value else {
        return false;
    };
    is_digits(text.strip_prefix('-').unwrap_or(text))
}

/// Whether a text is a number without its sign.
fn is_digits(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
