//! The language reference does what it says: every YAML block compiles or is refused as announced, and
//! the table of methods is the compiler's, with examples that are true.
//!
//! The opening fence tells what a block is: `yaml base` is a whole ontology, `yaml adds` is added to the
//! base, key by key, and `error=EL0123` behind either announces a refusal. All of them together are the
//! golden `data/ok/reference`, whose Rust is compiled and tried out like that of every other golden. `yaml alone`
//! is another aggregate, which has a golden of its own.

use std::fs;

use eventloom_codegen::compile_sources;
use eventloom_codegen::diagnostic::Severity;
use eventloom_codegen::emit::Options;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::resolve::methods::{Receiver, Shape, Signature, methods};
use eventloom_codegen::source::Sources;
use eventloom_runtime::{MemoryStore, Repository};
use eventloom_tests::goldens::reference::basket::{Basket, TryEveryExample};

use super::markdown::{Block, blocks, prose, root};
use super::merge;

const REFERENCE: &str = "docs/language.md";
const GOLDEN: &str = "tests/data/ok/reference/ontology.yaml";

#[test]
fn every_block_of_yaml_says_what_it_is() {
    for block in yaml_blocks() {
        let kind = block.info.split(' ').nth(1);
        assert!(
            matches!(kind, Some("base" | "adds" | "alone")),
            "{}: `{}` should be `yaml base`, `yaml adds` or `yaml alone`",
            block.place(),
            block.info
        );
    }
}

#[test]
fn every_block_compiles_or_is_refused_as_announced() {
    let mut wrong = Vec::new();
    for block in yaml_blocks() {
        let mut sources = Sources::default();
        sources.add_bytes("ontology.yaml", ontology(&block).into_bytes());
        let outcome = compile_sources(&sources, &Options::for_package("reference"));
        // A fragment may well have an event that nothing emits.
        let errors = outcome.diagnostics.iter().filter(|it| it.severity == Severity::Error);
        let codes: Vec<&str> = errors.map(|found| found.code.id).collect();
        if codes != announced(&block) {
            let report = render(&outcome.diagnostics, &sources, Colour::Plain);
            wrong.push(format!("{}: announced {:?}\n{report}", block.place(), announced(&block)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_blocks_together_are_a_golden() {
    let sound = yaml_blocks().into_iter().filter(|block| announced(block).is_empty());
    let fragments = sound.filter(|block| block.info.starts_with("yaml adds"));
    let whole = fragments.fold(base(), |whole, block| merge::add(&whole, &block.text));
    let whole = merge::with_examples(&whole, &examples());
    if std::env::var_os("EVENTLOOM_BLESS").is_some() {
        fs::create_dir_all(root().join(GOLDEN).parent().expect("a folder")).expect("writable");
        fs::write(root().join(GOLDEN), &whole).expect("writable");
    }
    let golden = fs::read_to_string(root().join(GOLDEN)).unwrap_or_default();
    assert!(golden == whole, "run with EVENTLOOM_BLESS=1, then bless the goldens of codegen");
}

#[test]
fn the_table_of_methods_is_the_compilers() {
    let found: Vec<String> = rows().map(|(described, _)| described).collect();
    let expected: Vec<String> = methods().map(describe).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn every_example_of_a_method_is_true() {
    let baskets = Repository::<Basket, _>::open(MemoryStore::new()).await.expect("an empty store");
    let done = baskets.execute("b", TryEveryExample {}).await;
    assert_eq!(done.expect("each example is a guard that must not hold").events.len(), 1);
}

fn yaml_blocks() -> Vec<Block> {
    blocks(REFERENCE).into_iter().filter(|block| block.info.starts_with("yaml")).collect()
}

fn announced(block: &Block) -> Vec<&str> {
    block.info.split(' ').filter_map(|word| word.strip_prefix("error=")).collect()
}

fn base() -> String {
    let base = yaml_blocks().into_iter().find(|block| block.info.starts_with("yaml base"));
    base.expect("the reference has a whole file").text
}

fn ontology(block: &Block) -> String {
    match block.info.starts_with("yaml adds") {
        true => merge::add(&base(), &block.text),
        false => block.text.clone(),
    }
}

/// The rows of the table of methods: all columns but the last, and the example in the last.
fn rows() -> impl Iterator<Item = (String, String)> {
    let lines: Vec<String> = prose(REFERENCE)
        .lines()
        .skip_while(|line| !line.starts_with("| On | Method |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(ToOwned::to_owned)
        .collect();
    lines.into_iter().map(|line| {
        let (described, example) = line
            .split_once(" | `")
            .and_then(|(on, rest)| {
                let (method, example) = rest.rsplit_once(" | `")?;
                Some((format!("{on} | `{method}"), example.trim_end_matches("` |").to_owned()))
            })
            .unwrap_or_else(|| panic!("a row of five columns: {line}"));
        // Markdown would end a cell at the bars of a function.
        (described.replace("\\|", "|"), example.replace("\\|", "|"))
    })
}

fn examples() -> Vec<String> {
    rows().map(|(_, example)| example).collect()
}

fn describe(method: &Signature) -> String {
    format!(
        "| {} | `{}({})` | {} | {}",
        receiver(method.receiver),
        method.name,
        method.form(),
        shape(method.result),
        method.what
    )
}

fn receiver(receiver: Receiver) -> String {
    format!("{receiver:?}").to_lowercase()
}

fn shape(shape: Shape) -> String {
    match shape {
        Shape::Receiver => "the same".to_owned(),
        Shape::Element => "T".to_owned(),
        Shape::Key => "K".to_owned(),
        Shape::Value => "V".to_owned(),
        Shape::Result | Shape::Sum | Shape::Ordered => "U".to_owned(),
        Shape::Optional(inner) => format!("{}?", self::shape(*inner)),
        Shape::List(item) => format!("list<{}>", self::shape(*item)),
        Shape::NewKey => "K".to_owned(),
        Shape::MapOf(value) | Shape::MapTo(value) => format!("map<K, {}>", self::shape(*value)),
        Shape::String => "string".to_owned(),
        Shape::Integer => "integer".to_owned(),
        Shape::Decimal => "decimal".to_owned(),
        Shape::Boolean => "boolean".to_owned(),
        Shape::Date => "date".to_owned(),
        Shape::Any | Shape::Pattern | Shape::Rounding | Shape::Function(..) => {
            "(no result)".to_owned()
        }
    }
}
