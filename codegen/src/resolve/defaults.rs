//! Defaults as written, and the zeros of types that have one.
//!
//! string "", integer and decimal 0, boolean false, duration 0s, list, set and map empty, enum its first variant,
//! optional none, record the defaults of its fields. Other types have no zero.

use super::expression::Purpose;
use super::expression::scope::Scope;
use super::fields::Fields;
use super::types::Types;
use crate::catalogue::types::{ENDLESS_TYPE, NO_ZERO};
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Type};
use crate::syntax;

/// Gives every declared record its defaults.
pub(crate) fn of_records(
    types: &mut Types,
    written: &syntax::Map<syntax::TypeDeclaration>,
    findings: &mut Vec<Diagnostic>,
) {
    refuse_endless(types, written, findings);
    // A default may build another record, so the first round only prepares the second.
    for round in 0..2 {
        let mut found = Vec::new();
        for (name, declaration) in written {
            let syntax::TypeDeclaration::Record(syntax) = declaration else { continue };
            let Some(mut fields) = types.declared_record(&name.value).cloned() else { continue };
            of_fields(types, &mut fields, syntax, &mut found);
            types.set_record(&name.value, fields);
        }
        if round == 1 {
            findings.append(&mut found);
        }
    }
}

/// Gives fields their defaults.
pub(crate) fn of_fields(
    types: &Types,
    fields: &mut Fields,
    written: &syntax::Map<syntax::Field>,
    findings: &mut Vec<Diagnostic>,
) {
    for (field, (name, syntax)) in fields.0.iter_mut().zip(written) {
        let Some(field_type) = &field.field_type else { continue };
        field.default = match &syntax.default {
            Some(default) => {
                let mut scope = Scope::empty(types, "a default");
                scope.texts_are_values = true;
                scope.folds = true;
                let text = format!("`{}` is `{}`", name.value, types.show(field_type));
                let purpose = Purpose { span: syntax.field_type.span, text };
                scope.check(default, field_type, Some(&purpose), findings)
            }
            None => zero(types, field_type),
        };
    }
}

/// Reports fields of a state that have neither default nor zero.
pub(crate) fn refuse_without(types: &Types, state: &Fields, findings: &mut Vec<Diagnostic>) {
    for field in &state.0 {
        let Some(field_type) = &field.field_type else { continue };
        if field.default.is_some() || field.default_is_written {
            continue;
        }
        let shown = types.show(field_type);
        let title = format!("`{}` has no initial value: `{shown}` has no zero", field.name);
        findings.push(
            Diagnostic::error(&NO_ZERO, title, field.span, "what is it before the first event?")
                .help(format!("make it optional: `{}: {shown}?`", field.name))
                .help(format!("or give a default: `{}: {shown} = …`", field.name)),
        );
    }
}

/// The zero of a type, if it has one.
pub(crate) fn zero(types: &Types, of: &Type) -> Option<Expression> {
    let kind = match of {
        Type::String => ExpressionKind::String(String::new()),
        Type::Integer => ExpressionKind::Integer(0),
        Type::Decimal(_) => ExpressionKind::Decimal("0".into()),
        Type::Boolean => ExpressionKind::Boolean(false),
        Type::Duration => ExpressionKind::Duration(0),
        Type::List(_) => ExpressionKind::List(Vec::new()),
        Type::Set(_) => ExpressionKind::Set(Vec::new()),
        Type::Map(..) => ExpressionKind::Map(Vec::new()),
        Type::Optional(_) => ExpressionKind::None,
        Type::Enum(rust) => ExpressionKind::Variant(types.variants(rust).first()?.clone()),
        Type::Record(rust) => {
            let fields = types.record(rust)?.0.iter().map(|field| {
                let value = match &field.default {
                    Some(default) => default.clone(),
                    None => zero(types, field.field_type.as_ref()?)?,
                };
                Some((field.name.clone(), value))
            });
            ExpressionKind::Record(fields.collect::<Option<_>>()?, None)
        }
        Type::Newtype(rust, base) => {
            let zero = zero(types, base)?;
            let sound = types.newtype_of(rust)?.broken_by(&zero.kind).is_none();
            ExpressionKind::Wrap(Box::new(sound.then_some(zero)?))
        }
        Type::Timestamp | Type::Date | Type::Uuid | Type::Bytes => return None,
    };
    Some(Expression { kind, result: of.clone() })
}

/// Reports records that contain themselves otherwise than through a list or a map, and breaks the circle.
fn refuse_endless(
    types: &mut Types,
    written: &syntax::Map<syntax::TypeDeclaration>,
    findings: &mut Vec<Diagnostic>,
) {
    for (name, _) in written {
        let Some(Type::Record(rust)) = types.declared(&name.value) else { continue };
        let Some(mut fields) = types.record(&rust).cloned() else { continue };
        for field in &mut fields.0 {
            let Some(field_type) = &field.field_type else { continue };
            if !reaches(types, field_type, &rust, &mut Vec::new()) {
                continue;
            }
            let title = format!("`{}` contains itself through `{}`", name.value, field.name);
            let found = Diagnostic::error(&ENDLESS_TYPE, title, field.span, "without end");
            findings.push(found.help("put a list between, which may be empty"));
            field.field_type = None;
        }
        types.set_record(&name.value, fields);
    }
}

fn reaches(types: &Types, from: &Type, wanted: &str, seen: &mut Vec<String>) -> bool {
    match from {
        Type::Optional(inner) => reaches(types, inner, wanted, seen),
        Type::Record(rust) if rust == wanted => true,
        Type::Record(rust) if !seen.contains(rust) => {
            seen.push(rust.clone());
            let fields = types.record(rust).map_or(&[][..], |fields| &fields.0);
            fields
                .iter()
                .filter_map(|field| field.field_type.as_ref())
                .any(|inner| reaches(types, inner, wanted, seen))
        }
        _ => false,
    }
}
