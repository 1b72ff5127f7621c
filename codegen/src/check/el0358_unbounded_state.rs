//! A collection of the state that only ever grows.

use super::Checked;
use super::looking::{deciding, folds, is_by_hand};
use crate::catalogue::lints::UNBOUNDED_STATE;
use crate::diagnostic::Diagnostic;
use crate::model::{Aggregate, Expression, ExpressionKind, Method, Scope, Type};

pub(super) fn check(checked: Checked<'_>, findings: &mut Vec<Diagnostic>) {
    for (syntax, model) in checked.aggregates() {
        let (Some(model), Some(state)) = (model, &syntax.state) else { continue };
        if is_by_hand(model) {
            continue;
        }
        for (name, _) in state.iter().filter(|(name, _)| only_grows(model, &name.value)) {
            let title = format!("`{}` only ever grows", name.value);
            let found = Diagnostic::warning(&UNBOUNDED_STATE, title, name.span, "without a limit");
            findings.push(found);
        }
    }
}

fn only_grows(aggregate: &Aggregate, field: &str) -> bool {
    let mut folds = aggregate
        .events
        .iter()
        .flat_map(folds)
        .filter(|set| set.field == field)
        .map(|set| &set.value)
        .peekable();
    folds.peek().is_some()
        && folds.all(|value| grows(value, field))
        && !deciding(aggregate).into_iter().any(|expression| asks_for_size(expression, field))
}

/// Whether the value is the field and more.
fn grows(value: &Expression, field: &str) -> bool {
    match &value.kind {
        ExpressionKind::Call(
            Method::ListPush
            | Method::ListExtend
            | Method::SetInsert
            | Method::SetUnion
            | Method::MapInsert,
            before,
            _,
        ) => {
            let all_there_are = matches!(
                &before.result,
                Type::Set(key) | Type::Map(key, _) if matches!(**key, Type::Enum(_))
            );
            !all_there_are && (is_field(before, field) || grows(before, field))
        }
        ExpressionKind::Derived(call) => grows(&call.stands_for, field),
        ExpressionKind::Let(_, _, body) => grows(body, field),
        _ => false,
    }
}

/// Whether the number of elements is asked for, as a rule that limits them does.
fn asks_for_size(expression: &Expression, field: &str) -> bool {
    expression.any(&|part| {
        matches!(
            &part.kind,
            ExpressionKind::Call(Method::ListLen | Method::SetLen | Method::MapLen, of, _)
                if is_field(of, field)
        )
    })
}

fn is_field(value: &Expression, field: &str) -> bool {
    matches!(&value.kind, ExpressionKind::Read(Scope::State | Scope::After | Scope::Before, name) if name == field)
}
