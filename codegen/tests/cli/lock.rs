//! `eventloom lock` and `eventloom diff`. What is held to a lock is shown in the tests of the lock itself.

use std::process::Command;

use serde_json::Value;

use crate::{Folder, SOUND};

const LOCK: &str = "ontology/eventloom.lock";

/// The ontology with another type in a version that is released.
fn broken() -> String {
    SOUND.replace("amount: decimal}", "amount: integer}")
}

#[test]
fn a_release_is_written_and_then_up_to_date() {
    let folder = Folder::with_ontology(SOUND);
    let said = folder.run(["lock", "--check"]);
    assert_eq!((said.code, said.out), (Some(1), format!("missing: {LOCK}\n")));
    let said = folder.run(["lock"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
    assert!(folder.read(LOCK).contains("\nTill event MoneyDeposited v1 "), "{}", folder.read(LOCK));
    assert_eq!(folder.run(["lock", "--check"]).code, Some(0));

    folder.write("ontology/till.yaml", &SOUND.replace("balance + amount", "balance - amount"));
    let said = folder.run(["lock", "--check"]);
    assert_eq!((said.code, said.out), (Some(1), format!("stale: {LOCK}\n")));
    assert_eq!(folder.run(["lock", "ontology/till.yaml"]).code, Some(0), "one file, the same lock");
    assert_eq!(folder.run(["lock", "--check"]).code, Some(0));
}

#[test]
fn what_breaks_a_release_is_locked_only_with_a_reason() {
    let folder = Folder::with_ontology(SOUND);
    assert_eq!(folder.run(["lock"]).code, Some(0));
    let released = folder.read(LOCK);
    folder.write("ontology/till.yaml", &broken());
    for arguments in [&["lock"][..], &["lock", "--check"]] {
        let said = folder.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        assert!(said.err.contains("error[EL0905]"), "{}", said.err);
    }
    assert!(folder.run(["check"]).out.contains("error[EL0905]"), "a check holds to the lock too");
    for arguments in [
        &["lock", "--accept", "EL0905"][..],
        &["lock", "--reason", "never deployed"],
        &["lock", "--accept", "EL0905", "--reason", " "],
        &["lock", "--accept", "EL0906", "--reason", "another code"],
        &["lock", "--accept", "EL0905", "--accept", "EL0906", "--reason", "one for two"],
        &["lock", "--check", "--accept", "EL0905", "--reason", "both"],
    ] {
        let said = folder.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {said:?}");
        assert_eq!(folder.read(LOCK), released, "{arguments:?}");
    }
    let said = folder.run(["lock", "--accept", "el0905", "--reason", "never deployed"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(folder.read(LOCK).contains("never deployed"), "{}", folder.read(LOCK));
    assert_eq!(folder.run(["check"]).code, Some(0));
}

#[test]
fn a_mistake_or_a_broken_lock_is_told_and_nothing_is_written() {
    let folder = Folder::with_ontology(&SOUND.replace("balance + amount", "balance + ammount"));
    let said = folder.run(["lock"]);
    assert_eq!((said.code, said.err.contains("EL0206")), (Some(1), true), "{said:?}");
    assert!(!folder.path().join(LOCK).exists());
    folder.write("ontology/till.yaml", SOUND);
    folder.write(LOCK, "half a lock\n");
    for command in ["lock", "diff"] {
        let said = folder.run([command]);
        assert_ne!(said.code, Some(0), "{said:?}");
        assert!(said.err.contains("error[EL094"), "{said:?}");
    }
    assert_eq!(folder.read(LOCK), "half a lock\n");
    assert_eq!(folder.run(["lock", "no/such"]).code, Some(2));
}

#[test]
fn what_changed_since_a_release_is_told() {
    let folder = Folder::with_ontology(SOUND);
    let said = folder.run(["diff"]);
    assert_eq!(said.code, Some(1), "nothing is released yet: {said:?}");
    assert!(said.out.contains("+ Till"), "{}", said.out);
    assert_eq!(folder.run(["lock"]).code, Some(0));
    let said = folder.run(["diff"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));

    folder.write("ontology/till.yaml", &broken());
    let said = folder.run(["diff"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("~ Till") && said.out.contains("error[EL0905]"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "{}", said.out);
    let said = folder.run(["diff", "--format", "json"]);
    let document: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((said.code, &document["version"]), (Some(1), &1.into()));
    let differences = document["differences"].as_array().expect("a list");
    assert!(differences.iter().any(|of| of["released"].is_string() && of["now"].is_string()));
    assert_eq!(document["diagnostics"][0]["code"], "EL0905");
}

#[test]
fn another_ontology_or_lock_can_be_compared_with() {
    let folder = Folder::with_ontology(&broken());
    folder.write("then/till.yaml", SOUND);
    assert_eq!(folder.run(["lock", "then"]).code, Some(0));
    for against in ["then", "then/till.yaml", "then/eventloom.lock"] {
        let said = folder.run(["diff", "--against", against]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains("error[EL0905]"), "{against}: {}", said.out);
    }
    folder.write("wrong/till.yaml", "events: []\n");
    for against in ["wrong", "no/such", "no/such.lock"] {
        let said = folder.run(["diff", "--against", against]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{against}: {said:?}");
        assert!(!said.err.is_empty());
    }
}

/// Runs git in a folder, with nobody's settings.
fn git(folder: &Folder, arguments: &[&str]) {
    let who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"];
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = git.args(who).args(arguments).current_dir(folder.path()).output();
    let output = output.expect("git is installed");
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

#[test]
fn a_revision_can_be_compared_with() {
    let folder = Folder::with_ontology(SOUND);
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "--message", "first"]);
    git(&folder, &["tag", "v1"]);
    assert_eq!(folder.run(["diff", "--against", "git:v1"]).code, Some(0));
    folder.write("ontology/till.yaml", &broken());
    for path in ["ontology", "ontology/till.yaml"] {
        let said = folder.run(["diff", path, "--against", "git:HEAD"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains("error[EL0905]"), "{}", said.out);
    }
    let mut inside = folder.command(["diff", "till.yaml", "--against", "git:v1"]);
    let output = inside.current_dir(folder.path().join("ontology")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for against in ["git:no-such", "git:", "git:--help", "git:HEAD:ontology/till.yaml"] {
        let said = folder.run(["diff", "--against", against]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{against}: {said:?}");
        assert!(said.err.contains("git knows no revision"), "{}", said.err);
    }
    folder.write("new/purse.yaml", &SOUND.replace("Till", "Purse"));
    let said = folder.run(["diff", "new", "--against", "git:HEAD"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("no ontology at `new`"), "{}", said.err);
}
