//! `on:` what each event does to its row.

use super::Projecting;
use super::{aggregates, key};
use crate::catalogue::projections::{
    ALWAYS_FIRST, COLUMN_MISSING, KEY, KEY_COLUMN_SET, NO_RULE, NO_ZERO_ROW, RULE_TWICE,
    RULE_WITHOUT_SOURCE, SEVERAL,
};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Assignment, Expression, ExpressionKind, Matching, RowRule, Type, Verb};
use crate::resolve::assign::Target;
use crate::resolve::declared::DeclaredEvent;
use crate::resolve::emission::element;
use crate::resolve::event::assignments;
use crate::resolve::expression::scope::{Elsewhere, Local, Scope};
use crate::resolve::expression::{asked, unused};
use crate::resolve::fields::{Field, Fields};
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::{self, Text};

/// The rules by event: `Some(None)` where they are hand-written, none where they are wrong.
#[allow(clippy::option_option, clippy::type_complexity)] // hand-written and wrong are two things
pub(super) fn resolve(
    this: &Projecting<'_>,
    key: Option<&[Assignment]>,
    all_sources_known: bool,
    findings: &mut Vec<Diagnostic>,
) -> Option<Option<Vec<(String, Vec<RowRule>)>>> {
    let (Some(on), Some(columns)) = (&this.syntax.on, this.columns) else { return Some(None) };
    let mut resolved = Vec::new();
    let mut sound = true;
    let mut seen: Vec<&Text> = Vec::new();
    for (events, rules) in on {
        for name in events {
            let Some(event) = this.sources.iter().find(|event| event.name.value == name.value)
            else {
                sound = false;
                if all_sources_known {
                    findings.push(no_source(this, name));
                }
                continue;
            };
            if let Some(first) = seen.iter().find(|seen| seen.value == name.value) {
                let title = format!("`{}` has rules twice", name.value);
                findings.push(
                    Diagnostic::error(&RULE_TWICE, title, name.span, "again")
                        .place(first.span, "first")
                        .help("write the cases of one event as a list"),
                );
                sound = false;
                continue;
            }
            seen.push(name);
            match event_rules(this, event, columns, rules, findings) {
                Some(resolved_rules) if rules.iter().any(is_of_several) => {
                    sound &= chooses_without_row(rules, &resolved_rules, findings);
                    resolved.push((event.name.value.clone(), resolved_rules));
                }
                Some(resolved_rules) => {
                    sound &= key_is_known(key, rules, &resolved_rules, findings);
                    resolved.push((event.name.value.clone(), resolved_rules));
                }
                None => sound = false,
            }
        }
    }
    for source in &this.sources {
        if !seen.iter().any(|seen| seen.value == source.name.value) {
            findings.push(no_rule(this, source));
            sound = false;
        }
    }
    sound.then_some(Some(resolved))
}

fn no_source(this: &Projecting<'_>, name: &Text) -> Diagnostic {
    let title = format!("`{}` is no source of `{}`", name.value, this.name.value);
    let found = Diagnostic::error(&RULE_WITHOUT_SOURCE, title, name.span, "never folded");
    let sources = this.sources.iter().map(|event| event.name.value.as_str());
    if let Some(meant) = nearest(&name.value, sources) {
        return found.help(format!("did you mean `{meant}`?"));
    }
    if this.declared.event(&name.value).is_some() {
        return found.help(format!("add `{}` to `source`", name.value));
    }
    let events = this.declared.events.iter().map(|event| event.name.value.as_str());
    found.help(match nearest(&name.value, events) {
        Some(meant) => format!("did you mean `{meant}`? Then add it to `source` too"),
        None => "the events that can be folded stand under `source`".to_owned(),
    })
}

fn no_rule(this: &Projecting<'_>, event: &DeclaredEvent<'_>) -> Diagnostic {
    let name = &event.name.value;
    let place = this.syntax.source.iter().find(|source| source.value == *name);
    let place = place.map_or(this.name.span, |source| source.span);
    let title = format!("`{}` does not say what `{name}` does to a row", this.name.value);
    Diagnostic::error(&NO_RULE, title, place, "a source without a rule")
        .help(format!("add `{name}: {{update: {{…}}}}` under `on`"))
        .help("or remove it from `source`")
}

fn event_rules(
    this: &Projecting<'_>,
    event: &DeclaredEvent<'_>,
    columns: &Fields,
    rules: &[syntax::RowRule],
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<RowRule>> {
    let mut resolved = Vec::new();
    let mut sound = aggregates::miss_none(this, event.name, rules, findings);
    for (index, rule) in rules.iter().enumerate() {
        if rule.when.is_none() && index + 1 < rules.len() {
            let title = "a case without `when` always holds, so those after it never do";
            let found = Diagnostic::error(&ALWAYS_FIRST, title, rule.verb.span, "always holds");
            findings.push(found.help("put it last, or give it a `when`"));
            sound = false;
        }
        let rule = Rule { this, event, columns, syntax: rule };
        match rule.resolve(findings) {
            Some(rule) => resolved.push(rule),
            None => sound = false,
        }
    }
    sound.then_some(resolved)
}

fn is_of_several(rule: &syntax::RowRule) -> bool {
    rule.matching.is_some() || rule.for_each.is_some()
}

/// Whether the case is chosen once, and not by a row: of several rows each could say something else.
fn chooses_without_row(
    written: &[syntax::RowRule],
    rules: &[RowRule],
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let Some(at) = rules.iter().position(RowRule::asks_row) else { return true };
    let place = written[at].when.as_ref().map_or(written[at].verb.span, |when| when.span);
    let several = written.iter().find(|rule| is_of_several(rule));
    let several = several.map_or(place, |rule| rule.verb.span);
    let title = "which case it is would depend on the row, of which there may be several";
    findings.push(
        Diagnostic::error(&SEVERAL, title, place, "reads `row`")
            .place(several, "a case for several rows")
            .help("let `when` read the event alone; what a row must be stands in `match`"),
    );
    false
}

/// Whether the key can be told before there is a row: a row is found by its key.
fn key_is_known(
    key: Option<&[Assignment]>,
    written: &[syntax::RowRule],
    rules: &[RowRule],
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let Some(key) = key else { return true }; // it has a mistake of its own
    let choosing = model::choosing_key(key, rules);
    let Some(at) = choosing.iter().position(RowRule::asks_row) else { return true };
    let place = written[at].when.as_ref().map_or(written[at].verb.span, |when| when.span);
    let is_other =
        |other: &usize| !model::is_same_key(rules[*other].own_or(key), rules[at].own_or(key));
    let other = (at + 1..rules.len()).find(is_other);
    let other = other.map_or(written[at].verb.span, |other| written[other].verb.span);
    let title = "which row it is would depend on the row";
    findings.push(
        Diagnostic::error(&KEY, title, place, "reads `row`")
            .place(other, "a case with another key")
            .note("a row is found by its key, so the key comes first")
            .help("give all these cases one key, or let `when` read the event alone"),
    );
    false
}

/// One rule of one event.
struct Rule<'a> {
    this: &'a Projecting<'a>,
    event: &'a DeclaredEvent<'a>,
    columns: &'a Fields,
    syntax: &'a syntax::RowRule,
}

impl Rule<'_> {
    fn resolve(&self, findings: &mut Vec<Diagnostic>) -> Option<RowRule> {
        let verb = match self.syntax.verb.value {
            syntax::Verb::Insert => Verb::Insert,
            syntax::Verb::Update => Verb::Update,
            syntax::Verb::Upsert => Verb::Upsert,
            syntax::Verb::Delete => Verb::Delete,
        };
        let when = match &self.syntax.when {
            // An insert has no row before it, so its condition can't read one.
            Some(when) => self.when_scope(verb).condition(when, findings).map(Some),
            None => Some(None),
        };
        let for_each = self.for_each(findings);
        let known = findings.len();
        let locals: Vec<Local> = match &for_each {
            Some(Some((local, _))) => vec![local.clone()],
            // It is broken: whatever reads it would only be told again.
            None => return None,
            Some(None) => Vec::new(),
        };
        let matching = self.matching(verb, &locals, findings);
        let key = match &self.syntax.key {
            Some(written) => self.own_key(written, &locals, findings).map(Some),
            None => Some(None),
        };
        let asked = when.as_ref().and_then(Option::as_ref);
        let columns = self.values(verb, asked, &locals, findings);
        if let (Some(local), Some((name, _))) = (locals.first(), &self.syntax.for_each)
            && findings.len() == known
            && !local.used.get()
        {
            findings.push(unused(name));
            return None;
        }
        Some(RowRule {
            matching: matching?,
            for_each: for_each?.map(|(local, list)| (local.name, list)),
            when: when?,
            verb,
            columns: columns?,
            key: key?,
            ignore_conflict: self.syntax.ignore_conflict,
            skip_missing: self.syntax.skip_missing,
        })
    }

    /// The local of an element, and the list.
    #[allow(clippy::option_option)] // none and a wrong one are two things
    fn for_each(&self, findings: &mut Vec<Diagnostic>) -> Option<Option<(Local, Expression)>> {
        let Some((name, list)) = &self.syntax.for_each else { return Some(None) };
        element(name, list, &mut self.scope(false), findings).map(Some)
    }

    /// What holds for the rows.
    #[allow(clippy::option_option)] // none and a wrong one are two things
    fn matching(
        &self,
        verb: Verb,
        locals: &[Local],
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Option<Matching>> {
        let Some(written) = &self.syntax.matching else { return Some(None) };
        if !self.can_match(verb, written, findings) {
            return None;
        }
        let mut scope = self.scope(true);
        scope.locals.extend_from_slice(locals);
        let meaning = scope.condition(written, findings)?;
        let asked = asked::of_rule(written, &meaning, self.columns, findings)?;
        Some(Some(Matching { meaning, asked }))
    }

    /// Whether rows that are found by a condition can be treated so.
    fn can_match(
        &self,
        verb: Verb,
        written: &syntax::Expression,
        findings: &mut Vec<Diagnostic>,
    ) -> bool {
        let place = self.place();
        let (title, label, help) = match (verb, &self.syntax.key) {
            (Verb::Insert | Verb::Upsert, _) => (
                "`match` finds rows that are there, and this makes one",
                "makes a row",
                "write `update` or `delete`, or say which row it is with `key`",
            ),
            (_, Some(_)) => (
                "a rule finds its rows by `match` or by `key`, and not by both",
                "which rows?",
                "remove one of the two",
            ),
            _ if self.syntax.skip_missing => (
                "where no row matches nothing is missing",
                "never missing",
                "remove `onMissing: skip`",
            ),
            _ => return true,
        };
        let found = Diagnostic::error(&SEVERAL, title, place, label);
        findings.push(found.place(written.span, "the rows").help(help));
        false
    }

    fn scope(&self, sees_row: bool) -> Scope<'_> {
        let scope = Scope::empty(&self.this.declared.types, self.this.event_scope(self.event))
            .bare(model::Scope::Event, &self.event.fields)
            .with_meta()
            .with_stream(self.this.declared.partition_key);
        if sees_row { scope.qualified(model::Scope::Row, self.columns) } else { scope }
    }

    /// Where `when` stands: one for the event, and not one for each of its rows.
    fn when_scope(&self, verb: Verb) -> Scope<'_> {
        let mut scope = self.scope(verb != Verb::Insert);
        scope.elsewhere = self.syntax.for_each.as_ref().map(|(name, _)| Elsewhere {
            name,
            not_in: "when",
            reason: "an element, and `when` holds for the event as a whole",
            help: "take the others out of the list: `forEach: {x: items.filter(|x| …)}`",
        });
        scope
    }

    fn own_key(
        &self,
        written: &syntax::KeySyntax,
        locals: &[Local],
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Vec<Assignment>> {
        let lines = key::lines(self.this, written);
        let missing: Vec<&str> = self
            .key_columns()
            .into_iter()
            .filter(|column| !lines.iter().any(|(line, _)| line.value == *column))
            .collect();
        let key = key::for_event(self.this, self.event, &lines, locals, findings);
        if let (Some(first), Some((line, _))) = (missing.first(), lines.first()) {
            let title = format!("this key lacks the column `{first}`");
            let found = Diagnostic::error(&KEY, title, line.span, "part of a key");
            findings.push(found.help("name every column of the projection's key"));
            return None;
        }
        let key = key?;
        if let Some(extra) =
            lines.iter().find(|(line, _)| !self.key_columns().contains(&line.value.as_str()))
        {
            let title = format!("`{}` is no column of the projection's key", extra.0.value);
            findings.push(Diagnostic::error(&KEY, title, extra.0.span, "not a key column"));
            return None;
        }
        Some(key)
    }

    /// The names of the projection's key columns.
    fn key_columns(&self) -> Vec<&str> {
        key::columns(self.this)
    }

    fn values(
        &self,
        verb: Verb,
        when: Option<&Expression>,
        locals: &[Local],
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Vec<Assignment>> {
        let keys = self.key_columns();
        let mut sound = aggregates::are_set_by_none(self.this, self.syntax, findings);
        for (column, _) in &self.syntax.columns.fields {
            if keys.contains(&column.value.as_str()) {
                let title = format!("`{}` is the key and is not set by a rule", column.value);
                let found = Diagnostic::error(&KEY_COLUMN_SET, title, column.span, "a key column");
                findings
                    .push(found.help(
                        "remove this line: the key says it, and a row never changes its key",
                    ));
                sound = false;
            }
        }
        let mut scope = self.scope(matches!(verb, Verb::Update | Verb::Upsert | Verb::Delete));
        scope.locals.extend_from_slice(locals);
        let owner = format!("`{}`", self.this.name.value);
        let target = Target { fields: self.columns, owner: &owner };
        let is_kept_out =
            |name: &str| keys.contains(&name) || aggregates::owner(self.this, name).is_some();
        let written = &self.syntax.columns;
        let assigned =
            assignments(written, target, &self.event.fields, &scope, is_kept_out, findings);
        let mut assigned = assigned.filter(|_| sound)?;
        assigned.extend(aggregates::lines(
            self.this,
            self.event,
            self.syntax,
            target,
            &scope,
            findings,
        )?);
        match verb {
            Verb::Insert => self.complete(&keys, &mut assigned, findings)?,
            Verb::Upsert => self.check_zero_row(&keys, when, &assigned, findings)?,
            Verb::Update | Verb::Delete => {}
        }
        Some(assigned)
    }

    /// Columns that an insert does not name take their default, or none.
    fn complete(
        &self,
        keys: &[&str],
        assigned: &mut Vec<Assignment>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<()> {
        let mut missing = Vec::new();
        for column in self.unnamed(keys, assigned) {
            match self.default(column) {
                Some(value) => assigned.push(Assignment { field: column.name.clone(), value }),
                None if column.field_type.is_some() => missing.push(column),
                None => return None, // its type is broken and reported
            }
        }
        let position = |name: &str| self.columns.0.iter().position(|column| column.name == name);
        assigned.sort_by_key(|assignment| position(&assignment.field));
        if missing.is_empty() {
            return Some(());
        }
        let names: Vec<&str> = missing.iter().map(|column| column.name.as_str()).collect();
        let title =
            format!("`insert` gives no value to {}", crate::resolve::expression::listed(&names));
        let place = self.place();
        let found = missing.iter().fold(
            Diagnostic::error(&COLUMN_MISSING, title, place, "a row has every column"),
            |found, column| found.place(column.span, "this column"),
        );
        let line: Vec<String> = names.iter().map(|name| format!("{name}: …")).collect();
        findings.push(found.help(format!("add `{}`", line.join(", "))));
        None
    }

    fn default(&self, column: &Field) -> Option<Expression> {
        match &column.field_type {
            _ if column.default_is_written => column.default.clone(),
            Some(optional @ Type::Optional(_)) => {
                Some(Expression { kind: ExpressionKind::None, result: optional.clone() })
            }
            _ => None,
        }
    }

    fn unnamed(&self, keys: &[&str], assigned: &[Assignment]) -> Vec<&Field> {
        let named = |name: &str| assigned.iter().any(|assignment| assignment.field == name);
        let columns = self.columns.0.iter();
        columns
            .filter(|column| !keys.contains(&column.name.as_str()) && !named(&column.name))
            .collect()
    }

    /// An upsert of an absent row starts from zeros, which every column must have then that isn't given or is
    /// read.
    fn check_zero_row(
        &self,
        keys: &[&str],
        when: Option<&Expression>,
        assigned: &[Assignment],
        findings: &mut Vec<Diagnostic>,
    ) -> Option<()> {
        let unnamed = self.unnamed(keys, assigned);
        let values = assigned.iter().map(|assignment| &assignment.value).chain(when);
        let values: Vec<&Expression> = values.collect();
        let read = |column: &&Field| {
            let key = keys.contains(&column.name.as_str());
            !key && values.iter().any(|value| reads_row(value, &column.name))
        };
        let others = self.columns.0.iter().filter(read);
        let lacking = unnamed
            .into_iter()
            .chain(others)
            .find(|column| column.default.is_none() && column.field_type.is_some());
        // Its value is what the new row starts with, before there is one to read.
        let worked_out = |column: &&Field| {
            let mut own = assigned.iter().filter(|assignment| assignment.field == column.name);
            column.default.is_none()
                && own.any(|assignment| assignment.value.reads_scope(model::Scope::Row))
        };
        let lacking = lacking.or_else(|| self.columns.0.iter().find(worked_out));
        let Some(column) = lacking else { return Some(()) };
        let shown = column
            .field_type
            .as_ref()
            .map_or_else(String::new, |of| self.this.declared.types.show(of));
        let title =
            format!("an `upsert` of a new row has no `{}`: `{shown}` has no zero", column.name);
        let given = assigned.iter().any(|assignment| assignment.field == column.name);
        let help = match given {
            false => format!("give it here, make it `{shown}?`, or give it a default"),
            true => format!(
                "the row is read here before there is one: make it `{shown}?`, or give it a default"
            ),
        };
        findings.push(
            Diagnostic::error(&NO_ZERO_ROW, title, self.place(), "where the row is new")
                .place(column.span, "this column")
                .help(help),
        );
        None
    }

    fn place(&self) -> Span {
        self.syntax.verb.span
    }
}

/// Whether a value reads this column of the row.
fn reads_row(value: &Expression, column: &str) -> bool {
    value.any(&|part| {
        matches!(&part.kind, ExpressionKind::Read(model::Scope::Row, name) if name == column)
    })
}
