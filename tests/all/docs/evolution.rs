//! The page about changing what was released: its blocks are one story, and its tables name every rule.

use std::collections::BTreeSet;

use eventloom_codegen::catalogue;
use eventloom_codegen::emit::Options;
use eventloom_codegen::lock::{self, Current};
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{compile_sources, understand};

use super::markdown::{Block, blocks, prose};

const PAGE: &str = "docs/evolution.md";

fn block(kind: &str) -> Block {
    let mut found = blocks(PAGE).into_iter().filter(|block| block.info.starts_with(kind));
    found.next().unwrap_or_else(|| panic!("{PAGE} has no block `{kind}`"))
}

fn report(block: &Block, lock: &str) -> (Vec<&'static str>, String) {
    let sources = Sources::from_texts([("parcel.yaml", block.text.as_str())]);
    let sources = sources.with_lock("eventloom.lock", lock);
    let mut found = compile_sources(&sources, &Options::for_package("parcel")).diagnostics;
    // The page is about what changes, and its ontology too short for the rest.
    found.retain(|found| !catalogue::is_lint(found.code));
    let codes = found.iter().map(|found| found.code.id).collect();
    (codes, render(&found, &sources, Colour::Plain))
}

#[test]
fn what_the_page_changes_is_refused_and_fixed_as_it_says() {
    let released = block("yaml released");
    let sources = Sources::from_texts([("parcel.yaml", released.text.as_str())]);
    let understood = understand(&sources);
    let current = Current::of(&understood, &sources).expect("a sound ontology");
    let lock = lock::write(current, None, &[]).expect("nothing was released before");

    assert_eq!(report(&released, &lock).0, Vec::<&str>::new());
    let changed = block("yaml changed");
    let (codes, said) = report(&changed, &lock);
    let announced = changed.info.split(' ').filter_map(|word| word.strip_prefix("error="));
    assert_eq!(codes, announced.collect::<Vec<_>>(), "{said}");
    let shown = blocks(PAGE).into_iter().find(|block| block.info == "text").expect("the report");
    assert!(said.starts_with(shown.text.trim_end()), "{said}");

    let fixed = block("yaml fixed");
    assert_eq!(report(&fixed, &lock).1, "");
    let lines: BTreeSet<&str> = fixed.text.lines().map(str::trim).collect();
    let pasted = said.lines().skip_while(|line| !line.contains("make it v2")).skip(1);
    for line in pasted.take_while(|line| !line.contains("= help")) {
        assert!(lines.contains(line.trim()), "the page does not have `{line}`");
    }
}

#[test]
fn the_page_names_every_rule() {
    let page = prose(PAGE);
    for code in catalogue::lock::ALL.iter().filter(|code| code.id < "EL0941") {
        assert!(page.contains(&format!("| `{}` |", code.id)), "{PAGE} lacks {}", code.id);
    }
}
