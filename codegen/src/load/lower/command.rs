//! `commands`: targets, steps, refusals and the events they emit.

use super::Lowering;
use super::section::{Section, Wanted, example, listed};
use crate::catalogue::load as codes;
use crate::diagnostic::Diagnostic;
use crate::load::keys::{self, Place};
use crate::load::tree::{Entry, Node, Value};
use crate::naming::Kind;
use crate::source::{Span, Spanned};
use crate::suggest::nearest;
use crate::syntax::{Command, Emission, Expression, Map, Rejection, Step, TargetSyntax, Text};

const EMIT: &str = "emit: MoneyDeposited";

impl Lowering<'_> {
    pub(super) fn commands(&mut self, file: &Section<'_>) -> Map<Command> {
        let entries = self.declared(file, "commands", Kind::Type).unwrap_or_default();
        entries.iter().filter_map(|entry| Some((entry.key.clone(), self.command(entry)?))).collect()
    }

    fn command(&mut self, entry: &Entry) -> Option<Command> {
        let section = self.section(Place::Command, &entry.key, &entry.value)?;
        Some(Command {
            description: self.text(&section, "description"),
            target: self.target(&section),
            input: self.fields(&section, "input").unwrap_or_default(),
            steps: self.steps(&section),
            emit: self.emit(&section),
            ensure: self.rejections(&section, "ensure").unwrap_or_default(),
            custom: self.word(&section, "handler").map(|word| word.span),
            refuses: self.refuses(&section),
        })
    }

    fn refuses(&mut self, section: &Section<'_>) -> Vec<Text> {
        let names = self.names(section, "refuses").unwrap_or_default();
        for name in &names {
            self.check_name(name, Kind::Variant);
        }
        names
    }

    fn target(&mut self, section: &Section<'_>) -> Option<TargetSyntax> {
        let entry = section.get("target")?;
        if !matches!(entry.value.value, Value::Map(_)) {
            let kind = self.word(section, "target")?;
            let kind = Spanned { value: kind.value.to_owned(), span: kind.span };
            return Some(TargetSyntax { kind, refusal: None });
        }
        let target = self.section(Place::Target, &entry.key, &entry.value)?;
        let mut named = target.entries();
        let (name, first) = named.next()?;
        if let Some((_, second)) = named.next() {
            let rule = "a target is either new or existing";
            let found = one_expected(rule, &first.key, second.key.span, "remove one of the two");
            self.lose(found);
        }
        let refusal = self.text(&target, name);
        if let Some(refusal) = &refusal {
            self.check_name(refusal, Kind::Variant);
        }
        let kind = Spanned { value: name.to_owned(), span: first.key.span };
        Some(TargetSyntax { kind, refusal })
    }

    fn steps(&mut self, section: &Section<'_>) -> Vec<Step> {
        let rejections = self.rejections(section, "reject");
        let Some(entry) = section.get("steps") else {
            return rejections.map(Step::Reject).into_iter().collect();
        };
        if let Some(reject) = section.get("reject") {
            let diagnostic = Diagnostic::error(
                &codes::EITHER_OR,
                "`reject` is the short form of `steps`: a command has one of the two",
                reject.key.span,
                "the short form",
            )
            .place(entry.key.span, "and the steps");
            self.report(diagnostic.help("move it into `steps` as `- reject: {…}`"));
        }
        let items = self.list(entry, example(Place::Command, "steps").unwrap_or_default());
        items.iter().filter_map(|item| self.step(&entry.key, item)).collect()
    }

    fn step(&mut self, key: &Text, item: &Node) -> Option<Step> {
        if let Value::Scalar(scalar) = &item.value {
            return self.step_in_a_word(&scalar.text, item.span);
        }
        if let Some(found) = target_with_value(item) {
            self.lose(found);
            return None;
        }
        let head = Spanned { value: key.value.clone(), span: item.span };
        let section = self.section(Place::Step, &head, item)?;
        let mut named = section.entries();
        let Some((name, first)) = named.next() else {
            if matches!(&item.value, Value::Map(entries) if entries.is_empty()) {
                self.wrong_item(item.span, "a step says what to do", "- reject: {Name: condition}");
            }
            return None;
        };
        if let Some((_, second)) = named.next() {
            let help = "write each step as an item of its own, with `- `";
            let found = one_expected("a step does one thing", &first.key, second.key.span, help);
            self.lose(found);
        }
        match name {
            "reject" => self.rejections(&section, "reject").map(Step::Reject),
            "nothingToDo" => self.expression_at(&section, "nothingToDo").map(Step::NothingToDo),
            "unique" => self.text(&section, "unique").map(Step::Unique),
            _ => {
                let names = self.declared(&section, "let", Kind::Field)?;
                Some(Step::Let(self.each_expression(names)))
            }
        }
    }

    /// `- target`, the one step that needs no more than its name.
    fn step_in_a_word(&mut self, word: &str, place: Span) -> Option<Step> {
        if word == "target" {
            return Some(Step::Target(place));
        }
        let title = format!("a step is `target`, or a mapping that says what to do, not `{word}`");
        let found = Diagnostic::error(&codes::WRONG_SHAPE, title, place, "this is a text");
        let steps = keys::of(Place::Step).map(|key| key.name).chain(["target"]);
        self.lose(match nearest(word, steps).and_then(|name| example(Place::Step, name)) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None if nearest(word, ["target"]).is_some() => found.help("did you mean `- target`?"),
            None => found.help(format!("for example `{}`", Place::Step.example())),
        });
        None
    }

    /// `Name: condition` or `Name: {when, message, emit}` lines.
    fn rejections(&mut self, section: &Section<'_>, name: &str) -> Option<Map<Rejection>> {
        let entries = self.declared(section, name, Kind::Variant)?;
        Some(
            entries
                .iter()
                .filter_map(|entry| Some((entry.key.clone(), self.rejection(entry)?)))
                .collect(),
        )
    }

    fn rejection(&mut self, entry: &Entry) -> Option<Rejection> {
        if !matches!(entry.value.value, Value::Map(_)) {
            let when = self.expression(&entry.key, &entry.value);
            return Some(Rejection { when, message: None, emit: Vec::new() });
        }
        let section = self.section(Place::Rejection, &entry.key, &entry.value)?;
        let when = self.expression_at(&section, "when").unwrap_or_else(|| {
            self.missing_key(&section, "when");
            Expression { text: String::new(), span: entry.key.span, offsets: None }
        });
        let message = self.template_at(&section, "message");
        Some(Rejection { when, message, emit: self.emit(&section) })
    }

    /// `emit:` as a name, a mapping or a list of these.
    fn emit(&mut self, section: &Section<'_>) -> Vec<Emission> {
        let Some(entry) = section.get("emit") else { return Vec::new() };
        match &entry.value.value {
            Value::List(items) => {
                items.iter().filter_map(|item| self.emission(&entry.key, item)).collect()
            }
            _ => self.emission(&entry.key, &entry.value).into_iter().collect(),
        }
    }

    fn emission(&mut self, key: &Text, node: &Node) -> Option<Emission> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) => return self.text_of(key, node, EMIT).map(plain_emission),
            _ => {
                let rule = "an item of `emit` is an event's name, or a mapping that starts with it";
                self.wrong_shape(key, node, &Wanted::Rule(rule), EMIT);
                return None;
            }
        };
        let is_key = |entry: &&Entry| keys::find(Place::Emission, &entry.key.value).is_some();
        let others = || entries.iter().filter(|entry| !is_key(entry));
        // A misspelt key that stands first is none the less no event.
        let named = others().find(|entry| entry.key.value.starts_with(char::is_uppercase));
        let Some(event) = named.or_else(|| others().next()) else {
            let rule = format!("an item of `{}` names an event", key.value);
            self.wrong_item(node.span, &rule, "- {MoneyWithdrawn: {amount: fee}, when: fee > 0}");
            return None;
        };
        if let Some(second) = others().find(|entry| entry.key.span != event.key.span) {
            self.several_events(event, second);
        }
        let keys = entries.iter().filter(is_key).collect::<Vec<_>>();
        let find = |name: &str| keys.iter().find(|entry| entry.key.value == name).copied();
        let otherwise = find("else").and_then(|entry| self.emission(&entry.key, &entry.value));
        Some(Emission {
            event: event.key.clone(),
            fields: self.emitted_fields(event),
            when: find("when").map(|entry| self.expression(&entry.key, &entry.value)),
            otherwise: otherwise.map(Box::new),
            for_each: find("forEach").and_then(|entry| self.for_each(entry)),
        })
    }

    fn emitted_fields(&mut self, event: &Entry) -> Map<Expression> {
        if matches!(event.value.value, Value::Empty) {
            return Map::new();
        }
        self.expressions_of(event, "emit: {MoneyWithdrawn: {amount: fee}}").unwrap_or_default()
    }

    fn several_events(&mut self, first: &Entry, second: &Entry) {
        let name = &second.key.value;
        if name.starts_with(char::is_uppercase) {
            let help = "write several events as a list, each with `- `, in their order";
            let rule = "an item of `emit` names one event";
            return self.report(one_expected(rule, &first.key, second.key.span, help));
        }
        let title = format!("an item of `emit` has no key `{name}`");
        let found = Diagnostic::error(&codes::UNKNOWN_KEY, title, second.key.span, "unknown key");
        let known = || keys::of(Place::Emission).map(|key| key.name);
        let meant = same_in_other_words(name).or_else(|| nearest(name, known()));
        self.lose(match meant {
            Some(key) => found.help(format!("did you mean `{key}`?")),
            None => found.help(format!("besides the event it can have {}", listed(known(), "and"))),
        });
    }

    /// `forEach: {name: list}`
    pub(super) fn for_each(&mut self, entry: &Entry) -> Option<(Text, Expression)> {
        let mut named = self.expressions_of(entry, "forEach: {line: lines}")?.into_iter();
        let Some(first) = named.next() else {
            self.wrong_item(
                entry.value.span,
                "`forEach` names the element",
                "forEach: {line: lines}",
            );
            return None;
        };
        if let Some((second, _)) = named.next() {
            let rule = "`forEach` goes through one list";
            self.lose(one_expected(rule, &first.0, second.span, "remove one of the two"));
        }
        self.check_name(&first.0, Kind::Field);
        Some(first)
    }

    /// Reports an item that lacks what it is for.
    pub(super) fn wrong_item(&mut self, place: Span, rule: &str, example: &str) {
        let diagnostic =
            Diagnostic::error(&codes::ONE_EXPECTED, rule, place, "nothing is named here");
        self.report(diagnostic.help(format!("for example `{example}`")));
    }
}

/// A mapping that names several things where one is expected.
pub(super) fn one_expected(rule: &str, first: &Text, second: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&codes::ONE_EXPECTED, rule, second, "a second one")
        .place(first.span, "the first")
        .help(help)
}

/// `- target: existing`: which streams a command addresses is no matter of its steps.
fn target_with_value(item: &Node) -> Option<Diagnostic> {
    let Value::Map(entries) = &item.value else { return None };
    let entry = entries.iter().find(|entry| entry.key.value == "target")?;
    let title = "the step `target` is a word alone";
    let found = Diagnostic::error(&codes::WRONG_SHAPE, title, entry.key.span, "has a value");
    let note = "it says where the target is checked; which streams are addressed, and the refusal of \
                others, is said by the `target` of the command";
    Some(found.note(note).help("write `- target`"))
}

/// The key of an item of `emit` that other languages call so.
fn same_in_other_words(name: &str) -> Option<&'static str> {
    match name {
        "otherwise" => Some("else"),
        "if" | "condition" => Some("when"),
        "for" | "each" => Some("forEach"),
        _ => None,
    }
}

fn plain_emission(event: Text) -> Emission {
    Emission { event, fields: Map::new(), when: None, otherwise: None, for_each: None }
}
