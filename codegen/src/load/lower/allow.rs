//! `allow`: the warnings that are meant, in every mapping that can have it.

use super::Lowering;
use super::section::{Section, Wanted, example};
use crate::catalogue::load::NO_WARNING;
use crate::catalogue::{self, Code, lints};
use crate::diagnostic::Diagnostic;
use crate::load::keys::Place;
use crate::load::tree::{Entry, Node};
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::{Allowed, Text};

impl Lowering<'_> {
    /// Notes what a mapping allows within itself; the whole file where it is the file.
    pub(super) fn allow(&mut self, section: &Section<'_>, node: &Node) {
        let Some(entry) = section.get_if_known("allow") else { return };
        let within = match section.place {
            Place::File => Span { file: self.id, start: 0, end: usize::MAX },
            _ => Span { start: section.head.span.start.min(node.span.start), ..node.span },
        };
        let example = example(section.place, "allow").unwrap_or_default();
        let wanted = Wanted::Mapping("`allow`");
        let entries = self.mapping(&entry.key, &entry.value, &wanted, example);
        for entry in entries.unwrap_or_default() {
            self.allowed_code(entry, within, example);
        }
    }

    fn allowed_code(&mut self, entry: &Entry, within: Span, example: &str) {
        let reason = self.text_of(&entry.key, &entry.value, example);
        match catalogue::find(&entry.key.value) {
            Some(code) if catalogue::is_lint(code) => {
                if reason.is_some() {
                    self.allowed.push(Allowed { code: entry.key.clone(), within });
                }
            }
            found => self.not_allowable(&entry.key, found),
        }
    }

    fn not_allowable(&mut self, code: &Text, found: Option<&'static Code>) {
        let refused = match found {
            Some(known) => {
                let title = format!("`{}` is an error and can't be allowed", code.value);
                let refused = Diagnostic::error(&NO_WARNING, title, code.span, "an error");
                refused.note(known.what).help("mend what it reports; warnings alone can be allowed")
            }
            None => {
                let title = format!("there is no code `{}`", code.value);
                let refused = Diagnostic::error(&NO_WARNING, title, code.span, "unknown code");
                match nearest(&code.value, lints::ALL.iter().map(|code| code.id)) {
                    Some(meant) => refused.help(format!("did you mean `{meant}`?")),
                    None => refused.help("copy the code from the warning, as `EL0351`"),
                }
            }
        };
        self.report(refused);
    }
}
