//! Events: versions with their upcasts, the event's time, and the fold.

use super::assign::Target;
use super::declared::{Declared, DeclaredEvent};
use super::expression::convert;
use super::expression::newtype::wrap;
use super::expression::scope::Scope;
use super::fields::{Field, Fields};
use crate::catalogue::events::{
    APPLY_WITHOUT_STATE, FEWER_DIGITS, NOTHING_TO_COPY, OCCURRED_AT, UPCAST_MISSING, UPCAST_TYPE,
    VERSIONS,
};
use crate::diagnostic::Diagnostic;
use crate::model::{self, Assignment, Expression, ExpressionKind, OldVersion, Type};
use crate::source::Span;
use crate::syntax::{self, RECORDED, Text};

/// Resolves an event. Its unique fields come from the invariants.
pub(crate) fn resolve(
    declared: &Declared<'_>,
    event: &DeclaredEvent<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<model::Event> {
    check_versions(event, findings);
    let history = history(declared, event, findings);
    check_time(event, findings);
    let apply = apply(declared, event, findings);
    Some(model::Event {
        name: event.name.value.clone(),
        stored_as: stored_as(event),
        renamed_from: renamed_from(event),
        description: event.syntax.description.as_ref().map(|text| text.value.clone()),
        version: event.syntax.version.value,
        fields: event.fields.to_model(),
        occurred_at: event.occurred_at().map(str::to_owned),
        retired: event.retired(),
        history: history?,
        apply: apply?,
        unique: Vec::new(),
        released: Vec::new(),
    })
}

/// An event with nothing but the shapes of its versions.
pub(crate) fn shapes(event: &DeclaredEvent<'_>) -> model::Event {
    let history = event.history.iter().map(|(version, fields, _)| OldVersion {
        version: *version,
        fields: fields.to_model(),
        upcast: Vec::new(),
    });
    model::Event {
        name: event.name.value.clone(),
        stored_as: stored_as(event),
        renamed_from: renamed_from(event),
        description: None,
        version: event.syntax.version.value,
        fields: event.fields.to_model(),
        occurred_at: None,
        retired: event.retired(),
        history: history.collect(),
        apply: None,
        unique: Vec::new(),
        released: Vec::new(),
    }
}

fn stored_as(event: &DeclaredEvent<'_>) -> String {
    event.syntax.stored_as.as_ref().map_or(&event.name.value, |name| &name.value).clone()
}

fn renamed_from(event: &DeclaredEvent<'_>) -> Vec<String> {
    event.syntax.renamed_from.iter().map(|name| name.value.clone()).collect()
}

/// Every version from 1 up to the one before the current has its place in the history.
fn check_versions(event: &DeclaredEvent<'_>, findings: &mut Vec<Diagnostic>) {
    let current = event.syntax.version.value;
    let name = &event.name.value;
    for (version, _) in &event.syntax.history {
        if version.value >= current {
            let title =
                format!("`{name}` is at v{current}, so v{} is no earlier version", version.value);
            findings.push(
                Diagnostic::error(&VERSIONS, title, version.span, "not earlier")
                    .place(event.syntax.version.span, "the current version")
                    .help(format!(
                        "raise `version` to v{}, or remove this entry",
                        version.value + 1
                    )),
            );
        }
    }
    let known = |wanted: u32| event.history.iter().any(|(version, _, _)| *version == wanted);
    // A version number may be absurd: only the first gap is looked for.
    let gap = (1..current).find(|wanted| !known(*wanted));
    if let Some(gap) = gap {
        let title = format!("`{name}` is at v{current}, but its history lacks v{gap}");
        findings.push(
            Diagnostic::error(&VERSIONS, title, event.syntax.version.span, "the current version")
                .note("events of every earlier version may lie in a store and must stay readable")
                .help(format!("add `history: {{v{gap}: {{schema: {{…}}, upcast: {{…}}}}}}`"))
                .help("where no event of an earlier version was ever stored, set `version: v1`"),
        );
    }
}

/// An event happens at one time, which must be clear.
fn check_time(event: &DeclaredEvent<'_>, findings: &mut Vec<Diagnostic>) {
    let name = &event.name.value;
    let times: Vec<&Field> =
        event.fields.0.iter().filter(|field| field.field_type == Some(Type::Timestamp)).collect();
    let is_recorded = |named: &Text| named.value == RECORDED;
    let is_asked = event.syntax.occurred_at.as_ref().map_or(times.len() > 1, is_recorded);
    if let Some(field) = times.iter().find(|field| field.name == RECORDED && is_asked) {
        let title =
            format!("`occurredAt` can't tell the field `{RECORDED}` of `{name}` from the word");
        findings.push(
            Diagnostic::error(&OCCURRED_AT, title, field.span, "this timestamp")
                .note(format!("`occurredAt: {RECORDED}` is the time of the command"))
                .help(format!("name the field otherwise, for example `{RECORDED}On`")),
        );
        return;
    }
    let Some(named) = &event.syntax.occurred_at else {
        if let [first, second, ..] = times.as_slice() {
            let title = format!("`{name}` has several timestamps: which is its time?");
            findings.push(
                Diagnostic::error(&OCCURRED_AT, title, event.name.span, "this event")
                    .place(first.span, "one")
                    .place(second.span, "another")
                    .help(format!("add `occurredAt: {}`, or `occurredAt: {RECORDED}`", first.name)),
            );
        }
        return;
    };
    let fits = times.iter().any(|field| field.name == named.value);
    let broken = event.fields.get(&named.value).is_some_and(|field| field.field_type.is_none());
    if named.value == RECORDED || fits || broken {
        return;
    }
    if event.fields.contains(&named.value) {
        let title = format!(
            "`{}` of `{name}` is no `timestamp`, so it cannot be the event's time",
            named.value
        );
        findings.push(Diagnostic::error(&OCCURRED_AT, title, named.span, "not a `timestamp`"));
    } else {
        let owner = format!("`{name}`");
        findings.push(super::assign::unknown(named, &owner, &event.fields));
    }
}

fn history(
    declared: &Declared<'_>,
    event: &DeclaredEvent<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<OldVersion>> {
    let mut resolved = Vec::new();
    for (index, (version, fields, syntax)) in event.history.iter().enumerate() {
        let next = event.history.get(index + 1).map_or(&event.fields, |(_, fields, _)| fields);
        let upcast = Upcast { declared, event, version: *version, from: fields, to: next, syntax };
        resolved.push(upcast.resolve(findings).map(|upcast| OldVersion {
            version: *version,
            fields: fields.to_model(),
            upcast,
        }));
    }
    resolved.into_iter().collect()
}

/// The way from one version of an event to the next.
struct Upcast<'a> {
    declared: &'a Declared<'a>,
    event: &'a DeclaredEvent<'a>,
    version: u32,
    from: &'a Fields,
    to: &'a Fields,
    syntax: &'a syntax::OldVersion,
}

impl Upcast<'_> {
    fn resolve(&self, findings: &mut Vec<Diagnostic>) -> Option<Vec<Assignment>> {
        let name = &self.event.name.value;
        let scope =
            Scope::empty(&self.declared.types, format!("the upcast of `{name}` v{}", self.version))
                .checking_later()
                .bare(model::Scope::Event, self.from)
                .with_meta()
                .with_stream(self.declared.partition_key);
        let owner = format!("`{name}` v{}", self.version + 1);
        let target = Target { fields: self.to, owner: &owner };
        let empty = Vec::new();
        let written = self.syntax.upcast.as_ref().unwrap_or(&empty);
        let mut assigned = Vec::new();
        let mut sound = true;
        for (field, value) in written {
            match target.assign(field, value, &scope, findings) {
                Some(assignment) => assigned.push(assignment),
                None => sound = false,
            }
        }
        for field in &self.to.0 {
            if written.iter().any(|(name, _)| name.value == field.name) {
                continue;
            }
            match self.carry_over(field, findings) {
                Some(value) => assigned.push(Assignment { field: field.name.clone(), value }),
                None => sound = false,
            }
        }
        let position = |name: &str| self.to.0.iter().position(|field| field.name == name);
        assigned.sort_by_key(|assignment| position(&assignment.field));
        sound.then_some(assigned)
    }

    /// A field that the upcast does not name: the same field of the version before, or its default.
    fn carry_over(&self, field: &Field, findings: &mut Vec<Diagnostic>) -> Option<Expression> {
        let field_type = field.field_type.as_ref()?;
        let Some(old) = self.from.get(&field.name) else {
            if field.default_is_written {
                return field.default.clone();
            }
            findings.push(self.missing(field, field_type));
            return None;
        };
        let old_type = old.field_type.clone()?;
        if narrows(&old_type, field_type) {
            findings.push(self.may_not_fit(field, field_type, old.span, &old_type));
            return None;
        }
        let kind = ExpressionKind::Read(model::Scope::Event, field.name.clone());
        let read = Expression { kind, result: old_type };
        // What was recorded is never checked again.
        wrap(read, field_type)
            .or_else(|read| convert(read, field_type))
            .map_err(|read| findings.push(self.changed(field, old.span, &read.result)))
            .ok()
    }

    fn missing(&self, field: &Field, field_type: &Type) -> Diagnostic {
        let version = self.version;
        let title = format!(
            "`{}` v{version} does not say what `{}` becomes in v{}",
            self.event.name.value,
            field.name,
            version + 1
        );
        let found = Diagnostic::error(&UPCAST_MISSING, title, self.place(), "the earlier version")
            .place(field.span, "this field is new");
        let found = match field_type {
            Type::Optional(_) => found.help(format!("add `upcast: {{{}: none}}`", field.name)),
            _ => found
                .help(format!("add `upcast: {{{}: …}}` with its value for old events", field.name)),
        };
        let found = found.note(format!("v{version}: {}", self.show(self.from))).note(format!(
            "v{}: {}",
            version + 1,
            self.show(self.to)
        ));
        let unnamed = self.from.0.iter().find(|old| {
            !self.to.contains(&old.name) && old.field_type.as_ref() == Some(field_type)
        });
        match unnamed {
            Some(old) => found
                .help(format!("if it was renamed, add `upcast: {{{}: {}}}`", field.name, old.name)),
            None => found,
        }
    }

    fn changed(&self, field: &Field, old: Span, old_type: &Type) -> Diagnostic {
        let types = &self.declared.types;
        let new_shown = field.field_type.as_ref().map_or_else(String::new, |of| types.show(of));
        let title = format!(
            "`{}` of `{}` changes from `{}` to `{new_shown}` in v{}",
            field.name,
            self.event.name.value,
            types.show(old_type),
            self.version + 1
        );
        Diagnostic::error(&UPCAST_TYPE, title, field.span, format!("`{new_shown}` now"))
            .place(old, format!("`{}` before", types.show(old_type)))
            .help(format!("add `upcast: {{{}: …}}` to v{}", field.name, self.version))
    }

    /// A value of the past that its new type refuses makes its event unreadable, and its stream with it.
    fn may_not_fit(&self, field: &Field, new: &Type, old: Span, old_type: &Type) -> Diagnostic {
        let types = &self.declared.types;
        let (was, is) = (types.show(old_type), types.show(new));
        let (name, version) = (&field.name, self.version);
        let title = format!(
            "`{name}` of `{}` v{version} may have more digits than v{} takes",
            self.event.name.value,
            version + 1
        );
        let found = Diagnostic::error(&FEWER_DIGITS, title, field.span, format!("`{is}` now"))
            .place(old, format!("`{was}` before"))
            .note("digits are refused, never rounded: an event with too many could not be read");
        let found = match rounding(old_type, new) {
            Some(scale) => found.help(format!(
                "keep `{was}`, or round in v{version}: `upcast: {{{name}: {name}.round({scale})}}`"
            )),
            None => found.help(format!("keep `{was}`, or add a field of another name for `{is}`")),
        };
        found.help(format!(
            "if all that was ever stored fits: `upcast: {{{name}: {name}}}` in v{version}"
        ))
    }

    fn show(&self, fields: &Fields) -> String {
        let of = |field: &Field| {
            let of = field.field_type.as_ref();
            let of = of.map_or_else(|| "…".to_owned(), |of| self.declared.types.show(of));
            format!("{}: {of}", field.name)
        };
        format!("{{{}}}", fields.0.iter().map(of).collect::<Vec<_>>().join(", "))
    }

    /// Where the version stands in the history.
    fn place(&self) -> Span {
        let mut versions = self.event.syntax.history.iter();
        let entry = versions.find(|(version, _)| version.value == self.version);
        entry.map_or(self.event.name.span, |(version, _)| version.span)
    }
}

/// To how many digits after the point any value of the one type may be rounded to fit the other. Rounding
/// may carry into a digit more before the point: `99.99` becomes `100.0`.
fn rounding(from: &Type, to: &Type) -> Option<u32> {
    let (Type::Decimal(Some((digits, scale))), Type::Decimal(Some((of, to)))) = (from, to) else {
        return None;
    };
    (scale > to && digits - scale < of - to).then_some(*to)
}

/// Whether a value of the one type may have more digits than the other takes.
fn narrows(from: &Type, to: &Type) -> bool {
    /// Of an integer of 64 bits.
    const INTEGER: u32 = 19;
    match (from, to) {
        (Type::Decimal(None), Type::Decimal(Some(_))) => true,
        (Type::Decimal(Some((digits, scale))), Type::Decimal(Some((of, to)))) => {
            scale > to || digits - scale > of - to
        }
        (Type::Integer, Type::Decimal(Some((digits, scale)))) => digits - scale < INTEGER,
        (Type::Optional(from), Type::Optional(to))
        | (Type::List(from), Type::List(to))
        | (Type::Map(_, from), Type::Map(_, to)) => narrows(from, to),
        (from, Type::Optional(to)) => narrows(from, to),
        (Type::Newtype(_, from), to) => narrows(from, to),
        (from, Type::Newtype(_, to)) => narrows(from, to),
        _ => false,
    }
}

/// The fold: `Some(None)` where it is hand-written, none where it is wrong.
#[allow(clippy::option_option)] // hand-written and wrong are two things
fn apply(
    declared: &Declared<'_>,
    event: &DeclaredEvent<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Option<Vec<Assignment>>> {
    let Some(apply) = &event.syntax.apply else { return Some(None) };
    let name = &event.name.value;
    let Some(state) = &declared.state else {
        let place = apply.fields.first().map(|(field, _)| field.span).or(apply.spread);
        let title = format!("`{name}` has an `apply`, but there is no `state:`");
        let found = Diagnostic::error(
            &APPLY_WITHOUT_STATE,
            title,
            place.unwrap_or(event.name.span),
            "nothing to write to",
        );
        findings.push(
            found.help("declare the fields under `state:`, or fold by hand and remove `apply`"),
        );
        return None;
    };
    let scope = Scope::empty(&declared.types, format!("the apply of `{name}`"))
        .bare(model::Scope::Event, &event.fields)
        .bare(model::Scope::State, state)
        .with_meta()
        .with_stream(declared.partition_key);
    let target = Target { fields: state, owner: "the state" };
    let assigned = assignments(apply, target, &event.fields, &scope, |_| false, findings)?;
    Some(Some(assigned))
}

/// The lines, and what `..: event` copies.
pub(crate) fn assignments(
    written: &syntax::Assignments,
    target: Target<'_>,
    event: &Fields,
    scope: &Scope<'_>,
    kept_out: impl Fn(&str) -> bool,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<Assignment>> {
    let mut assigned = Vec::new();
    let mut sound = true;
    for (field, value) in &written.fields {
        match target.assign(field, value, scope, findings) {
            Some(assignment) => assigned.push(assignment),
            None => sound = false,
        }
    }
    if let Some(spread) = written.spread {
        let named = |name: &str| written.fields.iter().any(|(field, _)| field.value == name);
        let copied: Vec<&Field> = target
            .fields
            .0
            .iter()
            .filter(|field| event.contains(&field.name))
            .filter(|field| !named(&field.name) && !kept_out(&field.name))
            .collect();
        if copied.is_empty() {
            let title = format!(
                "`..: event` copies nothing: {} has no other field of the event",
                target.owner
            );
            findings.push(Diagnostic::error(&NOTHING_TO_COPY, title, spread, "remove this line"));
            sound = false;
        }
        for field in copied {
            match copy(field, event, spread, scope, findings) {
                Some(value) => assigned.push(Assignment { field: field.name.clone(), value }),
                None => sound = false,
            }
        }
    }
    sound.then_some(assigned)
}

fn copy(
    field: &Field,
    event: &Fields,
    spread: Span,
    scope: &Scope<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Expression> {
    let from = event.get(&field.name)?;
    let field_type = field.field_type.as_ref()?;
    let kind = ExpressionKind::Read(model::Scope::Event, field.name.clone());
    let read = Expression { kind, result: from.field_type.clone()? };
    convert(read, field_type)
        .map_err(|read| {
            let (is, wanted) = (scope.types.show(&read.result), scope.types.show(field_type));
            let title =
                format!("`..: event` cannot copy `{}`: `{is}` is no `{wanted}`", field.name);
            findings.push(
                Diagnostic::error(&NOTHING_TO_COPY, title, spread, "copies same-named fields")
                    .place(from.span, format!("`{is}`"))
                    .place(field.span, format!("`{wanted}`"))
                    .help(format!("say it in a line of its own: `{}: …`", field.name)),
            );
        })
        .ok()
}
