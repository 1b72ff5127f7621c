//! What may be otherwise when a command is sent again: its input and its stream are the same, all else may have
//! changed meanwhile.

use std::collections::BTreeSet;

use super::{Emission, Expression, ExpressionKind, MetaField, Scope, Step};

/// The locals of a command whose values may be others the next time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changing(BTreeSet<String>);

impl Changing {
    /// After these steps.
    pub(crate) fn after(steps: &[Step]) -> Self {
        let mut this = Self::default();
        steps.iter().for_each(|step| this.pass(step));
        this
    }

    /// Takes in what a step names.
    pub(crate) fn pass(&mut self, step: &Step) {
        if let Step::Let(name, value) | Step::Unwrap { local: name, optional: value } = step {
            self.name(name, value);
        }
    }

    fn name(&mut self, name: &str, value: &Expression) {
        if self.has(value) {
            self.0.insert(name.to_owned());
        }
    }

    /// Within an emission: where its `when` holds, for each of its elements.
    pub(crate) fn within(&self, emission: &Emission) -> Self {
        let mut this = self.clone();
        let named = emission.present.iter().chain(&emission.for_each);
        named.for_each(|(name, value)| this.name(name, value));
        this
    }

    /// Within what is emitted instead.
    pub(crate) fn instead_of(&self, emission: &Emission) -> Self {
        let mut this = self.clone();
        emission.otherwise_present.iter().for_each(|(name, value)| this.name(name, value));
        this
    }

    /// Whether the value may be another one the second time.
    pub(crate) fn has(&self, value: &Expression) -> bool {
        value.any(&|part| match &part.kind {
            ExpressionKind::Read(scope, _) => *scope != Scope::Input,
            ExpressionKind::Meta(field) => *field != MetaField::StreamId,
            ExpressionKind::Now | ExpressionKind::NewId => true,
            ExpressionKind::Local(name) => self.0.contains(name),
            _ => false,
        })
    }
}
