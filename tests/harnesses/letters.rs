//! The harness of names of one letter.
//!
//! Generated code called its parameters `B`, `H`, `K`, `S` and `V`, so an event of such a name became the
//! parameter in the very code that was generated for it.

use eventloom_runtime::projection::ProjectionError;
use eventloom_runtime::{ApplyError, Metadata};
use eventloom_tests::goldens::letters as ontology;
use ontology::tree::{B, H, TreeBehavior, TreeState, VHandler, VRow};

include!(concat!(env!("OUT_DIR"), "/letters/harness.rs"));

struct HarnessFixture;

impl tree::Fixture for HarnessFixture {
    type Behavior = Growth;
    type VHandler = Heights;
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Growth;

impl TreeBehavior for Growth {
    const REVISION: u32 = 1;

    fn apply_h(state: &mut TreeState, event: &H, _: &Metadata) -> Result<(), ApplyError> {
        state.size = event.size;
        Ok(())
    }
}

/// The last growth of every tree.
struct Heights;

impl VHandler for Heights {
    const REVISION: u32 = 1;

    fn on_b(row: &mut Option<VRow>, event: &B, _: &Metadata) -> Result<(), ProjectionError> {
        *row = Some(VRow { tree_id: event.tree_id.clone(), height: event.metres });
        Ok(())
    }

    fn on_h(_: &mut Option<VRow>, _: &H, _: &Metadata) -> Result<(), ProjectionError> {
        Ok(())
    }
}
