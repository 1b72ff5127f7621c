//! Where a changed field stands: the model has no places, the syntax tree has.

use crate::source::Span;
use crate::syntax::{Field, Map, Ontology, TypeDeclaration, TypeExpression, TypeKind};

/// The place of a field, and of the event's field around it where that is another one.
pub(super) fn of_field(
    ontology: &Ontology,
    schema: &Map<Field>,
    path: &[String],
) -> (Option<Span>, Option<Span>) {
    let Some((first, within)) = path.split_first() else { return (None, None) };
    let Some((name, field)) = find(schema, first) else { return (None, None) };
    let mut written = &field.field_type;
    let mut inner = None;
    for step in within {
        let Some((name, field)) = record(ontology, written).and_then(|fields| find(fields, step))
        else {
            break;
        };
        inner = Some(name);
        written = &field.field_type;
    }
    match inner {
        Some(inner) => (Some(inner), Some(name)),
        None => (Some(name), None),
    }
}

/// The place of the enum that is a field's type: where it is declared.
pub(super) fn of_enum(ontology: &Ontology, schema: &Map<Field>, path: &[String]) -> Option<Span> {
    let (first, within) = path.split_first()?;
    let mut written = &find(schema, first)?.1.field_type;
    for step in within {
        written = &find(record(ontology, written)?, step)?.1.field_type;
    }
    let name = super::yaml::declared_name(written)?;
    ontology.types.iter().find(|(declared, _)| declared.value == name).map(|(name, _)| name.span)
}

fn find<'f>(fields: &'f Map<Field>, name: &str) -> Option<(Span, &'f Field)> {
    fields.iter().find(|(field, _)| field.value == name).map(|(text, field)| (text.span, field))
}

/// The fields of the record within a type.
fn record<'o>(ontology: &'o Ontology, written: &TypeExpression) -> Option<&'o Map<Field>> {
    match &written.kind {
        TypeKind::Name { name, .. } => {
            let declared = ontology.types.iter().find(|(known, _)| known.value == name.value);
            match &declared?.1 {
                TypeDeclaration::Record(fields) => Some(fields),
                TypeDeclaration::Enum(_) | TypeDeclaration::Newtype(_) => None,
            }
        }
        TypeKind::List(inner)
        | TypeKind::Set(inner)
        | TypeKind::Optional(inner)
        | TypeKind::Map(_, inner) => record(ontology, inner),
        TypeKind::Enum(_) | TypeKind::Broken => None,
    }
}
