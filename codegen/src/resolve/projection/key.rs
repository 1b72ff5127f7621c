//! The key of a projection: which row an event concerns.
//!
//! The partition key reads the stream's id itself, not the event's field of that name: rows of
//! different streams are independent only if nothing else can name them.

use super::Projecting;
use crate::catalogue::projections::{COLUMN_TYPE, KEY, KEY_MISSING};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Assignment, Expression, ExpressionKind, RowRule, Type};
use crate::resolve::assign::Target;
use crate::resolve::declared::DeclaredEvent;
use crate::resolve::expression::is_word;
use crate::resolve::expression::scope::{Local, Scope};
use crate::syntax::{self, KeySyntax, Text};

/// The key columns with their expressions: empty where the handler brings its own row.
pub(super) fn resolve(
    this: &Projecting<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<Assignment>> {
    let columns = this.columns;
    let Some(columns) = columns else { return Some(Vec::new()) };
    let default;
    let written = match &this.syntax.key {
        Some(key) => lines(this, key),
        None => {
            let Some(partition_key) = this.declared.partition_key else {
                findings.extend(one_stream_without_key(this));
                return None;
            };
            if !columns.contains(partition_key) {
                let title =
                    format!("`{}` does not say which row an event concerns", this.name.value);
                let found = Diagnostic::error(&KEY_MISSING, title, this.name.span, "no `key`");
                findings.push(found.help(format!(
                    "add `key:` with a column, or a column `{partition_key}: string`, which then is the key"
                )));
                return None;
            }
            let value = partition_key.to_owned();
            default = Text { value, span: this.name.span };
            lines(this, &KeySyntax::Field(default))
        }
    };
    // Every event finds its row by the same columns, each with the same expression.
    let mut found: Option<Vec<Assignment>> = None;
    let mut sound = true;
    for event in &this.sources {
        if has_own_key(this, event) {
            continue;
        }
        let key = for_event(this, event, &written, &[], findings);
        match (&found, key) {
            (_, None) => {
                sound = false;
                break; // the others would say the same again
            }
            (Some(first), Some(key)) if *first != key => {
                let title = format!(
                    "the key of `{}` is another one for `{}`",
                    this.name.value, event.name.value
                );
                let place = written.first().map_or(this.name.span, |(column, _)| column.span);
                let refused = Diagnostic::error(&KEY, title, place, "of another type there");
                findings.push(refused.help("give that event's rule a `key:` of its own"));
                return None;
            }
            (None, Some(key)) => found = Some(key),
            _ => {}
        }
    }
    if found.is_none() && sound {
        // Every rule has a key of its own; the columns are still those of the projection.
        let mut quiet = Vec::new();
        let first = this.sources.first();
        found = first.and_then(|event| for_event(this, event, &written, &[], &mut quiet));
        found = found.or_else(|| itself(this, &written));
        if found.is_none() {
            findings.append(&mut quiet);
        }
    }
    found.filter(|_| sound)
}

/// A key that only names its columns, of a type that can be one.
fn itself(
    this: &Projecting<'_>,
    written: &syntax::Map<syntax::Expression>,
) -> Option<Vec<Assignment>> {
    let column = |(name, value): &(Text, syntax::Expression)| {
        let of = this.columns?.get(&name.value)?.field_type.clone()?;
        let names_it =
            value.text == name.value && !matches!(of, Type::Optional(_)) && !is_json(&of);
        let kind = ExpressionKind::Read(model::Scope::Row, name.value.clone());
        let field = name.value.clone();
        names_it.then_some(Assignment { field, value: Expression { kind, result: of } })
    };
    written.iter().map(column).collect()
}

/// The columns of a key with their expressions, as if all were written out.
pub(super) fn lines(this: &Projecting<'_>, key: &KeySyntax) -> syntax::Map<syntax::Expression> {
    match key {
        KeySyntax::Columns(columns) => columns.clone(),
        KeySyntax::Field(field) => vec![(field.clone(), read(this, field))],
    }
}

/// What reads the field of this name. A word of the language reads nothing by itself.
fn read(this: &Projecting<'_>, field: &Text) -> syntax::Expression {
    let name = &field.value;
    let text = match () {
        () if this.declared.partition_key == Some(name) => "meta.streamId".to_owned(),
        () if is_word(name) => format!("event.{name}"),
        () => name.clone(),
    };
    let exact = text == *name && field.span.end - field.span.start == name.len();
    let offsets = exact.then(|| (field.span.start..=field.span.end).collect());
    syntax::Expression { text, span: field.span, offsets }
}

/// The names of the key's columns.
pub(super) fn columns<'t>(this: &'t Projecting<'_>) -> Vec<&'t str> {
    match &this.syntax.key {
        Some(KeySyntax::Field(field)) => vec![field.value.as_str()],
        Some(KeySyntax::Columns(columns)) => {
            columns.iter().map(|(column, _)| column.value.as_str()).collect()
        }
        None => this.declared.partition_key.into_iter().collect(),
    }
}

/// Whether every rule of the event overrides the key.
fn has_own_key(this: &Projecting<'_>, event: &DeclaredEvent<'_>) -> bool {
    let Some(on) = &this.syntax.on else { return false };
    let mut rules = on
        .iter()
        .filter(|(events, _)| events.iter().any(|name| name.value == event.name.value))
        .flat_map(|(_, rules)| rules)
        .peekable();
    rules.peek().is_some() && rules.all(|rule| rule.key.is_some() || rule.matching.is_some())
}

/// The key as it reads one event.
pub(super) fn for_event(
    this: &Projecting<'_>,
    event: &DeclaredEvent<'_>,
    written: &syntax::Map<syntax::Expression>,
    locals: &[Local],
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<Assignment>> {
    let columns = this.columns?;
    let mut scope = Scope::empty(&this.declared.types, format!("the key of `{}`", this.name.value))
        .bare(model::Scope::Event, &event.fields)
        .with_meta()
        .with_stream(this.declared.partition_key);
    scope.locals.extend_from_slice(locals);
    let owner = format!("`{}`", this.name.value);
    let target = Target { fields: columns, owner: &owner };
    let mut key = Vec::new();
    let mut sound = true;
    for (column, value) in written {
        let assigned = target.assign(column, value, &scope, findings);
        match assigned.filter(|assigned| is_key_type(this, column, assigned, findings)) {
            Some(assigned) => key.push(as_stream(this, assigned)),
            None => sound = false,
        }
    }
    sound.then_some(key)
}

fn is_key_type(
    this: &Projecting<'_>,
    column: &Text,
    assigned: &Assignment,
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let of = &assigned.value.result;
    let shown = this.declared.types.show(of);
    let label = format!("this is `{shown}`");
    findings.push(match of {
        Type::Optional(_) => {
            let title = format!("a value of `{shown}` cannot be the key of a row");
            let found = Diagnostic::error(&KEY, title, column.span, label);
            found.help("use a plain value that is always there")
        }
        of if is_json(of) => {
            let title = format!("a column of `{shown}` cannot be the key of a row");
            let found = Diagnostic::error(&COLUMN_TYPE, title, column.span, label);
            found.note(KEPT_AS_JSON).help("use a plain value, for example a field of it")
        }
        _ => return true,
    });
    false
}

/// Whether a column keeps such values as JSON.
pub(crate) fn is_json(of: &Type) -> bool {
    match of {
        Type::List(_) | Type::Set(_) | Type::Map(..) | Type::Record(_) => true,
        Type::Optional(inner) => is_json(inner),
        _ => false,
    }
}

/// Why rows are not found by such columns.
pub(super) const KEPT_AS_JSON: &str = "lists, sets, maps and records are kept as JSON";

/// Reads the stream's id where the partition key's field is read.
fn as_stream(this: &Projecting<'_>, assigned: Assignment) -> Assignment {
    let reads_key = match &assigned.value.kind {
        ExpressionKind::Read(model::Scope::Event, field) => {
            this.declared.partition_key == Some(field.as_str())
        }
        ExpressionKind::Meta(model::MetaField::StreamId) => true,
        _ => false,
    };
    if !reads_key {
        return assigned;
    }
    Assignment {
        value: Expression { kind: ExpressionKind::StreamId, result: Type::String },
        ..assigned
    }
}

/// Whether rows are found by the stream's id alone.
pub(super) fn is_stream(key: Option<&[Assignment]>, on: Option<&[(String, Vec<RowRule>)]>) -> bool {
    let Some(key) = key else { return false };
    let alone = matches!(key, [only] if only.value.kind == ExpressionKind::StreamId);
    let mut rules = on.into_iter().flatten().flat_map(|(_, rules)| rules);
    alone && rules.all(|rule| rule.matching.is_none() && model::is_same_key(rule.own_or(key), key))
}

/// Where the aggregate is one stream, its id is no key that anybody would want.
fn one_stream_without_key(this: &Projecting<'_>) -> Option<Diagnostic> {
    // Without any `partitionKey` the build has failed already.
    let written = this.declared.syntax.event_store.partition_key.as_ref()?;
    let title = format!("`{}` does not say which row an event concerns", this.name.value);
    let found = Diagnostic::error(&KEY_MISSING, title, this.name.span, "no `key`");
    Some(found.place(written.span, "no stream has a name").help(
        "add `key:` with a column; one row for all is found by a constant, such as `key: {of: '\"all\"'}` with a column `of: string`",
    ))
}
