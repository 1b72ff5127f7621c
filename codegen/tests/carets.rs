//! The caret stands under the mistaken word itself, however the value around it is written.
//!
//! Each case holds one unknown name in a value of some YAML style, with characters of several bytes,
//! of double width and of no width before it.

use eventloom_codegen::compile_sources;
use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;

/// A value of `total`, as it stands behind the colon.
const STYLES: &[(&str, &str)] = &[
    ("plain", r#"if owner == "日本é🦀" { 1 } else { zzz }"#),
    ("plain with a comment", "total + zzz # zzz is not it"),
    ("plain over lines", "total +\n        2 +\n\n        zzz\n        + 1"),
    ("plain over lines, with tabs", "total\t+\n        \t zzz\t+ 1"),
    ("single", r#"'if owner == "it''s 日本é🦀" { 1 } else { zzz }'"#),
    ("single over lines", "'if owner == \"it''s\"\n        { 1 }\n\n        else { zzz }'"),
    ("double", r#""if owner == \"日本\\t\" { 1 } else { zzz }""#),
    ("double with escapes", r#""if owner == \"\x41\u00e9\U0001F980\" { 1 } else { zzz }""#),
    ("double over lines", "\"total +\n        2 +\n\n        zzz + 1\""),
    ("double, broken and joined", "\"total + \\\n        zzz + \\\n        \\  1\""),
    (
        "literal",
        "|\n        if owner == \"日本é🦀\" {\n          1\n        } else {\n          zzz\n        }",
    ),
    ("literal, stripped", "|-\n        total +\n\n        zzz"),
    ("literal, kept", "|+\n        total +\n        zzz\n\n"),
    ("literal, indented by number", "|2\n          total +\n        zzz"),
    ("literal with tabs", "|\n        total\t+\n        \tzzz"),
    ("folded", ">\n        total +\n        2 +\n        zzz\n        + 1"),
    ("folded with paragraphs", ">-\n        total +\n\n\n        2 +\n          zzz\n        + 1"),
    ("folded with spaces at the end", ">\n        total +   \n        zzz   \n        + 1"),
    ("block scalar with a comment", "| # zzz is not it\n        total + zzz"),
];

fn ontology(value: &str) -> String {
    format!(
        "# 日本é🦀\naggregateRoot: Basket\nstate: {{total: decimal, owner: string?}}\nevents:\n  \
         Filled:\n    version: v1\n    schema: {{filledAt: timestamp}}\n    apply:\n      \
         owner: '\"é\"'\n      total: {value}\neventStore: {{partitionKey: basketId}}\n"
    )
}

/// Where the only finding of a text stands, and how that is shown.
fn only_place(name: &str, text: &str) -> (std::ops::Range<usize>, String) {
    let sources = Sources::from_texts([("basket.yaml", text)]);
    let found = compile_sources(&sources, &Options::for_package("carets")).diagnostics;
    let report = render(&found, &sources, Colour::Plain);
    let [found] = found.as_slice() else { panic!("{name}: one finding is expected\n{report}") };
    assert_eq!(found.code.id, "EL0206", "{name}\n{report}");
    (found.primary.0.start..found.primary.0.end, report)
}

fn points_at(name: &str, text: &str, word: &str) {
    let (found, report) = only_place(name, text);
    let text = text.trim_start_matches('\u{feff}');
    let in_comment =
        |at: usize| text[..at].rsplit('\n').next().is_some_and(|line| line.contains("# "));
    let mut places = text.match_indices(word).map(|(at, _)| at).filter(|at| !in_comment(*at));
    let start = places.next().unwrap_or_else(|| panic!("{name} lacks `{word}`"));
    assert_eq!(start..start + word.len(), found, "{name}\n{report}");
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[..start].matches('\n').count() + 1;
    let column = text[line_start..start].chars().count() + 1;
    assert!(report.contains(&format!("basket.yaml:{line}:{column}\n")), "{name}\n{report}");
}

#[test]
fn a_caret_is_exact_in_every_style() {
    for (name, value) in STYLES {
        let text = ontology(value);
        points_at(name, &text, "zzz");
        points_at(&format!("{name}, CRLF"), &text.replace('\n', "\r\n"), "zzz");
        points_at(&format!("{name}, BOM"), &format!("\u{feff}{text}"), "zzz");
    }
}

#[test]
fn an_escaped_word_is_blamed_as_it_is_written() {
    let text = ontology(r#""total + \u007az\x7A""#);
    points_at("escapes", &text, r"\u007az\x7A");
}

/// The parser blames the start of the value for a tab that stands in front of its second line.
#[test]
fn a_tab_that_indents_is_found_below_the_value_that_it_breaks() {
    let text = ontology("total\t+\n      \t zzz");
    let sources = Sources::from_texts([("basket.yaml", text.as_str())]);
    let found = compile_sources(&sources, &Options::for_package("carets")).diagnostics;
    assert_eq!(found[0].code.id, "EL0023");
    assert_eq!(found[0].primary.0.start, text.find("\t zzz").expect("the tab"));
}
