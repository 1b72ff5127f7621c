//! [`ProjectionName`]: what messages call a projection.

use std::fmt;

use super::Projection;

/// The name of a projection with its aggregate's, which tells it from that of another aggregate. Displayed
/// as `Ledger.Balances`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectionName {
    /// The aggregate whose events are the source.
    pub aggregate: &'static str,
    /// [`Projection::NAME`].
    pub projection: &'static str,
}

impl ProjectionName {
    /// The name of a projection.
    pub const fn of<P: Projection>() -> Self {
        Self { aggregate: P::AGGREGATE, projection: P::NAME }
    }
}

impl fmt::Display for ProjectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.aggregate, self.projection)
    }
}
