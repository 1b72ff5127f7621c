//! The sessions of `docs/command.md`, typed in their order in one folder.
//!
//! A line of dots stands for any number of lines; `$ echo $?` shows the exit code of the line before.

use std::fs;

use crate::{Folder, Said, repository};

#[test]
fn every_session_of_the_document_says_what_it_shows() {
    let bank = fs::read_to_string(repository().join("ontology/banking-account.yaml"));
    let bank =
        bank.expect("the bank's ontology").replacen("balance + amount", "balance + ammount", 1);
    let folder = Folder::new(&[("ontology/banking-account.yaml", &bank)]);
    let document = fs::read_to_string(repository().join("docs/command.md")).expect("the document");
    let mut code = None;
    let mut typed = 0;
    for (line, shown) in sessions(&document) {
        let said = type_in(&folder, line, code);
        code = said.code;
        let told = said.out + &said.err;
        assert!(fits(&shown, &told), "$ {line}\n-- shown\n{}\n-- said\n{told}", shown.join("\n"));
        typed += 1;
    }
    assert!(typed >= 15, "{typed} lines are typed");
}

/// What is typed, and the lines that are shown below it.
fn sessions(document: &str) -> Vec<(&str, Vec<&str>)> {
    let blocks = document.split("```console\n").skip(1);
    let lines = blocks.filter_map(|rest| rest.split("```").next()).flat_map(str::lines);
    let mut sessions: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), sessions.last_mut()) {
            (Some(typed), _) => sessions.push((typed, Vec::new())),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => panic!("`{line}` stands before anything is typed"),
        }
    }
    sessions
}

fn type_in(folder: &Folder, line: &str, code: Option<i32>) -> Said {
    if line == "echo $?" {
        let out = format!("{}\n", code.expect("an exit code"));
        return Said { code: Some(0), out, err: String::new() };
    }
    if let Some(arguments) = line.strip_prefix("eventloom ") {
        return folder.run(arguments.split(' '));
    }
    edit(folder, line);
    Said { code: Some(0), out: String::new(), err: String::new() }
}

/// Does what `sed -i 's/old/new/' file` does, which systems don't agree about.
fn edit(folder: &Folder, line: &str) {
    let parts = line.strip_prefix("sed -i ").and_then(|rest| rest.rsplit_once(' '));
    let (edit, file) = parts.unwrap_or_else(|| panic!("`{line}` is not understood"));
    let edit: Vec<&str> = edit.trim_matches('\'').split('/').collect();
    let ["s", old, new, ""] = edit.as_slice() else { panic!("`{line}` is not understood") };
    let text = folder.read(file);
    assert!(text.contains(old), "`{line}` changes nothing");
    folder.write(file, &text.replace(old, new));
}

fn fits(shown: &[&str], said: &str) -> bool {
    let said: Vec<&str> = said.lines().collect();
    let parts: Vec<&[&str]> = shown.split(|line| *line == "…").collect();
    let [first, middle @ .., last] = parts.as_slice() else { return shown == said };
    let Some(mut rest) = said.strip_prefix(*first) else { return false };
    for part in middle {
        let Some(at) = rest.windows(part.len()).position(|lines| lines == *part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
