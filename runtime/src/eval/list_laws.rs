//! The laws of methods that go through a list; and that a function which fails ends the whole.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::dec;
use crate::values::{Decimal, Duration};

/// A line of a cart: what it is of, and how many.
type Line = (u8, i64);

fn lines() -> impl Strategy<Value = Vec<Line>> {
    vec((0_u8..5, -3_i64..4), 0..12)
}

fn failed() -> EvalError {
    EvalError::Overflow("asked too much".to_owned())
}

proptest! {
    #[test]
    fn a_condition_splits_a_list_in_two(lines in lines(), limit in -3_i64..4) {
        let above = |line: &Line| Ok(line.1 > limit);
        let not_above = |line: &Line| above(line).map(|holds| !holds);
        let kept = try_filtered(lines.clone(), above).unwrap();
        let rest = try_filtered(lines.clone(), not_above).unwrap();
        prop_assert!(kept.iter().all(|line| line.1 > limit));
        prop_assert!(rest.iter().all(|line| line.1 <= limit));
        // Both in their order: taking from each in turn gives the list again.
        let (mut from_kept, mut from_rest) = (kept.iter(), rest.iter());
        for line in &lines {
            let next = if line.1 > limit { from_kept.next() } else { from_rest.next() };
            prop_assert_eq!(next, Some(line));
        }
        prop_assert_eq!(try_any(&lines, above).unwrap(), !kept.is_empty());
        prop_assert_eq!(try_all(&lines, above).unwrap(), rest.is_empty());
        prop_assert_eq!(try_find(&lines, |line| above(line)).unwrap(), kept.first());
        let position = try_position(&lines, above).unwrap();
        let found = position.and_then(|at| item(&lines, at));
        prop_assert_eq!(found, kept.first());
    }

    #[test]
    fn sorting_is_stable_and_loses_nothing(lines in lines()) {
        let numbered: Vec<(usize, Line)> = lines.into_iter().enumerate().collect();
        let up = sorted_by(numbered.clone(), |(_, line)| line.1);
        let down = sorted_by_desc(numbered.clone(), |(_, line)| line.1);
        let rises = |a: &(usize, Line), b: &(usize, Line)| (a.1.1, a.0) < (b.1.1, b.0);
        let falls = |a: &(usize, Line), b: &(usize, Line)| (-a.1.1, a.0) < (-b.1.1, b.0);
        prop_assert!(up.windows(2).all(|two| rises(&two[0], &two[1])));
        prop_assert!(down.windows(2).all(|two| falls(&two[0], &two[1])));
        prop_assert_eq!(up.len(), numbered.len());
        prop_assert_eq!(down.len(), numbered.len());
        let key = |(_, line): &(usize, Line)| Ok(line.1);
        prop_assert_eq!(&try_sorted_by(numbered.clone(), key).unwrap(), &up);
        prop_assert_eq!(&try_sorted_by_desc(numbered.clone(), key).unwrap(), &down);
        prop_assert_eq!(try_min_by(&numbered, |it| key(it)).unwrap(), up.first());
        prop_assert_eq!(try_max_by(&numbered, |it| key(it)).unwrap(), up.last());
    }

    #[test]
    fn putting_an_item_in_keeps_all_others_and_the_total(lines in lines(), new in (0_u8..5, -3_i64..4)) {
        let total = |lines: &[Line]| lines.iter().map(|line| line.1).sum::<i64>();
        let key = |line: &Line| line.0;
        let put = upserted_by(lines.clone(), key, new, |old| (old.0, old.1 + new.1));
        prop_assert_eq!(total(&put), total(&lines) + new.1);
        let known = lines.iter().position(|line| line.0 == new.0);
        prop_assert_eq!(put.len(), lines.len() + usize::from(known.is_none()));
        for (at, line) in lines.iter().enumerate().filter(|(at, _)| Some(*at) != known) {
            prop_assert_eq!(&put[at], line);
        }
        // Put as it is, it is there once and for all.
        let once = upserted_by(lines.clone(), key, new, |_| new);
        prop_assert_eq!(&upserted_by(once.clone(), key, new, |_| new), &once);
        let fallible = try_upserted_by(lines, |it| Ok(key(it)), new, |old| Ok((old.0, old.1 + new.1)));
        prop_assert_eq!(fallible.unwrap(), put);
    }

    #[test]
    fn only_the_first_goes_and_only_what_is_meant_changes(lines in lines(), of in 0_u8..5) {
        let is_meant = |line: &Line| line.0 == of;
        let rest = without_first(lines.clone(), is_meant);
        let mut expected = lines.clone();
        if let Some(first) = expected.iter().position(is_meant) {
            expected.remove(first);
        }
        prop_assert_eq!(&rest, &expected);
        prop_assert_eq!(&try_without_first(lines.clone(), |it| Ok(is_meant(it))).unwrap(), &expected);
        let changed = replaced_where(lines.clone(), is_meant, |old| (old.0, old.1 + 10));
        let one_by_one = |(old, new): (&Line, &Line)| {
            *new == if is_meant(old) { (old.0, old.1 + 10) } else { *old }
        };
        prop_assert_eq!(changed.len(), lines.len());
        prop_assert!(lines.iter().zip(&changed).all(one_by_one));
        let fallible =
            try_replaced_where(lines, |it| Ok(is_meant(it)), |old| Ok((old.0, old.1 + 10)));
        prop_assert_eq!(fallible.unwrap(), changed);
    }

    #[test]
    fn what_is_distinct_stands_once_where_it_stood_first(numbers in vec(0_u8..6, 0..12)) {
        let kept = distinct(&numbers);
        prop_assert_eq!(&distinct(kept.clone()), &kept);
        prop_assert_eq!(&distinct_records(&numbers), &kept);
        prop_assert!(numbers.iter().all(|number| kept.contains(&number)));
        let first = |wanted: &u8| numbers.iter().position(|number| number == wanted);
        prop_assert!(kept.windows(2).all(|two| first(two[0]) < first(two[1])));
    }

    /// Each item stands in one group, that of its key, where the items keep their order.
    #[test]
    fn groups_are_the_list_taken_apart(lines in lines()) {
        let groups = grouped_by(lines.iter(), |line| line.0);
        prop_assert_eq!(groups.values().map(Vec::len).sum::<usize>(), lines.len());
        for (key, group) in &groups {
            let of_key: Vec<&Line> = lines.iter().filter(|line| line.0 == *key).collect();
            prop_assert_eq!(group, &of_key);
        }
        let last = entries_by(lines.iter(), |line| line.0, |line| line.1);
        let last_of_group = mapped_values(groups, |group| group.last().map(|line| line.1));
        prop_assert_eq!(mapped_values(last, Some), last_of_group);
        let fallible = try_grouped_by(lines.iter(), |line| Ok(line.0)).unwrap();
        prop_assert_eq!(fallible, grouped_by(lines.iter(), |line| line.0));
    }

    /// What a condition keeps of a map and what its opposite keeps is the map.
    #[test]
    fn a_condition_splits_a_map_in_two(lines in lines(), limit in -3_i64..4) {
        let map = entries_by(lines, |line| line.0, |line| line.1);
        let kept = kept_entries(map.clone(), |key, value| i64::from(*key) + value < limit);
        let rest = try_kept_entries(map.clone(), |key, value| Ok(i64::from(*key) + value >= limit));
        prop_assert!(kept.iter().all(|(key, value)| i64::from(*key) + value < limit));
        let mut both = rest.unwrap();
        prop_assert!(kept.keys().all(|key| !both.contains_key(key)));
        both.extend(kept);
        prop_assert_eq!(both, map);
    }

    /// A sum that leaves the range on its way is refused, also where it would come back.
    #[test]
    fn a_sum_is_exact_or_refused(numbers in vec(prop_oneof![any::<i64>(), -9_i64..9], 0..6)) {
        let mut exact = Some(0_i64);
        for number in &numbers {
            exact = exact.and_then(|sum| sum.checked_add(*number));
        }
        prop_assert_eq!(summed(numbers.clone()).ok(), exact);
        prop_assert_eq!(try_summed(numbers.into_iter().map(Ok)).ok(), exact);
    }
}

#[test]
fn sums_start_at_zero() {
    assert_eq!(summed(Vec::<i64>::new()), Ok(0));
    assert_eq!(summed([dec!(0.1), dec!(0.2)]).map(|sum| sum.to_string()), Ok("0.3".to_owned()));
    assert_eq!(summed(Vec::<Decimal>::new()), Ok(Decimal::ZERO));
    assert_eq!(summed([Duration::from_micros(1); 3]), Ok(Duration::from_micros(3)));
    assert!(matches!(summed([Decimal::MAX, dec!(1)]), Err(EvalError::Overflow(_))));
    assert!(matches!(summed([Decimal::MAX, dec!(0.1)]), Err(EvalError::Overflow(_))));
}

/// Neither skipped nor taken for a no, and nothing behind it is asked.
#[test]
fn the_first_failure_ends_the_whole() {
    let asked = Cell::new(0);
    let fails_at_two = |number: &i64| {
        asked.set(asked.get() + 1);
        if *number == 2 { Err(failed()) } else { Ok(*number > 2) }
    };
    let numbers = [1_i64, 2, 3];
    let all = [
        try_any(&numbers, fails_at_two).map(drop),
        try_all([3_i64, 2, 1].iter(), fails_at_two).map(drop),
        try_filtered(numbers, fails_at_two).map(drop),
        try_find(numbers, fails_at_two).map(drop),
        try_position(&numbers, fails_at_two).map(drop),
        try_without_first(numbers, fails_at_two).map(drop),
        try_replaced_where(numbers, fails_at_two, |number| Ok(*number)).map(drop),
        try_sorted_by(numbers, fails_at_two).map(drop),
        try_sorted_by_desc(numbers, fails_at_two).map(drop),
        try_min_by(numbers, fails_at_two).map(drop),
        try_max_by(numbers, fails_at_two).map(drop),
        try_upserted_by(numbers, fails_at_two, 4, |old| Ok(*old)).map(drop),
        try_summed(numbers.iter().map(|number| fails_at_two(number).map(i64::from))).map(drop),
    ];
    for (at, outcome) in all.iter().enumerate() {
        assert_eq!(*outcome, Err(failed()), "{at}");
    }
    // Twice each, and once more for the key of what is put in.
    assert_eq!(asked.get(), 2 * all.len() + 1);
}

#[test]
fn what_is_decided_is_not_asked_further() {
    let fails_behind = |number: &i64| if *number > 1 { Err(failed()) } else { Ok(true) };
    let numbers = [1_i64, 2];
    assert_eq!(try_any(&numbers, fails_behind), Ok(true));
    assert_eq!(try_find(numbers, fails_behind), Ok(Some(1)));
    assert_eq!(try_position(&numbers, fails_behind), Ok(Some(0)));
    assert_eq!(try_without_first(numbers, fails_behind), Ok(vec![2]));
    assert_eq!(try_all(&numbers, |number| fails_behind(number).map(|holds| !holds)), Ok(false));
}

#[test]
fn a_pattern_describes_a_whole_text_or_parts() {
    let either = crate::pattern!("a|ab");
    assert!(either.matches("a") && either.matches("ab"));
    assert!(!either.matches("abb") && !either.matches("xa") && !either.matches("a\n"));
    let empty = crate::pattern!("");
    assert!(empty.matches("") && !empty.matches("a"));
    let digits = crate::pattern!("[0-9]+");
    // The new text is no template, wherever it comes from.
    assert_eq!(digits.replace_all("a1b22", "$0"), "a$0b$0");
    assert_eq!(crate::pattern!("(?m)^b").replace_all("b\nb", "ä"), "ä\nä");
    assert!(!crate::pattern!("(?m)a$").matches("a\nb"));
}

/// A pattern that makes other matchers go back and forth for years.
#[test]
fn a_long_text_takes_no_longer_for_its_pattern() {
    let text = "a".repeat(2_000);
    assert!(!crate::pattern!("(a*)*b").matches(&text));
}
