//! The harness of an ontology whose commands are recognised by keys that are not inputs as they are.

use eventloom_tests::goldens::retried as ontology;
use eventloom_tests::parts::purse::Payer;

include!(concat!(env!("OUT_DIR"), "/retried/harness.rs"));

struct HarnessFixture;

impl purse::Fixture for HarnessFixture {
    type Behavior = Payer;
}
