//! Projections: target, key, columns, and the rules that turn events into rows.

mod aggregates;
mod indexes;
mod inputs;
mod key;
mod queries;
mod rules;
mod select;

pub(crate) use aggregates::declare as declare_aggregates;
pub(crate) use key::is_json;

use super::assign::Target;
use super::declared::{Declared, DeclaredEvent};
use super::expression::literal;
use super::expression::scope::Scope;
use super::fields::Fields;
use crate::catalogue::projections::{
    CONSISTENCY, IMMEDIATE_KEY, MIRROR, NEEDS_COLUMNS, NO_SOURCE, SOURCE_TWICE, STRATEGY, TARGET,
};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Assignment, RowRule, is_same_key};
use crate::naming;
use crate::source::Span;
use crate::syntax::{self, Text};

/// A projection while it is being resolved.
pub(crate) struct Projecting<'a> {
    declared: &'a Declared<'a>,
    name: &'a Text,
    syntax: &'a syntax::Projection,
    columns: Option<&'a Fields>,
    /// The source events that exist.
    sources: Vec<&'a DeclaredEvent<'a>>,
}

/// Resolves a projection.
pub(crate) fn resolve(
    declared: &Declared<'_>,
    name: &Text,
    syntax: &syntax::Projection,
    columns: Option<&Fields>,
    findings: &mut Vec<Diagnostic>,
) -> Option<model::Projection> {
    let known = findings.len();
    let sources = sources(declared, name, syntax, findings);
    let all_known = findings.len() == known;
    let this = Projecting { declared, name, syntax, columns, sources };
    let target = this.target(findings);
    let immediate = this.immediate(findings);
    let window = this.window(immediate, findings);
    this.check_parts(findings);
    let are_folded = aggregates::check(&this, findings);
    let key = if are_folded { key::resolve(&this, findings) } else { None };
    let on = rules::resolve(&this, key.as_deref(), all_known, findings);
    let key_is_stream = key::is_stream(key.as_deref(), on.as_ref().and_then(|on| on.as_deref()));
    let other_key = key.as_deref().zip(on.as_ref().and_then(|on| on.as_deref()));
    let other_key = other_key.and_then(|(key, on)| this.other_key(key, on));
    this.check_immediate(immediate, key.as_deref(), key_is_stream, other_key, findings);
    let mirrors = this.mirrors(key.is_some() && !key_is_stream, findings);
    let indexes = indexes::resolve(&this, findings);
    let queries = queries::resolve(&this, findings);
    let (database, table) = target?;
    Some(model::Projection {
        name: name.value.clone(),
        description: syntax.description.as_ref().map(|text| text.value.clone()),
        source: this.sources.iter().map(|event| event.name.value.clone()).collect(),
        database,
        table,
        immediate: immediate?,
        window_micros: window?,
        columns: columns.map(Fields::to_model),
        key: key?,
        key_is_stream,
        on: on?,
        mirrors: mirrors?,
        indexes: indexes?,
        queries: queries?,
        meaning: 0,
    })
}

fn sources<'a>(
    declared: &'a Declared<'a>,
    name: &Text,
    syntax: &syntax::Projection,
    findings: &mut Vec<Diagnostic>,
) -> Vec<&'a DeclaredEvent<'a>> {
    let mut sources = Vec::new();
    for (index, source) in syntax.source.iter().enumerate() {
        if source.value.contains('.') {
            let title = "events of other aggregates are not supported yet";
            let code = &crate::catalogue::projections::SOURCE_NOT_YET;
            findings.push(Diagnostic::error(code, title, source.span, "not yet"));
            continue;
        }
        if let Some(first) = syntax.source[..index].iter().find(|s| s.value == source.value) {
            let title = format!("`{}` is a source twice", source.value);
            findings.push(
                Diagnostic::error(&SOURCE_TWICE, title, source.span, "again")
                    .place(first.span, "first"),
            );
            continue;
        }
        sources.extend(declared.find_event(source, findings));
    }
    // A missing `source:` has been reported by `load`, which leaves the list empty then too.
    if syntax.source.is_empty() && syntax.on.is_some() {
        let title = format!("`{}` has no source", name.value);
        let found = Diagnostic::error(&NO_SOURCE, title, name.span, "folds no event");
        findings.push(found.help("add `source:` with the events it folds"));
    }
    sources
}

impl Projecting<'_> {
    /// `db.table`, both valid identifiers in every database.
    fn target(&self, findings: &mut Vec<Diagnostic>) -> Option<(String, String)> {
        let target = self.syntax.target.as_ref()?; // its absence is `load`'s to report
        let parts: Vec<&str> = target.value.split('.').collect();
        let sound = |part: &str| naming::fault(part, naming::Kind::Field).is_none();
        match parts.as_slice() {
            [database, table] if sound(database) && sound(table) => {
                Some(((*database).to_owned(), (*table).to_owned()))
            }
            [_, _] => {
                let title = format!("`{}` cannot name a table in every database", target.value);
                let found = Diagnostic::error(&TARGET, title, target.span, "not a name");
                findings
                    .push(found.help("use letters, digits and `_`, a letter first, at most 63"));
                None
            }
            _ => {
                let title = format!("`{}` does not name a database and a table", target.value);
                let found = Diagnostic::error(&TARGET, title, target.span, "not `db.table`");
                findings.push(found.help("write `read_db.account_balance`"));
                None
            }
        }
    }

    fn immediate(&self, findings: &mut Vec<Diagnostic>) -> Option<bool> {
        let Some(strategy) = &self.syntax.update_strategy else { return Some(false) };
        match strategy.value.as_str() {
            "eventually_consistent" => Some(false),
            "immediate" => Some(true),
            other => {
                let title = format!("`{other}` is no update strategy");
                let found = Diagnostic::error(&STRATEGY, title, strategy.span, "unknown");
                let words = ["eventually_consistent", "immediate"];
                findings.push(match crate::suggest::nearest(other, words) {
                    Some(meant) => found.help(format!("did you mean `{meant}`?")),
                    None => found.help("write `eventually_consistent` or `immediate`"),
                });
                None
            }
        }
    }

    #[allow(clippy::option_option)] // no window and a wrong one are two things
    fn window(
        &self,
        immediate: Option<bool>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Option<i64>> {
        let Some(window) = &self.syntax.consistency_window else { return Some(None) };
        if immediate == Some(true) {
            let title = "an immediate projection has no consistency window";
            let found = Diagnostic::error(&CONSISTENCY, title, window.span, "never behind");
            findings.push(found.help("remove it: the rows change in the append's own transaction"));
            return None;
        }
        let micros = literal::duration_micros(&window.value).filter(|micros| *micros > 0);
        if micros.is_none() {
            let title = format!("`{}` is no span of time", window.value);
            let found = Diagnostic::error(&CONSISTENCY, title, window.span, "cannot be read");
            findings
                .push(found.help(format!("write `500ms`; the units are {}", literal::UNIT_LIST)));
        }
        micros.map(Some)
    }

    /// Key, rules and mirrors speak of columns.
    fn check_parts(&self, findings: &mut Vec<Diagnostic>) {
        if self.columns.is_some() {
            return;
        }
        let key = self.syntax.key.as_ref().map(|key| match key {
            syntax::KeySyntax::Field(field) => field.span,
            syntax::KeySyntax::Columns(columns) => {
                columns.first().map_or(self.name.span, |(column, _)| column.span)
            }
        });
        let on = self.syntax.on.as_ref().and_then(|on| on.first()?.0.first().map(|name| name.span));
        let mirrors = self.syntax.mirrors.first().map(|(column, _)| column.span);
        let indexes = self.syntax.indexes.iter().flatten().next().map(|column| column.span);
        let queries = self.syntax.queries.first().map(|(name, _)| name.span);
        let parts = [
            ("key", key),
            ("on", on),
            ("mirrors", mirrors),
            ("indexes", indexes),
            ("queries", queries),
        ];
        for (part, place) in parts {
            let Some(place) = place else { continue };
            let title = format!("`{}` has `{part}` but no `columns`", self.name.value);
            let found = Diagnostic::error(&NEEDS_COLUMNS, title, place, "of which row?");
            findings.push(found.help("add `columns:` with the fields of a row and their types"));
        }
    }

    fn check_immediate(
        &self,
        immediate: Option<bool>,
        key: Option<&[Assignment]>,
        key_is_stream: bool,
        other_key: Option<Span>,
        findings: &mut Vec<Diagnostic>,
    ) {
        if immediate != Some(true) || key_is_stream {
            return;
        }
        let strategy = self.syntax.update_strategy.as_ref().map_or(self.name.span, |s| s.span);
        let title = if key.is_some_and(<[_]>::is_empty) {
            "an immediate projection needs columns and the stream's id as key"
        } else if key.is_none() {
            return; // the key has a mistake of its own
        } else {
            "an immediate projection has one row per stream"
        };
        let by_rule = other_key.filter(|_| key::is_stream(key, None));
        let found = match by_rule {
            Some(place) => Diagnostic::error(&IMMEDIATE_KEY, title, place, "another row")
                .place(strategy, "immediate"),
            None => Diagnostic::error(&IMMEDIATE_KEY, title, strategy, "immediate"),
        };
        let found = found.note("two appends to different streams must never change one row");
        findings.push(match self.declared.partition_key {
            Some(_) if by_rule.is_some() => found
                .help("let this rule find the stream's row, or set `updateStrategy: eventually_consistent`"),
            Some(key) => {
                found.help(format!("set `key: {key}`, or `updateStrategy: eventually_consistent`"))
            }
            None => found
                .help("set `key: {stream: meta.streamId}` with a column `stream: string`, or `updateStrategy: eventually_consistent`"),
        });
    }

    /// The first `key:` of a rule that is not the projection's.
    fn other_key(&self, key: &[Assignment], on: &[(String, Vec<RowRule>)]) -> Option<Span> {
        let names = |events: &[Text], name: &str| events.iter().any(|event| event.value == name);
        on.iter().find_map(|(event, rules)| {
            let other =
                |rule: &RowRule| rule.matching.is_some() || !is_same_key(rule.own_or(key), key);
            let other = rules.iter().position(other)?;
            let mut written = self.syntax.on.iter().flatten();
            let (_, written) = written.find(|(events, _)| names(events, event))?;
            let written = written.get(other)?;
            let matching = written.matching.as_ref().map(|matching| matching.span);
            let own = written.key.as_ref();
            matching.or_else(|| key::lines(self, own?).first().map(|(column, _)| column.span))
        })
    }

    /// Columns that always equal a value of the state.
    fn mirrors(&self, other_key: bool, findings: &mut Vec<Diagnostic>) -> Option<Vec<Assignment>> {
        let Some((first, _)) = self.syntax.mirrors.first() else { return Some(Vec::new()) };
        let columns = self.columns?;
        let Some(state) = &self.declared.state else {
            let title = "`mirrors` compares with the state, but there is no `state:`";
            let found = Diagnostic::error(&MIRROR, title, first.span, "nothing to compare with");
            findings.push(found.help("declare the fields under `state:`"));
            return None;
        };
        if other_key {
            let title = "`mirrors` needs one row per stream";
            let found = Diagnostic::error(&MIRROR, title, first.span, "which state?");
            findings.push(found.help("use the partition key as `key:`, or remove `mirrors`"));
            return None;
        }
        let scope =
            Scope::empty(&self.declared.types, format!("`mirrors` of `{}`", self.name.value))
                .bare(model::Scope::State, state);
        let owner = format!("`{}`", self.name.value);
        let target = Target { fields: columns, owner: &owner };
        let assigned: Vec<Option<Assignment>> = self
            .syntax
            .mirrors
            .iter()
            .map(|(column, value)| target.assign(column, value, &scope, findings))
            .collect();
        assigned.into_iter().collect()
    }

    /// What the rules of an event may see, rows apart.
    fn event_scope(&self, event: &'_ DeclaredEvent<'_>) -> String {
        format!("`{}` on `{}`", self.name.value, event.name.value)
    }
}
