//! `config:` typed values that a program may set at its start.

use super::defaults;
use super::types::Types;
use crate::catalogue::derived::NO_DEFAULT;
use crate::diagnostic::Diagnostic;
use crate::syntax::{Field, Map};

/// Gives the values their types and defaults.
pub(crate) fn resolve(types: &mut Types, written: &Map<Field>, findings: &mut Vec<Diagnostic>) {
    let mut config = types.fields("Config", written, findings);
    defaults::of_fields(types, &mut config, written, findings);
    for field in config.0.iter().filter(|field| !field.default_is_written) {
        let Some(of) = &field.field_type else { continue };
        let title = format!("`{}` has no default", field.name);
        let found = Diagnostic::error(&NO_DEFAULT, title, field.span, "what if nobody sets it?");
        let help = format!("add one: `{}: {} = …`", field.name, types.show(of));
        findings.push(found.help(help));
    }
    types.config = config;
}
