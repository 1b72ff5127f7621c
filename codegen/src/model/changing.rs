//! What may be otherwise when a command is sent again: its input and its stream are the same, all else may have
//! changed meanwhile.

use std::collections::BTreeSet;

use super::{Emission, Expression, ExpressionKind, MetaField, Scope, Step};

/// What is known of the locals of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changing {
    /// Those whose values may be others the next time.
    changing: BTreeSet<String>,
    /// Those that are made of the input.
    of_input: BTreeSet<String>,
}

impl Changing {
    /// Takes in what a step names.
    pub(crate) fn pass(&mut self, step: &Step) {
        if let Step::Let(name, value) | Step::Unwrap { local: name, optional: value } = step {
            self.name(name, value);
        }
    }

    fn name(&mut self, name: &str, value: &Expression) {
        if self.has(value) {
            self.changing.insert(name.to_owned());
        }
        if self.is_of_input(value) {
            self.of_input.insert(name.to_owned());
        }
    }

    /// Within an emission: for each of its elements, where its `when` holds.
    pub(crate) fn within(&self, emission: &Emission) -> Self {
        self.naming(emission.for_each.iter().chain(&emission.present))
    }

    /// Within what is emitted instead: for each element too.
    pub(crate) fn instead_of(&self, emission: &Emission) -> Self {
        self.naming(emission.for_each.iter().chain(&emission.otherwise_present))
    }

    fn naming<'e>(&self, named: impl Iterator<Item = &'e (String, Expression)>) -> Self {
        let mut this = self.clone();
        named.for_each(|(name, value)| this.name(name, value));
        this
    }

    /// Whether the value may be another one the second time.
    pub(crate) fn has(&self, value: &Expression) -> bool {
        value.any(&|part| match &part.kind {
            ExpressionKind::Read(scope, _) => *scope != Scope::Input,
            ExpressionKind::Meta(field) => *field != MetaField::StreamId,
            ExpressionKind::Now | ExpressionKind::NewId => true,
            ExpressionKind::Local(name) => self.changing.contains(name),
            _ => false,
        })
    }

    /// Whether the value tells a command from others: it is the same each time, and something of its input.
    pub(crate) fn tells(&self, value: &Expression) -> bool {
        !self.has(value) && self.is_of_input(value)
    }

    fn is_of_input(&self, value: &Expression) -> bool {
        value.any(&|part| match &part.kind {
            ExpressionKind::Read(Scope::Input, _) => true,
            ExpressionKind::Local(name) => self.of_input.contains(name),
            _ => false,
        })
    }
}
