//! `constants:` typed values that every expression can read by name.

use super::expression::scope::Scope;
use super::expression::{Purpose, local_fault};
use super::literal::Reader;
use super::types::{InlinePlace, Types};
use crate::diagnostic::Diagnostic;
use crate::syntax::{ConstantValue, Map, TypeExpression};

/// Gives the constants their values; one may refer to those before it.
pub(crate) fn resolve(
    types: &mut Types,
    written: &Map<(TypeExpression, ConstantValue)>,
    findings: &mut Vec<Diagnostic>,
) {
    for (name, (type_expression, written)) in written {
        // Nothing but its bare name reads it.
        findings.extend(local_fault(name, &[]));
        let place = InlinePlace::new("constants", &name.value);
        let value = types.resolve(type_expression, &place, findings).and_then(|of| {
            let text = format!("`{}` is `{}`", name.value, types.show(&of));
            let purpose = Purpose { span: type_expression.span, text };
            match written {
                ConstantValue::Expression(expression) => {
                    let mut scope = Scope::empty(types, "a constant");
                    scope.texts_are_values = true;
                    scope.check(expression, &of, Some(&purpose), findings)
                }
                ConstantValue::Plain(value) => {
                    Reader { types, findings }.read(value, &of, &purpose)
                }
            }
        });
        types.constants.insert(name.value.clone(), value);
    }
}
