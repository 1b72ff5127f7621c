//! Read models: verbs, cases, computed keys, and rows of lists, records and enums.

use std::collections::{BTreeMap, BTreeSet};

use eventloom_runtime::projection::{ProjectionError, Value};
use eventloom_runtime::values::date;
use eventloom_runtime::{Projection, dec};
use eventloom_tests::goldens::collections;
use eventloom_tests::goldens::collections::wallet::{WalletView, WalletViewRow};
use eventloom_tests::goldens::enums::lamp::{ByColour, LampEvent, LampView, SwitchedOn};
use eventloom_tests::goldens::enums::types::Colour;
use eventloom_tests::goldens::rows::parcel::{
    DayView, DayViewKey, Delivered, FirstView, LightView, Lost, Moved, ParcelEvent, ParcelView,
    Sent, TownWeightView, TownWeightViewKey, Weighed, WeightView,
};

use super::{meta, time};

const NOON: &str = "2026-11-21T12:00:00Z";

fn sent(weight: i64) -> ParcelEvent {
    let (parcel_id, town) = ("s".to_owned(), "Rome".to_owned());
    ParcelEvent::Sent(Sent { parcel_id, town, weight, sent_at: time(NOON) })
}

fn moved(town: &str, hops: i64) -> ParcelEvent {
    let (parcel_id, town) = ("s".to_owned(), town.to_owned());
    ParcelEvent::Moved(Moved { parcel_id, town, hops, moved_at: time(NOON) })
}

fn lost() -> ParcelEvent {
    ParcelEvent::Lost(Lost { parcel_id: "s".to_owned(), lost_at: time(NOON) })
}

fn delivered() -> ParcelEvent {
    ParcelEvent::Delivered(Delivered { parcel_id: "s".to_owned(), delivered_at: time(NOON) })
}

/// Folds events into one row.
fn fold<P: Projection>(events: &[P::Event]) -> Result<Option<P::Row>, ProjectionError> {
    let mut row = None;
    for (event, sequence) in events.iter().zip(1..) {
        P::fold(&mut row, event, &meta(sequence))?;
    }
    Ok(row)
}

#[test]
fn a_row_is_inserted_changed_and_deleted() {
    let row = fold::<ParcelView>(&[sent(2), moved("Oslo", 3)]).unwrap().unwrap();
    assert_eq!((row.town.as_str(), row.hops, row.weight), ("Oslo", 3, dec!(2)));
    let row = fold::<ParcelView>(&[sent(2), lost(), moved("Oslo", 3)]).unwrap().unwrap();
    assert_eq!((row.lost, row.hops, row.town.as_str()), (false, 0, "Oslo"), "the first case holds");
    assert_eq!(fold::<ParcelView>(&[sent(2), delivered()]), Ok(None));
    let values = ParcelView::row_values(&row);
    assert_eq!(ParcelView::row(values), Ok(row));
}

#[test]
fn what_must_not_be_or_must_be_is_poison() {
    assert_eq!(fold::<ParcelView>(&[sent(2), sent(2)]), Err(ProjectionError::RowExists));
    assert_eq!(fold::<ParcelView>(&[moved("Oslo", 1)]), Err(ProjectionError::RowMissing));
    assert_eq!(fold::<ParcelView>(&[delivered()]), Err(ProjectionError::RowMissing));
    assert_eq!(fold::<ParcelView>(&[lost()]), Ok(None), "where missing is skipped");
    assert!(
        fold::<FirstView>(&[sent(1), sent(2)]).unwrap().is_some(),
        "where a conflict is ignored"
    );
}

#[test]
fn keys_are_computed() {
    let rome = DayViewKey { day: date(2026, 11, 21), town: "Rome".to_owned() };
    assert_eq!(DayView::key(&sent(1), &meta(1)), Ok(Some(rome)));
    let unknown = DayViewKey { day: date(2026, 11, 21), town: "?".to_owned() };
    assert_eq!(DayView::key(&delivered(), &meta(1)), Ok(Some(unknown)));
    assert_eq!(DayView::key(&moved("Oslo", 1), &meta(1)), Ok(None));
    assert_eq!(FirstView::key(&delivered(), &meta(1)), Ok(Some("s".to_owned())));
}

#[test]
fn upserts_start_from_zero_and_the_first_case_holds() {
    let row = fold::<DayView>(&[sent(5), sent(1001), sent(0)]).unwrap().unwrap();
    assert_eq!((row.sent, row.weight, row.last.as_str()), (1, dec!(1006), "s"));
    assert_eq!(fold::<DayView>(&[sent(0)]), Ok(None), "no case holds");
}

/// The digits of a column are checked before the row is touched: the sum fits no `decimal(8,2)`.
#[test]
fn a_fold_that_fails_leaves_the_row_as_it_was() {
    let mut row = fold::<DayView>(&[sent(999_999)]).unwrap();
    let before = row.clone();
    let error = DayView::fold(&mut row, &sent(999_999), &meta(2)).unwrap_err();
    assert!(matches!(error, ProjectionError::Field(_)), "{error}");
    assert_eq!(row, before);
    let mut row = None;
    DayView::fold(&mut row, &sent(10_000_000), &meta(1)).unwrap_err();
    assert_eq!(row, None);
}

fn weighed(eighths: i64) -> ParcelEvent {
    let (parcel_id, town) = ("s".to_owned(), "Rome".to_owned());
    ParcelEvent::Weighed(Weighed { parcel_id, town, eighths, weighed_at: time(NOON) })
}

/// Only columns beside the key were checked: a table of `decimal(4,2)` had keys with three digits after the
/// point, and a row of a thousand.
#[test]
fn a_key_has_no_more_digits_than_its_column() {
    let both = TownWeightViewKey { town: "Rome".to_owned(), kilos: dec!(99.75) };
    assert_eq!(TownWeightView::key(&weighed(798), &meta(1)), Ok(Some(both)));
    for eighths in [798, -798] {
        assert_eq!(WeightView::key(&weighed(eighths), &meta(1)), Ok(Some(dec!(99.75))));
    }
    for eighths in [1, 8000, -1, -8000] {
        let single = WeightView::key(&weighed(eighths), &meta(1)).map(|_| ());
        let double = TownWeightView::key(&weighed(eighths), &meta(1)).map(|_| ());
        for refused in [single, double] {
            let error = refused.expect_err("a key of other digits");
            assert!(matches!(error, ProjectionError::Field(_)), "{error}");
            assert!(error.to_string().contains("decimal(4,2) allows"), "{error}");
        }
    }
}

/// The key was computed and checked for every event, also for one whose `when` says that it concerns no
/// row: that event stopped the whole read model.
#[test]
fn an_event_that_concerns_no_row_has_no_key_to_fail() {
    assert_eq!(LightView::key(&sent(199), &meta(1)), Ok(Some(dec!(398))));
    for weight in [200, 100_000, i64::MAX] {
        assert_eq!(LightView::key(&sent(weight), &meta(1)), Ok(None));
        assert_eq!(fold::<LightView>(&[sent(weight)]), Ok(None));
    }
    let key = |hops| LightView::key(&moved("Oslo", hops), &meta(1));
    assert_eq!([key(91), key(9)], [Ok(Some(dec!(91))), Ok(Some(dec!(9)))]);
    assert_eq!([key(29), key(30)], [Ok(Some(dec!(2.9))), Ok(None)]);
    key(1000).expect_err("a case holds, and its key does not fit");
}

/// A case with a `key:` beside one that reads the row stopped the build with a panic, although their key is
/// the same.
#[test]
fn cases_of_one_key_may_read_the_row() {
    let parcels = |times| {
        let row = fold::<WeightView>(&vec![weighed(8); times]).unwrap();
        row.map(|row| row.parcels)
    };
    assert_eq!([parcels(1), parcels(2), parcels(3)], [Some(1), Some(2), Some(12)]);
}

#[test]
fn a_case_that_reads_the_row_needs_one() {
    let kept = fold::<FirstView>(&[sent(1), moved("Rome", 1)]).unwrap();
    assert_eq!(kept.map(|row| row.number), Some(1));
    let new = fold::<FirstView>(&[moved("Rome", 4)]).unwrap();
    assert_eq!(new.map(|row| row.number), Some(1), "the first case inserts");
    assert_eq!(fold::<FirstView>(&[moved("Rome", 1)]), Err(ProjectionError::RowMissing));
}

#[test]
fn enums_and_lists_are_columns_and_keys() {
    let on = LampEvent::SwitchedOn(SwitchedOn {
        lamp_id: "s".to_owned(),
        colour: Colour::DarkBlue,
        at: time(NOON),
    });
    assert_eq!(ByColour::key(&on, &meta(1)), Ok(Some(Colour::DarkBlue)));
    let row = fold::<ByColour>(&[on.clone(), on.clone()]).unwrap().unwrap();
    assert_eq!(row.lamps, 2);
    assert_eq!(ByColour::row(ByColour::row_values(&row)), Ok(row));
    let row = fold::<LampView>(&[on.clone(), on]).unwrap().unwrap();
    assert_eq!((row.colour, row.mood), (Some(Colour::DarkBlue), None));
    assert_eq!(row.seen, [Colour::DarkBlue, Colour::DarkBlue]);
    assert_eq!(LampView::row(LampView::row_values(&row)), Ok(row));
}

/// People read these columns with SQL, and compare them: one value has one text.
#[test]
fn sets_maps_and_what_they_hold_are_columns_in_one_form() {
    use collections::types::Currency::{Eur, Usd};
    let days = BTreeSet::from([date(2026, 11, 22), date(2026, 11, 21)]);
    let row = WalletViewRow {
        wallet_id: "w".to_owned(),
        labels: BTreeSet::from(["b".to_owned(), "a".to_owned()]),
        balances: BTreeMap::from([(Eur, dec!(1.50)), (Usd, dec!(100))]),
        rare: Some(BTreeMap::from([("P1".to_owned(), days)])),
    };
    let json = |text: &str| Value::Json(text.to_owned());
    let values = [
        Value::Text("w".to_owned()),
        json(r#"["a","b"]"#),
        json(r#"{"USD":"100","EUR":"1.5"}"#),
        json(r#"{"P1":["2026-11-21","2026-11-22"]}"#),
    ];
    assert_eq!(WalletView::row_values(&row), values);
    assert_eq!(WalletView::row(values.to_vec()), Ok(row.clone()));
    let none = WalletViewRow { rare: None, ..row };
    let values = WalletView::row_values(&none);
    assert_eq!(values[3], Value::Null);
    assert_eq!(WalletView::row(values), Ok(none));
}
