//! Scenarios: given these events, when this command, then that.
//!
//! What a scenario leaves out of the given is filled so that it can have happened: the stream's id,
//! times one second apart, written defaults. What it leaves out of the outcome is not compared.

use super::declared::{Declared, DeclaredEvent};
use super::expression::listed;
use super::fields::{Field, Fields};
use super::literal::Reader;
use super::text_value;
use crate::calendar;
use crate::catalogue::scenarios::{
    MISSING_VALUE, NOT_COMPARABLE, NOTHING_EXPECTED, SAME_ID, STREAM, TIME_GOES_BACK,
    UNKNOWN_COMMAND, UNKNOWN_PROJECTION, UNKNOWN_REFUSAL, VALUE, WITHOUT_COMMAND,
};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Assignment, Expression, ExpressionKind, ONE_STREAM, ScenarioStep, Type};
use crate::naming;
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::{self, Literal, Map, Text};

/// 2026-01-01T00:00:00Z, in microseconds since 1970: when every scenario starts.
const START: i64 = 1_767_225_600_000_000;
const SECOND: i64 = 1_000_000;

type Named = (String, Vec<Assignment>);

/// Resolves a scenario. `refusals` are the names of all refusals.
pub(crate) fn resolve(
    declared: &Declared<'_>,
    name: &Text,
    syntax: &syntax::Scenario,
    refusals: &[&str],
    findings: &mut Vec<Diagnostic>,
) -> Option<model::Scenario> {
    let mut telling = Telling { declared, name, findings, clock: START, last: None };
    let stream_id = telling.stream_id(syntax);
    let given = telling.given(&syntax.given, stream_id.as_deref());
    let clock = telling.now(syntax.now.as_ref());
    let config = telling.named_values("`config`", &declared.types.config, &syntax.config);
    let ids = telling.ids(syntax);
    let steps: Vec<Option<ScenarioStep>> =
        syntax.steps.iter().map(|step| telling.step(step, refusals)).collect();
    telling.check_sense(syntax);
    clock?;
    let mut steps = steps.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
    Some(model::Scenario {
        name: name.value.clone(),
        stream_id: stream_id?,
        given: given?,
        config: config?,
        ids: ids?,
        first: steps.next()?,
        then: steps.collect(),
    })
}

/// What a field is without a value: its written default, or none.
pub(crate) fn default(field: &Field) -> Option<Expression> {
    match &field.field_type {
        _ if field.default_is_written => field.default.clone(),
        Some(optional @ Type::Optional(_)) => {
            Some(Expression { kind: ExpressionKind::None, result: optional.clone() })
        }
        _ => None,
    }
}

struct Telling<'a> {
    declared: &'a Declared<'a>,
    name: &'a Text,
    findings: &'a mut Vec<Diagnostic>,
    /// When the next thing happens, in microseconds since 1970.
    clock: i64,
    /// When the last thing happened, where time has been told.
    last: Option<i64>,
}

#[allow(clippy::option_option)] // left out and wrong are two things
impl Telling<'_> {
    /// The stream's id: the value of the partition key's field where any event states one.
    fn stream_id(&mut self, syntax: &syntax::Scenario) -> Option<String> {
        let outcomes = syntax.steps.iter().flat_map(|step| step.events.iter().flatten());
        let events = syntax.given.iter().chain(outcomes);
        let stated = events.filter_map(|(_, fields)| {
            let key = self.declared.partition_key?;
            match fields.iter().find(|(name, _)| name.value == key)? {
                (_, Literal::Scalar { text, .. }) => Some(text),
                _ => None, // reported as a value of the wrong type
            }
        });
        let stated: Vec<&Text> = stated.collect();
        let aggregate = &self.declared.syntax.name.value;
        let key = self.declared.syntax.event_store.partition_key.as_ref();
        if key.is_some_and(|key| key.value == ONE_STREAM) {
            return Some(aggregate.clone());
        }
        let Some(first) = stated.first() else {
            let words = naming::snake(&self.declared.syntax.name.value).replace('_', "-");
            return Some(format!("{words}-1"));
        };
        if let Some(other) = stated.iter().find(|other| other.value != first.value) {
            let title = "a scenario happens in one stream";
            self.findings.push(
                Diagnostic::error(&STREAM, title, other.span, "another stream")
                    .place(first.span, "one stream")
                    .help("use one id, or leave the ids out"),
            );
            return None;
        }
        Some(first.value.clone())
    }

    fn given(
        &mut self,
        written: &[(Text, Map<Literal>)],
        stream: Option<&str>,
    ) -> Option<Vec<Named>> {
        let mut given = Vec::new();
        let mut sound = true;
        for (name, values) in written {
            let Some(event) = self.declared.find_event(name, self.findings) else {
                sound = false;
                continue;
            };
            match self.given_event(event, name, values, stream) {
                Some(fields) => given.push((name.value.clone(), fields)),
                None => sound = false,
            }
        }
        sound.then_some(given)
    }

    /// One event with all its fields.
    fn given_event(
        &mut self,
        event: &DeclaredEvent<'_>,
        name: &Text,
        written: &[(Text, Literal)],
        stream: Option<&str>,
    ) -> Option<Vec<Assignment>> {
        let owner = format!("`{}`", name.value);
        let values = self.named_values(&owner, &event.fields, written)?;
        if let Some(at) = own_time(event, &values) {
            self.clock = at;
        }
        let mut complete = Vec::new();
        let mut sound = true;
        for field in &event.fields.0 {
            let given = values.iter().find(|assignment| assignment.field == field.name);
            let value = given.map(|given| given.value.clone());
            let value = value.or_else(|| self.filled(event, field, stream));
            match value {
                Some(value) => complete.push(Assignment { field: field.name.clone(), value }),
                None => {
                    self.missing(&owner, field, name.span);
                    sound = false;
                }
            }
        }
        self.passes();
        sound.then_some(complete)
    }

    fn filled(
        &self,
        event: &DeclaredEvent<'_>,
        field: &Field,
        stream: Option<&str>,
    ) -> Option<Expression> {
        let result = field.field_type.clone()?;
        if self.declared.partition_key == Some(field.name.as_str()) && result == Type::String {
            let kind = ExpressionKind::String(stream.unwrap_or_default().to_owned());
            return Some(Expression { kind, result });
        }
        let by_default = default(field);
        let is_own_time = event.occurred_at() == Some(field.name.as_str());
        if result == Type::Timestamp && (is_own_time || by_default.is_none()) {
            return Some(Expression { kind: ExpressionKind::Timestamp(self.clock), result });
        }
        by_default
    }

    fn missing(&mut self, owner: &str, field: &Field, place: Span) {
        let Some(of) = &field.field_type else { return };
        let shown = self.declared.types.show(of);
        let title = format!("{owner} has no value for `{}`", field.name);
        self.findings.push(
            Diagnostic::error(&MISSING_VALUE, title, place, "a value is missing")
                .place(field.span, format!("`{}` is `{shown}`", field.name))
                .help(format!("add `{}: …`", field.name)),
        );
    }

    /// The values that are written, each of its field's type.
    fn named_values(
        &mut self,
        owner: &str,
        fields: &Fields,
        written: &[(Text, Literal)],
    ) -> Option<Vec<Assignment>> {
        let mut values = Vec::new();
        let mut sound = true;
        for (name, literal) in written {
            let Some(field) = fields.get(&name.value) else {
                self.findings.push(super::assign::unknown(name, owner, fields));
                sound = false;
                continue;
            };
            let mut reader = Reader { types: &self.declared.types, findings: self.findings };
            match reader.value(field, literal) {
                Some(value) => values.push(Assignment { field: name.value.clone(), value }),
                None => sound = false,
            }
        }
        sound.then_some(values)
    }

    /// Something has happened; the next is a second later.
    fn passes(&mut self) {
        self.last = Some(self.clock);
        self.clock = self.clock.saturating_add(SECOND);
    }

    fn step(&mut self, syntax: &syntax::ScenarioStep, refusals: &[&str]) -> Option<ScenarioStep> {
        let now = self.advance_to(syntax.advance_to.as_ref());
        let when = self.when(syntax.when.as_ref());
        self.passes();
        let events = self.events(syntax.events.as_deref());
        let error = self.error(syntax.error.as_ref(), refusals);
        let state = self.state(syntax.state.as_ref());
        let rows = self.rows(&syntax.rows);
        Some(ScenarioStep {
            when: when?,
            now_micros: now?,
            events: events?,
            error: error?,
            state: state?,
            rows: rows?,
        })
    }

    /// The clock of the first command.
    fn now(&mut self, written: Option<&Text>) -> Option<()> {
        if let Some(written) = written {
            self.clock = self.time(written)?;
            self.last = Some(self.clock);
        }
        Some(())
    }

    /// The clock of a command, which never goes back.
    fn advance_to(&mut self, written: Option<&Text>) -> Option<i64> {
        if let Some(written) = written {
            let time = self.time(written)?;
            if self.last.is_some_and(|last| time < last) {
                let title = format!("time does not go back to `{}`", written.value);
                let found = Diagnostic::error(&TIME_GOES_BACK, title, written.span, "too early");
                let last = calendar::rfc3339(self.last.unwrap_or(time));
                self.findings.push(found.help(format!("advance to `{last}` or later")));
                return None;
            }
            self.clock = time;
        }
        Some(self.clock)
    }

    fn time(&mut self, written: &Text) -> Option<i64> {
        let time = text_value::timestamp(&written.value);
        if time.is_none() {
            let title = format!("`{}` is no `timestamp`", written.value);
            let found = Diagnostic::error(&VALUE, title, written.span, "cannot be read");
            self.findings.push(found.help("write it as RFC 3339, as `2026-01-01T09:30:00Z`"));
        }
        time
    }

    fn ids(&mut self, syntax: &syntax::Scenario) -> Option<Option<Vec<Expression>>> {
        let Some((place, written)) = &syntax.ids else { return Some(None) };
        let before = self.findings.len();
        if syntax.steps.iter().all(|step| step.when.is_none()) {
            let title = "a scenario without a command gives ids";
            let found = Diagnostic::error(&WITHOUT_COMMAND, title, *place, "to which command?");
            self.findings.push(found.help("add `when: {Command: {…}}`, or remove `ids`"));
        }
        let mut ids: Vec<(&Text, Expression)> = Vec::new();
        for id in written {
            match text_value::parse(&id.value, &Type::Uuid) {
                Some(Ok(kind)) => {
                    let value = Expression { kind, result: Type::Uuid };
                    let same = ids.iter().find(|(_, known)| *known == value);
                    self.findings.extend(same.map(|(first, _)| given_twice(first, id)));
                    ids.push((id, value));
                }
                Some(Err(form)) => {
                    let title = format!("`{}` is no `uuid`", id.value);
                    let found = Diagnostic::error(&VALUE, title, id.span, "cannot be read");
                    self.findings.push(found.help(format!("write it as {form}")));
                }
                None => {}
            }
        }
        let ids = ids.into_iter().map(|(_, value)| value).collect();
        (self.findings.len() == before).then_some(Some(ids))
    }

    fn when(&mut self, written: Option<&(Text, Map<Literal>)>) -> Option<Option<Named>> {
        let Some((name, values)) = written else { return Some(None) };
        let commands = &self.declared.syntax.commands;
        let Some(index) = commands.iter().position(|(known, _)| known.value == name.value) else {
            let names = commands.iter().map(|(known, _)| known.value.as_str()).collect();
            self.unknown(&UNKNOWN_COMMAND, "command", name, names);
            return None;
        };
        let owner = format!("`{}`", name.value);
        let input = self.declared.inputs.get(index)?;
        let given = self.named_values(&owner, input, values)?;
        let mut complete = Vec::new();
        let mut sound = true;
        for field in &input.0 {
            let value = given.iter().find(|assignment| assignment.field == field.name);
            match value.map(|given| given.value.clone()).or_else(|| default(field)) {
                Some(value) => complete.push(Assignment { field: field.name.clone(), value }),
                None => {
                    self.missing(&owner, field, name.span);
                    sound = false;
                }
            }
        }
        sound.then(|| Some((name.value.clone(), complete)))
    }

    fn unknown(
        &mut self,
        code: &'static crate::catalogue::Code,
        what: &str,
        name: &Text,
        names: Vec<&str>,
    ) {
        let title = format!("there is no {what} `{}`", name.value);
        let found = Diagnostic::error(code, title, name.span, format!("unknown {what}"));
        self.findings.push(match nearest(&name.value, names.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None if names.is_empty() => found.help(format!("the aggregate has no {what}")),
            None => found.help(format!("there is {}", listed(&names))),
        });
    }

    fn events(&mut self, written: Option<&[(Text, Map<Literal>)]>) -> Option<Option<Vec<Named>>> {
        let Some(written) = written else { return Some(None) };
        let mut events = Vec::new();
        let mut sound = true;
        for (name, values) in written {
            let event = self.declared.find_event(name, self.findings);
            let owner = format!("`{}`", name.value);
            match event.and_then(|event| self.named_values(&owner, &event.fields, values)) {
                Some(values) => events.push((name.value.clone(), values)),
                None => sound = false,
            }
        }
        sound.then_some(Some(events))
    }

    fn error(&mut self, written: Option<&Text>, refusals: &[&str]) -> Option<Option<String>> {
        let Some(name) = written else { return Some(None) };
        if !refusals.contains(&name.value.as_str()) {
            self.unknown(&UNKNOWN_REFUSAL, "refusal", name, refusals.to_vec());
            return None;
        }
        Some(Some(name.value.clone()))
    }

    fn state(&mut self, written: Option<&Map<Literal>>) -> Option<Option<Vec<Assignment>>> {
        let Some(written) = written else { return Some(None) };
        let Some(state) = &self.declared.state else {
            let title = "a scenario compares the state, but there is no `state:`";
            let place = written.first().map_or(self.name.span, |(name, _)| name.span);
            let found = Diagnostic::error(&NOT_COMPARABLE, title, place, "nothing to compare with");
            self.findings.push(found.help("declare the fields under `state:`, or compare events"));
            return None;
        };
        self.named_values("the state", state, written).map(Some)
    }

    fn rows(
        &mut self,
        written: &Map<Vec<Map<Literal>>>,
    ) -> Option<Vec<(String, Vec<Vec<Assignment>>)>> {
        let mut all = Vec::new();
        let mut sound = true;
        for (name, rows) in written {
            match self.rows_of(name, rows) {
                Some(rows) => all.push((name.value.clone(), rows)),
                None => sound = false,
            }
        }
        sound.then_some(all)
    }

    fn rows_of(&mut self, name: &Text, rows: &[Map<Literal>]) -> Option<Vec<Vec<Assignment>>> {
        let projections = &self.declared.syntax.projections;
        let Some(index) = projections.iter().position(|(known, _)| known.value == name.value)
        else {
            let names = projections.iter().map(|(known, _)| known.value.as_str()).collect();
            self.unknown(&UNKNOWN_PROJECTION, "projection", name, names);
            return None;
        };
        let Some(columns) = self.declared.columns.get(index)?.as_ref() else {
            let title = format!("`{}` has no `columns` to compare", name.value);
            let found = Diagnostic::error(&NOT_COMPARABLE, title, name.span, "hand-written rows");
            self.findings.push(found.help("declare its `columns`, or test it by hand"));
            return None;
        };
        let owner = format!("`{}`", name.value);
        let rows: Vec<Option<Vec<Assignment>>> =
            rows.iter().map(|row| self.named_values(&owner, columns, row)).collect();
        rows.into_iter().collect()
    }

    /// A scenario shows something, and what only a command can do needs one.
    fn check_sense(&mut self, syntax: &syntax::Scenario) {
        let Text { value, span } = self.name;
        let shows = |step: &syntax::ScenarioStep| {
            step.events.is_some()
                || step.error.is_some()
                || step.state.is_some()
                || !step.rows.is_empty()
        };
        if !syntax.steps.iter().any(shows) {
            let title = format!("the scenario `{value}` expects nothing");
            let found = Diagnostic::error(&NOTHING_EXPECTED, title, *span, "no `then`");
            self.findings.push(found.help("add `then:` with `events`, `error`, `state` or `rows`"));
        }
        let Some(step) = syntax.steps.iter().find(|step| step.when.is_none()) else { return };
        let events =
            step.events.as_ref().map(|events| events.first().map_or(*span, |(n, _)| n.span));
        let error = step.error.as_ref().map(|error| error.span);
        let (what, place, other) = match (events, error) {
            (Some(events), error) => ("events", events, error),
            (None, Some(error)) => ("an error", error, None),
            (None, None) => return,
        };
        let title = format!("a scenario without a command expects {what}");
        let found = Diagnostic::error(&WITHOUT_COMMAND, title, place, "of which command?")
            .help("add `when: {Command: {…}}`");
        self.findings.push(match other {
            Some(other) => found.place(other, "and this error?"),
            None => found,
        });
    }
}

fn given_twice(first: &Text, second: &Text) -> Diagnostic {
    let title = "`new_id()` gives no id twice";
    Diagnostic::error(&SAME_ID, title, second.span, "given again")
        .place(first.span, "given before")
        .help("write another id")
}

/// The event's time, where the scenario states it.
fn own_time(event: &DeclaredEvent<'_>, values: &[Assignment]) -> Option<i64> {
    let field = event.occurred_at()?;
    let value = &values.iter().find(|assignment| assignment.field == field)?.value;
    match value.kind {
        ExpressionKind::Timestamp(at) => Some(at),
        _ => None,
    }
}
