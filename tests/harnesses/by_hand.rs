//! The harness of a state that is written by hand, with rules on the values that it shows.

use eventloom_tests::goldens::by_hand as ontology;
use eventloom_tests::parts::coins::Coins;

include!(concat!(env!("OUT_DIR"), "/by_hand/harness.rs"));

struct HarnessFixture;

impl purse::Fixture for HarnessFixture {
    type Behavior = Coins;
}
