//! Mappings with fixed keys, read by the table of keys.

use super::Lowering;
use crate::catalogue::load as codes;
use crate::diagnostic::Diagnostic;
use crate::load::keys::{self, Key, Place, Status};
use crate::load::tree::{Entry, Node, Value};
use crate::suggest::{misspelt, nearest};
use crate::syntax::Text;

/// A mapping whose keys are all in the table.
pub(super) struct Section<'t> {
    /// Which mapping it is.
    pub(super) place: Place,
    /// What it belongs to: its key, or an item of a list without a name.
    pub(super) head: Text,
    /// By their keys as the table has them, also where a slip wrote them otherwise.
    entries: Vec<(&'static str, &'t Entry)>,
    /// Whether a key stands there that could be any.
    strange: bool,
    /// Whether one of them could name things, because entries stand below it.
    strange_names: bool,
}

impl<'t> Section<'t> {
    fn new(place: Place, head: Text) -> Self {
        Self { place, head, entries: Vec::new(), strange: false, strange_names: false }
    }

    fn note_strange(&mut self, entry: &Entry) {
        self.strange = true;
        self.strange_names |= matches!(entry.value.value, Value::Map(_) | Value::List(_));
    }

    /// The entry of a key.
    pub(super) fn get(&self, name: &str) -> Option<&'t Entry> {
        debug_assert!(
            example(self.place, name).is_some(),
            "`{name}` of {:?} is lowered, so it stands in the table as supported",
            self.place
        );
        self.get_if_known(name)
    }

    /// The entry of a key that this mapping may not be able to have.
    pub(super) fn get_if_known(&self, name: &str) -> Option<&'t Entry> {
        self.entries().find(|(key, _)| *key == name).map(|(_, entry)| entry)
    }

    /// All entries that are understood, with their keys: as written, misspelt ones last.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'static str, &'t Entry)> {
        self.entries.iter().copied()
    }

    /// Whether a key stands there that could be any: what is missing may be there, and is not reported.
    pub(super) fn is_strange(&self) -> bool {
        self.strange
    }

    /// Whether a key that is not understood may have been meant to name what others refer to, or to be
    /// what this mapping can't be without.
    fn lacks(&self) -> bool {
        let none_of = |names: &[&str]| names.iter().all(|name| self.get(name).is_none());
        match self.place {
            Place::File | Place::Step | Place::Field => true,
            Place::Event | Place::OldVersion => none_of(&["schema"]),
            Place::Command => {
                none_of(&["input"])
                    || none_of(&["emit", "handler"])
                    || self.strange_names && none_of(&["reject", "steps"])
            }
            Place::Constant => none_of(&["type"]) || none_of(&["value"]),
            Place::Derived => none_of(&["value"]),
            Place::Target => self.entries.is_empty(),
            Place::Invariant => none_of(&["name"]) || none_of(&["check"]),
            Place::EventStore => none_of(&["partitionKey"]),
            Place::Projection => none_of(&["columns"]) || none_of(&["on"]),
            Place::Scenario => none_of(&["steps"]) && (none_of(&["when"]) || none_of(&["then"])),
            Place::ScenarioStep => none_of(&["when"]),
            Place::Outcome => self.entries.is_empty(),
            Place::Rejection | Place::Emission | Place::Query | Place::RowRule => false,
        }
    }
}

/// What a key's value must be.
pub(super) enum Wanted<'a> {
    /// A mapping, for what.
    Mapping(&'a str),
    /// A list, for what.
    List(&'a str),
    /// Something else, as a sentence.
    Rule(&'a str),
}

impl Wanted<'_> {
    fn rule(&self) -> String {
        match self {
            Self::Mapping(what) => format!("{what} is a mapping"),
            Self::List(what) => format!("{what} is a list"),
            Self::Rule(rule) => (*rule).to_owned(),
        }
    }

    /// How an empty one is written, for those who want nothing.
    fn empty(&self) -> Option<&'static str> {
        match self {
            Self::Mapping(_) => Some("an empty mapping is written `{}`"),
            Self::List(_) => Some("an empty list is written `[]`"),
            Self::Rule(_) => None,
        }
    }
}

/// The key that was meant where its value tells better than its letters.
fn meant_by_value(place: Place, entry: &Entry) -> Option<&'static str> {
    let has_conditions = matches!(entry.value.value, Value::Map(_));
    // `refuses` lists names; what holds of a refusal stands under `reject`.
    match (place, entry.key.value.as_str()) {
        (Place::Command, "refuse" | "refuses" | "refused") if has_conditions => Some("reject"),
        _ => None,
    }
}

impl Lowering<'_> {
    /// Reads a mapping with fixed keys; reports keys that don't belong there.
    pub(super) fn section<'t>(
        &mut self,
        place: Place,
        head: &Text,
        node: &'t Node,
    ) -> Option<Section<'t>> {
        let wanted = Wanted::Mapping(place.described());
        let entries = self.mapping(head, node, &wanted, place.example())?;
        let mut section = Section::new(place, head.clone());
        let mut misspelt = Vec::new();
        for entry in entries {
            match keys::find(place, &entry.key.value) {
                Some(Key { status: Status::Supported(..), name, .. }) => {
                    section.entries.push((name, entry));
                }
                Some(Key { status: Status::Later(until_then), meaning, .. }) => {
                    // What stands at the top or in a step may be named elsewhere.
                    self.complete &= !matches!(place, Place::File | Place::Step);
                    self.not_yet(&entry.key, meaning, until_then);
                }
                None => match self.unknown_key(place, entry) {
                    Some(meant) => misspelt.push((meant, entry)),
                    None => section.note_strange(entry),
                },
            }
        }
        // A misspelt key is read as the one that was meant, so that its content is looked at too.
        for (meant, entry) in misspelt {
            match section.get(meant) {
                None => section.entries.push((meant, entry)),
                Some(_) => section.note_strange(entry),
            }
        }
        self.complete &= !(section.strange && section.lacks());
        self.allow(&section, node);
        Some(section)
    }

    /// Reports a part of the language that is not supported yet.
    pub(super) fn not_yet(&mut self, key: &Text, meaning: &str, until_then: &str) {
        let title = format!("`{}` is not supported yet", key.value);
        let diagnostic = Diagnostic::error(&codes::NOT_YET, title, key.span, meaning);
        self.report(diagnostic.help(format!("until it is: {until_then}")));
    }

    /// Reports a key that does not belong there. Gives the key that it is but for a slip.
    fn unknown_key(&mut self, place: Place, entry: &Entry) -> Option<&'static str> {
        if self.is_full() {
            return None;
        }
        let key = &entry.key;
        let mut diagnostic = Diagnostic::error(
            &codes::UNKNOWN_KEY,
            format!("{} has no key `{}`", place.described(), key.value),
            key.span,
            "unknown key",
        );
        let supported = || {
            let is_supported = |key: &&Key| matches!(key.status, Status::Supported(..));
            keys::of(place).filter(is_supported).map(|key| key.name)
        };
        let by_value = meant_by_value(place, entry);
        let meant = by_value.or_else(|| misspelt(&key.value, supported()));
        diagnostic = match by_value.or_else(|| nearest(&key.value, supported())) {
            Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
            None => diagnostic.help(format!("it can have {}", listed(supported(), "and"))),
        };
        if let Some(other) = other_place(place, &key.value) {
            let note = format!("`{}` is a key of {}", key.value, other.described());
            diagnostic = diagnostic.note(note);
        }
        self.report(diagnostic);
        meant
    }

    /// Reports a key that must be there.
    pub(super) fn missing_key(&mut self, section: &Section<'_>, name: &str) {
        if section.is_strange() {
            return;
        }
        let head = &section.head;
        let label = match head.value.as_str() {
            "" => format!("no `{name}` here"),
            head => format!("`{head}` has no `{name}`"),
        };
        let title = format!("{} must say its `{name}`", section.place.described());
        let diagnostic = Diagnostic::error(&codes::MISSING_KEY, title, head.span, label);
        let example = example(section.place, name).unwrap_or_default();
        self.report(diagnostic.help(format!("for example `{example}`")));
    }

    /// Reports the keys that the mapping can't be without, and what others may name with them.
    pub(super) fn require(&mut self, section: &Section<'_>) {
        for required in section.place.required() {
            if section.get(required).is_none() {
                self.complete = false;
                self.missing_key(section, required);
            }
        }
    }

    /// The entries of a mapping.
    pub(super) fn mapping<'t>(
        &mut self,
        head: &Text,
        node: &'t Node,
        wanted: &Wanted<'_>,
        example: &str,
    ) -> Option<&'t [Entry]> {
        if let Value::Map(entries) = &node.value {
            return Some(entries);
        }
        self.wrong_shape(head, node, wanted, example);
        None
    }

    /// The items of a list.
    pub(super) fn list<'t>(&mut self, entry: &'t Entry, example: &str) -> &'t [Node] {
        if let Value::List(items) = &entry.value.value {
            return items;
        }
        let what = format!("`{}`", entry.key.value);
        self.wrong_shape(&entry.key, &entry.value, &Wanted::List(&what), example);
        &[]
    }

    /// Reports a value of another kind than its key needs.
    pub(super) fn wrong_shape(
        &mut self,
        key: &Text,
        node: &Node,
        wanted: &Wanted<'_>,
        example: &str,
    ) {
        self.complete = false;
        let mut diagnostic = match &node.value {
            Value::Broken => return,
            Value::Empty => {
                let title = format!("`{}` has no value", key.value);
                let nothing =
                    Diagnostic::error(&codes::NO_VALUE, title, key.span, "nothing follows");
                nothing.note(wanted.rule())
            }
            _ => {
                let found = node.described();
                let title = format!("{}, not {found}", wanted.rule());
                let label = format!("this is {found}");
                Diagnostic::error(&codes::WRONG_SHAPE, title, node.span, label)
            }
        };
        if let Some(empty) = wanted.empty().filter(|_| matches!(node.value, Value::Empty)) {
            diagnostic = diagnostic.help(empty);
        }
        self.report(match example {
            "" => diagnostic,
            example if example.contains('\n') => diagnostic.help(format!("for example\n{example}")),
            example => diagnostic.help(format!("for example `{example}`")),
        });
    }
}

/// How a key is written; none where it is not supported.
pub(super) fn example(place: Place, name: &str) -> Option<&'static str> {
    match keys::find(place, name)?.status {
        Status::Supported(_, example) => Some(example),
        Status::Later(_) => None,
    }
}

/// Where else a key belongs, if in exactly one place.
fn other_place(place: Place, name: &str) -> Option<Place> {
    let mut others =
        keys::KEYS.iter().filter(|k| k.name == name && k.place != place && k.place != Place::Field);
    let first = others.next()?;
    others.next().is_none().then_some(first.place)
}

/// Names as they stand in a sentence.
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>, last_by: &str) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} {last_by} {last}", others.join(", ")),
        None => String::new(),
    }
}
