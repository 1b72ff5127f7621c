//! Findings as text, in the look of rustc.
//!
//! Plain unless colours are asked for, and the same text for the same findings, always. A broken
//! place is shown as well as can be, never a reason to panic.

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Padding, Renderer, Snippet,
};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{FileId, SourceFile, Sources, Span};

/// How many findings are shown: who has more repairs these first.
const MAX_SHOWN: usize = 100;

/// How long a line may be, in bytes, to be shown: nobody reads a longer one.
const MAX_WIDTH: usize = 10_000;

/// Whether the text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For files, tests and pipes.
    Plain,
    /// For terminals.
    Ansi,
}

/// All findings, in the order given, with an empty line after each.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Ansi => Renderer::styled(),
    };
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(MAX_SHOWN) {
        text.push_str(&renderer.render(&[group(diagnostic, sources)]));
        text.push_str("\n\n");
    }
    if let Some(more) = diagnostics.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("… and {more} more like these or unlike; repair these first\n\n"));
    }
    text
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group =
        level.primary_title(&diagnostic.title).id(diagnostic.code.id).elements(None::<Origin<'a>>);
    for file in files(diagnostic) {
        if let Some(source) = sources.file(file) {
            group = element(group, diagnostic, file, source);
        }
    }
    group
        .elements(diagnostic.notes.iter().map(|text| Level::NOTE.message(text)))
        .elements(diagnostic.ways_out().into_iter().map(|text| Level::HELP.message(text)))
}

/// The files of a finding, its own first.
fn files(diagnostic: &Diagnostic) -> Vec<FileId> {
    let mut files = vec![diagnostic.primary.0.file];
    for (span, _) in &diagnostic.secondary {
        if !files.contains(&span.file) {
            files.push(span.file);
        }
    }
    files
}

/// The part of one file: its lines with their marks, or only the place where there are none to show.
fn element<'a>(
    group: Group<'a>,
    diagnostic: &'a Diagnostic,
    id: FileId,
    file: &'a SourceFile,
) -> Group<'a> {
    let marks = marks(diagnostic, id, file);
    let start = marks.iter().map(|(span, ..)| span.start).min().unwrap_or(0);
    let end = marks.iter().map(|(span, ..)| span.end).max().unwrap_or(0);
    let (range, line) = file.lines_around(start, end);
    let text = &file.text[range.clone()];
    if file.text.is_empty() || text.lines().any(|line| line.len() > MAX_WIDTH) {
        let place = marks.first().map_or(0, |(span, ..)| span.start);
        return group.element(origin(file, place)).element(Padding);
    }
    let snippet = Snippet::source(text).path(&file.path).line_start(line).annotations(
        marks.iter().map(|(span, label, kind)| {
            annotation(*kind, span.start - range.start..span.end - range.start, label)
        }),
    );
    group.element(snippet)
}

/// A place as `path:line:column`; a file that could not be read has no lines.
fn origin(file: &SourceFile, place: usize) -> Origin<'_> {
    let origin = Origin::path(&file.path);
    if file.refused.is_some() && file.text.is_empty() {
        return origin;
    }
    let position = file.position(place);
    origin.line(position.line).char_column(position.column)
}

/// A place in the text, its label, and whether it is the finding's own.
type Mark<'a> = (std::ops::Range<usize>, &'a str, AnnotationKind);

/// The places of one file, the finding's own first.
fn marks<'a>(diagnostic: &'a Diagnostic, id: FileId, file: &SourceFile) -> Vec<Mark<'a>> {
    let primary = std::iter::once((&diagnostic.primary, AnnotationKind::Primary));
    let secondary = diagnostic.secondary.iter().map(|place| (place, AnnotationKind::Context));
    primary
        .chain(secondary)
        .filter(|((span, _), _)| span.file == id)
        .map(|((span, label), kind)| (within(*span, file), label.as_str(), kind))
        .collect()
}

fn annotation(kind: AnnotationKind, span: std::ops::Range<usize>, label: &str) -> Annotation<'_> {
    kind.span(span).label((!label.is_empty()).then_some(label))
}

/// The place inside its file, at places where the text can be cut.
fn within(span: Span, file: &SourceFile) -> std::ops::Range<usize> {
    let start = file.floor(span.start);
    start..file.floor(span.end).max(start)
}
