//! What an expression reads: asked to see which parameters, locals and metadata a function needs.

use crate::model::{Expression, ExpressionKind, Logic, MetaField, Scope, Type};

/// Whether the expression depends on the clock.
pub(crate) fn reads_time(expression: &Expression) -> bool {
    expression.any(&|part| {
        matches!(
            part.kind,
            ExpressionKind::Now | ExpressionKind::Meta(MetaField::At | MetaField::RecordedAt)
        )
    })
}

impl Expression {
    /// Whether it reads anything of this scope.
    pub(crate) fn reads_scope(&self, scope: Scope) -> bool {
        self.any(&|part| match &part.kind {
            ExpressionKind::Read(of, _) => *of == scope,
            ExpressionKind::Derived(call) => call.scope == scope,
            _ => false,
        })
    }

    /// Whether it reads what a store may leave out of the metadata: see the runtime's
    /// `READS_METADATA`.
    pub(crate) fn reads_metadata_texts(&self) -> bool {
        use MetaField::{Actor, CausationId, CorrelationId};
        self.any(&|part| {
            matches!(part.kind, ExpressionKind::Meta(Actor | CausationId | CorrelationId))
        })
    }

    /// `!self`
    pub(crate) fn negated(self) -> Self {
        Self { result: Type::Boolean, kind: ExpressionKind::Not(Box::new(self)) }
    }

    /// `self && other`
    pub(crate) fn and(self, other: Self) -> Self {
        let kind = ExpressionKind::Logic(Logic::And, Box::new(self), Box::new(other));
        Self { result: Type::Boolean, kind }
    }
}
