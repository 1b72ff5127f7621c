//! `scenarios`: given, when, then, with plain values.

use super::Lowering;
use super::command::one_expected;
use super::section::{Section, Wanted, example};
use crate::catalogue::load as codes;
use crate::diagnostic::Diagnostic;
use crate::load::keys::Place;
use crate::load::tree::{Entry, Node, Style, Value};
use crate::source::{Span, Spanned};
use crate::syntax::{Literal, Map, Scenario, ScenarioStep, Text};

/// How an event or a command is written.
const NAMED: &str = "AccountOpened: {customerId: C1}";

/// A name with values: an event or a command.
type Named = (Text, Map<Literal>);

impl Lowering<'_> {
    pub(super) fn scenarios(&mut self, file: &Section<'_>) -> Map<Scenario> {
        let Some(entry) = file.get("scenarios") else { return Map::new() };
        let example = example(Place::File, "scenarios").unwrap_or_default();
        let entries = self.mapping_of(entry, example);
        entries
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.scenario(entry)?)))
            .collect()
    }

    fn scenario(&mut self, entry: &Entry) -> Option<Scenario> {
        let section = self.section(Place::Scenario, &entry.key, &entry.value)?;
        Some(Scenario {
            given: self.named_list(&section, "given").unwrap_or_default(),
            now: self.text(&section, "now"),
            config: section
                .get("config")
                .and_then(|entry| self.literals(entry))
                .unwrap_or_default(),
            ids: self.ids(&section),
            steps: self.scenario_steps(&section),
        })
    }

    /// `steps:`, or `when:` and `then:` as the only one.
    fn scenario_steps(&mut self, section: &Section<'_>) -> Vec<ScenarioStep> {
        let Some(entry) = section.get("steps") else { return vec![self.scenario_step(section)] };
        if let Some(short) = ["when", "then"].into_iter().find_map(|name| section.get(name)) {
            let title = "`when` and `then` tell of one command, `steps` of several: a scenario has one of the two";
            let found = Diagnostic::error(&codes::EITHER_OR, title, short.key.span, "one command");
            self.report(
                found
                    .place(entry.key.span, "and the steps")
                    .help("move it into `steps`, as `- {when: …, then: …}`"),
            );
        }
        let items = self.list(entry, example(Place::Scenario, "steps").unwrap_or_default());
        let steps = items.iter().filter_map(|item| {
            let head = Spanned { value: entry.key.value.clone(), span: item.span };
            let step = self.section(Place::ScenarioStep, &head, item)?;
            self.require(&step);
            let advance_to = self.text(&step, "advanceTo");
            Some(ScenarioStep { advance_to, ..self.scenario_step(&step) })
        });
        steps.collect()
    }

    /// `when:` and `then:`
    fn scenario_step(&mut self, section: &Section<'_>) -> ScenarioStep {
        let mut step = ScenarioStep {
            when: section.get("when").and_then(|entry| self.named(&entry.key, &entry.value)),
            ..ScenarioStep::default()
        };
        if let Some(entry) = section.get("then") {
            self.outcome(entry, &mut step);
        }
        step
    }

    fn ids(&mut self, section: &Section<'_>) -> Option<(Span, Vec<Text>)> {
        let entry = section.get("ids")?;
        let example = example(section.place, "ids").unwrap_or_default();
        let items = self.list(entry, example);
        let ids = items.iter().filter_map(|item| self.text_of(&entry.key, item, example)).collect();
        Some((entry.key.span, ids))
    }

    fn outcome(&mut self, entry: &Entry, step: &mut ScenarioStep) {
        let Some(section) = self.section(Place::Outcome, &entry.key, &entry.value) else { return };
        step.events = self.named_list(&section, "events");
        step.error = self.text(&section, "error");
        step.state = section.get("state").and_then(|entry| self.literals(entry));
        step.rows = self.rows(&section);
    }

    fn rows(&mut self, section: &Section<'_>) -> Map<Vec<Map<Literal>>> {
        let Some(entry) = section.get("rows") else { return Map::new() };
        let example = example(Place::Outcome, "rows").unwrap_or_default();
        let entries = self.mapping_of(entry, example);
        entries.unwrap_or_default().iter().map(|view| (view.key.clone(), self.view(view))).collect()
    }

    fn view(&mut self, view: &Entry) -> Vec<Map<Literal>> {
        let example = example(Place::Outcome, "rows").unwrap_or_default();
        let items = self.list(view, example);
        items
            .iter()
            .filter_map(|item| {
                let entries = self.mapping(&view.key, item, &Wanted::Mapping("a row"), example)?;
                Some(self.each_literal(entries))
            })
            .collect()
    }

    fn named_list(&mut self, section: &Section<'_>, name: &str) -> Option<Vec<Named>> {
        let entry = section.get(name)?;
        let items = self.list(entry, example(section.place, name).unwrap_or_default());
        Some(items.iter().filter_map(|item| self.named(&entry.key, item)).collect())
    }

    /// `Name` or `Name: {field: value}`
    fn named(&mut self, key: &Text, node: &Node) -> Option<Named> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) => {
                let name = self.text_of(key, node, NAMED)?;
                return self.of_this_stream(name).map(|name| (name, Map::new()));
            }
            _ => {
                let rule = format!("`{}` holds a name, or a name with its values", key.value);
                self.wrong_shape(key, node, &Wanted::Rule(&rule), NAMED);
                return None;
            }
        };
        let Some(first) = entries.first() else {
            let rule = format!("an item of `{}` names what it is", key.value);
            self.wrong_item(node.span, &rule, NAMED);
            return None;
        };
        if let Some(second) = entries.get(1) {
            let rule = format!("an item of `{}` names one thing", key.value);
            let help = match key.value.as_str() {
                "when" => {
                    "a scenario sends one command: tell of the other in one of its own, or give its events"
                }
                _ => "write each as an item of its own, with `- `",
            };
            let found = one_expected(&rule, &first.key, second.key.span, help);
            self.lose(found);
        }
        let name = self.of_this_stream(first.key.clone())?;
        match first.value.value {
            Value::Empty => Some((name, Map::new())),
            _ => Some((name, self.literals(first)?)),
        }
    }

    /// Refuses `"Order(ord-1).OrderPlaced"`, which names another stream.
    fn of_this_stream(&mut self, name: Text) -> Option<Text> {
        if name.value.contains('(') {
            let until_then = "write the event's or command's name alone";
            self.not_yet(&name, "another stream in a scenario", until_then);
            return None;
        }
        Some(name)
    }

    fn literals(&mut self, entry: &Entry) -> Option<Map<Literal>> {
        let example = format!("{}: {{field: value}}", entry.key.value);
        let entries = self.mapping_of(entry, &example)?;
        Some(self.each_literal(entries))
    }

    fn each_literal(&mut self, entries: &[Entry]) -> Map<Literal> {
        entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.literal(&entry.key, &entry.value)?)))
            .collect()
    }

    pub(super) fn literal(&mut self, key: &Text, node: &Node) -> Option<Literal> {
        match &node.value {
            Value::Scalar(scalar) => {
                let text = Spanned { value: scalar.text.clone(), span: node.span };
                Some(Literal::Scalar { text, quoted: scalar.style != Style::Plain })
            }
            Value::List(items) => {
                let items = items.iter().filter_map(|item| self.literal(key, item)).collect();
                Some(Literal::List(items, node.span))
            }
            Value::Map(entries) => Some(Literal::Record(self.each_literal(entries), node.span)),
            Value::Empty | Value::Broken => {
                let rule = "an empty text is written '', an absent value `none`";
                self.wrong_shape(key, node, &Wanted::Rule(rule), "");
                None
            }
        }
    }
}
