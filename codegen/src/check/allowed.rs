//! What an ontology allows is not reported; what it allows in vain is.

use crate::catalogue::lints::UNUSED_ALLOW;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Span;
use crate::syntax::Allowed;

/// Takes the warnings that are allowed where they stand out of the findings.
pub fn settle(findings: &mut Vec<Diagnostic>, allowed: &[Allowed]) {
    let mut in_vain = vec![true; allowed.len()];
    findings.retain(|found| {
        let by = allowed.iter().position(|allowed| allows(allowed, found));
        by.inspect(|by| in_vain[*by] = false).is_none()
    });
    let in_vain = allowed.iter().zip(in_vain).filter(|(_, in_vain)| *in_vain);
    findings.extend(in_vain.map(|(allowed, _)| {
        let title = format!("`{}` does not come up here", allowed.code.value);
        Diagnostic::warning(&UNUSED_ALLOW, title, allowed.code.span, "allows nothing")
    }));
}

fn allows(allowed: &Allowed, found: &Diagnostic) -> bool {
    found.severity == Severity::Warning
        && found.code.id.eq_ignore_ascii_case(allowed.code.value.trim())
        && contains(allowed.within, found.primary.0)
}

fn contains(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}
