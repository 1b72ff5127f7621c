//! Enums that stand inline, and the names they take.

use super::{bank, resolve, titles};

/// `BankAccountStatus` was once whatever stood last: an enum inline took the place of the declared one
/// without a word, so that values had variants that their type lacks.
#[test]
fn an_inline_enum_never_takes_the_place_of_another_type() {
    let declared = |types: &str| bank(&format!("types: {{{types}}}\n"));
    let refused =
        "the enum of `status` of `BankAccount` and the type `BankAccountStatus` are one Rust type";
    assert_eq!(titles(&declared("BankAccountStatus: 'enum[Unopened, Open]'")), [refused]);
    assert_eq!(titles(&declared("BankAccountStatus: {text: string}")), [refused]);

    let same = declared("BankAccountStatus: 'enum[Unopened, Open, Closed]'");
    let ontology = resolve(&same).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(ontology.types.len(), 1);
    assert!(ontology.aggregates[0].inline_types.is_empty(), "it is the declared one");
}
