//! The harness of an ontology that leaves a fold, a decision and two read models to be written by hand.

use eventloom_tests::goldens::custom as ontology;
use eventloom_tests::parts::wallet::{Points, Views};

include!(concat!(env!("OUT_DIR"), "/custom/harness.rs"));

struct HarnessFixture;

impl wallet::Fixture for HarnessFixture {
    type Behavior = Points;
    type WalletViewHandler = Views;
    type AuditHandler = Views;
}
