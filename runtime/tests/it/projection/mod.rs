//! Projections: rows that always are what their events say.

mod catching_up;
mod clocks;
#[cfg(any(feature = "sqlite", feature = "testing-postgres"))]
mod everything;
mod figures;
mod immediate;
#[cfg(feature = "sqlite")]
mod killed;
mod leading;
pub(crate) mod ledger;
mod live;
mod meaning;
mod metrics;
mod model;
mod newer;
mod poison;
#[cfg(feature = "testing-postgres")]
mod postgres;
mod properties;
mod queries;
mod reading;
mod rebuild_decided;
mod rebuild_lacking;
mod rebuild_poison;
mod rebuilding;
pub(crate) mod rig;
mod selection;
mod several;
#[cfg(feature = "sqlite")]
mod sqlite;
mod standby;
#[cfg(feature = "testing-postgres")]
mod switching;
mod unreliable;
