//! The harness of scenarios of every form; and what a test of one's own is told where its ids don't fit.

use eventloom_runtime::testing::{self, Check, Given, Memory, Sqlite, StoreKind};
use eventloom_runtime::{Decimal, Uuid, dec};
use eventloom_tests::goldens::stories as ontology;
use ontology::ledger::{Enter, EntryMade, Ledger};

include!(concat!(env!("OUT_DIR"), "/stories/harness.rs"));

const ONE: Uuid = Uuid::from_u128(1);
const TWO: Uuid = Uuid::from_u128(2);

fn given(ids: &[Uuid]) -> Given<Ledger> {
    let (entry, amount) = (Uuid::from_u128(7), dec!(1));
    testing::given("ledger-1").ids(ids).event(EntryMade { entry, amount, made_at: testing::START })
}

fn enter(amounts: &[Decimal]) -> Enter {
    Enter { amounts: amounts.to_vec() }
}

fn told(outcome: Check) -> String {
    outcome.expect_err("the ids don't fit").to_string()
}

/// Events have ids of their own, those that are given too: else a command with two events would take four.
#[test]
fn only_decisions_take_the_ids() -> Check {
    let two = enter(&[dec!(1), dec!(2)]);
    let events = [("EntryMade", r#"{"entry": "00000000-0000-0000-0000-000000000001"}"#)];
    given(&[ONE]).when(enter(&[dec!(1)]))?.then_events_with(&events)?.then_no_id_is_left()?;
    given(&[ONE, TWO]).when(two.clone())?.then_accepted()?.then_no_id_is_left()?;
    given(&[ONE, TWO]).when_in(Memory, two.clone())?.then_accepted()?.then_no_id_is_left()?;
    given(&[ONE, TWO]).when_in(Sqlite, two)?.then_accepted()?.then_no_id_is_left()?;
    Ok(())
}

#[test]
fn too_few_ids_are_told() {
    fn in_store<K: StoreKind>(kind: K, command: Enter) -> Check {
        given(&[ONE]).when_in(kind, command).map(drop)
    }
    let two = enter(&[dec!(1), dec!(2)]);
    for outcome in [
        given(&[ONE]).when(two.clone()).map(drop),
        in_store(Memory, two.clone()),
        in_store(Sqlite, two.clone()),
    ] {
        let told = told(outcome);
        assert!(told.contains("too few ids are given for what `new_id()` is asked for"), "{told}");
        assert!(told.contains("given: 1") && told.contains("asked for: 2"), "{told}");
        assert!(told.contains("accepted, with the events"), "{told}");
    }
}

#[test]
fn ids_that_are_left_are_told() {
    let left = |command: Enter| -> Check {
        given(&[ONE, TWO]).when_in(Memory, command)?.then_no_id_is_left().map(drop)
    };
    let told_of_one = told(left(enter(&[dec!(1)])));
    let what = "ids are given that `new_id()` was never asked for";
    assert!(told_of_one.contains(what), "{told_of_one}");
    assert!(told_of_one.contains("left: 00000000-0000-0000-0000-000000000002"), "{told_of_one}");
    let refused = told(left(enter(&[])));
    assert!(refused.contains("NothingToEnter"), "{refused}");
}
