//! The harness of checks that have their place among the steps; and the same commands without their steps
//! `target` and `unique`, which must be told from them.

use eventloom_runtime::codec::{FieldError, Writer};
use eventloom_runtime::testing::{self, Check, Given, Memory, Sqlite};
use eventloom_runtime::{Command, Decide, Halt, StreamId, Target, UniqueKey, dec};
use eventloom_tests::goldens::steps as ontology;
use ontology::purse::{
    Close, MoneyPutIn, MoneyTakenOut, Open, Purse, PurseError, PurseOpened, TakeOut,
};

include!(concat!(env!("OUT_DIR"), "/steps/harness.rs"));

/// A command whose target and keys are checked where they have their place without a step.
#[derive(Clone, Debug)]
struct WithoutItsSteps<C>(C);

impl<C: Command<Purse>> Command<Purse> for WithoutItsSteps<C> {
    const NAME: &'static str = C::NAME;
    const TARGET: Target = C::TARGET;

    fn validate(&self) -> Result<(), FieldError> {
        self.0.validate()
    }

    fn write(&self, out: &mut Writer) {
        self.0.write(out);
    }

    fn unique_keys(&self, claim: &mut dyn FnMut(UniqueKey)) {
        self.0.unique_keys(claim);
    }

    fn target_refused(stream: &StreamId) -> PurseError {
        C::target_refused(stream)
    }

    fn decide(&self, context: &mut Decide<'_, Purse>) -> Result<(), Halt<PurseError>> {
        self.0.decide(context)
    }
}

/// With its steps a command is refused by one name, and without them by another, on the fold and in stores.
fn is_told<C: Command<Purse>>(command: C, by_steps: &str, without: &str) -> Check {
    for_each_way(&command, by_steps)?;
    for_each_way(&WithoutItsSteps(command), without)
}

fn for_each_way<C: Command<Purse>>(command: &C, refusal: &str) -> Check {
    given().when(command.clone())?.then_refused(refusal)?;
    given().when_in(Memory, command.clone())?.then_refused(refusal)?;
    given().when_in(Sqlite, command.clone())?.then_refused(refusal)?;
    Ok(())
}

fn given() -> Given<Purse> {
    let (at, payment_id) = (testing::START, "P2".to_owned());
    testing::given("purse-1")
        .event(PurseOpened { owner: "Ada".into(), email: "ada@example.org".into(), opened_at: at })
        .event(MoneyPutIn { amount: dec!(5), payment_id: "P1".into(), at })
        .event(MoneyTakenOut { amount: dec!(4), payment_id, by: "Ada".into(), at })
}

#[test]
fn a_refusal_before_the_key_is_met_first() -> Check {
    let again = TakeOut { amount: dec!(9), payment_id: "P2".into() };
    is_told(again, "TooLittle", "DuplicatePaymentId")
}

#[test]
fn the_target_before_the_key_is_met_first() -> Check {
    let again = Open { owner: "Ada".into(), email: "ada@example.org".into() };
    is_told(again, "PurseAlreadyExists", "EmailTaken")
}

#[test]
fn a_refusal_before_the_target_is_met_first() -> Check {
    let nobody = Open { owner: String::new(), email: "bob@example.org".into() };
    is_told(nobody, "NoOwner", "PurseAlreadyExists")?;
    let nothing = || testing::given::<Purse>("purse-2");
    let close = Close { reason: String::new() };
    nothing().when_in(Memory, close.clone())?.then_refused("NoReason")?;
    nothing().when_in(Memory, WithoutItsSteps(close))?.then_refused("NothingToClose")?;
    Ok(())
}
