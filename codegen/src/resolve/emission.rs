//! Emitted events: every field with its value, written or filled.
//!
//! A field that is not written is filled from the input of the same name, the partition key from
//! the stream, the event's own time from the clock. Nothing else is guessed.

use super::assign::Target;
use super::declared::{Declared, DeclaredEvent};
use super::expression::newtype::wrap;
use super::expression::scope::{Local, Scope};
use super::expression::{convert, local_fault, present_when, unused};
use super::fields::Field;
use crate::catalogue::commands::{
    ELSE_WITHOUT_WHEN, FIELD_NOT_FILLED, FILL_TYPE, HIDDEN, NOT_A_LIST,
};
use crate::catalogue::events::RETIRED;
use crate::diagnostic::Diagnostic;
use crate::model::{self, Assignment, Expression, ExpressionKind, Type};
use crate::naming;
use crate::source::Span;
use crate::syntax;

/// Resolves events that are emitted one after the other.
pub(crate) fn resolve_all(
    declared: &Declared<'_>,
    emissions: &[syntax::Emission],
    scope: &Scope<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<model::Emission>> {
    let resolved: Vec<Option<model::Emission>> =
        emissions.iter().map(|emission| resolve(declared, emission, scope, findings)).collect();
    resolved.into_iter().collect()
}

fn resolve(
    declared: &Declared<'_>,
    emission: &syntax::Emission,
    scope: &Scope<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<model::Emission> {
    let mut scope = scope.clone();
    let for_each = match &emission.for_each {
        None => Some(None),
        Some((name, list)) => element(name, list, &mut scope, findings).map(Some),
    };
    let known = findings.len();
    let body = body(declared, emission, &scope, findings);
    if let (Some(Some((local, _))), Some((name, _))) = (&for_each, &emission.for_each)
        && findings.len() == known
        && !local.used.get()
    {
        findings.push(unused(name));
        return None;
    }
    let for_each = for_each?.map(|(local, list)| (local.name, list));
    Some(model::Emission { for_each, ..body? })
}

/// The event with its condition and alternative, within the scope of one element.
fn body(
    declared: &Declared<'_>,
    emission: &syntax::Emission,
    scope: &Scope<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<model::Emission> {
    let when = match &emission.when {
        Some(when) => scope.condition(when, findings).map(Some),
        None => Some(None),
    };
    let present = |holds| match &when {
        Some(Some(when)) => present_when(when, holds),
        _ => Vec::new(),
    };
    let (mut within, mut without) = (scope.clone(), scope.clone());
    let (present, absent) = (within.narrow(present(true)), without.narrow(present(false)));
    let otherwise = match &emission.otherwise {
        Some(otherwise) => {
            if emission.when.is_none() {
                let title = "an `else` stands without a `when`";
                let found = Diagnostic::error(
                    &ELSE_WITHOUT_WHEN,
                    title,
                    otherwise.event.span,
                    "never emitted",
                );
                findings.push(found.help("add `when: …` beside it"));
            }
            resolve(declared, otherwise, &without, findings).map(|found| Some(Box::new(found)))
        }
        None => Some(None),
    };
    let fields = match declared.find_event(&emission.event, findings) {
        Some(event) => fields(declared, event, emission, &within, findings),
        None => None,
    };
    Some(model::Emission {
        event: emission.event.value.clone(),
        fields: fields?,
        when: when?,
        present: read(present),
        otherwise: otherwise?,
        otherwise_present: read(absent),
        for_each: None,
    })
}

/// Those of the present values that something reads.
fn read(present: Vec<(Local, Expression)>) -> Vec<(String, Expression)> {
    let read = present.into_iter().filter(|(local, _)| local.used.get());
    read.map(|(local, optional)| (local.name, optional)).collect()
}

/// The local of `forEach`, put into the scope, and its list.
pub(crate) fn element(
    name: &syntax::Text,
    list: &syntax::Expression,
    scope: &mut Scope<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<(Local, Expression)> {
    let fault = local_fault(name, &scope.locals);
    let list_span = list.span;
    let list = scope.infer(list, findings);
    let element = match list.as_ref().map(|list| &list.result) {
        Some(Type::List(element) | Type::Set(element)) => Some(element.as_ref().clone()),
        Some(other) => {
            let shown = scope.types.show(other);
            let title = format!("`forEach` goes through a list or a set, not `{shown}`");
            let found = Diagnostic::error(&NOT_A_LIST, title, list_span, "neither of them");
            findings.push(match other {
                Type::Map(..) => found.help("go through its keys or values: `rates.keys()`"),
                _ => found,
            });
            None
        }
        None => None,
    };
    let sound = fault.is_none() && element.is_some();
    findings.extend(fault);
    let local = scope.named_local(&scope.locals, name, element);
    scope.locals.push(local.clone());
    Some((local, list.filter(|_| sound)?))
}

fn fields(
    declared: &Declared<'_>,
    event: &DeclaredEvent<'_>,
    emission: &syntax::Emission,
    scope: &Scope<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<Assignment>> {
    let name = &event.name.value;
    if event.retired() {
        let title = format!("`{name}` is retired and can't be emitted");
        findings.push(
            Diagnostic::error(&RETIRED, title, emission.event.span, "retired")
                .place(event.name.span, "it has `retired: true`")
                .help("emit the event that took its place, or remove `retired: true`"),
        );
    }
    let owner = format!("`{name}`");
    let target = Target { fields: &event.fields, owner: &owner };
    let mut assigned = Vec::new();
    let mut sound = true;
    for (field, value) in &emission.fields {
        match target.assign(field, value, scope, findings) {
            Some(assignment) => assigned.push(assignment),
            None => sound = false,
        }
    }
    let fill = Fill { declared, event, scope, place: emission.event.span };
    for field in &event.fields.0 {
        if emission.fields.iter().any(|(written, _)| written.value == field.name) {
            continue;
        }
        match fill.value(field, findings) {
            Some(value) => assigned.push(Assignment { field: field.name.clone(), value }),
            None => sound = false,
        }
    }
    let position = |name: &str| event.fields.0.iter().position(|field| field.name == name);
    assigned.sort_by_key(|assignment| position(&assignment.field));
    sound.then_some(assigned)
}

/// Where fields that are not written take their values.
struct Fill<'a> {
    declared: &'a Declared<'a>,
    event: &'a DeclaredEvent<'a>,
    scope: &'a Scope<'a>,
    /// Where the event is emitted.
    place: Span,
}

impl Fill<'_> {
    fn value(&self, field: &Field, findings: &mut Vec<Diagnostic>) -> Option<Expression> {
        let known = findings.len();
        let value = self.filled(field, findings)?;
        match self.hidden(field) {
            Some(found) if findings.len() == known => findings.push(found),
            _ => return Some(value),
        }
        None
    }

    /// A step or an element has the name of a field: what was checked under it is not what would be
    /// recorded.
    fn hidden(&self, field: &Field) -> Option<Diagnostic> {
        let key = naming::collision_key(&field.name);
        let is_met = |local: &&Local| {
            local.written.as_ref().is_some_and(|written| naming::collision_key(written) == key)
        };
        let local = self.scope.locals.iter().rev().find(is_met)?;
        let (name, event) = (&field.name, &self.event.name.value);
        let written = local.written.as_deref().unwrap_or(name);
        let title =
            format!("`{name}` of `{event}` would not be the `{written}` that is named here");
        let label = "it is filled, as it isn't written out";
        let found = Diagnostic::error(&HIDDEN, title, self.place, label);
        let found = match local.span {
            Some(span) => found.place(span, format!("`{written}` is named here")),
            None => found,
        };
        Some(found.help(format!("write it out, `{name}: {written}`, or choose another name here")))
    }

    fn filled(&self, field: &Field, findings: &mut Vec<Diagnostic>) -> Option<Expression> {
        let field_type = field.field_type.as_ref()?;
        let input = self.scope.fields(model::Scope::Input);
        if let Some(input) = input.and_then(|input| input.get(&field.name)) {
            return self.input_value(field, field_type, input, findings);
        }
        if self.declared.partition_key == Some(field.name.as_str()) {
            // Another type than string is reported where the event is declared.
            let id = Expression { kind: ExpressionKind::StreamId, result: Type::String };
            return convert(id, field_type).ok();
        }
        if self.event.occurred_at() == Some(field.name.as_str()) {
            let now = Expression { kind: ExpressionKind::Now, result: Type::Timestamp };
            return convert(now, field_type).ok();
        }
        if field.default_is_written {
            return field.default.clone();
        }
        if *field_type != Type::Timestamp || !self.event.is_time_unclear() {
            findings.push(self.missing(field, field_type));
        }
        None
    }

    fn input_value(
        &self,
        field: &Field,
        field_type: &Type,
        input: &Field,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        let kind = ExpressionKind::Read(model::Scope::Input, field.name.clone());
        let read = Expression { kind, result: input.field_type.clone()? };
        let read = self.scope.known_present(read);
        // Checked when the event is emitted.
        wrap(read, field_type)
            .or_else(|read| convert(read, field_type))
            .map_err(|read| {
                let types = self.scope.types;
                let (is, wanted) = (types.show(&read.result), types.show(field_type));
                let title = format!(
                    "`{}` of `{}` can't be filled from the input: `{is}` is no `{wanted}`",
                    field.name, self.event.name.value
                );
                findings.push(
                    Diagnostic::error(&FILL_TYPE, title, self.place, "emitted here")
                        .place(input.span, format!("the input is `{is}`"))
                        .place(field.span, format!("the event has `{wanted}`"))
                        .help(format!(
                            "say it: `{}: {{{}: …}}`",
                            self.event.name.value, field.name
                        )),
                );
            })
            .ok()
    }

    fn missing(&self, field: &Field, field_type: &Type) -> Diagnostic {
        let event = &self.event.name.value;
        let shown = self.scope.types.show(field_type);
        let title = format!("`{event}` is emitted without a value for `{}`", field.name);
        let found = Diagnostic::error(&FIELD_NOT_FILLED, title, self.place, "emitted here")
            .place(field.span, format!("`{}` is `{shown}`", field.name))
            .help(format!("give it here: `emit: {{{event}: {{{}: …}}}}`", field.name));
        match field_type {
            Type::Timestamp => found.help(format!(
                "only the event's own time comes from the clock: `{}: now()`",
                field.name
            )),
            Type::Optional(_) => {
                found.help(format!("or say that it is absent: `{}: none`", field.name))
            }
            _ => found
                .help(format!("or take it from the caller: `input: {{{}: {shown}}}`", field.name)),
        }
    }
}
