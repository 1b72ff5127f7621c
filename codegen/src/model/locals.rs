//! The locals of expressions: those that are read, and those that are bound.

use std::collections::BTreeSet;

use super::{Arm, Expression, ExpressionKind, Pattern};

/// The locals that a value reads and does not bind.
pub(crate) fn free(value: &Expression) -> BTreeSet<String> {
    match &value.kind {
        ExpressionKind::Local(name) => BTreeSet::from([name.clone()]),
        // Only the body sees the name; beside it another local may have the same.
        ExpressionKind::Let(_, given, body) => &free(given) | &unbound(value, body),
        ExpressionKind::Closure(_, body) => unbound(value, body),
        ExpressionKind::Match(subject, arms) => {
            let of_arm = |arm: &Arm| {
                let mut free = free(&arm.body);
                free.retain(|name| !bound_by_arm(arm).any(|bound| bound == name));
                free
            };
            arms.iter().map(of_arm).fold(free(subject), |all, arm| &all | &arm)
        }
        _ => value.parts().into_iter().flat_map(free).collect(),
    }
}

/// What a body reads but for the names that its binder gives.
fn unbound(binder: &Expression, body: &Expression) -> BTreeSet<String> {
    let bound = bound_by(binder);
    free(body).into_iter().filter(|name| !bound.contains(&name.as_str())).collect()
}

/// The locals that a part itself gives names.
pub(crate) fn bound_by(part: &Expression) -> Vec<&str> {
    match &part.kind {
        ExpressionKind::Let(name, ..) => vec![name],
        ExpressionKind::Closure(parameters, _) => {
            parameters.iter().filter_map(|parameter| parameter.local.as_deref()).collect()
        }
        ExpressionKind::Match(_, arms) => arms.iter().flat_map(bound_by_arm).collect(),
        _ => Vec::new(),
    }
}

fn bound_by_arm(arm: &Arm) -> impl Iterator<Item = &str> {
    arm.patterns.iter().filter_map(|pattern| match pattern {
        Pattern::Some(name) => Some(name.as_str()),
        _ => None,
    })
}
