//! Aggregate columns, held against figures that are worked out in another way: hundredths in 128 bits, over
//! all events at once.

use eventloom_runtime::projection::{Projection, ProjectionError};
use eventloom_runtime::values::{Date, Decimal, Duration};
use eventloom_tests::goldens::aggregates::r#match::{
    Ended, Fined, LeagueView, MatchEvent, MatchView, MatchViewRow, Scored, Started,
};
use eventloom_tests::goldens::aggregates::types::Points;

use super::{meta, time};

/// One event in small whole numbers: what is scored or fined, money in hundredths.
#[derive(Clone, Copy, Debug)]
struct Fact {
    is_fine: bool,
    points: i64,
    hundredths: i64,
    units: i64,
    seconds: i64,
}

fn money(hundredths: i64) -> Decimal {
    Decimal::new(hundredths, 2)
}

fn day(units: i64) -> Date {
    time("2026-01-01T00:00:00Z")
        .checked_add(Duration::from_micros(units * 86_400_000_000))
        .expect("in range")
        .date()
}

fn event(fact: Fact) -> MatchEvent {
    let at = time("2026-11-21T12:00:00Z");
    let at = at.checked_add(Duration::from_micros(fact.seconds * 1_000_000)).expect("in range");
    if fact.is_fine {
        return MatchEvent::Fined(Fined {
            league: "A".to_owned(),
            amount: money(fact.hundredths),
            units: fact.units,
            fined_at: at,
        });
    }
    MatchEvent::Scored(Scored {
        league: "A".to_owned(),
        team: "x".to_owned(),
        points: Points::recorded(fact.points),
        bonus: money(fact.hundredths),
        r#type: fact.units,
        took: Duration::from_micros(fact.seconds),
        on: day(fact.units),
        scored_at: at,
    })
}

fn started(hundredths: i64) -> MatchEvent {
    let started_at = time("2026-11-21T12:00:00Z");
    MatchEvent::Started(Started { league: "A".to_owned(), fee: money(hundredths), started_at })
}

/// A fraction to so many digits after the point, half to even.
fn rounded(numerator: i128, denominator: i128, scale: u32) -> Decimal {
    let scaled = numerator * 10_i128.pow(scale);
    let (whole, rest) = (scaled.div_euclid(denominator), scaled.rem_euclid(denominator));
    let up = 2 * rest > denominator || 2 * rest == denominator && whole % 2 != 0;
    Decimal::from_i128_with_scale(whole + i128::from(up), scale).normalize()
}

fn folded<P: Projection<Event = MatchEvent>>(
    events: impl IntoIterator<Item = MatchEvent>,
) -> Result<Option<P::Row>, ProjectionError> {
    let mut row = None;
    for (event, sequence) in events.into_iter().zip(1..) {
        P::fold(&mut row, &event, &meta(sequence))?;
    }
    Ok(row)
}

/// Facts of a small generator: the same in every run.
fn facts(seed: u64, count: usize) -> Vec<Fact> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((state >> 33) % below).expect("small")
    };
    let fact = |_| Fact {
        is_fine: next(3) == 0,
        points: next(101),
        hundredths: next(4001) - 2000,
        units: next(41) - 20,
        seconds: next(1000),
    };
    (0..count).map(fact).collect()
}

fn check(fee: i64, facts: &[Fact], row: &MatchViewRow) {
    let scored: Vec<Fact> = facts.iter().copied().filter(|fact| !fact.is_fine).collect();
    let fined: Vec<Fact> = facts.iter().copied().filter(|fact| fact.is_fine).collect();
    let sum = |of: &[Fact], value: fn(&Fact) -> i64| of.iter().map(value).sum::<i64>();
    let count = |of: &[Fact]| i64::try_from(of.len()).expect("few");
    let mean = |sum: i64, hundredths: i128, count: i64, scale: u32| {
        (count > 0).then(|| rounded(sum.into(), hundredths * i128::from(count), scale))
    };
    let values = |value: fn(&Fact) -> i64| scored.iter().map(value);
    assert_eq!((row.events, row.scores), (1 + count(facts), count(&scored)));
    assert_eq!(row.points, sum(&scored, |it| it.points));
    assert_eq!((row.worst, row.best), (values(|it| it.points).min(), values(|it| it.points).max()));
    assert_eq!(row.types, sum(&scored, |it| it.units));
    let bonus = sum(&scored, |it| it.hundredths);
    assert_eq!(
        (row.bonus, row.mean_sum, row.mean_count),
        (money(bonus), money(bonus), count(&scored))
    );
    assert_eq!(row.mean, mean(bonus, 100, count(&scored), 2));
    assert_eq!(row.whole, mean(row.points, 1, count(&scored), 0));
    let paid = fee + sum(&fined, |it| it.hundredths);
    assert_eq!(row.paid, money(paid));
    assert_eq!(row.average, mean(paid, 100, 1 + count(&fined), 1));
    let cheapest = fined.iter().map(|it| it.units * 100).chain([fee]).min();
    assert_eq!(row.cheapest, cheapest.map(money));
    let took = |micros: Option<i64>| micros.map(Duration::from_micros);
    assert_eq!(row.shortest, took(values(|it| it.seconds).min()));
    assert_eq!(row.longest, took(values(|it| it.seconds).max()));
    assert_eq!(row.first_day, values(|it| it.units).min().map(day));
    assert_eq!(row.last_day, values(|it| it.units).max().map(day));
    let later = facts.iter().map(|it| it.seconds).max();
    let at = |seconds: i64| {
        let noon = time("2026-11-21T12:00:00Z");
        noon.checked_add(Duration::from_micros(seconds * 1_000_000)).expect("in range")
    };
    assert_eq!(row.latest, later.map(at));
}

#[test]
fn aggregates_are_what_all_events_together_give() {
    for seed in 0..200 {
        let count = usize::try_from(seed % 9).expect("small");
        let (fee, facts) = (i64::try_from(seed).expect("small") * 7, facts(seed, count));
        let events = [started(fee)].into_iter().chain(facts.iter().copied().map(event));
        let row = folded::<MatchView>(events).expect("folds").expect("a row");
        check(fee, &facts, &row);
    }
}

#[test]
fn an_upsert_begins_them_as_an_insert_does() {
    let fact = Fact { is_fine: false, points: 3, hundredths: -5, units: 1, seconds: 9 };
    let row = folded::<LeagueView>([event(fact)]).expect("folds").expect("a row");
    assert_eq!((row.points, row.bonus), (3, Some(money(-5))));
    assert_eq!((row.mean, row.mean_sum, row.mean_count), (Some(3.into()), 3.into(), 1));
    let row =
        folded::<LeagueView>([MatchEvent::Ended(Ended { ended_at: time("2026-11-21T12:00:00Z") })]);
    assert_eq!(row.expect("folds"), None, "it makes no row");
}

/// A sum that wrapped, or lost digits, would be a wrong amount of money.
#[test]
fn a_sum_beyond_its_type_is_poison() {
    let fact = Fact { is_fine: false, points: 0, hundredths: 0, units: i64::MAX, seconds: 0 };
    let MatchEvent::Scored(scored) = event(Fact { units: 0, ..fact }) else { unreachable!() };
    let most = MatchEvent::Scored(Scored { r#type: i64::MAX, ..scored.clone() });
    let error = folded::<MatchView>([started(0), most.clone(), most]).expect_err("too much");
    assert!(matches!(error, ProjectionError::Eval(_)), "{error:?}");
    let most = MatchEvent::Scored(Scored { bonus: Decimal::MAX, ..scored.clone() });
    let tiny = MatchEvent::Scored(Scored { bonus: Decimal::new(1, 28), ..scored });
    let error = folded::<MatchView>([started(0), most, tiny]).expect_err("too many digits");
    assert!(matches!(error, ProjectionError::Eval(_)), "{error:?}");
}
