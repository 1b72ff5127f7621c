//! Adds a fragment of an ontology to a whole one, as text: sections by their key, entries by theirs.

/// A top-level section: its key, and its entries, each with the lines below it.
struct Section {
    head: String,
    entries: Vec<String>,
}

/// The base with the fragment's entries added; an entry of the same name is replaced.
pub(crate) fn add(base: &str, fragment: &str) -> String {
    let mut sections = sections(base);
    for added in self::sections(fragment) {
        match sections.iter_mut().find(|section| section.head == added.head) {
            Some(section) => added.entries.into_iter().for_each(|entry| put(section, entry)),
            None => sections.push(added),
        }
    }
    sections.into_iter().map(|section| section.head + &section.entries.concat()).collect()
}

/// The base with a command that is refused, with the example as its message, where one is not true.
pub(crate) fn with_examples(base: &str, examples: &[String]) -> String {
    let mut command = "\
commands:
  TryEveryExample:
    target: any
    emit: {OwnerNamed: {name: '\"N\"'}}
    reject:
"
    .to_owned();
    for (index, example) in examples.iter().enumerate() {
        let quoted = example.replace('\'', "''");
        command += &format!("      Example{}: '!({quoted})'\n", index + 1);
    }
    add(base, &command)
}

fn put(section: &mut Section, entry: String) {
    let name = |entry: &str| entry.split(':').next().map(ToOwned::to_owned);
    let is_item = entry.trim_start().starts_with("- ");
    let same = section.entries.iter().position(|known| !is_item && name(known) == name(&entry));
    match same {
        Some(index) => section.entries[index] = entry,
        None => section.entries.push(entry),
    }
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let line = format!("{line}\n");
        let indent = line.len() - line.trim_start().len();
        match (indent, sections.last_mut()) {
            (0, _) => sections.push(Section { head: line, entries: Vec::new() }),
            (2, Some(section)) => section.entries.push(line),
            (_, Some(section)) => match section.entries.last_mut() {
                Some(entry) => entry.push_str(&line),
                None => panic!("a section's entries are indented by two: {line}"),
            },
            (_, None) => panic!("an ontology starts without indentation: {line}"),
        }
    }
    sections
}
