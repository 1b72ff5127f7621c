//! What all findings about a changed version have in common: where they point, both shapes, and the way
//! out, spelled out to be pasted.

use super::change::{Change, Kind};
use super::context::{Finding, Names, Reshaped, Verified};
use super::{place, yaml};
use crate::catalogue::Code;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax;

/// A finding of one rule about each change of its kind.
pub(super) fn check(
    verified: &Verified<'_>,
    findings: &mut Vec<Finding>,
    code: &'static Code,
    describe: impl Fn(&Change, &str) -> Option<(String, String)>,
) {
    for reshaped in &verified.reshaped {
        let of = format!("`{}` v{}", reshaped.event.name.value, reshaped.version);
        for change in &reshaped.changes {
            if let Some(said) = describe(change, &of) {
                findings.push(finding(verified, reshaped, change, code, said));
            }
        }
    }
}

fn finding(
    verified: &Verified<'_>,
    reshaped: &Reshaped<'_>,
    change: &Change,
    code: &'static Code,
    (title, label): (String, String),
) -> Finding {
    let (event, version) = (&reshaped.event, reshaped.version);
    let (primary, around) = places(verified, reshaped, change);
    let mut found = Diagnostic::error(code, title, primary, label);
    if let Some(around) = around {
        found = found.place(around, format!("within v{version}, which was released"));
    }
    // One new version holds every change of one, so it is spelled out once, at the first.
    let place = |change: &Change| places(verified, reshaped, change).0;
    if reshaped.changes.iter().map(place).min() == Some(primary) {
        let indent = " ".repeat(version.to_string().len());
        found = found
            .note(format!("released as v{version}: {}", reshaped.old))
            .note(format!("in the ontology:{indent} {}", reshaped.new));
        found.help = ways_out(verified, reshaped);
    } else {
        let what = if version < event.model.version { "schema" } else { "new version" };
        found =
            found.help(format!("see the {what} that is shown above for `{}`", event.name.value));
    }
    Finding {
        diagnostic: found,
        aggregate: event.aggregate.to_owned(),
        subject: format!("{}{}", event.subject(version), within(change)),
        was: change.old.as_ref().map(ToString::to_string).unwrap_or_default(),
        names: Names::Stay,
    }
}

fn within(change: &Change) -> String {
    if change.path.is_empty() { String::new() } else { format!(" {}", change.path.join(".")) }
}

/// The changed field, and the event's field around it; the version where the field is gone.
fn places(
    verified: &Verified<'_>,
    reshaped: &Reshaped<'_>,
    change: &Change,
) -> (Span, Option<Span>) {
    let (event, version) = (&reshaped.event, reshaped.version);
    let schema = event.schema(version);
    let mut path = change.path.clone();
    match (&change.kind, path.last_mut()) {
        (Kind::Renamed(to) | Kind::Recased(to), Some(last)) => last.clone_from(to),
        (Kind::Removed, Some(_)) => {
            path.pop();
            let around = place::of_field(verified.current.syntax, schema, &path).0;
            return (around.unwrap_or_else(|| event.version_span(version)), None);
        }
        _ => {}
    }
    let (primary, around) = place::of_field(verified.current.syntax, schema, &path);
    let declared = match change.kind {
        Kind::VariantLost(..) | Kind::Variants => {
            place::of_enum(verified.current.syntax, schema, &path)
        }
        _ => None,
    };
    match (declared, primary) {
        (Some(declared), primary) => (declared, primary),
        (None, Some(primary)) => (primary, around),
        (None, None) => (event.version_span(version), None),
    }
}

fn ways_out(verified: &Verified<'_>, reshaped: &Reshaped<'_>) -> Vec<String> {
    let (event, version) = (&reshaped.event, reshaped.version);
    let mut writer = yaml::Writer::new(verified.current);
    let schema = writer.schema(&reshaped.old, event.schema(version), version);
    if version < event.model.version {
        let mut helps =
            vec![format!("v{version} is history: put it back as it was\nschema: {schema}")];
        helps.extend(missing_types(&writer));
        return helps;
    }
    let next = version + 1;
    let undo = match declared(verified, reshaped) {
        Some(declared) => format!("or put `{declared}` back as it was released"),
        None => format!("or put v{version} back as it was: `schema: {schema}`"),
    };
    let lines =
        yaml::upcast(&reshaped.old, &reshaped.new, &reshaped.changes, event.schema(version));
    let mut text = format!("make it v{next}, and keep v{version} as it was released\n");
    text += &format!("version: v{next}\nhistory:\n");
    text += &format!("  v{version}:\n    schema: {schema}");
    if !lines.is_empty() {
        text += &format!("\n    upcast: {}", yaml::flow(&lines));
    }
    let mut helps = vec![text];
    helps.extend(missing_types(&writer));
    if !lines.is_empty() {
        helps
            .push("see that the upcast says what is true of the events that are stored".to_owned());
    }
    helps.push(undo);
    helps
}

/// The declared type in which the first change stands.
fn declared<'v>(verified: &Verified<'v>, reshaped: &Reshaped<'_>) -> Option<&'v str> {
    let places = reshaped.changes.iter().map(|change| places(verified, reshaped, change).0);
    let first = places.min()?;
    let mut types = verified.current.syntax.types.iter().map(|(name, _)| name);
    // A type's own text ends where that of another begins.
    let schema = reshaped.event.schema(reshaped.version);
    let within = schema.iter().any(|(name, _)| name.span == first)
        || first == reshaped.event.version_span(reshaped.version);
    let before = |name: &&syntax::Text| name.span.file == first.file && name.span <= first;
    let declared = types.by_ref().filter(before).max_by_key(|name| name.span);
    declared.filter(|_| !within).map(|name| name.value.as_str())
}

/// Records that only the released version has.
fn missing_types(writer: &yaml::Writer) -> Option<String> {
    let types: Vec<String> =
        writer.missing.iter().map(|(name, fields)| format!("  {name}: {fields}")).collect();
    (!types.is_empty()).then(|| format!("with the record as it was\ntypes:\n{}", types.join("\n")))
}
