//! `eventloom check`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Folder, SOUND};

fn mistaken() -> String {
    SOUND.replace("balance + amount", "balance + ammount")
}

#[test]
fn a_sound_ontology_is_passed_over_in_silence() {
    let said = Folder::with_ontology(SOUND).run(["check"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
}

#[test]
fn a_mistake_is_shown_as_by_the_compiler_without_colours_in_a_pipe() {
    let folder = Folder::with_ontology(&mistaken());
    let said = folder.run(["check", "ontology"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("error[EL0206]: "), "{}", said.out);
    assert!(said.out.contains("--> ontology/till.yaml:7:32\n"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "{}", said.out);
    assert_eq!(said.err, "");
}

#[test]
fn colours_come_where_they_are_asked_for() {
    let folder = Folder::with_ontology(&mistaken());
    let output = folder.command(["check"]).env("CLICOLOR_FORCE", "1").output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\u{1b}["));
}

/// `..` must not be lost from a path that somebody typed: an editor could not open the file.
#[test]
fn paths_lead_to_the_file_from_where_one_is() {
    let folder = Folder::with_ontology(&mistaken());
    fs::create_dir(folder.path().join("inner")).expect("writable");
    let mut command = folder.command(["check", "../ontology/till.yaml"]);
    let output = command.current_dir(folder.path().join("inner")).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.contains("--> ../ontology/till.yaml:7:32\n"), "{said}");
}

#[test]
fn json_is_one_document_with_every_part_of_a_finding() {
    let folder = Folder::with_ontology(&mistaken());
    let said = folder.run(["check", "--format", "json"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.out.lines().count(), 1);
    let document: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        document,
        json!({"version": 1, "diagnostics": [{
            "code": "EL0206",
            "severity": "error",
            "message": "nothing here is named `ammount`",
            "file": "ontology/till.yaml",
            "line": 7, "column": 32, "endLine": 7, "endColumn": 39,
            "label": "unknown name",
            "notes": [],
            "help": ["did you mean `amount`?"],
            "related": [],
        }]})
    );
    folder.write("ontology/till.yaml", SOUND);
    let said = folder.run(["check", "--format", "json"]);
    assert_eq!(said.code, Some(0));
    assert_eq!(said.out, "{\"diagnostics\":[],\"version\":1}\n");
}

#[test]
fn github_gets_one_line_for_each_finding() {
    let folder = Folder::with_ontology(&mistaken());
    let said = folder.run(["check", "--format", "github"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.out,
        "::error file=ontology/till.yaml,line=7,endLine=7,col=32,endColumn=39,title=EL0206::\
         nothing here is named `ammount`%0Aunknown name%0Ahelp: did you mean `amount`?\n"
    );
}

#[test]
fn a_warning_counts_only_where_it_is_asked_to() {
    let unused = SOUND.replace("input: {paymentId", "input: {note: string, paymentId");
    let folder = Folder::with_ontology(&unused);
    let said = folder.run(["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("warning[EL0420]"), "{}", said.out);
    assert_eq!(folder.run(["check", "--deny-warnings"]).code, Some(1));
}

#[test]
fn what_can_not_be_read_is_no_mistake_of_the_ontology() {
    let folder = Folder::new(&[("empty/notes.txt", "")]);
    for (path, code) in [("ontology", "EL0001"), ("empty", "EL0002")] {
        let said = folder.run(["check", path]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.out.contains(code), "{said:?}");
        assert!(!said.out.contains("Cargo.toml"), "that is for build scripts: {}", said.out);
        let said = folder.run(["check", path, "--format", "json"]);
        let document: Value = serde_json::from_str(&said.out).expect("JSON");
        let found = &document["diagnostics"][0];
        assert_eq!((said.code, &found["code"]), (Some(2), &json!(code)));
        assert_eq!((&found["file"], &found["line"]), (&json!(path), &Value::Null));
    }
}

#[test]
fn garbage_is_reported_and_never_a_panic() {
    let folder = Folder::new(&[]);
    for bytes in [&b"\xff\xfe\x00"[..], b"\x00", b"a: [", b"\xef\xbb\xbf", b"- - - -", b"&a *a"] {
        fs::create_dir_all(folder.path().join("ontology")).expect("writable");
        fs::write(folder.path().join("ontology/x.yaml"), bytes).expect("writable");
        for format in ["text", "json", "github"] {
            let said = folder.run(["check", "--format", format]);
            assert_eq!((said.code, said.err.as_str()), (Some(1), ""), "{bytes:?}: {said:?}");
        }
    }
}

/// A command that runs until it is stopped, and the lines that it says.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(folder: &Folder) -> Self {
        let mut command = folder.command(["check", "--watch", "--format", "json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// The codes of the next report.
    fn next(&self) -> Vec<String> {
        let line = self.lines.recv_timeout(Duration::from_secs(60)).expect("a report");
        let document: Value = serde_json::from_str(&line).expect("JSON");
        let found = document["diagnostics"].as_array().expect("a list");
        found.iter().map(|found| found["code"].as_str().expect("a code").to_owned()).collect()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_watch_reports_each_change_and_outlives_what_is_missing() {
    let folder = Folder::with_ontology(SOUND);
    let watching = Watching::start(&folder);
    assert_eq!(watching.next(), Vec::<String>::new());
    folder.write("ontology/till.yaml", &mistaken());
    assert_eq!(watching.next(), ["EL0206"]);
    fs::remove_file(folder.path().join("ontology/till.yaml")).expect("there");
    assert_eq!(watching.next(), ["EL0002"]);
    folder.write("ontology/till.yaml", SOUND);
    assert_eq!(watching.next(), Vec::<String>::new());
}

/// A reader who goes away ends a watch, and makes no other answer of a check.
#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = Folder::with_ontology(&mistaken());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = folder.command(["check"]);
    command.stdout(writer).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    // The command keeps a copy of its own end as long as it is held here.
    drop(command);
    let mut err = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
    assert_eq!((child.wait().expect("it ends").code(), err.as_str()), (Some(1), ""));
}
