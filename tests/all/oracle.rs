//! An independent YAML parser reads the same out of every ontology in the repository.
//!
//! Ours keeps places and text, `serde_yaml` keeps values: they are compared as trees of text. What
//! `serde_yaml` types as a number or a boolean is compared by its value's own text.

use eventloom_codegen::load::TextTree;
use eventloom_codegen::load::text_tree;
use serde_yaml::Value;

use crate::seeds::ontologies;

fn texts(value: &Value) -> TextTree {
    match value {
        Value::Null => TextTree::Text(String::new()),
        Value::Bool(value) => TextTree::Text(value.to_string()),
        Value::Number(value) => TextTree::Text(value.to_string()),
        Value::String(text) => TextTree::Text(text.clone()),
        Value::Sequence(items) => TextTree::List(items.iter().map(texts).collect()),
        Value::Mapping(entries) => TextTree::Map(
            entries
                .iter()
                .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), texts(value)))
                .collect(),
        ),
        Value::Tagged(tagged) => panic!("an ontology has no tags: {tagged:?}"),
    }
}

#[test]
fn every_ontology_means_the_same_to_another_parser() {
    for path in ontologies() {
        let text = std::fs::read_to_string(&path).expect("in the repository");
        let other: Value = serde_yaml::from_str(&text).expect("valid YAML");
        assert_eq!(text_tree(&text).expect("valid YAML"), texts(&other), "{}", path.display());
    }
}

/// Forms of scalars that parsers disagree about most.
#[test]
fn scalars_in_all_styles_mean_the_same_to_another_parser() {
    let text = "\
plain: a plain text
folded plain: two
  lines

  and a third
single: 'it''s
  folded'
double: \"tab\\t, unicode \\u00e9, folded
  \\
  here\"
literal: |
  first
    indented

  last
stripped: |-
  one
kept: |+
  one

folded: >
  one
  two

  three
    more
  four
flow: {a: [b, c d, 'e, f'], g: {h: i}}
empty: ''
quoted key: 1
'a: b': c
";
    let other: Value = serde_yaml::from_str(text).expect("valid YAML");
    assert_eq!(text_tree(text).expect("valid YAML"), texts(&other));
}
