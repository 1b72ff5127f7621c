//! The map is the territory: what documents point to exists, and the map stays short.

use std::collections::BTreeSet;

use super::markdown::{documents, prose, root, text};

#[test]
fn the_architecture_fits_in_two_hundred_lines() {
    assert!(text("ARCHITECTURE.md").lines().count() <= 200);
}

#[test]
fn the_readme_shows_the_point_within_its_first_screen() {
    let readme = text("README.md");
    let screen: Vec<&str> = readme.lines().take(45).collect();
    let screen = screen.join("\n");
    for part in ["```yaml", "```rust", "```sh\ncargo run -p generated-example"] {
        assert!(screen.contains(part), "the first 45 lines of README.md lack {part}");
    }
}

#[test]
fn every_path_in_the_documents_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        for path in paths(&prose(&document)) {
            if !root().join(&path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "documents point to what is not there:\n{}", missing.join("\n"));
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let folder = root().join(&document).parent().expect("a file lies in a folder").to_owned();
        for link in links(&prose(&document)) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { root().join(&document) } else { folder.join(file) };
            let found = target.exists()
                && (anchor.is_empty() || anchors(&target).contains(&anchor.to_owned()));
            if !found {
                dead.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "links lead nowhere:\n{}", dead.join("\n"));
}

/// Text in backticks that is a path of this repository: its first part is one of the top level.
fn paths(prose: &str) -> BTreeSet<String> {
    const TOP: [&str; 9] = [
        "codegen",
        "runtime",
        "generated-example",
        "tests",
        "ontology",
        "docs",
        ".ci",
        "README.md",
        "deny.toml",
    ];
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| {
            let first = code.split('/').next().unwrap_or_default();
            TOP.contains(&first) && !code.contains([' ', '*', '<', '{'])
        })
        .map(ToOwned::to_owned)
        .collect()
}

fn links(prose: &str) -> Vec<String> {
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.starts_with("http"))
        .map(ToOwned::to_owned)
        .collect()
}

/// Anchors of a document's headings, as GitHub makes them.
fn anchors(path: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the document exists");
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}
