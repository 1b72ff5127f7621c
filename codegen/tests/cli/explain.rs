//! `eventloom explain`.

use eventloom_codegen::catalogue;
use serde_json::Value;

use crate::Folder;

#[test]
fn every_code_is_explained_in_full() {
    let folder = Folder::new(&[]);
    let said = folder.run(["explain", "--list", "--format", "json"]);
    assert_eq!(said.code, Some(0));
    let document: Value = serde_json::from_str(&said.out).expect("JSON");
    let codes = document["codes"].as_array().expect("a list");
    assert_eq!(codes.len(), catalogue::all().count());
    assert_eq!(folder.run(["explain", "--list"]).out.lines().count(), codes.len());
    for known in catalogue::all() {
        let said = folder.run(["explain", known.id]);
        assert_eq!(said.code, Some(0), "{said:?}");
        for part in [known.id, known.what, known.why, known.fix] {
            assert!(said.out.contains(part), "{} lacks `{part}`:\n{}", known.id, said.out);
        }
        for line in known.example.lines() {
            assert!(said.out.contains(line), "{} lacks `{line}`:\n{}", known.id, said.out);
        }
        assert!(!said.out.contains('\u{1b}'), "{}", said.out);
    }
}

#[test]
fn a_code_may_be_typed_in_small_letters_or_as_its_number() {
    let folder = Folder::new(&[]);
    let expected = folder.run(["explain", "EL0206"]);
    for typed in ["el0206", "206", " EL0206 "] {
        assert_eq!(folder.run(["explain", typed]).out, expected.out, "{typed}");
    }
}

#[test]
fn one_code_as_json() {
    let said = Folder::new(&[]).run(["explain", "EL0030", "--format", "json"]);
    let told: Value = serde_json::from_str(&said.out).expect("JSON");
    let known = catalogue::find("EL0030").expect("a code");
    assert_eq!(told["version"], 1);
    for (key, part) in
        [("what", known.what), ("why", known.why), ("example", known.example), ("fix", known.fix)]
    {
        assert_eq!(told[key], part);
    }
}

#[test]
fn an_unknown_code_names_the_nearest() {
    let folder = Folder::new(&[]);
    let said = folder.run(["explain", "EL206"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.contains("`EL206`") && said.err.contains("EL0206"), "{}", said.err);
    let said = folder.run(["explain", "\u{1b}[31m nonsense"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("--list") && !said.err.contains('\u{1b}'), "{}", said.err);
}
