//! `eventloom schema`. That editors can trust it is shown in `eventloom-tests`.

use std::fs;

use serde_json::Value;

use crate::{Folder, repository};

/// `EVENTLOOM_BLESS=1` writes it anew.
#[test]
fn the_schema_of_the_repository_is_up_to_date() {
    let path = repository().join("ontology/eventloom.schema.json");
    let text = eventloom_codegen::cli::json_schema::text();
    if std::env::var_os("EVENTLOOM_BLESS").is_some() {
        fs::write(&path, &text).expect("writable");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "run `eventloom schema --to ontology/eventloom.schema.json`");
}

#[test]
fn it_is_printed_written_and_checked() {
    let folder = Folder::new(&[]);
    let printed = folder.run(["schema"]);
    assert_eq!(printed.code, Some(0));
    let schema: Value = serde_json::from_str(&printed.out).expect("JSON");
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");

    let check = ["schema", "--to", "new/s.json", "--check"];
    let said = folder.run(check);
    assert_eq!((said.code, said.out.as_str()), (Some(1), "missing: new/s.json\n"));
    let said = folder.run(["schema", "--to", "new/s.json"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""));
    assert_eq!(folder.read("new/s.json"), printed.out);
    assert_eq!(folder.run(check).code, Some(0));
    folder.write("new/s.json", "{}");
    let said = folder.run(check);
    assert_eq!((said.code, said.out.as_str()), (Some(1), "stale: new/s.json\n"));
    assert_eq!(folder.run(["schema", "--check"]).code, Some(2), "of which file?");
}
