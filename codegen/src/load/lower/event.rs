//! `events`, with their versions.

use super::Lowering;
use super::section::{Section, example};
use crate::catalogue::events as codes;
use crate::diagnostic::Diagnostic;
use crate::load::keys::Place;
use crate::load::tree::{Entry, Value};
use crate::naming::Kind;
use crate::source::Spanned;
use crate::syntax::{Event, Map, OldVersion, Text};

impl Lowering<'_> {
    pub(super) fn events(&mut self, file: &Section<'_>) -> Map<Event> {
        let entries = self.declared(file, "events", Kind::Type).unwrap_or_default();
        entries.iter().filter_map(|entry| Some((entry.key.clone(), self.event(entry)?))).collect()
    }

    fn event(&mut self, entry: &Entry) -> Option<Event> {
        let section = self.section(Place::Event, &entry.key, &entry.value)?;
        for required in Place::Event.required() {
            if section.get(required).is_none() {
                self.complete &= *required != "schema";
                self.missing_key(&section, required);
            }
        }
        let apply = section.get("apply").and_then(|apply| {
            self.assignments(apply, example(Place::Event, "apply").unwrap_or_default())
        });
        let history = self.history(&section);
        Some(Event {
            description: self.text(&section, "description"),
            version: self.current_version(&section, &history),
            schema: self.fields(&section, "schema").unwrap_or_default(),
            apply,
            history,
            retired: self.retired(&section),
            stored_as: self.text(&section, "storedAs"),
            renamed_from: self.some_texts(&section, "renamedFrom"),
            release: self.some_texts(&section, "release"),
            occurred_at: self.text(&section, "occurredAt"),
        })
    }

    /// One text, or several as a list.
    fn some_texts(&mut self, section: &Section<'_>, name: &str) -> Vec<Text> {
        let Some(entry) = section.get(name) else { return Vec::new() };
        let example = example(Place::Event, name).unwrap_or_default();
        match &entry.value.value {
            Value::List(items) => {
                items.iter().filter_map(|item| self.text_of(&entry.key, item, example)).collect()
            }
            _ => self.text_of(&entry.key, &entry.value, example).into_iter().collect(),
        }
    }

    /// The version that is written now; where it can't be read, the one that the history leads to.
    fn current_version(
        &mut self,
        section: &Section<'_>,
        history: &[(Spanned<u32>, OldVersion)],
    ) -> Spanned<u32> {
        let latest = history.iter().map(|(version, _)| version.value).max();
        let meant = latest.map_or(1, |latest| latest.saturating_add(1));
        match self.text(section, "version") {
            Some(text) => self.version(&text, meant),
            None => Spanned { value: meant, span: section.head.span },
        }
    }

    /// A version; where it is not written as one, the one that was most likely meant.
    fn version(&mut self, text: &Text, meant: u32) -> Spanned<u32> {
        let digits = text.value.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+']));
        if let Some(value) = digits.and_then(|digits| digits.parse().ok()) {
            return Spanned { value, span: text.span };
        }
        let title = format!("`{}` is no version", text.value);
        let diagnostic =
            Diagnostic::error(&codes::VERSION_SYNTAX, title, text.span, "not a version");
        self.report(diagnostic.help("versions are counted: `v1`, `v2` and so on"));
        Spanned { value: meant, span: text.span }
    }

    fn retired(&mut self, section: &Section<'_>) -> bool {
        self.word(section, "retired").is_some_and(|word| word.value == "true")
    }

    fn history(&mut self, section: &Section<'_>) -> Vec<(Spanned<u32>, OldVersion)> {
        let Some(entry) = section.get("history") else { return Vec::new() };
        let example = example(Place::Event, "history").unwrap_or_default();
        let entries = self.mapping_of(entry, example);
        (1..)
            .zip(entries.unwrap_or_default())
            .filter_map(|(count, entry)| {
                Some((self.version(&entry.key, count), self.old_version(entry)?))
            })
            .collect()
    }

    fn old_version(&mut self, entry: &Entry) -> Option<OldVersion> {
        let section = self.section(Place::OldVersion, &entry.key, &entry.value)?;
        self.require(&section);
        Some(OldVersion {
            schema: self.fields(&section, "schema").unwrap_or_default(),
            upcast: self.expressions(&section, "upcast"),
        })
    }
}
