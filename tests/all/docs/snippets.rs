//! Snippets that name a file are taken from it, line for line; and no snippet of code names none.

use super::markdown::{Block, blocks, documents, text};

#[test]
fn every_snippet_stands_in_the_file_it_names() {
    let mut wrong = Vec::new();
    for block in documents().iter().flat_map(|document| blocks(document)) {
        let source = block.note.as_deref().and_then(|note| note.strip_prefix("from: "));
        if let Some(source) = source
            && !stands_in(&block, &text(source))
        {
            wrong.push(format!("{}: differs from {source}", block.place()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_snippet_of_rust_names_a_tested_file() {
    let unnamed: Vec<String> = documents()
        .iter()
        .flat_map(|document| blocks(document))
        .filter(|block| block.info.starts_with("rust") && block.note.is_none())
        .map(|block| block.place())
        .collect();
    assert!(unnamed.is_empty(), "no `<!-- from: … -->` before: {}", unnamed.join(", "));
}

/// Whether the block's lines stand in the text one after another. A line of dots or `// …` stands for
/// any number of lines; indentation may differ by a constant.
fn stands_in(block: &Block, source: &str) -> bool {
    let source: Vec<&str> = source.lines().map(str::trim).collect();
    let mut from = 0;
    let parts: Vec<Vec<&str>> = parts(&block.text);
    parts.iter().all(|part| match find(&source[from..], part) {
        Some(at) => {
            from += at + part.len();
            true
        }
        None => false,
    })
}

fn parts(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .split(|line| ["…", "// …", "# …", "..."].contains(line))
        .filter(|part| !part.is_empty())
        .map(<[&str]>::to_vec)
        .collect()
}

fn find(source: &[&str], part: &[&str]) -> Option<usize> {
    source.windows(part.len()).position(|window| window == part)
}
