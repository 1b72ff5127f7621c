//! `field: expression` lines: apply, upcasts, emitted events and rows are all made of them.

use super::expression::scope::Scope;
use super::expression::{Purpose, listed};
use super::fields::{Field, Fields};
use crate::catalogue::types::UNKNOWN_FIELD;
use crate::diagnostic::Diagnostic;
use crate::model::Assignment;
use crate::suggest::nearest;
use crate::syntax::{self, Text};

/// What lines assign to.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The fields that can be set.
    pub(crate) fields: &'a Fields,
    /// Whose they are, in words: `the state`, `AccountOpened`.
    pub(crate) owner: &'a str,
}

impl Target<'_> {
    /// The field of this name, or a finding.
    pub(crate) fn field(&self, name: &Text, findings: &mut Vec<Diagnostic>) -> Option<&Field> {
        let found = self.fields.get(&name.value);
        if found.is_none() {
            findings.push(unknown(name, self.owner, self.fields));
        }
        found
    }

    /// One line.
    pub(crate) fn assign(
        &self,
        name: &Text,
        written: &syntax::Expression,
        scope: &Scope<'_>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Assignment> {
        let Some(field) = self.field(name, findings) else {
            // The value may have a mistake of its own: judge it as the field that was likely meant.
            let meant = nearest(&name.value, self.fields.names());
            let meant = meant.and_then(|meant| self.fields.get(meant)?.field_type.as_ref());
            meant.and_then(|meant| scope.check(written, meant, None, findings));
            return None;
        };
        let field_type = field.field_type.clone()?;
        let text = format!("`{}` is `{}`", field.name, scope.types.show(&field_type));
        let purpose = Purpose { span: field.span, text };
        let value = scope.check(written, &field_type, Some(&purpose), findings)?;
        Some(Assignment { field: name.value.clone(), value })
    }
}

/// Nothing has a field of that name.
pub(crate) fn unknown(name: &Text, owner: &str, fields: &Fields) -> Diagnostic {
    let title = format!("{owner} has no field `{}`", name.value);
    let found = Diagnostic::error(&UNKNOWN_FIELD, title, name.span, "unknown field");
    let names: Vec<&str> = fields.names().collect();
    match nearest(&name.value, names.iter().copied()) {
        Some(meant) => found.help(format!("did you mean `{meant}`?")),
        None => found.help(format!("{owner} has {}", listed(&names))),
    }
}
