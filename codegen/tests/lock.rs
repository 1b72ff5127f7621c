//! Every folder of `tests/data/lock` is a change to an ontology after it was released, and what comes of it.
//!
//! `before.yaml` is released: a lock is made of it (or `eventloom.lock` stands there as a merge or a hand
//! left it). Then `after.yaml` gives exactly `report.txt`. Where that fails the build, `fixed.yaml` (or
//! `fixed.lock`) is what the report says to do, and builds clean. `EVENTLOOM_BLESS=1` writes the reports
//! anew; read what changed before keeping it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use eventloom_codegen::diagnostic::{Severity, has_errors};
use eventloom_codegen::emit::Options;
use eventloom_codegen::lock::{self, Acceptance, Current, Lock, Refused};
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::Sources;
use eventloom_codegen::{Outcome, catalogue, compile_sources, understand};

const LOCK: &str = "eventloom.lock";

pub(crate) struct Case {
    folder: PathBuf,
    pub(crate) name: String,
}

pub(crate) fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/lock");
    let entries = fs::read_dir(&folder).expect("the cases are part of the repository");
    let folders = entries.map(|entry| entry.expect("readable").path());
    let mut cases: Vec<Case> = folders
        .map(|folder| {
            let name = folder.file_name().expect("a folder of a folder");
            Case { name: name.to_string_lossy().into_owned(), folder }
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    pub(crate) fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    pub(crate) fn text(&self, file: &str) -> String {
        self.read(file).unwrap_or_else(|| panic!("{} has no {file}", self.name))
    }

    /// The code of its name.
    pub(crate) fn code(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// What was released.
    pub(crate) fn lock(&self) -> String {
        self.read(LOCK).unwrap_or_else(|| released(&self.text("before.yaml"), &self.name))
    }

    fn after(&self) -> Sources {
        locked(&self.text("after.yaml"), &self.lock())
    }

    /// What the report says to do: another ontology, or another lock.
    fn fixed(&self) -> Option<Sources> {
        match (self.read("fixed.yaml"), self.read("fixed.lock")) {
            (Some(fixed), None) => Some(locked(&fixed, &self.lock())),
            (None, Some(lock)) => Some(locked(&self.text("after.yaml"), &lock)),
            (None, None) => None,
            (Some(_), Some(_)) => panic!("{} is fixed in two ways", self.name),
        }
    }
}

/// Files of an ontology: one, or several with a line `# file: name` before each.
fn sources(text: &str) -> Sources {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# file: ") {
            Some(name) => files.push((name.to_owned(), String::new())),
            None if files.is_empty() => files.push(("ontology.yaml".to_owned(), String::new())),
            None => {}
        }
        if let Some((_, text)) = files.last_mut().filter(|_| !line.starts_with("# file: ")) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Sources::from_texts(files)
}

fn locked(ontology: &str, lock: &str) -> Sources {
    sources(ontology).with_lock(LOCK, lock)
}

/// Every case with what comes of its change, which most tests look at.
fn changed() -> &'static [(Case, Outcome)] {
    static CHANGED: OnceLock<Vec<(Case, Outcome)>> = OnceLock::new();
    CHANGED.get_or_init(|| {
        let with_outcome = |case: Case| {
            let outcome = compile(&case.after());
            (case, outcome)
        };
        cases().into_iter().map(with_outcome).collect()
    })
}

/// Without what the lints say of the ontology as it stands: the cases are about its change.
fn compile(sources: &Sources) -> Outcome {
    let mut outcome = compile_sources(sources, &Options::for_package("cases"));
    outcome.diagnostics.retain(|found| !catalogue::is_lint(found.code));
    outcome
}

fn report(sources: &Sources) -> String {
    render(&compile(sources).diagnostics, sources, Colour::Plain)
}

/// The first lock of an ontology.
pub(crate) fn released(ontology: &str, of: &str) -> String {
    written(&sources(ontology), None, &[]).unwrap_or_else(|refused| panic!("{of}: {refused}"))
}

fn written(
    sources: &Sources,
    old: Option<&str>,
    accepted: &[Acceptance],
) -> Result<String, Refused> {
    let understood = understand(sources);
    let found = render(&understood.diagnostics, sources, Colour::Plain);
    let current = Current::of(&understood, sources).unwrap_or_else(|| panic!("mistakes:\n{found}"));
    let old = old.map(|old| Lock::parse(old).unwrap_or_else(|found| panic!("{found:?}")));
    lock::write(current, old.as_ref(), accepted)
}

#[test]
fn every_change_gives_exactly_its_report() {
    let bless = std::env::var_os("EVENTLOOM_BLESS").is_some();
    let mut wrong = Vec::new();
    for (case, outcome) in changed() {
        let found = render(&outcome.diagnostics, &case.after(), Colour::Plain);
        if bless {
            fs::write(case.folder.join("report.txt"), &found).expect("writable");
        }
        let expected = case.read("report.txt").unwrap_or_default();
        if found != expected {
            wrong.push(format!("== {}\n-- expected\n{expected}\n-- found\n{found}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_change_shows_the_code_of_its_name_and_nothing_else() {
    let mut wrong = Vec::new();
    for (case, found) in changed() {
        let codes: BTreeSet<&str> = found.diagnostics.iter().map(|found| found.code.id).collect();
        let also = case.read("also.txt").unwrap_or_default();
        let expected: BTreeSet<&str> = also.lines().chain([case.code()]).collect();
        if codes != expected {
            wrong.push(format!("{}: {codes:?}", case.name));
        }
        assert_eq!(found.files.is_empty(), has_errors(&found.diagnostics), "{}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What was released builds clean as it was; with its fix it does again, and what was released stays in
/// the next lock.
#[test]
fn every_fix_builds_clean() {
    let mut wrong = Vec::new();
    for (case, outcome) in changed() {
        if let Some(before) = case.read("before.yaml").filter(|_| case.read(LOCK).is_none()) {
            assert_eq!(report(&locked(&before, &case.lock())), "", "{}", case.name);
        }
        let fails = has_errors(&outcome.diagnostics);
        let Some(fixed) = case.fixed() else {
            assert!(!fails, "{} shows no way out", case.name);
            continue;
        };
        assert!(fails, "{} needs no way out", case.name);
        let found = report(&fixed);
        if !found.is_empty() {
            wrong.push(format!("{}:\n{found}", case.name));
            continue;
        }
        let lock = fixed.lock.as_ref().expect("it has one").text.clone();
        let next = written(&fixed, Some(&lock), &[]).expect("nothing breaks");
        let next: BTreeSet<&str> = next.lines().collect();
        let mut versions = lock.lines().filter(|line| line.contains(" event "));
        let lost = versions.find(|line| !next.contains(line));
        assert_eq!(lost, None, "{}: what was released stays released", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A fix is what the report says to paste, line by line.
#[test]
fn every_line_to_paste_stands_in_the_fix() {
    let mut wrong = Vec::new();
    for (case, outcome) in changed() {
        let Some(fixed) = case.read("fixed.yaml") else { continue };
        let fixed: BTreeSet<&str> = fixed.lines().map(str::trim).collect();
        for found in &outcome.diagnostics {
            let helps = found.help.iter().filter(|help| help.contains('\n'));
            let lines = helps.flat_map(|help| help.lines().skip(1)).map(str::trim);
            for line in
                lines.filter(|line| !line.contains('…') && !line.ends_with("under `types:`"))
            {
                if !fixed.contains(line) {
                    wrong.push(format!("{}: the fix has no `{line}`", case.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What breaks is refused, and released with a reason only, which the lock keeps.
#[test]
fn what_breaks_is_released_with_a_reason_and_never_without() {
    for (case, outcome) in changed().iter().filter(|(case, _)| case.read(LOCK).is_none()) {
        let (after, old) = (sources(&case.text("after.yaml")), case.lock());
        let found = &outcome.diagnostics;
        let breaks = found.iter().filter(|found| found.severity == Severity::Error);
        let codes: BTreeSet<&str> = breaks.map(|found| found.code.id).collect();
        let accepted = |reason: &str| {
            let one = |code: &&str| Acceptance { code: code.to_lowercase(), reason: reason.into() };
            codes.iter().map(one).collect::<Vec<_>>()
        };
        if codes.is_empty() {
            let next = written(&after, Some(&old), &[]).expect("a change of behaviour");
            assert_eq!(report(&locked(&case.text("after.yaml"), &next)), "", "{}", case.name);
            continue;
        }
        let refused = written(&after, Some(&old), &[]);
        assert!(matches!(refused, Err(Refused::Breaks(_))), "{}", case.name);
        let unreasoned = written(&after, Some(&old), &accepted(" "));
        assert!(matches!(unreasoned, Err(Refused::NoReason(_))), "{}", case.name);
        let next =
            written(&after, Some(&old), &accepted("nothing was\ndeployed")).expect("accepted");
        for code in &codes {
            let kept = next.lines().any(|line| {
                line.contains(&format!(" accepted {code} "))
                    && line.contains("\"nothing was deployed\"")
            });
            assert!(kept, "{}: the reason is kept:\n{next}", case.name);
        }
        assert_eq!(report(&locked(&case.text("after.yaml"), &next)), "", "{}", case.name);
        let again = written(&after, Some(&next), &[]);
        assert_eq!(again.as_deref(), Ok(next.as_str()), "{}: it stays", case.name);
    }
}

#[test]
fn accepting_what_is_not_there_is_a_slip() {
    let ontology = cases().remove(0).text("before.yaml");
    let lock = released(&ontology, "the first");
    let slip = Acceptance { code: "EL0905".into(), reason: "a slip".into() };
    let refused = written(&sources(&ontology), Some(&lock), std::slice::from_ref(&slip));
    assert_eq!(refused, Err(Refused::NothingToAccept(slip)));
}

#[test]
fn every_code_of_the_lock_has_a_case() {
    let shown: BTreeSet<String> = cases().iter().map(|case| case.code().to_owned()).collect();
    let codes = catalogue::lock::ALL.iter().map(|code| code.id);
    let missing: Vec<&str> = codes.filter(|code| !shown.contains(*code)).collect();
    assert!(missing.is_empty(), "codes without a case in tests/data/lock: {missing:?}");
}

/// A lock is the same whatever the order of the files, the events and the fields, and read back it is
/// written again byte for byte.
#[test]
fn a_lock_is_stable() {
    for case in cases().iter().filter(|case| case.read("before.yaml").is_some()) {
        let lock = released(&case.text("before.yaml"), &case.name);
        let read = Lock::parse(&lock).unwrap_or_else(|found| panic!("{}: {found:?}", case.name));
        assert_eq!(read.to_text(), lock, "{}", case.name);
        let mut lines: Vec<&str> =
            lock.lines().filter(|line| !line.starts_with(['#', 'f'])).collect();
        lines.reverse();
        let shuffled = format!("format 1\n{}\n{}\n", lines.join("\r\n"), lines.join("\n"));
        let read =
            Lock::parse(&shuffled).unwrap_or_else(|found| panic!("{}: {found:?}", case.name));
        assert_eq!(read.to_text(), lock, "{}: in any order, and twice", case.name);
    }
}

/// The example is released as it stands. A change of it, or of what its folds are hashed by, is released
/// again with `EVENTLOOM_BLESS=1`, which refuses what breaks as `eventloom lock` does.
#[test]
fn the_lock_of_the_example_is_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ontology");
    let sources = Sources::read(&folder);
    let old = sources.lock.as_ref().map(|lock| lock.text.clone());
    let next = written(&sources, old.as_deref(), &[]).unwrap_or_else(|refused| panic!("{refused}"));
    if std::env::var_os("EVENTLOOM_BLESS").is_some() {
        fs::write(folder.join(LOCK), &next).expect("writable");
    }
    let found = fs::read_to_string(folder.join(LOCK)).unwrap_or_default();
    assert_eq!(found, next, "run with EVENTLOOM_BLESS=1 and read what changed");
}

/// What the next lock would say that the last one does not, with what was accepted earlier.
#[test]
fn a_difference_is_told_as_data() {
    let (before, after) = ("EL0921-upcast", "EL0903-field-added");
    let case = |name: &str| cases().into_iter().find(|case| case.name == name).expect("a case");
    let old = case(before).lock();
    let changed = sources(&case(after).text("after.yaml"));
    let accepted = [Acceptance { code: "EL0903".into(), reason: "never deployed".into() }];
    let lock = written(&changed, Some(&old), &accepted).expect("accepted");
    let fixed = sources(&case(after).text("fixed.yaml").replace("    storedAs", "    # storedAs"));
    let understood = understand(&fixed);
    let current = Current::of(&understood, &fixed).expect("a sound ontology");

    let diff = lock::diff(&Lock::parse(&lock).expect("just written"), current);
    let codes: Vec<&str> = diff.findings.iter().map(|found| found.code.id).collect();
    assert_eq!(codes, ["EL0904"], "v1 was released with the carrier");
    let text = diff.to_string();
    for line in [
        "~ Parcel.ParcelPacked v1\n    released: {carrier: string, ",
        "+ Parcel.ParcelPacked v2: {carrier: string, ",
        "+ Parcel.ParcelPacked v1 upcast: {carrier: '\"unknown\"'}\n",
        "> the snapshots of `Parcel` drop\n",
        "! EL0903 Parcel ParcelPacked v1 carrier: never deployed\n",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    assert!(!text.contains("Labels"), "it reads no event that changed:\n{text}");
    let json = serde_json::to_value(&diff.differences[0]).expect("data");
    assert_eq!(json["what"], "Parcel.ParcelPacked v1");
    let now = json["now"].as_str().expect("a shape");
    assert!(now.starts_with("{floor: integer, ") && !now.contains("carrier"), "{json}");
    let json = serde_json::to_value(&diff.accepted).expect("data");
    assert_eq!(json[0]["reason"], "never deployed");

    let same = sources(&case(before).text("before.yaml"));
    let understood = understand(&same);
    let current = Current::of(&understood, &same).expect("a sound ontology");
    let diff = lock::diff(&Lock::parse(&old).expect("just written"), current);
    assert_eq!(diff.to_string(), "", "nothing changed");
}

/// A lock that two files share keeps what a build of one of them does not see.
#[test]
fn the_lock_of_one_file_keeps_what_it_says_of_others() {
    let one = cases().remove(0).text("before.yaml");
    let other = one
        .replace("aggregateRoot: Parcel", "aggregateRoot: Pallet")
        .replace("target: read_db.labels", "target: read_db.others");
    let both = released(
        &format!("# file: a.yaml\n{one}\n# file: b.yaml\n{}", without_types(&other)),
        "both",
    );
    let mut alone = sources(&one);
    alone.beside = vec!["Pallet".to_owned()];
    assert_eq!(written(&alone, Some(&both), &[]).as_deref(), Ok(both.as_str()));
    alone.beside.clear();
    assert!(matches!(written(&alone, Some(&both), &[]), Err(Refused::Breaks(_))));
}

/// The types are those of the other file.
fn without_types(ontology: &str) -> String {
    let (before, rest) = ontology.split_once("types:\n").expect("types");
    let (_, after) = rest.split_once("state:\n").expect("a state");
    format!("{before}state:\n{after}")
}

/// Whatever a merge, a disk or a hand does to the line of a version, it is found: the line is refused, or
/// what it protected is missed.
#[test]
fn a_changed_line_of_a_version_is_found() {
    let ontology = cases().remove(0).text("before.yaml");
    let lock = released(&ontology, "the first");
    let line =
        lock.lines().find(|line| line.contains(" event ParcelPacked v1 ")).expect("released");
    let sources = sources(&ontology);
    let understood = understand(&sources);
    let current = Current::of(&understood, &sources).expect("a sound ontology");
    for at in 0..line.len() {
        for other in ["", "x", "1", " ", "{", "\n", "\u{e9}"] {
            let mut changed = line.to_owned();
            changed.replace_range(at..=at, other);
            let spaces = |text: &str| text.split(' ').collect::<String>();
            if spaces(&changed) == spaces(line) && changed.trim() == changed.trim_end() {
                continue; // only white space was added, or nothing
            }
            let is_found = match Lock::parse(&lock.replace(line, &changed)) {
                Ok(lock) => has_errors(&lock::verify(current, &lock)),
                Err(found) => has_errors(&found),
            };
            assert!(is_found, "`{changed}` passes for `{line}`");
        }
    }
}

/// A lock of anything is read or refused, with places that can be shown.
#[test]
fn no_text_brings_the_reader_down() {
    let lock = cases().remove(0).lock();
    let mut texts: Vec<String> = (0..lock.len())
        .step_by(7)
        .filter(|at| lock.is_char_boundary(*at))
        .flat_map(|at| [lock[..at].to_owned(), format!("format 1\n{}", &lock[at..])])
        .collect();
    texts.extend(
        ["format 1\nA event \"\u{1f600}", "format 1\n\"A\" x", "\u{feff}format 1\r\n"]
            .map(Into::into),
    );
    texts.push(format!("format 1\nA event E v1 0123456789abcdef {}", "{a: ".repeat(100_000)));
    for text in texts {
        let sources = Sources::default().with_lock(LOCK, text);
        let found = lock::read(&sources).err().unwrap_or_default();
        let report = render(&found, &sources, Colour::Plain);
        assert_eq!(report.is_empty(), found.is_empty(), "{report}");
    }
}

/// A field that is added breaks what is built on the event first: still its release is told at once.
#[test]
fn a_changed_event_is_told_beside_other_mistakes() {
    let ontology = cases().remove(0).text("before.yaml");
    let changed = ontology
        .replace("floor: integer", "floor: integer, carrier: string")
        .replace("weight: event.weight", "weight: event.wait");
    let found = compile(&locked(&changed, &released(&ontology, "the first")));
    let codes: BTreeSet<&str> = found.diagnostics.iter().map(|found| found.code.id).collect();
    assert_eq!(codes, ["EL0206", "EL0903"].into());
    // Where a type is wrong, nothing is known of the shape.
    let unknown = changed.replace("carrier: string", "carrier: strin");
    let found = compile(&locked(&unknown, &released(&ontology, "the first")));
    assert!(
        found.diagnostics.iter().all(|found| found.code.id < "EL0900"),
        "{:?}",
        found.diagnostics
    );
}

/// An event that now frees the key that it claimed was told to put its invariant back, which stood there; then it
/// was told nothing, and each such event let the same value in once more.
#[test]
fn an_event_that_frees_its_key_claims_none() {
    let before = "\
aggregateRoot: Member
state: {badge: string?}
events:
  BadgeGiven: {version: v1, schema: {badge: string}, apply: {badge: event.badge}}
  BadgeMoved: {version: v1, schema: {badge: string}, apply: {badge: event.badge}}
invariants: [Badge must be unique across all members]
eventStore: {partitionKey: memberId}
";
    let moved = "BadgeMoved: {version: v1, ";
    let after = before.replace(moved, &format!("{moved}release: badge, "));
    assert_ne!(before, after);
    let told = report(&locked(&after, &released(before, "badges")));
    assert!(told.contains("take `badge` out of `release`") && !told.contains("put"), "{told}");
    // One that no longer claims and frees nothing is still told.
    let kept = before.replace("[Badge must be unique across all members]", "[]");
    let told = report(&locked(&kept, &released(before, "badges")));
    assert!(told.contains("EL0913") && told.contains("put the invariant back"), "{told}");
}
