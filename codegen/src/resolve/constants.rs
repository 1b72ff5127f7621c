//! `constants:` typed values that every expression can read by name.

use super::expression::Purpose;
use super::expression::scope::Scope;
use super::types::{InlinePlace, Types};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Expression, Map, TypeExpression};

/// Gives the constants their values; one may refer to those before it.
pub(crate) fn resolve(
    types: &mut Types,
    written: &Map<(TypeExpression, Expression)>,
    findings: &mut Vec<Diagnostic>,
) {
    for (name, (type_expression, expression)) in written {
        let place = InlinePlace::new("constants", &name.value);
        let value = types.resolve(type_expression, &place, findings).and_then(|of| {
            let mut scope = Scope::empty(types, "a constant");
            scope.texts_are_values = true;
            let text = format!("`{}` is `{}`", name.value, types.show(&of));
            let purpose = Purpose { span: type_expression.span, text };
            scope.check(expression, &of, Some(&purpose), findings)
        });
        types.constants.insert(name.value.clone(), value);
    }
}
