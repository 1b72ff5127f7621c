//! The findings about YAML that is well formed and still no ontology.

use crate::catalogue::load as codes;
use crate::commas;
use crate::diagnostic::Diagnostic;
use crate::source::{SourceFile, Span};
use crate::syntax::Text;

/// A text as a single-quoted scalar, in which YAML sees nothing but text.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// How to write a value so that YAML leaves it alone.
pub(crate) fn quote_help(written: &str) -> String {
    if written.contains('\n') {
        return "put quotes around the value".to_owned();
    }
    format!("put the value in quotes: {}", quoted(written))
}

pub(crate) fn tag(written: Span, file: &SourceFile) -> Diagnostic {
    let text = &file.text[written.start..written.end];
    if text.starts_with("!!") {
        return Diagnostic::error(&codes::TAG, "an ontology has no YAML tags", written, "tag")
            .note("a value has the type that the ontology gives it, however it is written")
            .help("leave the tag out");
    }
    Diagnostic::error(
        &codes::TAG,
        "a value that starts with `!` is a tag to YAML, not an expression",
        written,
        "YAML would drop the part up to the next space",
    )
    .help(quote_help(text))
}

pub(crate) fn anchor(place: Span) -> Diagnostic {
    Diagnostic::error(
        &codes::ANCHOR,
        "a value that starts with `&` is an anchor to YAML",
        place,
        "YAML would drop this",
    )
    .note("an ontology has no anchors: what is shared is a type under `types`")
    .help("write the value out, in quotes where it is an expression that starts with `&`")
}

pub(crate) fn alias(written: Span, file: &SourceFile) -> Diagnostic {
    let text = &file.text[written.start..written.end];
    Diagnostic::error(
        &codes::ALIAS,
        "a value that starts with `*` is an alias to YAML",
        written,
        "YAML would put another value here",
    )
    .note("an ontology has no aliases: every value stands where it is read")
    .help(format!("write the value out, or {}", quote_help(text)))
}

pub(crate) fn merge_key(place: Span) -> Diagnostic {
    Diagnostic::error(&codes::MERGE_KEY, "an ontology has no merge keys", place, "merge key")
        .note("every mapping stands where it is read, so that a change has one place")
        .help("write the entries out")
}

pub(crate) fn duplicate_key(again: &Text, first: Span) -> Diagnostic {
    Diagnostic::error(
        &codes::DUPLICATE_KEY,
        format!("`{}` stands twice", again.value),
        again.span,
        "here again",
    )
    .place(first, "here first")
    .note("YAML tools keep one of the two, and not all keep the same")
    .help("remove or rename one")
}

pub(crate) fn key_not_text(place: Span) -> Diagnostic {
    Diagnostic::error(&codes::KEY_NOT_TEXT, "a key must be a text", place, "this is the key")
        .help("write `key: value`, with the key in quotes where it holds special characters")
}

pub(crate) fn several_documents(place: Span) -> Diagnostic {
    Diagnostic::error(
        &codes::SEVERAL_DOCUMENTS,
        "a file holds one document",
        place,
        "a second one starts here",
    )
    .help("put each aggregate into a file of its own, all in one folder")
}

pub(crate) fn too_deep(place: Span) -> Diagnostic {
    Diagnostic::error(
        &codes::TOO_DEEP,
        "mappings and lists stand more than 64 deep in each other",
        place,
        "this is the 65th",
    )
    .note("no part of an ontology is nearly as deep")
    .help("check the brackets and the indentation above")
}

pub(crate) fn split_at_comma(written: Span, file: &SourceFile) -> Diagnostic {
    let text = &file.text[written.start..written.end];
    Diagnostic::error(
        &codes::SPLIT_AT_COMMA,
        "between `{ }` and `[ ]` YAML cuts at every comma",
        written,
        "YAML sees several parts here",
    )
    .help(format!("{}, or write one entry per line", quote_help(text)))
}

pub(crate) fn comma_in_number(written: Span, file: &SourceFile) -> Diagnostic {
    Diagnostic::error(
        &codes::SPLIT_AT_COMMA,
        "between `{ }` YAML cuts at every comma, so this is several entries",
        written,
        "a number has no comma",
    )
    .help(commas::help(&file.text[written.start..written.end], false))
}
