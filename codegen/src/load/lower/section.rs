//! Mappings with fixed keys, read by the table of keys.

use super::Lowering;
use crate::catalogue::load as codes;
use crate::diagnostic::Diagnostic;
use crate::load::keys::{self, Place, Status};
use crate::load::tree::{Entry, Node, Value};
use crate::suggest::nearest;
use crate::syntax::Text;

/// A mapping whose keys are all in the table.
pub(super) struct Section<'t> {
    /// Which mapping it is.
    pub(super) place: Place,
    /// What it belongs to: its key, or the file.
    pub(super) head: Text,
    entries: Vec<&'t Entry>,
}

impl<'t> Section<'t> {
    /// The entry of a key.
    pub(super) fn get(&self, name: &str) -> Option<&'t Entry> {
        debug_assert!(
            matches!(keys::find(self.place, name), Some(key) if matches!(key.status, Status::Supported(_))),
            "`{name}` of {:?} is lowered, so it stands in the table as supported",
            self.place
        );
        self.entries.iter().find(|entry| entry.key.value == name).copied()
    }

    /// All entries that are understood, in the order written.
    pub(super) fn entries(&self) -> impl Iterator<Item = &'t Entry> {
        self.entries.iter().copied()
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
        let entries = self.mapping(head, node, place.described(), "")?;
        let known = entries.iter().filter(|entry| self.is_known(place, entry)).collect();
        Some(Section { place, head: head.clone(), entries: known })
    }

    /// Reads a mapping in which a misspelt key may have hidden something: see [`Lowering::section`].
    fn is_known(&mut self, place: Place, entry: &Entry) -> bool {
        match keys::find(place, &entry.key.value).map(|key| (key, key.status)) {
            Some((_, Status::Supported(_))) => true,
            Some((key, Status::Later(until_then))) => {
                self.not_yet(&entry.key, key.meaning, until_then);
                false
            }
            None => {
                self.unknown_key(place, &entry.key);
                false
            }
        }
    }

    /// Reports a part of the language that is not supported yet.
    pub(super) fn not_yet(&mut self, key: &Text, meaning: &str, until_then: &str) {
        let diagnostic = Diagnostic::error(
            &codes::NOT_YET,
            format!("`{}` is not supported yet", key.value),
            key.span,
            meaning,
        );
        self.lose(diagnostic.help(format!("until it is: {until_then}")));
    }

    fn unknown_key(&mut self, place: Place, key: &Text) {
        let mut diagnostic = Diagnostic::error(
            &codes::UNKNOWN_KEY,
            format!("{} has no key `{}`", place.described(), key.value),
            key.span,
            "unknown key",
        );
        let supported = || {
            keys::of(place).filter(|key| matches!(key.status, Status::Supported(_))).map(|k| k.name)
        };
        diagnostic = match nearest(&key.value, supported()) {
            Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
            None => diagnostic.help(format!("it can have {}", listed(supported()))),
        };
        if let Some(other) = other_place(place, &key.value) {
            diagnostic =
                diagnostic.note(format!("`{}` is a key of {}", key.value, other.described()));
        }
        self.lose(diagnostic);
    }

    /// Reports a key that must be there.
    pub(super) fn missing_key(&mut self, section: &Section<'_>, name: &str) {
        let diagnostic = Diagnostic::error(
            &codes::MISSING_KEY,
            format!("{} must say its `{name}`", section.place.described()),
            section.head.span,
            format!("`{}` has no `{name}`", section.head.value),
        );
        let example = example(section.place, name).unwrap_or_default();
        self.lose(diagnostic.help(format!("for example `{example}`")));
    }

    /// The entries of a mapping with free keys.
    pub(super) fn mapping<'t>(
        &mut self,
        head: &Text,
        node: &'t Node,
        what: &str,
        example: &str,
    ) -> Option<&'t [Entry]> {
        if let Value::Map(entries) = &node.value {
            return Some(entries);
        }
        self.wrong_shape(head, node, &format!("{what} is a mapping"), example);
        None
    }

    /// Reports a value of another kind than its key needs. `rule` is a sentence such as "an event is
    /// a mapping"; the example may be empty.
    pub(super) fn wrong_shape(&mut self, key: &Text, node: &Node, rule: &str, example: &str) {
        let diagnostic = match &node.value {
            Value::Broken => {
                self.complete = false;
                return;
            }
            Value::Empty => Diagnostic::error(
                &codes::NO_VALUE,
                format!("`{}` has no value", key.value),
                key.span,
                "nothing follows",
            )
            .note(rule)
            .help("an empty mapping is written `{}`, an empty list `[]`"),
            _ => Diagnostic::error(
                &codes::WRONG_SHAPE,
                format!("{rule}, not {}", node.described()),
                node.span,
                format!("this is {}", node.described()),
            ),
        };
        self.lose(match example {
            "" => diagnostic,
            example if example.contains('\n') => diagnostic.help(format!("for example\n{example}")),
            example => diagnostic.help(format!("for example `{example}`")),
        });
    }
}

/// How a key is written.
pub(super) fn example(place: Place, name: &str) -> Option<&'static str> {
    match keys::find(place, name)?.status {
        Status::Supported(example) => Some(example),
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
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
