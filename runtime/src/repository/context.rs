//! What a caller may say about a command besides its input.

use std::sync::Arc;

use crate::values::Timestamp;

/// Who sends a command, why, and how it is recognised when it is sent again. Everything is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandContext {
    /// Id of the command. With it, every outcome is recorded, refusals included: the same command
    /// sent again gets its first outcome again.
    pub command_id: Option<Arc<str>>,
    /// Shared by everything that one outside request leads to. Without it, the command id.
    pub correlation_id: Option<Arc<str>>,
    /// What led to the events. Without it, the command id, and a new id where there is none.
    pub causation_id: Option<Arc<str>>,
    /// W3C trace context. None is made up where there is none.
    pub traceparent: Option<Arc<str>>,
    /// Who sends the command.
    pub actor: Option<Arc<str>>,
    /// When the events happened, where that is not now. Earlier than the stream's last event is
    /// refused where events must be ordered by time.
    pub at: Option<Timestamp>,
}

impl CommandContext {
    /// Nothing said.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Self::command_id`].
    #[must_use]
    pub fn command_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.command_id = Some(id.into());
        self
    }

    /// Sets [`Self::correlation_id`].
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Sets [`Self::causation_id`].
    #[must_use]
    pub fn causation_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.causation_id = Some(id.into());
        self
    }

    /// Sets [`Self::traceparent`].
    #[must_use]
    pub fn traceparent(mut self, context: impl Into<Arc<str>>) -> Self {
        self.traceparent = Some(context.into());
        self
    }

    /// Sets [`Self::actor`].
    #[must_use]
    pub fn actor(mut self, actor: impl Into<Arc<str>>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Sets [`Self::at`].
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }
}
