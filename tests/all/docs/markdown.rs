//! The parts of a Markdown file that can be wrong: fenced blocks, links, and paths in backticks.

use std::fs;
use std::path::{Path, PathBuf};

/// A fenced block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// File it stands in, for messages.
    pub(crate) file: String,
    /// Line of its opening fence, from 1.
    pub(crate) line: usize,
    /// The text after the opening fence, for example `yaml error=EL0123`.
    pub(crate) info: String,
    /// The comment on the line before, for example `from: ontology/banking-account.yaml`.
    pub(crate) note: Option<String>,
    /// The lines between the fences.
    pub(crate) text: String,
}

impl Block {
    /// Where the block stands, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("this package lies in the repository").to_owned()
}

/// Text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    let full = root().join(path);
    fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

/// The documents: Markdown files at the root and in `docs`.
pub(crate) fn documents() -> Vec<String> {
    let mut found: Vec<String> = ["", "docs"]
        .iter()
        .flat_map(|folder| {
            let entries = fs::read_dir(root().join(folder)).expect("the folder can be read");
            entries.filter_map(move |entry| {
                let name = entry.expect("the folder can be read").file_name().into_string().ok()?;
                let path = Path::new(folder).join(name).display().to_string();
                path.ends_with(".md").then_some(path)
            })
        })
        .collect();
    found.sort();
    found
}

/// The fenced blocks of a document.
pub(crate) fn blocks(path: &str) -> Vec<Block> {
    let text = text(path);
    let lines: Vec<&str> = text.lines().collect();
    let mut blocks = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        if let Some(info) = lines[index].strip_prefix("```") {
            let length = lines[index + 1..]
                .iter()
                .position(|line| *line == "```")
                .unwrap_or_else(|| panic!("{path}:{}: the block is not closed", index + 1));
            blocks.push(Block {
                file: path.to_owned(),
                line: index + 1,
                info: info.to_owned(),
                note: index.checked_sub(1).and_then(|before| comment(lines[before])),
                text: lines[index + 1..=index + length].iter().map(|l| format!("{l}\n")).collect(),
            });
            index += length + 1;
        }
        index += 1;
    }
    blocks
}

fn comment(line: &str) -> Option<String> {
    let inner = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    Some(inner.trim().to_owned())
}

/// The text outside of fenced blocks.
pub(crate) fn prose(path: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text(path).lines() {
        let fence = line.starts_with("```");
        if fence {
            fenced = !fenced;
        }
        if !fence && !fenced {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}
