//! The runtime of Eventloom: what the generated code of an ontology stands on.
//!
//! It knows nothing of YAML. Generated code hands it typed events, folds and decisions
//! ([`DomainEvent`], [`Aggregate`], [`Command`], [`Projection`]); the runtime stores the events
//! ([`EventStore`]), rebuilds and changes aggregates ([`Repository`]) and keeps read models up to
//! date ([`projection`]).

pub mod aggregate;
pub mod clock;
pub mod codec;
pub mod command;
pub mod eval;
pub mod event;
mod event_form;
pub mod metadata;
pub mod projection;
pub mod repository;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod values;

pub use aggregate::{Aggregate, ApplyError, Refusal, SnapshotStrategy, Step};
pub use clock::block_on;
pub use command::{Command, Decide, Halt, Target};
pub use event::{DomainEvent, EventShape, EventTypes, UniqueKey};
pub use metadata::{Metadata, Position, Sequence, StreamId};
pub use projection::Projection;
pub use repository::{CommandContext, ExecuteError, Executed, OneStream, Repository};
pub use store::{EventStore, MemoryStore, StoreError};
pub use values::{Bytes, Date, Decimal, Duration, Timestamp, Uuid};

/// Includes the code that a build script generated from an ontology: a module per aggregate.
#[macro_export]
macro_rules! include_ontology {
    () => {
        include!(concat!(env!("OUT_DIR"), "/eventloom.rs"));
    };
}
