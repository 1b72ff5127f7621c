//! The JSON Schema of `ontology/eventloom.schema.json`, asked by a validator that others wrote and with
//! YAML that another parser read: it takes what the compiler takes, and refuses what it can see.
//!
//! That the file is what the compiler's table of keys says is shown in codegen's `cli` tests.

use std::fs;
use std::path::{Path, PathBuf};

use eventloom_codegen::load::keys::{KEYS, Place, Status};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::cases::repository;
use crate::seeds::ontologies;

/// Codes whose mistake is one of shape, so that an editor shows it while one types.
const STRUCTURAL: &[&str] = &[
    "EL0030", "EL0031", "EL0032", "EL0033", "EL0034", "EL0035", "EL0036", "EL0037", "EL0038",
    "EL0101", "EL0102", "EL0103", "EL0301", "EL0604", "EL0605", "EL0803", "EL0804",
];

fn validator() -> Validator {
    let path = repository().join("ontology/eventloom.schema.json");
    let schema: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("the schema")).expect("JSON");
    jsonschema::draft7::new(&schema).expect("a schema of draft 7")
}

/// The YAML files of the cases below a folder of `data`.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(folder);
    let within = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder of the repository");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
        paths.sort();
        paths
    };
    let files = within(&folder).into_iter().flat_map(|case| within(&case));
    files.filter(|file| file.extension().is_some_and(|end| end == "yaml")).collect()
}

fn case(file: &Path) -> String {
    let case = file.parent().and_then(Path::file_name).expect("a case is a folder");
    case.to_string_lossy().into_owned()
}

/// What YAML says, with numbers and booleans as YAML has them.
fn instance(text: &str) -> Result<Value, serde_yaml::Error> {
    serde_yaml::from_str::<serde_yaml::Value>(text).map(as_json)
}

fn as_json(value: serde_yaml::Value) -> Value {
    match value {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(value) => json!(value),
        serde_yaml::Value::Number(value) => json!(value),
        serde_yaml::Value::String(value) => json!(value),
        serde_yaml::Value::Sequence(items) => items.into_iter().map(as_json).collect(),
        serde_yaml::Value::Mapping(entries) => {
            entries.into_iter().map(|(key, value)| (as_key(key), as_json(value))).collect()
        }
        serde_yaml::Value::Tagged(tagged) => as_json(tagged.value),
    }
}

fn as_key(key: serde_yaml::Value) -> String {
    match as_json(key) {
        Value::String(key) => key,
        other => other.to_string(),
    }
}

fn refusals(validator: &Validator, instance: &Value) -> String {
    let refusals = validator.iter_errors(instance);
    refusals.map(|error| format!("{}: {error}\n", error.instance_path())).collect()
}

#[test]
fn what_compiles_is_valid() {
    let validator = validator();
    let files: Vec<PathBuf> = files("ok").into_iter().chain(ontologies()).collect();
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let refusals = refusals(&validator, &instance(&text).expect("YAML"));
        assert!(refusals.is_empty(), "{}:\n{refusals}", file.display());
    }
}

#[test]
fn a_mistake_of_shape_is_refused() {
    let validator = validator();
    let mut wrong = Vec::new();
    let mut shown = std::collections::BTreeSet::new();
    for file in files("err") {
        let case = case(&file);
        let code = case.split('-').next().unwrap_or_default().to_owned();
        if !STRUCTURAL.contains(&code.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("text");
        if instance(&text).is_ok_and(|instance| validator.is_valid(&instance)) {
            wrong.push(case.clone());
        }
        shown.insert(code);
    }
    assert!(wrong.is_empty(), "the schema takes {wrong:?}");
    assert_eq!(shown.len(), STRUCTURAL.len(), "codes without a case: only {shown:?}");
}

/// A case holds several mistakes, of which one would be enough above: here each stands alone.
#[test]
fn each_mistake_of_shape_is_refused_alone() {
    let validator = validator();
    let sound = "aggregateRoot: A\nevents:\n  E: {version: v1, schema: {x: string}}\neventStore: {partitionKey: id}\n";
    assert_eq!(refusals(&validator, &instance(sound).expect("YAML")), "");
    for (mistake, more) in [
        ("unknown key at the top", "agregate: B"),
        ("unknown key of a command", "commands: {C: {emits: E}}"),
        (
            "unknown key of an emitted item",
            "commands: {C: {emit: [{E: {}, otherwise: {F: {}}, colour: red}]}}",
        ),
        ("a list for a mapping", "state: [balance]"),
        ("a text for a mapping", "commands: {C: E}"),
        ("a text for a list", "invariants: Balance cannot be negative"),
        ("a mapping for an expression", "commands: {C: {ensure: {X: {when: {a: 5}}}}}"),
        ("a list for a type", "state: {a: [string]}"),
        ("a mapping for a type", "state: {a: {type: string}}"),
        ("nothing", "description:"),
        ("an empty text", "description: ''"),
        ("a missing key of a projection", "projections: {P: {source: [E]}}"),
        ("a missing key of a refusal", "commands: {C: {reject: {X: {message: no}}, emit: E}}"),
        ("a missing key of an invariant", "invariants: [{name: X}]"),
        ("an unknown word", "commands: {C: {target: nwe}}"),
        ("an unknown handler", "commands: {C: {handler: own}}"),
        ("a list for an event", "commands: {C: {emit: {E: {}, else: [E]}}}"),
        ("two forms of one thing", "commands: {C: {reject: {}, steps: []}}"),
        ("two steps in one", "commands: {C: {steps: [{nothingToDo: a, let: {b: c}}]}}"),
        ("no step", "commands: {C: {steps: [{}]}}"),
        ("two targets", "commands: {C: {target: {new: A, existing: B}}}"),
        ("two elements", "commands: {C: {emit: [{E: {}, forEach: {a: b, c: d}}]}}"),
        ("no verb", "projections: {P: {source: [E], target: a.b, on: {E: {when: a}}}}"),
        (
            "two verbs",
            "projections: {P: {source: [E], target: a.b, on: {E: {insert: {}, update: {}}}}}",
        ),
        ("not the row", "projections: {P: {source: [E], target: a.b, on: {E: {delete: it}}}}"),
        ("no table", "projections: {P: {source: [E], target: b}}"),
        ("two events in one", "scenarios: {s: {given: [{E: {}, F: {}}]}}"),
        (
            "another copy",
            "commands: {C: {emit: E}}\nprojections: {P: {source: [E], target: a.b, on: {E: {insert: {..: row}}}}}",
        ),
        ("a part of a later release", "policies: {}"),
        ("a name with a space", "commands: {pay in: {emit: E}}"),
        ("a long name", &format!("state: {{{}: string}}", "a".repeat(64))),
    ] {
        let text = format!("{sound}{more}\n");
        let instance = instance(&text).unwrap_or_else(|error| panic!("{mistake}: {error}"));
        assert!(!validator.is_valid(&instance), "{mistake} is taken:\n{text}");
    }
    for (mistake, text) in [
        ("no aggregate", "events: {}\n"),
        ("no eventStore", "aggregateRoot: A\n"),
        ("a list", "- a\n"),
        (
            "a version",
            "aggregateRoot: A\nevents: {E: {version: 1, schema: {}}}\neventStore: {partitionKey: a}\n",
        ),
        (
            "an old version",
            "aggregateRoot: A\nevents: {E: {version: v2, schema: {}, history: {one: {schema: {}}}}}\neventStore: {partitionKey: a}\n",
        ),
        (
            "retired",
            "aggregateRoot: A\nevents: {E: {version: v1, schema: {}, retired: yes}}\neventStore: {partitionKey: a}\n",
        ),
        ("snapshots", "aggregateRoot: A\neventStore: {partitionKey: a, snapshotStrategy: often}\n"),
        ("retention", "aggregateRoot: A\neventStore: {partitionKey: a, retentionPolicy: 7 eons}\n"),
    ] {
        let instance = instance(text).expect("YAML");
        assert!(!validator.is_valid(&instance), "{mistake} is taken:\n{text}");
    }
}

/// What an editor shows as an example must itself be right.
#[test]
fn the_example_of_every_key_is_valid() {
    let path = repository().join("ontology/eventloom.schema.json");
    let schema: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("the schema")).expect("JSON");
    for key in KEYS.iter().filter(|key| matches!(key.status, Status::Supported(..))) {
        let name = definition(key.place);
        let property = &schema["definitions"][&name]["properties"][key.name];
        let example = property["examples"]
            .get(0)
            .unwrap_or_else(|| panic!("{name}.{}: no example", key.name));
        let mut alone = property.clone();
        alone["definitions"] = schema["definitions"].clone();
        // What stands beside a reference counts for nothing in draft 7.
        let alone = match alone.get("$ref") {
            Some(reference) => {
                json!({"allOf": [{"$ref": reference}], "definitions": schema["definitions"]})
            }
            None => alone,
        };
        let validator = jsonschema::draft7::new(&alone).expect("a schema");
        assert_eq!(refusals(&validator, example), "", "{name}.{}: {example}", key.name);
        assert!(property["description"].is_string(), "{name}.{}", key.name);
    }
}

/// The name of a place in the schema: its own, but for one that is called otherwise in the language.
fn definition(place: Place) -> String {
    match place {
        Place::Rejection => "refusal".to_owned(),
        place => {
            let name = format!("{place:?}");
            name[..1].to_lowercase() + &name[1..]
        }
    }
}
