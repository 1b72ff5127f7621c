//! One command on its way through the repository, whatever its type.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::context::CommandContext;
use crate::aggregate::Aggregate;
use crate::clock::Ids;
use crate::codec::{FieldError, Writer};
use crate::command::{Command, Decide, Halt, check_target};
use crate::event::UniqueKey;
use crate::metadata::{Sequence, StreamId};
use crate::store::{ContentHash, StreamKey};

/// What is decided. Behind a reference, so that the machinery around it exists once per aggregate
/// and not once per command.
pub(super) trait Attempt<A: Aggregate>: Send + Sync {
    fn name(&self) -> &'static str;
    fn write(&self, out: &mut Writer);
    fn validate(&self) -> Result<(), FieldError>;
    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey));
    fn retry_keys(&self, stream: &StreamId, claim: &mut dyn FnMut(UniqueKey));
    fn check_target(&self, stream: &StreamId, sequence: Sequence) -> Result<(), A::Error>;
    /// The fields whose keys are looked up where the decision says so.
    fn later_keys(&self) -> &'static [&'static str];
    fn decide(&self, context: &mut Decide<'_, A>) -> Result<(), Halt<A::Error>>;
}

/// A command of the aggregate.
pub(super) struct Asked<C>(pub(super) C);

impl<A: Aggregate, C: Command<A>> Attempt<A> for Asked<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn write(&self, out: &mut Writer) {
        self.0.write(out);
    }

    fn validate(&self) -> Result<(), FieldError> {
        self.0.validate()
    }

    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey)) {
        self.0.unique_keys(claim);
    }

    fn retry_keys(&self, stream: &StreamId, claim: &mut dyn FnMut(UniqueKey)) {
        self.0.retry_keys(stream, claim);
    }

    fn check_target(&self, stream: &StreamId, sequence: Sequence) -> Result<(), A::Error> {
        if C::CHECKS_TARGET { Ok(()) } else { check_target::<A, C>(stream, sequence) }
    }

    fn later_keys(&self) -> &'static [&'static str] {
        C::LATER_KEYS
    }

    fn decide(&self, context: &mut Decide<'_, A>) -> Result<(), Halt<A::Error>> {
        self.0.decide(context)
    }
}

/// A command with its stream and context.
pub(super) struct Request<'a, A: Aggregate> {
    pub(super) stream: StreamKey,
    pub(super) command: &'a dyn Attempt<A>,
    pub(super) content: ContentHash,
    /// The caller's id, else a new one.
    pub(super) id: Arc<str>,
    /// What the caller said; correlation and causation filled in.
    pub(super) context: CommandContext,
}

impl<'a, A: Aggregate> Request<'a, A> {
    pub(super) fn new(
        stream: StreamId,
        command: &'a dyn Attempt<A>,
        mut context: CommandContext,
        ids: &dyn Ids,
    ) -> Self {
        let stream = StreamKey { aggregate: A::NAME, id: stream };
        let content = content(&stream, command);
        let id = context.command_id.clone();
        let id = id.unwrap_or_else(|| Arc::from(ids.new_id().to_string()));
        context.correlation_id.get_or_insert_with(|| Arc::clone(&id));
        context.causation_id.get_or_insert_with(|| Arc::clone(&id));
        Self { stream, command, content, id, context }
    }

    /// Whether every outcome is recorded under the id.
    pub(super) fn has_id(&self) -> bool {
        self.context.command_id.is_some()
    }

    /// The keys that the input alone tells, but for those that a decision has not come to.
    pub(super) fn unique_keys(&self, looked_up: &[&str]) -> Vec<UniqueKey> {
        let later = self.command.later_keys();
        let mut keys = Vec::new();
        self.command.unique_keys(&mut |key| {
            if !later.contains(&key.field) || looked_up.contains(&key.field) {
                keys.push(key);
            }
        });
        keys
    }

    /// The keys by which it is recognised beside those, if it has claimed them before.
    pub(super) fn retry_keys(&self) -> Vec<UniqueKey> {
        let mut keys = Vec::new();
        self.command.retry_keys(&self.stream.id, &mut |key| keys.push(key));
        keys
    }
}

/// The hash by which a repeated command is told from another one under the same id or key. What was not
/// supplied is no part of it: a program that has one more optional input still knows the commands of before.
fn content<A: Aggregate>(stream: &StreamKey, command: &dyn Attempt<A>) -> ContentHash {
    let mut input = Writer::without_absent();
    input.object(|fields| command.write(fields));
    let mut hash = Sha256::new();
    for part in [stream.aggregate, command.name(), stream.id.as_str()] {
        // The length keeps the parts apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(input.into_bytes());
    let mut content = ContentHash::default();
    content.copy_from_slice(&hash.finalize()[..16]);
    content
}
