//! What a program is set to.

use eventloom_runtime::repository::Repository;
use eventloom_runtime::store::{MemoryStore, StoreError};
use eventloom_runtime::testing::{block_on, given};
use eventloom_runtime::{Duration, dec};
use eventloom_tests::goldens::config::loan::{Loan, Return};
use eventloom_tests::goldens::config::types::{Code, Config, Grade, Limit};

fn opened_with(config: Config) -> Result<(), StoreError> {
    block_on(async {
        let repository = Repository::<Loan, _>::builder().config(config);
        repository.open(MemoryStore::new()).await.map(|_| ())
    })
}

#[test]
fn defaults_are_worked_out() {
    let config = Config::default();
    assert_eq!((config.max_books, config.fee), (3, dec!(0.5)));
    assert_eq!(config.period, Duration::from_micros(86_400_000_000));
    assert_eq!(config.favourites, ["9781"]);
    assert_eq!(opened_with(config), Ok(()));
}

/// A program could be set to what the ontology does not allow, a fee of three digits or a code that is none:
/// then each event that it went into was refused, as a mistake of whoever sent the command.
#[test]
fn a_program_that_is_set_to_what_its_types_refuse_is_not_opened() {
    let code = Code::recorded("lib".to_owned());
    let limit = Limit { grade: Grade::Standard, most: dec!(0.05) };
    let default = Config::default;
    for (config, expected) in [
        (
            Config { fee: dec!(0.125), ..default() },
            "config.fee: 0.125 has 3 digits after the point, decimal(6,2) allows 2",
        ),
        (
            Config { code: code.clone(), ..default() },
            "config.code: `lib` is no Code: it does not match [A-Z]{3}",
        ),
        (
            Config { branch: Some(code), ..default() },
            "config.branch: `lib` is no Code: it does not match [A-Z]{3}",
        ),
        (
            Config { cap: Some(dec!(1000)), ..default() },
            "config.cap: 1000 has 4 digits before the point, decimal(3,0) allows 3",
        ),
        (
            Config { limits: vec![limit], ..default() },
            "config.limits: most: 0.05 has 2 digits after the point, decimal(4,1) allows 1",
        ),
    ] {
        let refused = opened_with(config.clone()).expect_err(expected).to_string();
        let why = "the program is set to a value that is not allowed: ";
        assert_eq!(refused, format!("{why}{expected}"));
        let decided = given::<Loan>("R1").config(config).when(Return { days_late: 1 });
        let told = decided.err().expect(expected).to_string();
        assert!(told.contains("the given config is invalid") && told.contains(expected), "{told}");
    }
}
