//! Findings for programs: a JSON document, and the workflow commands of GitHub.
//!
//! The JSON document is versioned: what stands in it keeps its meaning; more may come to stand in it.

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{SourceFile, Sources, Span};

/// All findings as one JSON document on one line.
pub(super) fn json(found: &[Diagnostic], sources: &Sources) -> String {
    json!({"version": 1, "diagnostics": findings(found, sources)}).to_string()
}

/// Findings as a list.
pub(super) fn findings(found: &[Diagnostic], sources: &Sources) -> Value {
    found.iter().map(|found| finding(found, sources)).collect()
}

fn finding(found: &Diagnostic, sources: &Sources) -> Value {
    let mut told = place(&found.primary, sources);
    told["code"] = json!(found.code.id);
    told["severity"] = json!(word(found.severity));
    told["message"] = json!(found.title);
    told["notes"] = json!(found.notes);
    told["help"] = json!(found.ways_out());
    let others = found.secondary.iter().map(|other| place(other, sources));
    told["related"] = others.collect();
    told
}

/// A place: lines and columns from 1, columns in characters, the end behind the last one. What
/// concerns a whole file that could not be read has no line.
fn place((span, label): &(Span, String), sources: &Sources) -> Value {
    let mut told = json!({"label": label});
    let Some(file) = sources.file(span.file) else { return told };
    told["file"] = json!(file.path);
    if has_lines(file) {
        let (start, end) = (file.position(span.start), file.position(span.end));
        told["line"] = json!(start.line);
        told["column"] = json!(start.column);
        told["endLine"] = json!(end.line);
        told["endColumn"] = json!(end.column);
    }
    told
}

fn has_lines(file: &SourceFile) -> bool {
    file.refused.is_none() || !file.text.is_empty()
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Workflow commands, by which GitHub shows findings beside the lines of a pull request.
pub(super) fn github(found: &[Diagnostic], sources: &Sources) -> String {
    found.iter().map(|found| workflow_command(found, sources)).collect()
}

fn workflow_command(found: &Diagnostic, sources: &Sources) -> String {
    let mut properties = Vec::new();
    let (span, label) = &found.primary;
    if let Some(file) = sources.file(span.file) {
        properties.push(format!("file={}", property(&file.path)));
        if has_lines(file) {
            let (start, end) = (file.position(span.start), file.position(span.end));
            properties.push(format!("line={},endLine={}", start.line, end.line));
            if start.line == end.line {
                properties.push(format!("col={},endColumn={}", start.column, end.column));
            }
        }
    }
    properties.push(format!("title={}", property(found.code.id)));
    let mut message = found.title.clone();
    if !label.is_empty() {
        message.push_str(&format!("\n{label}"));
    }
    message.extend(found.notes.iter().map(|note| format!("\nnote: {note}")));
    message.extend(found.ways_out().iter().map(|help| format!("\nhelp: {help}")));
    format!("::{} {}::{}\n", word(found.severity), properties.join(","), data(&message))
}

/// Text of a message: one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text of a property, which ends at a comma, and the properties at a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::load::UNKNOWN_KEY;
    use crate::source::FileId;

    #[test]
    fn what_means_something_to_github_is_escaped() {
        let sources = Sources::from_texts([("a,b:c.yaml", "x: 1\ny: 2\n")]);
        let place = Span { file: FileId(0), start: 0, end: 1 };
        let found = Diagnostic::error(&UNKNOWN_KEY, "100% wrong", place, "here").help("two\nlines");
        assert_eq!(
            github(&[found], &sources),
            "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=1,endColumn=2,title=EL0030::\
             100%25 wrong%0Ahere%0Ahelp: two%0Alines\n"
        );
    }
}
